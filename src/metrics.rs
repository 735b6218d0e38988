//! What the server counts and measures, as `/metrics` shows it (OpenMetrics text).
//!
//! Every label takes its value from a fixed set; nothing here can hold a number, a text or an id. Each series whose labels are
//! known is there from the start, at 0: so the first event is an increase. `docs/METRICS.md` lists them all.

mod calls;
mod door;
mod messages;
mod series;
mod speech;
mod store;

#[cfg(test)]
mod tests;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use calls::{DialResult, Standing, Turn};
pub use door::{Bound, Webhook};
pub use messages::{Expiring, Received, Text};
pub use speech::SpeechPart;
pub use store::Provider;

/// All of them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: calls::Calls,
    speech: speech::Sound,
    messages: messages::Messages,
    door: door::Door,
    store: store::Below,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("callme");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What runs", version);
        Self {
            calls: calls::Calls::new(&mut registry),
            speech: speech::Sound::new(&mut registry),
            messages: messages::Messages::new(&mut registry),
            door: door::Door::new(&mut registry),
            store: store::Below::new(&mut registry),
            registry,
        }
    }
}

impl Metrics {
    /// The text's media type.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// All of them as text, in the format of [`Metrics::CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail, and what was written until then is still true.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
