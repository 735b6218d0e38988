//! Telnyx's voice webhooks behind the port: proven and read. Nothing in the answer to one tells Telnyx anything.

use std::fmt;
use std::sync::Arc;

use super::event;
use super::signature::{HEADERS, PublicKey, is_of_now};
use crate::clock::Clock;
use crate::provider::calls::looks_like_base64;
use crate::provider::{BadWebhook, CallDocuments, CarrierWebhooks, SignedRequest, Told};

/// Letters of a signature: base64 of 64 bytes.
const SIGNATURE: usize = 88;

/// The webhooks of one Telnyx connection.
pub struct TelnyxWebhooks {
    connection: String,
    key: PublicKey,
    clock: Arc<dyn Clock>,
}

impl TelnyxWebhooks {
    /// Webhooks about the calls of `connection`, signed for `key`; `clock` tells an old one from a new one.
    pub fn new(connection: String, key: PublicKey, clock: Arc<dyn Clock>) -> Self {
        Self { connection, key, clock }
    }
}

impl fmt::Debug for TelnyxWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TelnyxWebhooks")
    }
}

impl CarrierWebhooks for TelnyxWebhooks {
    fn signature_headers(&self) -> &'static [&'static str] {
        &HEADERS
    }

    fn may_be_signed(&self, signature: &[&str]) -> bool {
        let [signature, timestamp] = signature else { return false };
        looks_like_base64(signature, SIGNATURE) && is_of_now(timestamp, self.clock.now())
    }

    fn verify(&self, request: &SignedRequest<'_>) -> bool {
        let [signature, timestamp] = request.signature else { return false };
        self.key.verify(request.body, signature, timestamp, self.clock.now())
    }

    fn parse(&self, body: &[u8]) -> Result<Told, BadWebhook> {
        event::parse(body, &self.connection).map_err(|why| {
            tracing::warn!(%why, "a signed webhook was not understood");
            BadWebhook
        })
    }

    fn documents(&self) -> Option<&dyn CallDocuments> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::clock::wall::WallClock;

    #[test]
    fn what_has_no_form_of_a_signature_or_is_not_of_now_is_told_before_the_body_is_read() {
        let key = PublicKey::parse(&format!("{}=", "A".repeat(43)));
        let clock = Arc::new(WallClock::starting_at(Millis(1_790_000_000_000)));
        let webhooks = TelnyxWebhooks::new("1".to_owned(), key.expect("32 bytes"), clock);
        let good = format!("{}==", "x".repeat(86));
        for (signature, timestamp, want) in [
            (&*good, "1790000000", true),
            (&*good, "1789999800", true),
            (&*good, "1789999600", false),
            (&*good, "1790000400", false),
            (&*good, "", false),
            (&*good, "now", false),
            (&good[1..], "1790000000", false),
            ("", "1790000000", false),
        ] {
            assert_eq!(webhooks.may_be_signed(&[signature, timestamp]), want, "{signature} {timestamp}");
        }
        assert!(!webhooks.may_be_signed(&[&good]));
    }
}
