//! Traces of the real binary, as a collector gets them: the spans of a call, and nothing of whom and what.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use callme::emulator::{Emulator, EmulatorConfig, Script};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::binary::process::{Process, free_port};
use crate::binary::settings;
use crate::leaks::scanner::Scanner;
use crate::world::{KEY, PERSON};

const QUESTION: &str = "Shall I restart the xylophone turbine?";
const REPLY: &str = "Certainly, use the marmalade zeppelin.";
const GOODBYE: &str = "Farewell, honourable customer.";

/// The field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().expect("the message is whole");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).expect("it is small"),
            5 => 4,
            other => panic!("no such type: {other}"),
        };
        let (field, rest) = bytes.split_at(length);
        fields.push((key >> 3, Field::Bytes(field)));
        bytes = rest;
    }
    fields
}

/// The messages in a message under this number.
fn inside(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter_map(move |field| match field {
        (at, Field::Bytes(bytes)) if at == number => Some(bytes),
        _ => None,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `KeyValue`s: names and values.
fn attributes(of: &[u8], number: u64) -> Vec<(String, String)> {
    let value = |any: &[u8]| match fields(any).pop() {
        Some((_, Field::Number(number))) => number.to_string(),
        Some((_, Field::Bytes(bytes))) => text(bytes),
        None => String::new(),
    };
    let pairs = inside(of, number);
    pairs.map(|pair| (inside(pair, 1).map(text).collect(), inside(pair, 2).map(value).collect())).collect()
}

/// A span as it was sent.
#[derive(Debug)]
struct Span {
    name: String,
    attributes: Vec<(String, String)>,
}

/// What was sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Its address, and what serves it.
    async fn start(&self) -> (String, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let bodies = Arc::clone(&self.0);
        let take = move |body: Bytes| async move { bodies.lock().expect("no holder of the lock panics").push(body) };
        let router = Router::new().route("/v1/traces", post(take));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        (url, serving)
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.0.lock().expect("no holder of the lock panics").clone()
    }

    fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for body in self.bodies() {
            for span in inside(&body, 1).flat_map(|resource| inside(resource, 2)).flat_map(|scope| inside(scope, 2)) {
                spans.push(Span { name: inside(span, 5).map(text).collect(), attributes: attributes(span, 9) });
            }
        }
        spans
    }
}

/// The names in the table of `docs/LOGGING.md` that begins so.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../docs/LOGGING.md");
    let rows = page.lines().skip_while(|line| *line != "| attribute | what it is |").skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|row| row.split('`').nth(1).unwrap_or_default().to_owned())
        .collect()
}

async fn post_to(port: u16, path: &str, message: &str) -> (u16, serde_json::Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("http://127.0.0.1:{port}{path}")).bearer_auth(KEY);
    let response = request.json(&serde_json::json!({ "message": message })).send().await.expect("the server answers");
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_a_call_arrive_and_tell_nothing_of_whom_and_what() {
    let collector = Collector::default();
    let (url, _serving) = collector.start().await;
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::converses([REPLY]));
    let port = free_port();
    let mut settings = settings(&emulator, port);
    settings.push(("OTEL_EXPORTER_OTLP_ENDPOINT", url));
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    let (status, answer) = post_to(port, "/api/call", QUESTION).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["callId"].as_str().expect("an id").to_owned();
    assert_eq!(post_to(port, &format!("/api/call/{id}/end"), GOODBYE).await.0, 200);
    for path in ["/393331234567", "/api/call/+393331234567/end", "/whatsapp?To=%2B393331234567"] {
        post_to(port, path, PERSON).await;
    }
    let ended = server.terminate().await;
    assert!(ended.code == Some(0) && ended.took < Duration::from_secs(8), "{ended:?}");

    let spans = collector.spans();
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in ["POST /api/call", "POST /api/call/{id}/end", "POST /twiml", "session"] {
        assert!(names.contains(name), "{name} is missing among {names:?}");
    }
    let session = spans.iter().find(|span| span.name == "session").expect("it is there");
    for (name, value) in [("call.id", id.as_str()), ("dial", "answered"), ("ended_by", "agent")] {
        assert!(session.attributes.contains(&(name.to_owned(), value.to_owned())), "{name}: {session:?}");
    }
    let told: BTreeSet<String> = spans.iter().flat_map(|span| &span.attributes).map(|(name, _)| name.clone()).collect();
    assert_eq!(told, documented());
    let EmulatorConfig { number, auth_token, api_key, .. } = EmulatorConfig::default();
    let scanner =
        Scanner::new(&[PERSON, &number], &[KEY, &auth_token, &api_key]).with_words(&[QUESTION, REPLY, GOODBYE]);
    for body in collector.bodies() {
        // Ids of spans are bytes, which happen to be digits at times; everything else is text.
        let letters: String = text(&body).chars().map(|c| if c.is_control() { '\n' } else { c }).collect();
        scanner.check("a batch", &letters);
    }
    scanner.check("the log", &ended.written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("a bound listener has an address"));
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    let port = free_port();
    let mut settings = settings(&emulator, port);
    settings.push(("OTEL_EXPORTER_OTLP_ENDPOINT", url));
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    for _ in 0..20 {
        assert_eq!(post_to(port, "/api/call/call-1-1795248000000/end", GOODBYE).await.0, 404);
    }
    let ended = server.terminate().await;
    assert!(ended.code == Some(0) && ended.took < Duration::from_secs(8), "{ended:?}");
}
