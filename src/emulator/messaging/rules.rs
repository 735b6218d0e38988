//! How texts behave: what is known of it, and what is not and can be set either way.

use std::time::Duration;

/// How texts behave. The defaults let everything arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRules {
    /// When free-form texts arrive.
    pub window: WindowRule,
    /// How it shows that a text cannot arrive: not joined (63015), blocked (63014), outside the window (63016). One to
    /// somebody who opted out at the carrier (21610) is always refused.
    pub failing: Failing,
    /// From the sending to `sent`.
    pub sent_after: Duration,
    /// From `sent` to `delivered`; or from the sending to the failure.
    pub delivered_after: Duration,
    /// From `delivered` to `read`; `None` is never.
    pub read_after: Option<Duration>,
    /// Which texts have `onDeliveryUpdated` webhooks; `GET …/Receipts` knows in any case.
    pub receipts: ReceiptWebhooks,
    /// The server's own texts come back as `onMessageAdded`, also when they were sent without
    /// `X-Twilio-Webhook-Enabled: true`.
    pub echoes: bool,
    /// What the person writes in a conversation comes by the plain Messaging webhook as well, under an id of its own.
    pub plain_too: bool,
    /// `Source` of what the person writes.
    pub source: &'static str,
}

impl Default for TextRules {
    fn default() -> Self {
        Self {
            window: WindowRule::Lenient,
            failing: Failing::ByReceipt,
            sent_after: Duration::from_millis(200),
            delivered_after: Duration::from_millis(800),
            read_after: Some(Duration::from_secs(2)),
            receipts: ReceiptWebhooks::Always,
            echoes: false,
            plain_too: false,
            source: "WHATSAPP",
        }
    }
}

/// When free-form texts arrive; templates always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowRule {
    /// As long as the person has never written, and within 24 hours of what they wrote last.
    Lenient,
    /// Within 24 hours of what the person wrote last only, as on the real WhatsApp.
    Strict,
}

/// How it shows that a text cannot arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It is taken (201), and its receipt says so later.
    ByReceipt,
    /// It is refused (400).
    AtOnce,
}

/// Which texts have `onDeliveryUpdated` webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptWebhooks {
    /// All.
    Always,
    /// Those sent with `X-Twilio-Webhook-Enabled: true`.
    IfAsked,
    /// None.
    Never,
}
