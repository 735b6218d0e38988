//! Everything that is logged: the lines as they are written, and beside them each field of each event and span.

use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};

use callme::config::LogFormat;
use callme::telemetry;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What was written so far.
#[derive(Clone, Default)]
pub(crate) struct Ink(Arc<Mutex<String>>);

/// What is logged is collected while this is there.
pub(crate) struct Collecting {
    _guard: DefaultGuard,
    /// With a single subscriber, tracing lets whichever thread comes by a line first decide whether it is ever written.
    _beside: Dispatch,
}

impl Ink {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Collects what this thread logs until the guard goes.
    pub(crate) fn collect(&self, format: LogFormat, filter: &str) -> Collecting {
        let writer = self.clone();
        let lines = telemetry::lines(format, filter, move || writer.clone());
        // Fields that no line shows are read all the same.
        let fields = Fields(self.clone()).with_filter(EnvFilter::new("info,callme=trace"));
        let beside = Dispatch::new(NoSubscriber::default());
        Collecting { _guard: tracing::subscriber::set_default(lines.with(fields)), _beside: beside }
    }

    pub(crate) fn written(&self) -> String {
        self.0.lock().expect("no holder of the lock panics").clone()
    }
}

impl io::Write for Ink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no holder of the lock panics").push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes each field as `name=value` on a line of its own.
struct Fields(Ink);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut ink = self.0.0.lock().expect("no holder of the lock panics");
        let _ = writeln!(ink, "{}={value:?}", field.name());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Fields {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut Self(self.0.clone()));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Self(self.0.clone()));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Self(self.0.clone()));
    }
}
