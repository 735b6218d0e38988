use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;

/// A label's name and value.
type Label = (String, String);

/// The samples of a text: names with their labels, and values. The bounds of a histogram's buckets are no labels here.
fn samples(text: &str) -> Vec<(String, Vec<Label>, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
            let labels = labels.map(|label| {
                let (name, value) = label.split_once('=').expect("a label has a value");
                (name.to_owned(), value.trim_matches('"').to_owned())
            });
            (name.to_owned(), labels.filter(|(name, _)| name != "le").collect(), value.to_owned())
        })
        .collect()
}

/// Every series by name and labels.
fn series(text: &str) -> BTreeSet<String> {
    samples(text).into_iter().map(|(name, labels, _)| format!("{name} {labels:?}")).collect()
}

/// What a metric goes by in queries, what it is, and what it tells: one row of the table in the docs.
fn rows(text: &str) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let samples = samples(text);
    let tagged = |tag: &str| -> BTreeMap<&str, &str> {
        let tag = format!("# {tag} ");
        text.lines().filter_map(|line| line.strip_prefix(&tag)?.split_once(' ')).collect()
    };
    let (helps, units) = (tagged("HELP"), tagged("UNIT"));
    for (family, kind) in tagged("TYPE") {
        let (query, kind) = match kind {
            "counter" => (format!("{family}_total"), "counter"),
            "info" => (format!("{family}_info"), "gauge"),
            _ => (family.to_owned(), kind),
        };
        let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let belongs = |name: &str| name == query || (kind == "histogram" && name == format!("{query}_count"));
        for (_, own, _) in samples.iter().filter(|(name, ..)| belongs(name)) {
            for (name, value) in own {
                labels.entry(name.as_str()).or_default().insert(value.as_str());
            }
        }
        let labels = labels.into_iter().map(|(name, values)| match name {
            "version" => format!("`{name}`"),
            _ => format!("`{name}`: {}", values.into_iter().collect::<Vec<_>>().join(", ")),
        });
        let labels = labels.collect::<Vec<_>>().join("; ");
        let (unit, help) = (units.get(family).unwrap_or(&""), helps[family]);
        rows.insert(query.clone(), format!("| `{query}` | {kind} | {labels} | {unit} | {help} |"));
    }
    rows
}

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One of everything.
fn drive(metrics: &Arc<Metrics>) {
    let took = Duration::from_millis(20);
    metrics.sessions(3);
    metrics.store_degraded(true);
    metrics.call_ended("answered", "agent");
    metrics.dialed(DialResult::Placed, took);
    metrics.dial_ended("no-answer");
    metrics.dial_ended("not-dialed");
    metrics.turn("whatsapp", Turn::NoReply);
    metrics.text(Text::OptIn);
    metrics.received(Received::Refused);
    metrics.webhook(Webhook::Forged);
    metrics.limit(Bound::LiveCalls);
    metrics.gaps(2);
    metrics.media_reconnected();
    metrics.media_frames(3, 1);
    metrics.media_refused();
    metrics.late_frames(5);
    metrics.speech_deviated();
    metrics.speech_moved(SpeechPart::Tts);
    metrics.speech_model_ends(SpeechPart::Stt, Some(1_803_600_000));
    metrics.provider_failed(Provider::Carrier, "refused", Some("21215"));
    metrics.frame_to_stt(took);
    metrics.tts_to_frame(took);
    metrics.speech_to_clear(took);
    metrics.stt_final(took);
    metrics.tts_first_byte(took);
    metrics.request_to_dial(took);
    metrics.dial_to_ring(took);
    metrics.ring_to_answer(took);
    metrics.answer_to_audio(took);
    metrics.reply_to_response(took);
    metrics.webhook_took(took);
    metrics.store_committed(took);
}

#[test]
fn every_metric_moves_when_its_moment_comes() {
    let metrics = Arc::new(Metrics::default());
    let before = samples(&metrics.render());
    let (mut standing, mut expiring) = (Standing::new(Arc::clone(&metrics)), Expiring::new(Arc::clone(&metrics)));
    standing.set(Some("ringing"));
    expiring.set(true);
    drive(&metrics);
    let text = metrics.render();
    for line in [
        "callme_sessions 3",
        "callme_store_degraded 1",
        "callme_calls_total{dial=\"answered\",ended_by=\"agent\"} 1",
        "callme_dials_total{result=\"placed\"} 1",
        "callme_dials_ended_total{dial=\"no-answer\"} 1",
        "callme_turns_total{channel=\"whatsapp\",result=\"no-reply\"} 1",
        "callme_messages_total{direction=\"out\",result=\"opt-in\"} 1",
        "callme_messages_total{direction=\"in\",result=\"refused\"} 1",
        "callme_limits_total{limit=\"live-calls\"} 1",
        "callme_sessions_by_state{state=\"ringing\"} 1",
        "callme_windows_expiring 1",
        "callme_provider_errors_total{provider=\"carrier\",code=\"21215\"} 1",
        "callme_webhooks_total{result=\"forged\"} 1",
        "callme_audio_gaps_total 2",
        "callme_media_reconnects_total 1",
        "callme_media_frames_total{fate=\"lost\"} 3",
        "callme_media_frames_total{fate=\"late\"} 1",
        "callme_media_frames_refused_total 1",
        "callme_late_frames_total 5",
        "callme_speech_deviations_total 1",
        "callme_speech_moves_total{part=\"tts\"} 1",
        "callme_speech_model_end_timestamp_seconds{part=\"stt\"} 1803600000",
        "callme_frame_to_stt_seconds_count 1",
        "callme_speech_to_clear_seconds_sum 0.02",
        "# EOF",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }
    let after = samples(&text);
    let names: BTreeSet<_> = before.iter().map(|(name, ..)| name).collect();
    for name in names.into_iter().filter(|name| *name != "callme_build_info" && !name.ends_with("_bucket")) {
        let own = |all: &[_]| -> Vec<_> {
            all.iter().filter(|(other, ..): &&(String, Vec<Label>, String)| other == name).cloned().collect()
        };
        assert_ne!(own(&before), own(&after), "{name} does not move");
    }
    drop((standing, expiring));
    let text = metrics.render();
    for line in ["callme_sessions_by_state{state=\"ringing\"} 0", "callme_windows_expiring 0"] {
        assert!(text.lines().any(|have| have == line), "a session that is gone still counts: {line}");
    }
}

