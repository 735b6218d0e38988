//! Nothing that identifies the person, nothing that was said, and no key is ever written: everything that the server
//! writes in good calls and bad ones is read.

mod door;
pub(crate) mod ink;
pub(crate) mod scanner;
mod shown;
mod sms;
mod stranger;
mod telnyx;
mod writing;

use std::time::Duration;

use callme::config::LogFormat;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{DialFault, EmulatorConfig, Fault, PickUp, RestFault, Script, Times};
use reqwest::{Method, RequestBuilder};
use rstest::rstest;
use serde_json::json;

use crate::world::{KEY, PERSON, World};
use ink::Ink;
use scanner::Scanner;
use stranger::{FORGED, Stranger};

/// What the agent says; a number of a third party stands in it, as agents will.
const QUESTION: &str = "Shall I restart the xylophone turbine? Ring +15557654321 otherwise.";
const SPOKEN: &str = "The kaleidoscope is restarting.";
const GOODBYE: &str = "Farewell, honourable customer.";
const REPLY: &str = "Certainly, use the marmalade zeppelin.";
const MORE: &str = "Absolutely everything.";

/// What nobody may read anywhere; and in logs, not even what was said.
fn scanners() -> (Scanner, Scanner) {
    let EmulatorConfig { number, auth_token, telnyx_key, api_key, .. } = EmulatorConfig::default();
    let anywhere = Scanner::new(&[PERSON, &number], &[KEY, &auth_token, &telnyx_key, &api_key, FORGED]);
    let said = [QUESTION, SPOKEN, GOODBYE, REPLY, MORE];
    (anywhere.clone(), anywhere.with_words(&said))
}

/// A client that reads every answer to its last header.
struct Reader<'a> {
    world: &'a World,
    anywhere: Scanner,
    read: usize,
}

impl Reader<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.world.client().request(method, format!("{}{path}", self.world.url))
    }

    /// Sends it and reads the answer, which is text of ours and may quote what was said, but nothing else.
    async fn send(&mut self, request: RequestBuilder) -> (u16, serde_json::Value) {
        let response = request.send().await.expect("the server answers");
        let (status, head) = (response.status().as_u16(), format!("{:?}", response.headers()));
        let body = response.text().await.expect("the answer is text");
        self.anywhere.check("headers", &head);
        self.anywhere.check("a body", &without_public(&body));
        self.read += 1;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn post(&mut self, path: &str, message: &str) -> (u16, serde_json::Value) {
        let request = self.request(Method::POST, path).bearer_auth(KEY).json(&json!({ "message": message }));
        self.send(request).await
    }

    async fn call(&mut self, script: Script, want: u16) -> String {
        self.world.person(script);
        let (status, body) = self.post("/api/call", QUESTION).await;
        assert_eq!(status, want, "{body}\n{}", self.world.emulator.timeline());
        body["callId"].as_str().unwrap_or_default().to_owned()
    }
}

/// An answer without the numbers that may stand in it: what the agent and the person themselves wrote is in its history,
/// with numbers of nobody whom we know; and that of Twilio's sandbox is for all the world, and agents have to tell it.
fn without_public(body: &str) -> String {
    ["+15557654321", "+15557654322", "+1 415 523 8886"]
        .iter()
        .fold(body.to_owned(), |body, number| body.replace(number, ""))
}

fn talks() -> Script {
    Script::converses([REPLY, MORE])
}

async fn good_calls(reader: &mut Reader<'_>) {
    let id = reader.call(talks(), 200).await;
    for (verb, message) in [("speak", SPOKEN), ("continue", QUESTION), ("end", GOODBYE), ("end", GOODBYE), ("wait", "")]
    {
        reader.post(&format!("/api/call/{id}/{verb}"), message).await;
    }
    let look = format!("/api/call/{id}");
    for path in [&look, "/api/history?limit=50", "/health", "/api/health", "/metrics", "/api/openapi.json"] {
        let request = reader.request(Method::GET, path).bearer_auth(KEY);
        assert_eq!(reader.send(request).await.0, 200, "{path}");
    }
    reader.call(Script::answers().when_heard(Duration::from_secs(2)).say(REPLY).hang_up(), 200).await;
    reader.world.settled().await;
    for script in
        [PickUp::Never, PickUp::Busy, PickUp::Failed].map(Script::unanswered).into_iter().chain([Script::voicemail()])
    {
        reader.call(script, 408).await;
    }
}

