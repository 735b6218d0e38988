//! What goes over the wire to Twilio, and what each kind of answer is taken for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::provider::MessagingClass;

mod messages;

const PERSON: &str = "+393331234567";
const SENDER: &str = "+390612345678";

fn person() -> PhoneNumber {
    PhoneNumber::parse(PERSON).unwrap()
}

/// A name of this kind, ending in `end`.
fn name(kind: &str, end: char) -> String {
    format!("{kind}0123456789abcdef0123456789abcde{end}")
}

fn conversation(end: char) -> ConversationId {
    ConversationId(name("CH", end))
}

fn config(conversations_url: String) -> ConversationsConfig {
    ConversationsConfig {
        account_sid: "AC1".to_owned(),
        auth_token: SecretString::from("s3cret-token"),
        from: PhoneNumber::parse(SENDER).unwrap(),
        mode: SenderMode::Sandbox { code: Some("two-words".to_owned()) },
        template: Some("HX1".to_owned()),
        conversations_url,
    }
}

/// An answer: status, headers, body. A body may have `BASE`, which becomes the server's own address.
type Answer = (u16, Vec<(&'static str, &'static str)>, String);

fn answer(status: u16, body: &Value) -> Answer {
    (status, Vec::new(), body.to_string())
}

fn refusal(status: u16, code: u32, message: &str) -> Answer {
    answer(status, &json!({"code": code, "message": message, "status": status}))
}

#[derive(Default)]
struct Script {
    base: String,
    answers: VecDeque<Answer>,
    /// `POST /v1/… form`, as it arrived.
    seen: Vec<String>,
}

/// Gives its answers in their order and keeps what it saw.
struct Fake {
    script: Arc<Mutex<Script>>,
    twilio: TwilioConversations,
    _server: JoinSet<()>,
}

impl Fake {
    async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let script = Script { base: base.clone(), answers: answers.into_iter().collect(), seen: Vec::new() };
        let script = Arc::new(Mutex::new(script));
        let router = Router::new().fallback(give).with_state(Arc::clone(&script));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { script, twilio: TwilioConversations::new(config(base)).unwrap(), _server: server }
    }

    /// The requests that came; every answer was asked for.
    fn seen(&self) -> Vec<String> {
        let script = self.script.lock().unwrap();
        assert_eq!(script.answers.len(), 0, "not asked for; seen: {:?}", script.seen);
        script.seen.clone()
    }
}

async fn give(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], "Basic QUMxOnMzY3JldC10b2tlbg==");
    assert!(!headers.contains_key("x-twilio-webhook-enabled"));
    let mut script = script.lock().unwrap();
    script.seen.push(format!("{method} {uri} {}", str::from_utf8(&body).unwrap()).trim_end().to_owned());
    let (status, headers, body) = script.answers.pop_front().expect("no more requests than answers");
    let mut response = body.replace("BASE", &script.base).into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().extend(
        headers
            .into_iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value))),
    );
    response
}