#[test]
fn a_session_stands_in_one_state_at_a_time() {
    let metrics = Arc::new(Metrics::default());
    let mut standing = Standing::new(Arc::clone(&metrics));
    for state in ["dialing", "ringing", "ringing", "speaking", "messaging", "ending"] {
        standing.set(Some(state));
        let text = metrics.render();
        let by_state = |(name, labels, value): (String, Vec<Label>, String)| {
            (name == "callme_sessions_by_state" && value != "0").then_some((labels, value))
        };
        let want = vec![(vec![("state".to_owned(), state.to_owned())], "1".to_owned())];
        assert_eq!(samples(&text).into_iter().filter_map(by_state).collect::<Vec<_>>(), want);
    }
    standing.set(None);
    assert!(
        !metrics.render().lines().any(|line| line.starts_with("callme_sessions_by_state") && !line.ends_with(" 0"))
    );
}

#[test]
fn whatever_happens_makes_no_series_that_was_not_there_from_the_start() {
    let metrics = Arc::new(Metrics::default());
    let before = series(&metrics.render());
    drive(&metrics);
    for provider in [Provider::Carrier, Provider::Messaging, Provider::Tts, Provider::Stt] {
        for code in ["+393331234567", "", "21215 ", "\"}\n# EOF", "21211", "99999", "model_not_found", "sk-secret"] {
            metrics.provider_failed(provider, "unknown", Some(code));
        }
        metrics.provider_failed(provider, "unknown", None);
    }
    assert_eq!(series(&metrics.render()), before);
}

#[test]
fn a_code_that_is_not_told_apart_is_counted_as_other() {
    let metrics = Metrics::default();
    for (class, code) in [("refused", Some("no-such-code")), ("busy", None), ("refused", Some("21211"))] {
        metrics.provider_failed(Provider::Carrier, class, code);
    }
    let text = metrics.render();
    for code in ["other", "busy", "21211"] {
        let line = format!("callme_provider_errors_total{{provider=\"carrier\",code=\"{code}\"}} 1");
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
}

#[test]
fn the_codes_of_both_carriers_are_told_apart() {
    let metrics = Metrics::default();
    let carrier = "20003 21201 21205 21213 13224 13227 32205 10009 10010 10011 10015 10016 10027";
    let messaging = "30034 63013 63027 92006 10009 10010 10011 40305 131031 132000 132001 132015 133010 130429";
    for (provider, name, codes) in
        [(Provider::Carrier, "carrier", carrier), (Provider::Messaging, "messaging", messaging)]
    {
        for code in codes.split(' ') {
            metrics.provider_failed(provider, "permanent", Some(code));
            let line = format!("callme_provider_errors_total{{provider=\"{name}\",code=\"{code}\"}} 1");
            let text = metrics.render();
            assert!(text.lines().any(|have| have == line), "{line}");
        }
    }
}

#[test]
fn what_the_alerts_and_the_dashboard_ask_for_is_there_from_the_start() {
    let text = Metrics::default().render();
    let names: BTreeSet<String> = samples(&text).into_iter().map(|(name, ..)| name).collect();
    let mut asked = 0;
    for path in ["deploy/prometheus/callme.rules.yml", "deploy/grafana/callme.json"] {
        let page = repository(path);
        for (at, _) in page.match_indices("callme_") {
            let name: String = page[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(names.contains(&name), "{path} asks for {name}, of which /metrics has nothing");
            asked += 1;
        }
    }
    assert!(asked > 70, "only {asked} were found");
}

#[test]
fn the_docs_list_every_metric_with_its_labels_and_unit() {
    let page = repository("docs/METRICS.md");
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("| `callme_")).collect();
    let rows: Vec<String> = rows(&Metrics::default().render()).into_values().collect();
    assert!(listed == rows, "docs/METRICS.md should have these rows, in this order:\n{}", rows.join("\n"));
}
