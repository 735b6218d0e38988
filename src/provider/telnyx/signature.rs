//! `telnyx-signature-ed25519` and `telnyx-timestamp`: proof that a request comes from Telnyx, and is no older one sent again.
//!
//! What is signed: the timestamp, a vertical bar, and the body byte for byte. The URL is not.

use std::fmt;

use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Millis;

/// The headers' names as HTTP/2 writes them.
pub const HEADERS: [&str; 2] = ["telnyx-signature-ed25519", "telnyx-timestamp"];

/// How far the timestamp may be from our clock, in seconds either way: Telnyx's own packages take as much.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Bytes of a public key.
const KEY: usize = 32;
/// Bytes of a signature.
const SIGNATURE: usize = 64;
/// What stands before an Ed25519 key in its DER form (RFC 8410): the algorithm's name, and a bit string of 32 bytes.
const DER_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The account's public key, as the portal shows it.
#[derive(Clone)]
pub struct PublicKey(ParsedPublicKey);

/// The text is no Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key (base64 of 32 bytes, or PEM)")]
pub struct NotAPublicKey;

impl PublicKey {
    /// Reads base64 of the 32 bytes, as the portal shows them, or of the key's DER form, with or without the lines of PEM around
    /// it. Variables often hold line breaks as `\n`.
    ///
    /// # Errors
    /// When the text has any other form.
    pub fn parse(text: &str) -> Result<Self, NotAPublicKey> {
        let text = text.replace("\\n", "\n");
        let bare = text.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "");
        let base64: String = bare.split_whitespace().collect();
        let bytes = STANDARD.decode(base64).map_err(|_| NotAPublicKey)?;
        let key = bytes.strip_prefix(&DER_HEAD).unwrap_or(&bytes);
        if key.len() != KEY {
            return Err(NotAPublicKey);
        }
        ParsedPublicKey::new(&ED25519, key).map(Self).map_err(|_| NotAPublicKey)
    }

    /// Whether Telnyx signed this body, at about `now`; both headers' values as they came.
    pub fn verify(&self, body: &[u8], signature: &str, timestamp: &str, now: Millis) -> bool {
        if !is_of_now(timestamp, now) {
            return false;
        }
        let Some(signature) = read(signature) else { return false };
        let mut message = Vec::with_capacity(timestamp.len() + 1 + body.len());
        message.extend_from_slice(timestamp.as_bytes());
        message.push(b'|');
        message.extend_from_slice(body);
        self.0.verify_sig(&message, &signature).is_ok()
    }
}

/// A public key is no secret, and of no use in a log.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(…)")
    }
}

/// Whether a timestamp is near enough to `now`.
pub(super) fn is_of_now(timestamp: &str, now: Millis) -> bool {
    seconds(timestamp).is_some_and(|signed_at| signed_at.abs_diff(now.0 / 1_000) <= TOLERANCE_SECONDS)
}

/// Whole seconds since the Unix epoch, digits alone.
fn seconds(timestamp: &str) -> Option<u64> {
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| timestamp.parse().ok()).flatten()
}

/// The bytes of a signature; `None` for anything but padded standard base64 of 64 bytes.
fn read(signature: &str) -> Option<[u8; SIGNATURE]> {
    // The decoder asks for room in whole groups of three.
    let mut bytes = [0; SIGNATURE + 2];
    let length = STANDARD.decode_slice(signature, &mut bytes).ok()?;
    bytes[..length].try_into().ok()
}

#[cfg(test)]
mod tests;
