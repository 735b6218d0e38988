//! What goes over the wire to Telnyx, and what each kind of answer is taken for.

use std::time::Duration;

use super::*;
use crate::clock::Millis;
use crate::provider::desk::{Asked, Desk};

const CALL: &str = "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ";
const TO: &str = "+393331234567";
const FROM: &str = "+390612345678";
/// `call-1-7`, as Telnyx carries it.
const STATE: &str = "Y2FsbC0xLTc=";

fn call() -> CarrierCallId {
    CarrierCallId(CALL.to_owned())
}

fn order() -> DialOrder {
    DialOrder {
        session: SessionId::parse("call-1-7").unwrap(),
        decided_at: Millis(9),
        to: PhoneNumber::parse(TO).unwrap(),
        ring: Duration::from_millis(24_200),
        longest: Duration::from_mins(55),
    }
}

/// Answers with each of these in turn, and keeps what it saw.
struct Fake {
    desk: Desk,
    telnyx: Telnyx,
}

impl Fake {
    async fn answering(answers: &[(u16, Value)]) -> Self {
        let desk = Desk::answering("Bearer KEY0", answers.iter().cloned()).await;
        let telnyx = Telnyx::new(TelnyxConfig {
            connection_id: "1234567890".to_owned(),
            api_key: SecretString::from("KEY0"),
            from: PhoneNumber::parse(FROM).unwrap(),
            public_url: PublicUrl::parse("https://ex.org").unwrap(),
            api_url: desk.url.clone(),
        });
        Self { desk, telnyx: telnyx.unwrap() }
    }

    /// What was asked: method, path and body.
    fn asked(&self) -> Vec<(Method, String, Value)> {
        let of = |asked: Asked| (asked.method.clone(), asked.path.clone(), asked.json());
        self.desk.asked().into_iter().map(of).collect()
    }
}

fn ok() -> Value {
    json!({"data": {"result": "ok"}})
}

fn error(code: &str, detail: &str) -> Value {
    json!({"errors": [{"code": code, "title": "Not done", "detail": detail, "source": {"pointer": "/to"}}]})
}

#[tokio::test]
async fn a_dial_says_everything_once() {
    let placed = json!({"data": {"record_type": "call", "call_control_id": CALL, "is_alive": false}});
    let fake = Fake::answering(&[(200, placed)]).await;
    assert_eq!(fake.telnyx.dial(order()).await, Ok(call()));
    let want = json!({
        "connection_id": "1234567890", "to": TO, "from": FROM, "timeout_secs": 25, "retry_on_timeout": false,
        "time_limit_secs": 3300, "answering_machine_detection": "premium", "client_state": STATE,
        "command_id": "dial.call-1-7.9", "webhook_url": "https://ex.org/twiml?s=call-1-7", "webhook_url_method": "POST",
    });
    assert_eq!(fake.asked(), [(Method::POST, "/v2/calls".to_owned(), want)]);
}

#[tokio::test]
async fn commands_go_to_their_call_and_the_same_one_is_the_same_again() {
    let fake = Fake::answering(&[(200, ok()), (200, ok()), (200, ok()), (200, ok())]).await;
    for token in ["T0ken", "T0ken", "other"] {
        assert_eq!(fake.telnyx.connect(&call(), token).await, Ok(Connects::Tries));
    }
    assert_eq!(fake.telnyx.reject(&call()).await, Ok(()));
    let asked = fake.asked();
    // The colon may stand as it is in a path; what else Telnyx may put into a name is escaped.
    let path = format!("/v2/calls/{CALL}/actions/streaming_start");
    assert!(asked[..3].iter().all(|(method, to, _)| (method, to) == (&Method::POST, &path)), "{asked:?}");
    let (first, again, other) = (&asked[0].2, &asked[1].2, &asked[2].2);
    assert_eq!(first, again);
    assert_ne!(first["command_id"], other["command_id"]);
    assert!(!first["command_id"].as_str().unwrap().contains("T0ken"), "{first}");
    let mut first = first.clone();
    first.as_object_mut().unwrap().remove("command_id");
    let want = json!({
        "stream_url": "wss://ex.org/media-stream/T0ken", "stream_track": "inbound_track", "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp", "stream_bidirectional_codec": "PCMU",
    });
    assert_eq!(first, want);
    assert_eq!(
        (asked[3].1.as_str(), &asked[3].2["cause"]),
        (&*path.replace("streaming_start", "reject"), &json!("CALL_REJECTED"))
    );
}

