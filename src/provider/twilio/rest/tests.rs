//! What goes over the wire to Twilio, and what each kind of answer is taken for.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::signature;
use super::*;
use crate::ids::SessionId;
use crate::provider::CallEnd;
use crate::provider::rest::REQUEST_TIMEOUT;

const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const TO: &str = "+393331234567";
const FROM: &str = "+390612345678";

fn call() -> CarrierCallId {
    CarrierCallId(CALL.to_owned())
}

fn order() -> DialOrder {
    DialOrder {
        session: SessionId::parse("call-1-7").unwrap(),
        decided_at: Millis(7),
        to: PhoneNumber::parse(TO).unwrap(),
        ring: Duration::from_millis(24_200),
        longest: Duration::from_mins(55),
    }
}

fn twilio(api_url: String) -> Twilio {
    Twilio::new(TwilioConfig {
        account_sid: "AC1".to_owned(),
        auth_token: SecretString::from("s3cret-token"),
        from: PhoneNumber::parse(FROM).unwrap(),
        public_url: PublicUrl::parse("https://ex.org").unwrap(),
        api_url,
    })
    .unwrap()
}

/// A request as it arrived: method, path and query, authorization, body.
type Seen = Arc<Mutex<Vec<(Method, String, String, String)>>>;

/// Answers every request alike and keeps what it saw.
struct Fake {
    seen: Seen,
    twilio: Twilio,
    _server: JoinSet<()>,
}

impl Fake {
    async fn answering(status: u16, body: String) -> Self {
        let seen = Seen::default();
        let status = StatusCode::from_u16(status).unwrap();
        let router = Router::new()
            .fallback(
                async move |State(seen): State<Seen>, method: Method, uri: Uri, headers: HeaderMap, body_in: Bytes| {
                    let text = String::from_utf8(body_in.to_vec()).unwrap();
                    let authorization = headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
                    seen.lock().unwrap().push((method, uri.to_string(), authorization, text));
                    (status, [(header::LOCATION, "/elsewhere")], body)
                },
            )
            .with_state(Seen::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let twilio = twilio(format!("http://{}/", listener.local_addr().unwrap()));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { seen, twilio, _server: server }
    }

    fn only_request(&self) -> (Method, String, String, String) {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "nothing is sent twice");
        seen.pop().unwrap()
    }
}

fn record(sid_end: char, status: &str, created: Option<&str>) -> serde_json::Value {
    json!({"sid": format!("{}{sid_end}", &CALL[..33]), "status": status, "direction": "outbound-api", "to": TO,
        "from": FROM, "date_created": created, "queue_time": "0", "answered_by": null})
}

#[tokio::test]
async fn a_dial_says_everything_once_and_the_events_one_by_one() {
    let fake = Fake::answering(201, record('f', "queued", None).to_string()).await;
    assert_eq!(fake.twilio.dial(order()).await, Ok(call()));

    let (method, path, authorization, body) = fake.only_request();
    assert_eq!((method, path.as_str()), (Method::POST, "/2010-04-01/Accounts/AC1/Calls.json"));
    assert_eq!(authorization, "Basic QUMxOnMzY3JldC10b2tlbg==");
    let webhook = "https://ex.org/twiml?s=call-1-7";
    let want = [
        ("To", TO),
        ("From", FROM),
        ("Url", webhook),
        ("Method", "POST"),
        ("Timeout", "25"),
        ("TimeLimit", "3300"),
        ("StatusCallback", webhook),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", webhook),
        ("AsyncAmdStatusCallbackMethod", "POST"),
    ];
    let got = signature::fields(body.as_bytes());
    let got: Vec<_> = got.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(got, want);
}

