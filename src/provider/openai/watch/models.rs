//! `GET /v1/models`: which models there are, and the days on which they are to end.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::Date;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::provider::openai::endpoint::Endpoint;
use crate::provider::{ErrorClass, ProviderError};

/// How long the list may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest list that is read: the largest hosts have hundreds of models, each with a page of text.
const LONGEST: usize = 8 * 1024 * 1024;

/// Where the models are listed.
#[derive(Debug)]
pub(super) struct ModelList {
    client: Client,
    url: Url,
    key: SecretString,
}

/// The models of a list, with their last days where those are known.
#[derive(Debug, Default)]
pub(super) struct Models(HashMap<String, Option<Date>>);

impl ModelList {
    pub(super) fn new(endpoint: &Endpoint, key: &SecretString) -> Result<Self, ProviderError> {
        let client = Client::builder()
            .connect_timeout(PATIENCE)
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| ProviderError::ours(ErrorClass::Refused, "the system's certificates cannot be read"))?;
        Ok(Self { client, url: endpoint.models_url(), key: key.clone() })
    }

    /// The list; `None` when there is none to be had. Compatible servers may have none.
    pub(super) async fn read(&self) -> Option<Models> {
        let mut request = self.client.get(self.url.clone());
        if !self.key.expose_secret().is_empty() {
            request = request.bearer_auth(self.key.expose_secret());
        }
        let listed = async {
            let mut response = request.send().await.ok()?;
            let status = response.status().as_u16();
            if status != 200 {
                tracing::debug!(status, "the speech provider lists no models");
                return None;
            }
            let mut body = Vec::new();
            while let Some(bytes) = response.chunk().await.ok()? {
                body.extend_from_slice(&bytes);
                if body.len() > LONGEST {
                    return None;
                }
            }
            Models::parse(&body)
        };
        timeout(PATIENCE, listed).await.ok()?
    }
}

impl Models {
    fn parse(body: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(body).ok()?;
        let model = |model: &Value| {
            let end = model["shutdown_date"].as_str().and_then(|day| day.get(..10)).and_then(|day| day.parse().ok());
            Some((model["id"].as_str()?.to_owned(), end))
        };
        Some(Self(json["data"].as_array()?.iter().filter_map(model).collect()))
    }

    /// Whether there is no list.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the list has a model.
    pub(super) fn has(&self, model: &str) -> bool {
        self.0.contains_key(model)
    }

    /// The day on which a model is to end, where the list says so.
    pub(super) fn end_of(&self, model: &str) -> Option<Date> {
        self.0.get(model).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_far_as_it_can_be_understood() {
        let list =
            br#"{"object":"list","data":[{"id":"a","shutdown_date":"2027-01-06"},{"id":"b","shutdown_date":null},
            {"id":"c","shutdown_date":"soon"},{"id":7},null,{"id":"d","shutdown_date":"2027-02-26T00:00:00Z"}]}"#;
        let models = Models::parse(list).unwrap();
        let day = |model| models.end_of(model).map(|day| day.to_string());
        assert_eq!([day("a"), day("d")], [Some("2027-01-06".to_owned()), Some("2027-02-26".to_owned())]);
        for (model, known) in [("b", true), ("c", true), ("e", false)] {
            assert_eq!((models.has(model), day(model)), (known, None), "{model}");
        }
        for body in ["", "[]", "{}", r#"{"data":{}}"#, "<html>"] {
            assert!(Models::parse(body.as_bytes()).is_none(), "{body}");
        }
    }
}
