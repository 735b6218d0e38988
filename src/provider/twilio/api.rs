//! The way to Twilio's REST APIs: one account, one HTTP client, and requests that are sent once. Twilio has no idempotency
//! key, so a second request is a second call or a second message.

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::provider::rest::{self, BadSettings, REQUEST_TIMEOUT};

/// One of Twilio's APIs, as one account uses it.
#[derive(Clone, Debug)]
pub(super) struct Api {
    account_sid: String,
    auth_token: SecretString,
    /// To which a resource is joined.
    pub(super) root: Url,
    client: reqwest::Client,
}

impl Api {
    /// The API below `path` at `base`; a path that `base` has is kept before it.
    pub(super) fn new(
        account_sid: String,
        auth_token: SecretString,
        base: &str,
        path: &[&str],
        client: reqwest::Client,
    ) -> Result<Self, BadSettings> {
        let root = rest::root(base, path)?;
        Ok(Self { account_sid, auth_token, root, client })
    }

    /// A request to a resource; `path` is escaped segment by segment.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.root.clone();
        url.path_segments_mut().expect("an http URL has a path").extend(path);
        self.authorized(method, url)
    }

    /// A request for the next page of a list, by the URL that the last one gave. `None` when that leads to another host:
    /// the auth token goes nowhere but where it was meant to.
    pub(super) fn next_page(&self, url: &str) -> Option<RequestBuilder> {
        let url = Url::parse(url).ok()?;
        (url.origin() == self.root.origin()).then(|| self.authorized(Method::GET, url))
    }

    fn authorized(&self, method: Method, url: Url) -> RequestBuilder {
        self.client
            .request(method, url)
            .timeout(REQUEST_TIMEOUT)
            .basic_auth(&self.account_sid, Some(self.auth_token.expose_secret()))
    }
}