#[tokio::test]
async fn each_answer_to_a_dial_has_its_class_code_and_sentence() {
    let twilios = |code: u32, message: &str| json!({"code": code, "message": message, "status": 400}).to_string();
    for (status, body, class, code, message) in [
        (
            400,
            twilios(
                21211,
                "The 'To' number +393331234567 is not valid.\r\nSee https://www.twilio.com/docs/errors/21211",
            ),
            ErrorClass::Refused,
            Some("21211"),
            None,
        ),
        (401, twilios(20003, "Authenticate"), ErrorClass::Refused, Some("20003"), Some("Authenticate")),
        (403, String::new(), ErrorClass::Refused, None, Some("Twilio answered with HTTP status 403")),
        (408, String::new(), ErrorClass::Unknown, None, Some("Twilio answered with HTTP status 408")),
        (429, twilios(20429, "Too Many Requests"), ErrorClass::Busy, Some("20429"), Some("Too Many Requests")),
        (429, "slow down".to_owned(), ErrorClass::Busy, None, Some("Twilio answered with HTTP status 429")),
        (500, twilios(20500, "Internal"), ErrorClass::Unknown, Some("20500"), Some("Internal")),
        (502, "<html>Bad</html>".to_owned(), ErrorClass::Unknown, None, Some("Twilio answered with HTTP status 502")),
        (302, String::new(), ErrorClass::Unknown, None, Some("Twilio answered with HTTP status 302")),
        (400, r#"{"code":"x1","message":null}"#.to_owned(), ErrorClass::Refused, Some("x1"), None),
        (201, "<html>".to_owned(), ErrorClass::Unknown, None, Some("Twilio's answer could not be read")),
        (201, "{}".to_owned(), ErrorClass::Unknown, None, Some("Twilio's answer could not be read")),
        (201, r#"{"sid":"x","status":"queued"}"#.to_owned(), ErrorClass::Unknown, None, None),
    ] {
        let fake = Fake::answering(status, body.clone()).await;
        let error = fake.twilio.dial(order()).await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, code), "{status} {body}");
        if let Some(message) = message {
            assert_eq!(error.message, message, "{status} {body}");
        }
        let text = format!("{error} {error:?}");
        for secret in ["3331234567", "http:", "https:", "s3cret", "\r", "\n"] {
            assert!(!text.contains(secret), "{text}");
        }
        fake.only_request();
    }
}

#[tokio::test]
async fn a_carrier_that_is_not_there_was_not_asked_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let twilio = twilio(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let error = twilio.dial(order()).await.unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Busy, "Twilio could not be reached"));
}

/// Reads one dial, then answers with `answer` and closes; with nothing to answer it keeps the socket open.
async fn served(answer: Option<&'static [u8]>) -> (Twilio, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let twilio = twilio(format!("http://{}", listener.local_addr().unwrap()));
    let mut server = JoinSet::new();
    server.spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // To the end of the form: closing over unread bytes would reset the connection before the answer is read.
            while !request.ends_with(b"CallbackMethod=POST") {
                assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
            }
            let Some(answer) = answer else { return std::future::pending().await };
            socket.write_all(answer).await.unwrap();
        }
    });
    (twilio, server)
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_it_unknown() {
    for answer in [
        &b""[..],
        b"HTTP/1.1 201 Cre",
        b"HTTP/1.1 201 Created\r\ncontent-length: 90\r\n\r\n{\"sid\":",
        b"nonsense\r\n\r\n",
    ] {
        let (twilio, _server) = served(Some(answer)).await;
        let error = twilio.dial(order()).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Unknown, "{}", answer.escape_ascii());
        assert_eq!(error.message, "the connection to Twilio broke");
    }
}

