//! Logging: lines to standard error, as text or JSON, and a panic hook that keeps what a panic says to itself. In builds with
//! the feature `otel`, traces too.
//!
//! What a line must not show is private by type where it is made; nothing is filtered here.

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::LogFormat;

#[cfg(feature = "otel")]
mod traces;

/// The target of the spans that are sent to a collector. No line shows them: a line stands by itself.
pub const TRACED: &str = "traced";

/// What was begun with logging and is to be finished at the end.
#[derive(Debug)]
#[must_use = "what is not flushed is lost"]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    sender: Option<traces::Sender>,
}

impl Telemetry {
    /// Sends the traces that have not been sent yet, for a second at most.
    pub fn flush(self) {
        #[cfg(feature = "otel")]
        if let Some(sender) = self.sender {
            sender.flush();
        }
    }
}

/// Starts logging for the whole process and sets the panic hook. A second call changes nothing.
///
/// `filter` is a level or `tracing-subscriber`'s filter syntax; one that cannot be read counts as `info`, with a warning.
/// `collector` is the base URL of an OpenTelemetry collector, in builds with the feature `otel`. Not to be called by a task: the
/// collector's client waits for itself.
pub fn init(format: LogFormat, filter: &str, collector: Option<&str>) -> Telemetry {
    let (filter, readable) = parse(filter);
    // Colours are for people who watch, not for files.
    let colours = io::stderr().is_terminal();
    let lines = tracing_subscriber::registry().with(layer(format, colours, io::stderr).with_filter(filter));
    #[cfg(feature = "otel")]
    let sender = collector.map(traces::Sender::to);
    #[cfg(feature = "otel")]
    let lines = lines.with(sender.as_ref().and_then(|sender| sender.as_ref().ok()).map(traces::Sender::layer));
    #[cfg(not(feature = "otel"))]
    // Whoever set it has been warned with the other settings.
    let _ = collector;
    if lines.try_init().is_ok() {
        panic::set_hook(Box::new(report_panic));
    }
    if !readable {
        tracing::warn!(
            "CALLME_LOG (or RUST_LOG in its place) is no log filter; using info. The levels are off, error, warn, info, debug and trace"
        );
    }
    #[cfg(feature = "otel")]
    if sender.as_ref().is_some_and(Result::is_err) {
        tracing::warn!("traces are not sent: what would send them cannot be started");
    }
    Telemetry {
        #[cfg(feature = "otel")]
        sender: sender.and_then(Result::ok),
    }
}

/// The lines that [`init`] would write, into another writer: for those who read everything that is written.
pub fn lines<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
) -> impl tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(layer(format, false, writer).with_filter(parse(filter).0))
}

/// The filter, and whether it was one. Libraries below `info` stay quiet unless they are named: at `debug` and `trace`
/// some of them write headers and bodies.
fn parse(filter: &str) -> (EnvFilter, bool) {
    let ours_only = |directive: &str| match directive.trim().parse::<LevelFilter>() {
        Ok(level) if level > LevelFilter::INFO => format!("info,callme={level}"),
        _ => directive.trim().to_owned(),
    };
    let directives: Vec<String> = filter.split(',').map(ours_only).collect();
    // It writes what clients send also above that: host names, reasons, whole notifications.
    let filter = EnvFilter::try_new(format!("rmcp=off,{TRACED}=off,{}", directives.join(",")));
    match filter {
        Ok(filter) if !directives.iter().any(|directive| is_strange(directive)) => (filter, true),
        Ok(_) | Err(_) => (EnvFilter::new(format!("rmcp=off,{TRACED}=off,info")), false),
    }
}

/// Whether it is a bare word that is neither a level nor one of our modules. The filter would take a slip such as `warning` for
/// a module of that name, and then nothing at all would be written.
fn is_strange(directive: &str) -> bool {
    let is_word = !directive.is_empty() && !directive.contains(['=', '[', ']', '{', '}']);
    let is_ours = directive == "callme" || directive.starts_with("callme::");
    is_word && !is_ours && directive.parse::<LevelFilter>().is_err()
}

fn layer<S, W>(format: LogFormat, colours: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    match format {
        LogFormat::Text => fmt::layer().with_ansi(colours).with_writer(writer).boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .fmt_fields(JsonFields::new())
            .with_writer(writer)
            .boxed(),
    }
}

/// Logs where a panic happened. What it says is left out: an `expect` quotes its error, which may quote anything.
fn report_panic(info: &panic::PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    tracing::error!("panicked at {place}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::Written;

    fn written(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        tracing::subscriber::with_default(lines(format, filter, move || writer.clone()), log);
        written.take()
    }

    #[test]
    fn a_json_line_is_one_object_with_its_fields_at_the_top() {
        let line = written(LogFormat::Json, "info", || tracing::info!(calls = 3, "a call \"ended\""));
        let value: serde_json::Value = serde_json::from_str(line.trim_end()).expect("one JSON object");
        assert_eq!(
            (&value["message"], &value["calls"], &value["level"]),
            (&"a call \"ended\"".into(), &3.into(), &"INFO".into())
        );
    }

    #[test]
    fn the_level_opens_our_own_lines_only() {
        let both = || {
            tracing::debug!("ours");
            tracing::debug!(target: "hyper", "theirs");
        };
        assert_eq!(written(LogFormat::Text, "info", both), "");
        let debug = written(LogFormat::Text, "debug", both);
        assert!(debug.contains("ours") && !debug.contains("theirs"), "{debug}");
        let among_others = written(LogFormat::Text, "debug,other=info", both);
        assert!(among_others.contains("ours") && !among_others.contains("theirs"), "{among_others}");
        let named = written(LogFormat::Text, "warn,hyper=debug", both);
        assert!(!named.contains("ours") && named.contains("theirs"), "{named}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_info() {
        let (filter, readable) = parse("a=b=c");
        assert_eq!((filter.to_string().as_str(), readable), ("traced=off,rmcp=off,info", false));
    }

    #[test]
    fn a_word_that_is_no_level_does_not_silence_the_log() {
        for filter in ["warning", "verbose", "blah", "hyper", "callmeback", "debug,blah", "callme=debug,verbose"] {
            assert!(!parse(filter).1, "{filter}");
            let lines = written(LogFormat::Text, filter, || tracing::info!("a line"));
            assert!(lines.contains("a line"), "{filter}: {lines}");
        }
        for filter in [
            "off",
            "WARN",
            " info",
            "callme",
            "callme::media",
            "callme=debug,hyper=info",
            "info, callme::media=trace",
            "",
        ] {
            assert!(parse(filter).1, "{filter}");
        }
        assert_eq!(written(LogFormat::Text, "off", || tracing::error!("a line")), "");
    }

    #[test]
    fn a_panic_is_logged_by_its_place_and_not_by_its_words() {
        let line = written(LogFormat::Text, "info", || {
            let before = panic::take_hook();
            panic::set_hook(Box::new(report_panic));
            let result = panic::catch_unwind(|| panic!("secret words of +393331234567"));
            panic::set_hook(before);
            assert!(result.is_err());
        });
        assert!(line.contains("telemetry.rs") && !line.contains("secret") && !line.contains("4567"), "{line}");
    }
}