/// Providers that refuse, and quote in their sentences all that they were sent.
async fn bad_providers(reader: &mut Reader<'_>) {
    let faults = reader.world.emulator.faults();
    for (status, code) in [(400, 21211), (401, 20003), (403, 21215), (429, 20429)] {
        faults.add(Fault::Dial(DialFault::Refused { status, code }), Times::Once);
        reader.call(talks(), 502).await;
    }
    for fault in [
        DialFault::Refused { status: 500, code: 20500 },
        DialFault::Closed { placed: true },
        DialFault::Hangs { placed: false },
    ] {
        faults.add(Fault::Dial(fault), Times::Once);
        reader.world.person(talks());
        reader.post("/api/call", QUESTION).await;
        reader.world.sessions_end().await;
    }
    let speech =
        [(401, "invalid_api_key"), (404, "model_not_found"), (429, "rate_limit_exceeded"), (500, "server_error")];
    let refused = speech.map(|(status, code)| Fault::SpeechRefused { status, code });
    let hearing = [401, 404, 500].map(|status| Fault::HearingRefused { status });
    let others = [
        Fault::SpeechCut { after: 20_000 },
        Fault::SpeechStalled { after: 20_000 },
        Fault::SpeechEndless,
        Fault::HearingError { code: "invalid_value" },
        Fault::HearingDropped { after: 20 },
        Fault::FinalFailed,
        Fault::HangUpRefused { status: 500, code: 20500 },
    ];
    let unstreamed = [
        Fault::StreamFails { again: Some(Duration::from_millis(300)) },
        Fault::Connect(RestFault::Refused { status: 422, code: 90_018, retry_after: None }),
        Fault::Connect(RestFault::Broken { status: 502, done: false }),
        Fault::Connect(RestFault::Hangs { done: false }),
    ];
    // What only Telnyx does.
    let unstreamed = unstreamed.into_iter().filter(|_| reader.world.telephony == Telnyx);
    for fault in refused.into_iter().chain(hearing).chain(others).chain(unstreamed) {
        faults.add(fault.clone(), Times::Count(2));
        reader.world.person(talks());
        let (_, body) = reader.post("/api/call", QUESTION).await;
        if let Some(id) = body["callId"].as_str() {
            reader.post(&format!("/api/call/{id}/speak"), SPOKEN).await;
            reader.post(&format!("/api/call/{id}/end"), GOODBYE).await;
        }
        reader.world.sessions_end().await;
        faults.clear();
    }
}

/// Requests that say the number and the key wherever something can be said.
async fn bad_clients(reader: &mut Reader<'_>) {
    for path in [
        "/api/call/{}",
        "/api/call?to={}",
        "/api/{}",
        "/{}",
        "/api/history?limit={}",
        "/media-stream/{}",
        "/twiml?s={}",
    ] {
        for written in [PERSON, "%2B393331234567", "call-1-393331234567", "call-3331234567-1", "00393331234567"] {
            for method in [Method::GET, Method::POST, Method::from_bytes(b"CALL393331234567").expect("a method")] {
                let path = path.replace("{}", written);
                let named = reader.request(method, &path).bearer_auth(KEY).header("x-request-id", PERSON);
                reader.send(named.header("idempotency-key", "k 1").body(format!("{{\"message\":{PERSON}}}"))).await;
            }
        }
    }
    for key in [PERSON, "wrong"] {
        let request = reader.request(Method::POST, "/api/call").bearer_auth(key).header("user-agent", PERSON);
        assert_eq!(reader.send(request.json(&json!({ "message": QUESTION }))).await.0, 401);
    }
}

/// Webhooks and media sockets that are not the carrier's, or not as it writes them.
async fn strangers(reader: &mut Reader<'_>) {
    reader.world.person(talks());
    let (answer, ()) = tokio::join!(reader.world.call(QUESTION), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        match reader.world.telephony {
            Twilio => Stranger::at(reader.world).tries_everything().await,
            Telnyx => telnyx::tries_everything(reader.world).await,
        }
    });
    assert!(answer.status < 500, "{answer:?}");
    let _ = reader.world.say("end", &answer.call_id(), GOODBYE).await;
    reader.world.sessions_end().await;
}

async fn nothing_leaks(on: Telephony, format: LogFormat) {
    let ink = Ink::new();
    let _guard = ink.collect(format, "trace");
    let (anywhere, in_logs) = scanners();
    let settings = [("CALLME_MAX_CALLS_PER_HOUR", "1000"), ("CALLME_TRANSCRIPT_TIMEOUT_MS", "20000")];
    let world = World::on_with(on, &settings).await;
    let mut reader = Reader { world: &world, anywhere, read: 0 };
    good_calls(&mut reader).await;
    bad_providers(&mut reader).await;
    bad_clients(&mut reader).await;
    strangers(&mut reader).await;
    assert!(reader.read > 100);
    // The end of the server, in the middle of a call.
    world.person(talks());
    let id = world.call(QUESTION).await.call_id();
    let url = format!("{}/api/call/{id}/speak", world.url);
    let speaking = world.client().post(url).bearer_auth(KEY).json(&json!({ "message": SPOKEN })).send();
    let (_, emulator) = tokio::join!(speaking, world.shut_down());
    drop(emulator);
    let written = ink.written();
    for line in [
        "ended: answered",
        "speech could not be made",
        "refused webhooks",
        "media socket",
        "connecting to speech again",
    ] {
        assert!(written.contains(line), "no line says {line:?}");
    }
    in_logs.check("the log", &written);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_leaks_into_a_log_of_text_or_an_answer(#[values(Twilio, Telnyx)] on: Telephony) {
    nothing_leaks(on, LogFormat::Text).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_leaks_into_a_log_of_json_or_an_answer(#[values(Twilio, Telnyx)] on: Telephony) {
    nothing_leaks(on, LogFormat::Json).await;
}

#[tokio::test]
async fn a_leak_in_any_field_of_an_event_or_a_span_is_found() {
    let (_, in_logs) = scanners();
    let leaks: [fn(); 4] = [
        || tracing::trace!(target: "callme::x", "dialing {PERSON}"),
        || tracing::debug!(target: "callme::x", to = %PERSON, "dialing"),
        || tracing::info!(target: "elsewhere", text = ?QUESTION, "speaking"),
        || {
            let span = tracing::debug_span!(target: "callme::x", "call", to = tracing::field::Empty);
            span.record("to", PERSON);
        },
    ];
    for format in [LogFormat::Text, LogFormat::Json] {
        for leak in leaks {
            let ink = Ink::new();
            let guard = ink.collect(format, "trace");
            leak();
            drop(guard);
            assert!(!in_logs.leaks(&ink.written()).is_empty(), "{:?}", ink.written());
        }
    }
}
