//! Every event as Telnyx sends it, and as nobody else may.

use serde_json::json;

use super::*;

const OURS: &str = "1234567890";

fn event(kind: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut payload = json!({"call_control_id": "v3:1", "connection_id": OURS, "call_leg_id": "l", "client_state": "azN5",
        "from": "+390000000001", "to": "+390000000002", "start_time": null});
    for (name, value) in more {
        payload[*name] = json!(value);
    }
    let data = json!({"record_type": "event", "event_type": kind, "id": "0ccc7b54", "payload": payload,
        "occurred_at": "2026-08-21T09:30:00.000000Z"});
    json!({"data": data, "meta": {"attempt": 1, "delivered_to": "https://ex.org/twiml"}}).to_string().into_bytes()
}

fn parsed(body: &[u8]) -> Result<Webhook, BadEvent> {
    parse(body, OURS).map(|told| told.webhook)
}

fn call() -> CarrierCallId {
    CarrierCallId("v3:1".to_owned())
}

#[test]
fn every_event_of_a_call_is_what_it_says() {
    let status = |progress| Webhook::Status { call: call(), progress };
    let failed = Webhook::NotConnected { call: call(), token: None, loss: MediaLoss::Broken };
    for (kind, more, want) in [
        ("call.initiated", &[("direction", "outgoing")][..], status(CallProgress::Queued)),
        ("call.initiated", &[("direction", "incoming")], Webhook::Waits { call: call(), inbound: true }),
        ("call.ringing", &[], status(CallProgress::Ringing)),
        ("call.answered", &[("state", "answered")], Webhook::Waits { call: call(), inbound: false }),
        ("streaming.started", &[], Webhook::Other),
        ("streaming.stopped", &[], Webhook::Other),
        ("streaming.failed", &[("failure_reason", "x")], failed.clone()),
        ("call.streaming.failed", &[("stream_params", "x")], failed),
        ("call.machine.greeting.ended", &[("result", "beep_detected")], Webhook::Other),
        ("call.machine.premium.greeting.ended", &[("result", "beep_detected")], Webhook::Other),
        ("call.of.the.future", &[], Webhook::Other),
    ] {
        assert_eq!(parsed(&event(kind, more)), Ok(want), "{kind} {more:?}");
    }
}

#[test]
fn a_stream_that_failed_is_known_by_the_token_in_its_url() {
    for (url, want) in [
        (json!("wss://ex.org/media-stream/t0ken"), Some("t0ken")),
        (json!("wss://ex.org/media-stream/"), None),
        (json!(""), None),
        (json!(null), None),
    ] {
        for kind in ["streaming.failed", "call.streaming.failed"] {
            let mut body: Value = serde_json::from_slice(&event(kind, &[])).expect("JSON");
            body["data"]["payload"]["stream_params"] = json!({"stream_url": url, "track": "inbound_track"});
            let token = want.map(str::to_owned);
            let want = Webhook::NotConnected { call: call(), token, loss: MediaLoss::Broken };
            assert_eq!(parsed(body.to_string().as_bytes()), Ok(want), "{kind} {url}");
        }
    }
}

#[test]
fn a_stream_that_has_ended_is_known_by_the_token_in_its_url_wherever_that_stands() {
    let ended = |token: &str| {
        let token = Some(token.to_owned());
        Webhook::NotConnected { call: call(), token, loss: MediaLoss::Stopped }
    };
    for kind in ["streaming.stopped", "call.streaming.stopped"] {
        assert_eq!(parsed(&event(kind, &[("stream_url", "wss://ex.org/media-stream/t0ken")])), Ok(ended("t0ken")));
        assert_eq!(parsed(&event(kind, &[("stream_url", "")])), Ok(Webhook::Other));
        let mut body: Value = serde_json::from_slice(&event(kind, &[])).expect("JSON");
        body["data"]["payload"]["stream_params"] = json!({"stream_url": "wss://ex.org/media-stream/other"});
        assert_eq!(parsed(body.to_string().as_bytes()), Ok(ended("other")));
    }
}

