//! Traces: how long requests and sessions took, sent to a collector as OTLP over HTTP. Only builds with the feature `otel` have
//! this, and only [`TRACED`] spans are sent, which say what a log line may say; log lines are not.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::TRACED;

/// How long one batch may take. Spans that come meanwhile wait, at most 2,048 of them; then they are dropped, and nobody waits.
const EXPORT_WITHIN: Duration = Duration::from_secs(3);
/// How long the end of the process is put off for the last of them: the goodbye on a call takes up to 4 of the 8 seconds.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// What sends spans; towards one collector.
#[derive(Debug)]
pub(super) struct Sender(SdkTracerProvider);

impl Sender {
    /// Towards the collector at this base URL.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn to(collector: &str) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{collector}/v1/traces"))
            .with_timeout(EXPORT_WITHIN)
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("callme").with_attribute(version).build();
        Ok(Self(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
    }

    /// What takes the spans up, with their own fields and nothing else.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("callme"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_level(false)
            .with_target(false)
            .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TRACED))
    }

    /// Sends what is left, for [`FLUSH_WITHIN`] at most.
    pub(super) fn flush(self) {
        // What cannot be sent by then is lost: nobody may wait for a collector.
        let _ = self.0.shutdown_with_timeout(FLUSH_WITHIN);
    }
}