#[tokio::test]
async fn each_answer_to_a_dial_has_its_class_code_and_sentence() {
    for (status, body, class, code, message) in [
        (
            422,
            error("10016", "The 'to' number +393331234567 must be in +E.164 format, see https://x.example/a"),
            ErrorClass::Refused,
            Some("10016"),
            Some("Not done: The 'to' number +…67 must be in +E.164 format, see"),
        ),
        (401, error("10009", "Not done"), ErrorClass::Refused, Some("10009"), Some("Not done")),
        (403, json!("no"), ErrorClass::Refused, None, Some("Telnyx answered with HTTP status 403")),
        (403, json!({"errors": []}), ErrorClass::Refused, None, Some("Telnyx answered with HTTP status 403")),
        (429, error("10011", "Too many requests"), ErrorClass::Busy, Some("10011"), None),
        (408, Value::Null, ErrorClass::Unknown, None, None),
        (500, error("10007", "Unexpected"), ErrorClass::Unknown, Some("10007"), None),
        (302, Value::Null, ErrorClass::Unknown, None, None),
        (200, json!({"data": {"call_control_id": ""}}), ErrorClass::Unknown, None, None),
        (200, json!({"data": null}), ErrorClass::Unknown, None, Some("Telnyx's answer could not be read")),
    ] {
        let fake = Fake::answering(&[(status, body.clone())]).await;
        let error = fake.telnyx.dial(order()).await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, code), "{status} {body}");
        if let Some(message) = message {
            assert_eq!(error.message, message, "{status} {body}");
        }
        assert_eq!(fake.asked().len(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn a_call_that_is_over_is_not_to_be_connected_and_another_refusal_says_nothing_of_that() {
    for (status, code, want) in [
        (404, "10005", Ok(Connects::CallIsOver)),
        (422, "90018", Ok(Connects::CallIsOver)),
        (422, "10027", Err(ErrorClass::Refused)),
        (500, "10007", Err(ErrorClass::Unknown)),
    ] {
        let fake = Fake::answering(&[(status, error(code, "No."))]).await;
        let told = fake.telnyx.connect(&call(), "T0ken").await;
        assert_eq!(told.map_err(|error| error.class), want, "{status} {code}");
    }
}

#[tokio::test]
async fn a_call_that_is_over_is_hung_up_whatever_the_code_and_one_that_is_live_is_not() {
    let alive = |is_alive: bool| {
        let end = (!is_alive).then_some("2026-08-21T09:31:00Z");
        (200, json!({"data": {"call_control_id": CALL, "is_alive": is_alive, "end_time": end}}))
    };
    let dialing = (200, json!({"data": {"call_control_id": CALL, "is_alive": false}}));
    let over = (422, error("90018", "Call has already ended"));
    for (answers, done, requests) in [
        (vec![(200, ok())], true, 1),
        (vec![(404, error("10005", "No such call"))], true, 1),
        (vec![over.clone(), alive(false)], true, 2),
        (vec![over.clone(), (404, Value::Null)], true, 2),
        (vec![over.clone(), alive(true)], false, 2),
        (vec![over.clone(), dialing], false, 2),
        (vec![over, (500, Value::Null)], false, 2),
        (vec![(401, error("10009", "Authentication failed"))], false, 1),
        (vec![(500, Value::Null)], false, 1),
    ] {
        let fake = Fake::answering(&answers).await;
        let hung_up = fake.telnyx.hang_up(&call()).await.map_err(|error| error.class);
        assert_eq!(hung_up, if done { Ok(()) } else { Err(ErrorClass::Unknown) }, "{answers:?}: it is tried again");
        assert_eq!(fake.asked().len(), requests, "{answers:?}");
    }
}

#[tokio::test]
async fn a_lost_dial_is_found_among_the_live_calls_by_the_state_it_carries() {
    let live = |name: &str, state: &str| {
        json!({"record_type": "call", "call_control_id": name, "client_state": state, "call_duration": 3,
            "call_leg_id": "l", "call_session_id": "s"})
    };
    let page = json!({"data": [live("v3:a", "Y2FsbC0yLTc="), live("v3:b", STATE), live("v3:c", "")], "meta": {"total_pages": 1}});
    let fake = Fake::answering(&[(200, page), (200, json!({"data": []}))]).await;
    let DialOrder { session, to, decided_at, .. } = order();
    let lost = LostDial { session, to, decided_at };
    let found = fake.telnyx.find(&lost).await;
    assert_eq!(found, Ok(vec![(CarrierCallId("v3:b".to_owned()), CallProgress::Queued)]));
    assert_eq!(fake.telnyx.find(&lost).await, Ok(Vec::new()));
    let path = "/v2/connections/1234567890/active_calls?page%5Bsize%5D=250".to_owned();
    assert_eq!(fake.asked()[0], (Method::GET, path, Value::Null));
}

#[tokio::test]
async fn a_call_is_looked_up_by_whether_it_is_alive() {
    let alive = |is_alive: bool| {
        let end = (!is_alive).then_some("2026-08-21T09:31:00Z");
        (200, json!({"data": {"call_control_id": CALL, "is_alive": is_alive, "end_time": end}}))
    };
    let over = CallProgress::Over(CallEnd::Completed);
    for (answer, want) in [(alive(true), CallProgress::Queued), (alive(false), over), ((404, Value::Null), over)] {
        let fake = Fake::answering(&[answer]).await;
        assert_eq!(fake.telnyx.look_up(&call()).await, Ok(want));
        assert_eq!(fake.asked(), [(Method::GET, format!("/v2/calls/{CALL}"), Value::Null)]);
    }
}
