//! Where the provider is: `OPENAI_API_BASE_URL` in all the forms people write it, and the addresses we use below it.

use std::fmt;

use url::Url;

/// OpenAI itself.
const OPENAI: &str = "https://api.openai.com/v1";

/// The base of a provider's API, up to and including `/v1`.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http` or `https`; the path ends in `/v1`, without a slash behind.
    base: Url,
}

/// Why a text is no base URL. Does not quote it: gateways put secrets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Not a URL with a host.
    #[error("not a URL; expected something like {OPENAI}")]
    NotAUrl,
    /// Something other than http, https, ws or wss.
    #[error("the scheme must be http, https, ws or wss")]
    Scheme,
}

impl Endpoint {
    /// Reads a base URL: http(s) or ws(s), with or without `/v1`, a slash at the end, a port, a path of a gateway. A
    /// query is kept for all addresses (some gateways want one).
    ///
    /// # Errors
    /// When it is not a URL of one of these schemes.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let mut base = Url::parse(text.trim()).map_err(|_| BadEndpoint::NotAUrl)?;
        let secure = match base.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(BadEndpoint::Scheme),
        };
        base.set_scheme(if secure { "https" } else { "http" }).map_err(|()| BadEndpoint::Scheme)?;
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/');
        let path = if path.ends_with("/v1") { path.to_owned() } else { format!("{path}/v1") };
        base.set_path(&path);
        Ok(Self { base })
    }

    /// Where speech is made: a plain POST.
    pub fn speech_url(&self) -> Url {
        self.below("/audio/speech")
    }

    /// Where the models are listed.
    pub fn models_url(&self) -> Url {
        self.below("/models")
    }

    /// Where speech is heard: a WebSocket for a transcription session. Without `model`: with one, the provider opens a
    /// conversation instead and refuses the transcription settings.
    pub fn transcription_url(&self) -> Url {
        self.realtime_url("intent", "transcription")
    }

    /// Where speech is made without a request for each: a WebSocket for a session with this model.
    pub fn conversation_url(&self, model: &str) -> Url {
        self.realtime_url("model", model)
    }

    fn realtime_url(&self, name: &str, value: &str) -> Url {
        let mut url = self.below("/realtime");
        let scheme = if self.base.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).expect("http and ws are both schemes with a host");
        url.query_pairs_mut().append_pair(name, value);
        url
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::parse(OPENAI).expect("the constant is a URL")
    }
}

/// Prints the host only: user info, path and query of a gateway's URL can be secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.base.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_the_base_leads_to_the_same_addresses() {
        let openai =
            ("https://api.openai.com/v1/audio/speech", "wss://api.openai.com/v1/realtime?intent=transcription");
        let local = ("http://localhost:8000/v1/audio/speech", "ws://localhost:8000/v1/realtime?intent=transcription");
        let gateway = (
            "https://gw.example/acct/openai/v1/audio/speech",
            "wss://gw.example/acct/openai/v1/realtime?intent=transcription",
        );
        let cases = [
            ("https://api.openai.com", openai),
            ("https://api.openai.com/", openai),
            ("https://api.openai.com/v1", openai),
            (" https://api.openai.com/v1/ ", openai),
            ("https://api.openai.com:443/v1//", openai),
            ("wss://api.openai.com/v1", openai),
            ("WSS://api.openai.com", openai),
            ("http://localhost:8000", local),
            ("http://localhost:8000/v1/", local),
            ("ws://localhost:8000/v1#here", local),
            ("https://gw.example/acct/openai", gateway),
            ("https://gw.example/acct/openai/v1", gateway),
            ("wss://gw.example/acct/openai/", gateway),
            (
                "https://gw.example/v1/acct?api-version=3",
                (
                    "https://gw.example/v1/acct/v1/audio/speech?api-version=3",
                    "wss://gw.example/v1/acct/v1/realtime?api-version=3&intent=transcription",
                ),
            ),
        ];
        for (text, (speech, realtime)) in cases {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.speech_url().as_str(), speech, "{text}");
            assert_eq!(endpoint.transcription_url().as_str(), realtime, "{text}");
        }
        assert_eq!(Endpoint::default().speech_url().as_str(), openai.0);
        assert_eq!(Endpoint::default().models_url().as_str(), "https://api.openai.com/v1/models");
        let url = Endpoint::default().conversation_url("a model&more");
        assert_eq!(url.as_str(), "wss://api.openai.com/v1/realtime?model=a+model%26more");
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for (text, why) in [
            ("", BadEndpoint::NotAUrl),
            ("api.openai.com", BadEndpoint::NotAUrl),
            ("https://", BadEndpoint::NotAUrl),
            ("localhost:8000", BadEndpoint::Scheme),
            ("ftp://api.openai.com", BadEndpoint::Scheme),
        ] {
            assert_eq!(Endpoint::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn printing_an_endpoint_shows_no_secret_of_its_url() {
        let endpoint = Endpoint::parse("https://me:hush@gw.example/hush?key=hush").unwrap();
        assert_eq!(format!("{endpoint:?}"), "Endpoint(gw.example)");
    }
}