/// Nothing that is shown may have a number, the token, or an address.
fn assert_harmless(text: &str) {
    for secret in [&PERSON[3..], &SENDER[3..], "s3cret", "http:", "https:", "127.0.0.1"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// A conversation of the list; both numbers as Twilio writes them.
fn member(end: char, state: &str, address: &str, proxy: &str) -> Value {
    json!({"conversation_sid": name("CH", end), "conversation_state": state, "participant_sid": name("MB", end),
        "participant_messaging_binding": {"type": "whatsapp", "address": address, "proxy_address": proxy}})
}

fn ours(end: char, state: &str) -> Value {
    member(end, state, &format!("whatsapp:{PERSON}"), &format!("whatsapp:{SENDER}"))
}

fn page(conversations: &[Value], next: Option<&str>) -> Answer {
    answer(200, &json!({"conversations": conversations, "meta": {"page": 0, "next_page_url": next}}))
}

const LOOK: &str = "GET /v1/ParticipantConversations?Address=whatsapp%3A%2B393331234567&PageSize=50";
const CREATE: &str = "POST /v1/Conversations FriendlyName=callme";

fn add(end: char) -> String {
    format!(
        "POST /v1/Conversations/{}/Participants MessagingBinding.Address=whatsapp%3A%2B393331234567&\
         MessagingBinding.ProxyAddress=whatsapp%3A%2B390612345678",
        name("CH", end)
    )
}

fn delete(end: char) -> String {
    format!("DELETE /v1/Conversations/{}", name("CH", end))
}

#[tokio::test]
async fn the_persons_active_conversation_with_our_number_is_found_and_no_other() {
    let address = format!("whatsapp:{PERSON}");
    let others = [
        ours('1', "closed"),
        ours('2', "inactive"),
        member('3', "active", &address, "whatsapp:+390600000000"),
        member('4', "active", "whatsapp:+390600000000", &format!("whatsapp:{SENDER}")),
        member('5', "active", PERSON, SENDER),
        json!({"conversation_sid": name("CH", '6'), "conversation_state": "active", "participant_messaging_binding": null}),
        json!({"conversation_sid": "CH7", "conversation_state": "active",
            "participant_messaging_binding": ours('7', "active")["participant_messaging_binding"]}),
    ];
    let fake = Fake::new([page(&[&others[..], &[ours('8', "active")]].concat(), None)]).await;
    assert_eq!(fake.twilio.open(&person()).await, Ok(Opened { conversation: conversation('8'), found: true }));
    assert_eq!(fake.seen(), [LOOK]);

    let fake = Fake::new([page(&others, None), answer(201, &json!({"sid": name("CH", 'a')})), answer(201, &json!({}))]);
    let fake = fake.await;
    assert_eq!(fake.twilio.open(&person()).await, Ok(Opened { conversation: conversation('a'), found: false }));
    assert_eq!(fake.seen(), [LOOK, CREATE, &add('a')]);
}

#[tokio::test]
async fn the_list_is_followed_to_its_end_but_to_no_other_host() {
    let next = "BASE/v1/ParticipantConversations?Address=whatsapp%3A%2B393331234567&PageSize=50&Page=1&PageToken=P";
    let fake = Fake::new([page(&[ours('1', "closed")], Some(next)), page(&[ours('2', "active")], None)]).await;
    assert_eq!(fake.twilio.open(&person()).await.map(|opened| opened.conversation), Ok(conversation('2')));
    assert_eq!(fake.seen(), [LOOK.to_owned(), format!("{LOOK}&Page=1&PageToken=P")]);

    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/v1/ParticipantConversations", elsewhere.local_addr().unwrap());
    for next in [elsewhere.as_str(), "https://ex.org/", "nonsense", ""] {
        let created = answer(201, &json!({"sid": name("CH", 'a')}));
        let fake = Fake::new([page(&[], Some(next)), created, answer(201, &json!({}))]).await;
        assert_eq!(fake.twilio.open(&person()).await.map(|opened| opened.found), Ok(false), "{next}");
        assert_eq!(fake.seen(), [LOOK, CREATE, &add('a')]);
    }
}

#[tokio::test]
async fn a_list_without_an_end_is_left() {
    let endless = std::iter::repeat_n(page(&[], Some("BASE/v1/ParticipantConversations")), MOST_PAGES);
    let created = [answer(201, &json!({"sid": name("CH", 'a')})), answer(201, &json!({}))];
    let fake = Fake::new(endless.chain(created)).await;
    assert_eq!(fake.twilio.open(&person()).await.map(|opened| opened.found), Ok(false));
    assert_eq!(fake.seen().len(), MOST_PAGES + 2);
}

#[tokio::test]
async fn a_conversation_that_the_list_kept_back_is_used_and_the_empty_one_deleted() {
    let sentence = |end| {
        format!("A binding for this participant and proxy address already exists in Conversation {}", name("CH", end))
    };
    for refused in
        [refusal(409, 50416, &sentence('b')), refusal(409, 0, &sentence('b')), refusal(400, 50416, &sentence('b'))]
    {
        // Whether the empty one could be deleted changes nothing.
        for deleted in [(204, Vec::new(), String::new()), refusal(500, 20500, "Internal")] {
            let created = answer(201, &json!({"sid": name("CH", 'a')}));
            let fake = Fake::new([page(&[], None), created, refused.clone(), deleted]).await;
            assert_eq!(fake.twilio.open(&person()).await, Ok(Opened { conversation: conversation('b'), found: true }));
            assert_eq!(fake.seen(), [LOOK, CREATE, &add('a'), &delete('a')]);
        }
    }
    // The request was repeated on its way: the one that exists is the one just made.
    let created = answer(201, &json!({"sid": name("CH", 'a')}));
    let fake = Fake::new([page(&[], None), created, refusal(409, 50416, &sentence('a'))]).await;
    assert_eq!(fake.twilio.open(&person()).await, Ok(Opened { conversation: conversation('a'), found: false }));
    assert_eq!(fake.seen(), [LOOK, CREATE, &add('a')]);
}

#[tokio::test]
async fn a_participant_who_cannot_be_added_leaves_no_conversation_behind() {
    for (refused, class) in [
        (refusal(400, 50407, "Invalid messaging binding address +393331234567"), MessagingClass::BadNumber),
        (refusal(400, 50408, "Invalid proxy address whatsapp:+390612345678"), MessagingClass::Configuration),
        (refusal(409, 50433, "Participant already exists"), MessagingClass::Permanent),
        (refusal(400, 50438, "Not CH0123456789abcdef0123456789abcdeb"), MessagingClass::Permanent),
        (refusal(429, 20429, "Too many requests"), MessagingClass::Transient),
        // Nobody was written to: it can be tried again.
        (refusal(503, 20503, "Unavailable"), MessagingClass::Transient),
    ] {
        let created = answer(201, &json!({"sid": name("CH", 'a')}));
        let fake = Fake::new([page(&[], None), created, refused, (204, Vec::new(), String::new())]).await;
        let error = fake.twilio.open(&person()).await.unwrap_err();
        assert_eq!(error.class, class, "{error}");
        assert_harmless(&format!("{error} {error:?}"));
        assert_eq!(fake.seen(), [LOOK, CREATE, &add('a'), &delete('a')]);
    }
}

#[tokio::test]
async fn what_fails_before_a_conversation_exists_ends_there() {
    let none = || page(&[], None);
    let text = |status, body: &str| (status, Vec::new(), body.to_owned());
    for (answers, class) in [
        (vec![refusal(401, 20003, "Authenticate")], MessagingClass::Configuration),
        // The API itself is not there: no conversation was asked for.
        (vec![refusal(404, 20404, "The requested resource was not found")], MessagingClass::Configuration),
        (vec![text(502, "<html>")], MessagingClass::Transient),
        (vec![text(200, "<html>")], MessagingClass::Transient),
        (vec![none(), refusal(404, 20404, "The requested resource was not found")], MessagingClass::Configuration),
        (vec![none(), text(201, "{}")], MessagingClass::Transient),
        (vec![none(), text(201, r#"{"sid":"CH../x"}"#)], MessagingClass::Transient),
    ] {
        let fake = Fake::new(answers).await;
        let error = fake.twilio.open(&person()).await.unwrap_err();
        assert_eq!(error.class, class, "{error}");
        assert_harmless(&format!("{error} {error:?}"));
        fake.seen();
    }
}

#[test]
fn the_person_is_told_how_to_join_and_no_number_but_the_sandboxs() {
    let sandbox = PhoneNumber::parse("+14155238886").unwrap();
    let code = || Some("two-words".to_owned());
    for (mode, from, want) in [
        (SenderMode::Sandbox { code: code() }, sandbox.clone(), "send 'join two-words' to +1 415 523 8886 on WhatsApp"),
        (
            SenderMode::Sandbox { code: None },
            sandbox,
            "send 'join <code>' to +1 415 523 8886 on WhatsApp, with the code",
        ),
        (
            SenderMode::Sandbox { code: code() },
            PhoneNumber::parse(SENDER).unwrap(),
            "send 'join two-words' to this server's WhatsApp number on WhatsApp",
        ),
        (SenderMode::Production, PhoneNumber::parse(SENDER).unwrap(), "write to this server's WhatsApp number"),
    ] {
        let template = None;
        let twilio =
            TwilioConversations::new(ConversationsConfig { from, mode, template, ..config(API_URL.to_owned()) });
        let twilio = twilio.unwrap();
        assert!(twilio.abilities().opt_in.contains(want), "{:?}", twilio.abilities());
        assert!(!twilio.abilities().template);
        assert_harmless(&format!("{:?}", twilio.abilities()));
    }
    let abilities = TwilioConversations::new(config(API_URL.to_owned())).unwrap().abilities;
    assert_eq!((abilities.longest, abilities.template), (1600, true));
}

#[test]
fn nothing_of_the_adapter_prints_its_secrets() {
    let config = config(API_URL.to_owned());
    let text = format!("{config:?} {:?}", TwilioConversations::new(config.clone()).unwrap());
    for secret in [&PERSON[3..], &SENDER[3..], "s3cret"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn the_api_is_below_the_base_url_which_must_be_http() {
    for (base, want) in
        [(API_URL, "https://conversations.twilio.com/v1"), ("http://localhost:9/fakes/", "http://localhost:9/fakes/v1")]
    {
        assert_eq!(TwilioConversations::new(config(base.to_owned())).unwrap().api.root.as_str(), want);
    }
    for base in ["", "conversations.twilio.com", "ws://conversations.twilio.com"] {
        assert!(matches!(TwilioConversations::new(config(base.to_owned())), Err(BadSettings::ApiUrl)), "{base}");
    }
}
