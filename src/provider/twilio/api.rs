//! The way to Twilio's REST APIs: one account, one HTTP client, and requests that are sent once. Twilio has no idempotency
//! key, so a second request is a second call or a second message.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// From name look-up to the end of the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The whole request, answer included. What takes longer counts as unknown.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep an idle connection: a dial must not be lost to one that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why an adapter cannot be made. Does not repeat the setting.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// An API's URL is not an `http` or `https` URL.
    #[error("the Twilio API URL is not an http or https URL")]
    ApiUrl,
    /// The HTTP client cannot be built (TLS roots).
    #[error("the HTTP client for Twilio cannot be built")]
    Client(#[source] reqwest::Error),
}

/// A client that neither follows redirects nor retries; one serves all of Twilio's APIs.
///
/// # Errors
/// When its TLS set-up is unusable.
pub fn client() -> Result<reqwest::Client, BadSettings> {
    reqwest::Client::builder()
        .user_agent(concat!("callme/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .map_err(|error| BadSettings::Client(error.without_url()))
}

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
        let mut root = Url::parse(base.trim()).map_err(|_| BadSettings::ApiUrl)?;
        if !matches!(root.scheme(), "http" | "https") {
            return Err(BadSettings::ApiUrl);
        }
        root.set_query(None);
        root.set_fragment(None);
        root.path_segments_mut().map_err(|()| BadSettings::ApiUrl)?.pop_if_empty().extend(path);
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
