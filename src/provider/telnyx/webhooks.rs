//! Telnyx's voice webhooks behind the port: proven and read. Nothing in the answer to one tells Telnyx anything.

use std::fmt;
use std::sync::Arc;

use super::event;
use super::signature::{HEADERS, PublicKey};
use crate::clock::Clock;
use crate::provider::{BadWebhook, CallDocuments, CarrierWebhooks, SignedRequest, Told};

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