#[tokio::test]
async fn a_refusal_stands_even_if_its_text_is_cut_off() {
    let (twilio, _server) = served(Some(b"HTTP/1.1 400 Bad\r\ncontent-length: 90\r\n\r\n{\"code\":")).await;
    let error = twilio.dial(order()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_never_answers_is_given_ten_seconds() {
    let (twilio, _server) = served(None).await;
    let began = tokio::time::Instant::now();
    let dial = tokio::time::timeout(Duration::from_mins(1), twilio.dial(order()));
    let error = dial.await.expect("the request has a limit of its own").unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Unknown, "Twilio did not answer in time"));
    assert!((REQUEST_TIMEOUT..REQUEST_TIMEOUT * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn hanging_up_succeeds_also_when_the_call_is_over_and_is_else_to_be_tried_again() {
    let twilios = |code: u32| json!({"code": code, "message": "no"}).to_string();
    for (status, body, want) in [
        (200, "{}".to_owned(), None),
        (400, twilios(21220), None),
        (404, twilios(20404), None),
        (404, String::new(), Some(ErrorClass::Unknown)),
        (400, twilios(21201), Some(ErrorClass::Unknown)),
        (401, twilios(20003), Some(ErrorClass::Unknown)),
        (429, twilios(20429), Some(ErrorClass::Unknown)),
        (500, twilios(21220), Some(ErrorClass::Unknown)),
    ] {
        let fake = Fake::answering(status, body.clone()).await;
        let got = fake.twilio.hang_up(&call()).await.err().map(|error| error.class);
        assert_eq!(got, want, "{status} {body}");
        let (method, path, _, body) = fake.only_request();
        assert_eq!(method, Method::POST);
        assert_eq!(path, format!("/2010-04-01/Accounts/AC1/Calls/{CALL}.json"));
        assert_eq!(body, "Status=completed");
    }
}

#[tokio::test]
async fn looking_up_tells_where_a_call_stands() {
    for (status, want) in [
        ("queued", Ok(CallProgress::Queued)),
        ("in-progress", Ok(CallProgress::Answered)),
        ("no-answer", Ok(CallProgress::Over(CallEnd::NoAnswer))),
        ("musing", Err(ErrorClass::Unknown)),
    ] {
        let fake = Fake::answering(200, record('f', status, None).to_string()).await;
        assert_eq!(fake.twilio.look_up(&call()).await.map_err(|error| error.class), want, "{status}");
        let (method, path, _, _) = fake.only_request();
        assert_eq!((method, path), (Method::GET, format!("/2010-04-01/Accounts/AC1/Calls/{CALL}.json")));
    }
}

#[tokio::test]
async fn a_call_id_cannot_lead_to_another_resource() {
    let fake = Fake::answering(404, String::new()).await;
    let _ = fake.twilio.look_up(&CarrierCallId("../Messages/x?y#".to_owned())).await;
    assert_eq!(fake.only_request().1, "/2010-04-01/Accounts/AC1/Calls/..%2FMessages%2Fx%3Fy%23.json");
}

#[tokio::test]
async fn only_our_calls_of_that_time_are_listed_and_the_newest_first() {
    // 2026-08-21 09:30:00 UTC.
    let since = Millis(1_787_304_600_000);
    let mut inbound = record('8', "in-progress", Some("Fri, 21 Aug 2026 09:30:01 +0000"));
    inbound["direction"] = json!("inbound");
    let mut to_another = record('9', "ringing", Some("Fri, 21 Aug 2026 09:30:01 +0000"));
    to_another["to"] = json!("+393330000000");
    let page = json!({"page": 0, "calls": [
        record('1', "ringing", Some("Fri, 21 Aug 2026 09:30:00 +0000")),
        record('2', "completed", Some("Fri, 21 Aug 2026 09:30:07 +0000")),
        record('3', "queued", None),
        record('4', "busy", Some("Fri, 21 Aug 2026 09:29:55 +0000")),
        record('5', "completed", Some("Fri, 21 Aug 2026 09:29:54 +0000")),
        record('6', "status-of-the-future", Some("Thu, 20 Aug 2026 10:00:00 +0000")),
        inbound,
        to_another,
    ]});
    let fake = Fake::answering(200, page.to_string()).await;
    let DialOrder { session, to, .. } = order();
    let placed = fake.twilio.find(&LostDial { session, to, decided_at: since }).await.unwrap();
    let got: Vec<_> = placed.iter().map(|(call, progress)| (&call.as_str()[33..], *progress)).collect();
    let want = [
        ("3", CallProgress::Queued),
        ("2", CallProgress::Over(CallEnd::Completed)),
        ("1", CallProgress::Ringing),
        ("4", CallProgress::Over(CallEnd::Busy)),
    ];
    assert_eq!(got, want);
    let (_, path, _, _) = fake.only_request();
    assert_eq!(path, "/2010-04-01/Accounts/AC1/Calls.json?To=%2B393331234567&From=%2B390612345678&PageSize=50");
}

#[tokio::test]
async fn nothing_of_the_adapter_prints_its_secrets() {
    let text = format!("{:?}", twilio(API_URL.to_owned()));
    for secret in ["s3cret", &TO[1..], &FROM[1..]] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn an_api_url_may_have_a_path_but_must_be_http() {
    let config = |api_url: &str| TwilioConfig { api_url: api_url.to_owned(), ..twilio(API_URL.to_owned()).config };
    for (api_url, want) in [
        ("https://api.twilio.com", "https://api.twilio.com/2010-04-01/Accounts/AC1"),
        ("http://localhost:9/fakes/twilio/", "http://localhost:9/fakes/twilio/2010-04-01/Accounts/AC1"),
    ] {
        assert_eq!(Twilio::new(config(api_url)).unwrap().api.root.as_str(), want);
    }
    for api_url in ["", "api.twilio.com", "ftp://api.twilio.com", "mailto:a@b"] {
        assert!(matches!(Twilio::new(config(api_url)), Err(BadSettings::ApiUrl)), "{api_url}");
    }
}