#[test]
fn an_event_says_its_own_name_and_whose_it_is() {
    let whose = |state: &str| parse(&event("call.answered", &[("client_state", state)]), OURS).map(|told| told.whose);
    let session = SessionId::parse("call-1-1790000000000").expect("a session");
    assert_eq!(whose(&STANDARD.encode(session.as_str())), Ok(Whose::Of(Some(session))));
    for state in ["", "azN5", "call-1-1790000000000", "****"] {
        assert_eq!(whose(state), Ok(Whose::Of(None)), "{state}");
    }
    for (id, want) in
        [(json!("0ccc7b54"), Some("0ccc7b54")), (json!(7), Some("7")), (json!(""), None), (json!(null), None)]
    {
        let mut body: Value = serde_json::from_slice(&event("call.answered", &[])).expect("JSON");
        body["data"]["id"] = id.clone();
        let told = parse(body.to_string().as_bytes(), OURS).expect("an event");
        assert_eq!(told.event, want.map(|id| EventId(id.to_owned())), "{id}");
    }
}

#[test]
fn each_cause_ends_a_call_in_its_way() {
    use CallEnd::{Busy, Canceled, Completed, Failed, NoAnswer};
    for (cause, sip, want) in [
        ("normal_clearing", "200", Completed),
        ("NORMAL_CLEARING", "200", Completed),
        ("time_limit", "200", Completed),
        ("timeout", "487", NoAnswer),
        ("no_answer", "480", NoAnswer),
        ("NO_ANSWER", "", NoAnswer),
        ("call_rejected", "603", NoAnswer),
        ("user_busy", "486", Busy),
        ("originator_cancel", "487", Canceled),
        ("not_found", "404", Failed),
        ("unspecified", "503", Failed),
        ("unspecified", "486", Busy),
        ("unspecified", "480", NoAnswer),
        ("", "603", NoAnswer),
        ("something_new", "", Failed),
    ] {
        let body = event("call.hangup", &[("hangup_cause", cause), ("sip_hangup_cause", sip)]);
        let over = Webhook::Status { call: call(), progress: CallProgress::Over(want) };
        assert_eq!(parsed(&body), Ok(over), "{cause} {sip}");
    }
}

#[test]
fn each_result_of_either_detection_is_a_verdict() {
    use Verdict::{Human, Machine, Unknown};
    for (result, want) in [
        ("human", Human),
        ("human_residence", Human),
        ("human_business", Human),
        ("HUMAN", Human),
        ("machine", Machine),
        ("fax_detected", Machine),
        ("silence", Unknown),
        ("not_sure", Unknown),
        ("", Unknown),
    ] {
        for kind in ["call.machine.detection.ended", "call.machine.premium.detection.ended"] {
            let got = parsed(&event(kind, &[("result", result)]));
            assert_eq!(got, Ok(Webhook::Machine { call: call(), verdict: want }), "{kind} {result}");
        }
    }
}

#[test]
fn what_is_not_about_a_call_of_ours_is_refused() {
    let bare = json!({"data": {"event_type": "call.answered"}}).to_string().into_bytes();
    let foreign = event("call.answered", &[("connection_id", "1234567891")]);
    let long = event("call.answered", &[("call_control_id", &"v".repeat(257))]);
    for (body, want) in [
        (b"".to_vec(), BadEvent::Shape),
        (b"[]".to_vec(), BadEvent::Shape),
        (b"CallSid=CA1".to_vec(), BadEvent::Shape),
        (json!({"data": {"payload": {}}}).to_string().into_bytes(), BadEvent::Shape),
        (foreign, BadEvent::ForeignConnection),
        (bare, BadEvent::NoCall),
        (event("call.answered", &[("call_control_id", "")]), BadEvent::NoCall),
        (event("call.hangup", &[("call_control_id", "a b")]), BadEvent::NoCall),
        (long, BadEvent::NoCall),
    ] {
        assert_eq!(parsed(&body), Err(want), "{}", String::from_utf8_lossy(&body));
    }
}
