//! The load generator, run as people run it: a short load, in real time, on a server of its own.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_short_load_is_carried_whole_and_told_in_figures() {
    let arguments = ["bench", "calls", "--calls", "3", "--seconds", "4", "--json", "--unpinned"];
    let run = Command::new(env!("CARGO_BIN_EXE_callme")).args(arguments).output().expect("the binary runs");
    let (shown, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_str(&shown).unwrap_or_else(|_| panic!("one JSON object: {shown}{errors}"));
    assert_eq!(report["good"], run.status.success(), "{shown}{errors}");
    assert_eq!(report["problems"], serde_json::json!([]), "{shown}");
    let at = |pointer: &str| {
        report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {shown}"))
    };
    // Gaps are for an idle machine to judge.
    for zero in ["lost", "out_of_order", "foreign"] {
        assert!(at(&format!("/audio/{zero}")) == 0.0, "{zero} in {shown}");
    }
    // Three calls of 50 frames a second, for four seconds and what is around them.
    assert!(at("/audio/frames_heard") >= 600.0, "{shown}");
    assert!(at("/audio/turns") >= 3.0 && at("/audio/utterances") >= 6.0, "{shown}");
    for measured in [
        "/cpu/ms_per_call_second",
        "/memory/idle_kib",
        "/memory/steady_kib",
        "/start_ms",
        "/latency/frame_to_stt/p99_ms",
        "/latency/tts_to_frame/p50_ms",
        "/latency/answer_to_audio/p50_ms",
    ] {
        assert!(at(measured) > 0.0, "{measured} in {shown}");
    }
    for known in ["/audio/gaps", "/latency/speech_to_clear/p99_ms", "/memory/per_call_kib", "/load/tick_late/p99_ms"] {
        assert!(at(known) >= 0.0, "{known} in {shown}");
    }
}
