//! The address a carrier knows this server by: what the URLs it is given are built from, and what signatures cover.

use std::fmt;

use url::Url;

use crate::ids::SessionId;

/// The configured public URL, in the one spelling that is given to the carrier and therefore signed by it.
///
/// A path is kept as a prefix: behind a proxy that strips it, the whole is still what is signed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// `https` rather than `http`; the media socket is `wss` or `ws` accordingly.
    pub(super) secure: bool,
    /// Host, with credentials where the URL has them, without the port.
    pub(super) host: String,
    /// `:` and the port, the scheme's own (443, 80) where none is written.
    pub(super) port: String,
    /// The path without its trailing slash; mostly empty.
    pub(super) prefix: String,
    /// The whole, as URLs are built from it.
    base: String,
}

/// The text is no address to be reached at. Does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public URL (http or https, a host, no query and no fragment)")]
pub struct NotAPublicUrl;

impl PublicUrl {
    /// Reads `http(s)://host[:port][/prefix]`; scheme and host in any case, with or without a trailing slash.
    ///
    /// # Errors
    /// When the text has any other form.
    pub fn parse(text: &str) -> Result<Self, NotAPublicUrl> {
        let url = Url::parse(text.trim()).map_err(|_| NotAPublicUrl)?;
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(NotAPublicUrl),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NotAPublicUrl);
        }
        let name = url.host_str().filter(|name| !name.is_empty()).ok_or(NotAPublicUrl)?;
        let host = match (url.username(), url.password()) {
            ("", None) => name.to_owned(),
            (user, None) => format!("{user}@{name}"),
            (user, Some(password)) => format!("{user}:{password}@{name}"),
        };
        let written = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let port = if written.is_empty() { if secure { ":443" } else { ":80" }.to_owned() } else { written.clone() };
        let prefix = url.path().trim_end_matches('/').to_owned();
        let base = format!("{}://{host}{written}{prefix}", url.scheme());
        Ok(Self { secure, host, port, prefix, base })
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Where every voice webhook of a session goes.
    pub fn webhook(&self, session: &SessionId) -> String {
        format!("{}/twiml?s={session}", self.base)
    }

    /// Where the webhooks about SMS go.
    pub fn sms(&self) -> String {
        format!("{}/sms", self.base)
    }

    /// Where the webhooks about messages go.
    pub fn texts(&self) -> String {
        format!("{}/whatsapp", self.base)
    }

    /// Where the media of the call connects. The token stands in the path: queries are dropped here.
    pub fn media(&self, token: &str) -> String {
        // `https://…` becomes `wss://…` and `http://…` becomes `ws://…`.
        format!("ws{}/media-stream/{token}", &self.base["http".len()..])
    }
}

/// Prints neither credentials nor prefix.
impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.host.rsplit('@').next().unwrap_or_default();
        write!(f, "PublicUrl({name}{})", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_builds_the_same_urls() {
        let session = SessionId::parse("call-1-7").unwrap();
        for (text, webhook, media) in [
            ("https://ex.org", "https://ex.org/twiml?s=call-1-7", "wss://ex.org/media-stream/T"),
            (" HTTPS://Ex.org:443/ ", "https://ex.org/twiml?s=call-1-7", "wss://ex.org/media-stream/T"),
            ("https://ex.org:8443//", "https://ex.org:8443/twiml?s=call-1-7", "wss://ex.org:8443/media-stream/T"),
            ("http://localhost:3333", "http://localhost:3333/twiml?s=call-1-7", "ws://localhost:3333/media-stream/T"),
            ("http://[::1]:3333/", "http://[::1]:3333/twiml?s=call-1-7", "ws://[::1]:3333/media-stream/T"),
            ("https://ex.org/callme/", "https://ex.org/callme/twiml?s=call-1-7", "wss://ex.org/callme/media-stream/T"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.webhook(&session).as_str(), url.media("T").as_str()), (webhook, media), "{text}");
        }
    }

    #[test]
    fn what_a_carrier_cannot_reach_is_no_public_url() {
        for text in
            ["", "ex.org", "ftp://ex.org", "wss://ex.org", "https://", "https://ex.org?a=1", "https://ex.org/#rc=2"]
        {
            assert_eq!(PublicUrl::parse(text), Err(NotAPublicUrl), "{text}");
        }
    }

    #[test]
    fn credentials_are_not_printed() {
        let url = PublicUrl::parse("https://user:word@ex.org/path").unwrap();
        assert_eq!(format!("{url:?}"), "PublicUrl(ex.org:443)");
    }
}
