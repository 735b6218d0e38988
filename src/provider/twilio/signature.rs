//! `X-Twilio-Signature`: proof that a request comes from Twilio (HMAC-SHA1 with the account's auth token).
//!
//! What is signed: the URL Twilio was given, byte for byte, then every form field's name and decoded value, sorted and
//! without repetitions. Whether the port is part of that URL differs between Twilio's products, so both forms count, as
//! in its own SDKs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{PublicUrl, cuts};

/// The header's name as HTTP/2 and the media handshake write it.
pub const HEADER: &str = "x-twilio-signature";

/// Base64 of the 20 bytes of a SHA-1.
pub(super) const CHARS: usize = 28;

/// Twilio sends some forty; more are nobody's but a stranger's, who wants them sorted.
const MOST_FIELDS: usize = 256;

/// The fields of a form body, decoded, in the order in which they came.
pub type Fields = Vec<(String, String)>;

/// Decodes a form body as it is signed: `+` and `%XX` resolved, nothing trimmed, empty and repeated fields kept.
///
/// Bytes that are not UTF-8 become U+FFFD, as in Twilio's own validators; Twilio itself sends none.
pub fn fields(body: &[u8]) -> Fields {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Whether a form body has no more fields than Twilio could send.
pub fn has_few_fields(body: &[u8]) -> bool {
    body.split(|byte| *byte == b'&').nth(MOST_FIELDS).is_none()
}

/// The account's auth token, prepared once: a copy saves two of the compressions of each HMAC.
#[derive(Clone)]
pub struct Key(Hmac<Sha1>);

impl Key {
    /// Prepares the account's *primary* auth token; API keys and secondary tokens do not sign.
    pub fn new(auth_token: &SecretString) -> Self {
        let key = auth_token.expose_secret().as_bytes();
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// The header's value for a full URL and a form body; a request without a form body has no fields.
    pub fn sign(&self, url: &str, form: &[(String, String)]) -> String {
        let mut mac = self.0.clone();
        mac.update(url.as_bytes());
        add_fields(&mut mac, &in_order(form));
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Whether Twilio signed this request, with these fields: `path_and_query` raw as it was received, `form` as [`fields`] reads
    /// the body.
    pub fn verify(&self, public: &PublicUrl, path_and_query: &str, form: &[(String, String)], signature: &str) -> bool {
        let scheme = if public.secure { "https" } else { "http" };
        // First, since it costs nothing.
        let Some(signature) = read(signature) else { return false };
        let form = in_order(form);
        let signed = self.matches(scheme, public, &[path_and_query], &form, &signature)
            // WHATWG URLs write an apostrophe in the query as %27; Twilio may have signed that spelling.
            || with_escaped_apostrophes(path_and_query)
                .is_some_and(|escaped| self.matches(scheme, public, &[&escaped], &form, &signature));
        signed && cuts::are_as_sent(&form)
    }

    /// Whether Twilio signed this request with a JSON body: the URL carries the body's SHA-256 as `bodySHA256`.
    pub fn verify_json(&self, public: &PublicUrl, path_and_query: &str, body: &[u8], signature: &str) -> bool {
        let Some((_, query)) = path_and_query.split_once('?') else { return false };
        let Some(promised) = query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256=")) else { return false };
        let actual = HEXLOWER.encode(&Sha256::digest(body));
        bool::from(promised.as_bytes().ct_eq(actual.as_bytes())) && self.verify(public, path_and_query, &[], signature)
    }

    /// Whether Twilio signed this media handshake: the `wss` URL of the TwiML, perhaps with a slash at its end.
    pub fn verify_socket(&self, public: &PublicUrl, path: &str, signature: &str) -> bool {
        let scheme = if public.secure { "wss" } else { "ws" };
        read(signature).is_some_and(|signature| {
            self.matches(scheme, public, &[path], &[], &signature)
                || self.matches(scheme, public, &[path, "/"], &[], &signature)
        })
    }

    /// Tries the URL without the port and with it.
    fn matches(
        &self,
        scheme: &str,
        public: &PublicUrl,
        path: &[&str],
        form: &[&(String, String)],
        signature: &[u8],
    ) -> bool {
        ["", &public.port].into_iter().any(|port| {
            let mut mac = self.0.clone();
            for part in [scheme, "://", &public.host, port, &public.prefix].iter().chain(path) {
                mac.update(part.as_bytes());
            }
            add_fields(&mut mac, form);
            mac.verify_slice(signature).is_ok()
        })
    }
}

/// Shows nothing of the token.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The fields by name, then by value (not by the two written together), each once.
pub(super) fn in_order(form: &[(String, String)]) -> Vec<&(String, String)> {
    let mut form: Vec<_> = form.iter().collect();
    form.sort_unstable();
    form.dedup();
    form
}

fn add_fields(mac: &mut Hmac<Sha1>, form: &[&(String, String)]) {
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
}

/// The bytes of a signature; `None` for anything but padded standard base64 of 20 bytes.
fn read(signature: &str) -> Option<[u8; 20]> {
    if signature.len() != CHARS {
        return None;
    }
    // The decoder asks for room in whole groups of three.
    let mut bytes = [0; 21];
    let length = STANDARD.decode_slice(signature, &mut bytes).ok()?;
    bytes[..length].try_into().ok()
}

/// The same path and query with `'` as `%27` in the query; `None` where there is none.
fn with_escaped_apostrophes(path_and_query: &str) -> Option<String> {
    let (path, query) = path_and_query.split_once('?')?;
    query.contains('\'').then(|| format!("{path}?{}", query.replace('\'', "%27")))
}

#[cfg(test)]
mod tests;
