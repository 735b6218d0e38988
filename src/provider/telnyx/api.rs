//! The way to Telnyx's REST API: one key, one HTTP client, and requests that are sent once.

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::provider::rest::{self, BadSettings, REQUEST_TIMEOUT};

/// Telnyx's API, as one account uses it.
#[derive(Clone, Debug)]
pub(super) struct Api {
    key: SecretString,
    /// `{api}/v2`.
    root: Url,
    client: reqwest::Client,
}

impl Api {
    /// The API at `base`, with a client of its own.
    pub(super) fn new(key: SecretString, base: &str) -> Result<Self, BadSettings> {
        Ok(Self { key, root: rest::root(base, &["v2"])?, client: rest::client()? })
    }

    /// A request to a resource; `path` is escaped segment by segment.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.root.clone();
        url.path_segments_mut().expect("an http URL has a path").extend(path);
        self.client.request(method, url).timeout(REQUEST_TIMEOUT).bearer_auth(self.key.expose_secret())
    }
}
