//! The edge as its clients meet it, over a service that answers what it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response, StatusCode};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tower::ServiceExt;

use super::carrier::{Answer, CallEvents, InboundLimits};
use super::{Parts, router};
use crate::clock::Millis;
use crate::domain::messaging::{Contact, Window};
use crate::domain::outcome::{AnsweredBy, Channel, Dial, EndedBy, MessageHeard, Outcome};
use crate::ids::{CarrierCallId, ConversationId, EventId, RequestKey, SessionId};
use crate::media::BoxSocket;
use crate::metrics::Metrics;
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::HashKey;
use crate::provider::{
    BadWebhook, CallDocuments, CarrierWebhooks, MessageNews, MessagingWebhooks, Sender, SignedRequest, SpeechOutlook,
    Told, Webhook, Whose,
};
use crate::service::{Ask, Ended, Refusal, RefusalKind, Reply, Spoken, Verbs, View};
use crate::store::memory::MemoryStore;
use crate::store::{Conversation, Line, Speaker};

mod agents;
mod bodies;
mod description;
mod door;
mod log;
mod messaging;
mod webhooks;
mod whatsapp;

const KEY: &str = "agent-key";
const METRICS_TOKEN: &str = "a-token-for-the-scraper";
const ID: &str = "call-1-1795248000000";

/// What the speech provider is known to plan.
const WARNING: &str = "a-model, which is used for tts, ends on 2027-01-06";

/// Notes what it is asked, and answers with fixed words or the refusal it was given.
#[derive(Default)]
struct FakeService {
    asked: Mutex<Vec<String>>,
    refusal: Mutex<Option<Refusal>>,
    /// Panics instead of answering.
    panics: bool,
    /// Has gone on in WhatsApp: nobody picked up.
    writes: bool,
}

fn session() -> SessionId {
    SessionId::parse(ID).expect("a session id")
}

fn outcome() -> Outcome {
    Outcome {
        dial: Dial::Answered,
        answered_by: AnsweredBy::Human,
        message_heard: MessageHeard::Partial("Shall I".to_owned()),
        reply_channel: Some(Channel::Voice),
        ended_by: None,
    }
}

fn line(speaker: Speaker, text: &str, at: u64) -> Line {
    Line { speaker, text: text.to_owned(), at: Millis(at), channel: Channel::Voice }
}

fn conversation() -> Conversation {
    Conversation {
        id: session(),
        channel: Channel::Voice,
        conversation: None,
        lines: vec![line(Speaker::Agent, "Shall I?", 5), line(Speaker::Person, "Yes.", 9)],
        created_at: Millis(4),
        ended_at: Some(Millis(12)),
        duration_seconds: 8,
        outcome: Outcome { ended_by: Some(EndedBy::Person), ..outcome() },
        uncollected: vec![line(Speaker::Person, "Wait!", 10)],
    }
}

/// A reply in WhatsApp.
fn written() -> Reply {
    let outcome = Outcome {
        dial: Dial::NoAnswer,
        message_heard: MessageHeard::Written,
        reply_channel: Some(Channel::WhatsApp),
        ..Outcome::default()
    };
    let window = Window { until: Millis(1_795_248_000_000), left: Duration::from_mins(59) };
    Reply {
        session: session(),
        response: "Yes.".to_owned(),
        earlier: Vec::new(),
        interrupted: false,
        channel: Channel::WhatsApp,
        contact: Some(Contact { conversation: Some(chat()), window: Some(window) }),
        outcome,
    }
}

fn chat() -> ConversationId {
    ConversationId("CH0123456789abcdef0123456789abcdef".to_owned())
}

fn refusal(kind: RefusalKind) -> Refusal {
    Refusal {
        kind,
        sentence: format!("{kind:?}"),
        session: None,
        channel: None,
        outcome: None,
        retry_after: None,
        request: None,
    }
}

impl FakeService {
    fn answer<T: Send + 'static>(&self, asked: String, answer: T) -> BoxFuture<'static, Result<T, Refusal>> {
        assert!(!self.panics, "told to");
        self.asked.lock().expect("no panic holds it").push(asked);
        let refusal = self.refusal.lock().expect("no panic holds it").clone();
        async move { refusal.map_or(Ok(answer), Err) }.boxed()
    }

    fn kept(&self) -> Conversation {
        Conversation { conversation: self.writes.then(chat), ..conversation() }
    }

    fn reply(&self, asked: String) -> BoxFuture<'static, Result<Reply, Refusal>> {
        if self.writes {
            return self.answer(asked, written());
        }
        let earlier = vec![line(Speaker::Person, "One\nmoment", 3), line(Speaker::Person, "please", 4)];
        let response = "Yes.".to_owned();
        let reply = Reply {
            session: session(),
            response,
            earlier,
            interrupted: true,
            channel: Channel::Voice,
            contact: None,
            outcome: outcome(),
        };
        self.answer(asked, reply)
    }
}

fn told(verb: &str, session: Option<&SessionId>, ask: &Ask) -> String {
    let Ask { message, idempotency_key, principal, patience } = ask;
    let session = session.map(SessionId::as_str);
    let told = format!("{verb} {session:?} {:?} {idempotency_key:?} {}", message.as_str(), principal.0);
    patience.map_or(told.clone(), |patience| format!("{told} within {patience:?}"))
}

/// Nobody is blocked, and nothing is kept of who is.
fn blocks(limits: InboundLimits) -> super::carrier::Blocks {
    let store = Arc::new(crate::store::memory::MemoryStore::new(Duration::ZERO));
    super::carrier::Blocks::new(&limits, store, Arc::new(crate::clock::wall::WallClock::starting_at(Millis(0))))
}

impl Verbs for FakeService {
    fn call(&self, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(told("call", None, &ask))
    }
    fn message(&self, ask: Ask, first_contact: bool) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(format!("{} {first_contact}", told("message", None, &ask)))
    }
    fn resume(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(told("resume", Some(&session), &ask))
    }
    fn speak(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Spoken, Refusal>> {
        self.answer(told("speak", Some(&session), &ask), Spoken { interrupted: false, outcome: Outcome::default() })
    }
    fn end(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Ended, Refusal>> {
        let duration = Duration::from_millis(8_700);
        let outcome = Outcome { message_heard: MessageHeard::Full, ended_by: Some(EndedBy::Agent), ..outcome() };
        self.answer(told("end", Some(&session), &ask), Ended { duration, outcome })
    }
    fn wait(&self, session: SessionId, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(format!("wait {session} {patience:?}"))
    }
    fn rejoin(&self, request: RequestKey, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(format!("rejoin {} {patience:?}", request.0))
    }
    fn forget(&self, session: Option<SessionId>) -> BoxFuture<'_, Result<usize, Refusal>> {
        self.answer(format!("forget {:?}", session.as_ref().map(SessionId::as_str)), 3)
    }
    fn look(&self, session: SessionId) -> BoxFuture<'_, Result<View, Refusal>> {
        let view = View {
            conversation: self.kept(),
            state: "listening",
            waiting: true,
            queued: false,
            contact: self.writes.then(|| Contact { conversation: Some(chat()), window: None }),
        };
        self.answer(format!("look {session}"), view)
    }
    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), Refusal>> {
        self.answer(format!("history {limit}"), (vec![self.kept()], 31))
    }
}

/// Signs with the word `good`; the body is the webhook's name.
struct FakeCarrier;

impl CarrierWebhooks for FakeCarrier {
    fn signature_headers(&self) -> &'static [&'static str] {
        &["x-signature"]
    }
    fn may_be_signed(&self, signature: &[&str]) -> bool {
        signature != ["no signature at all"]
    }
    fn verify(&self, request: &SignedRequest<'_>) -> bool {
        let SignedRequest { path_and_query, content_type, .. } = request;
        request.signature == [format!("good {path_and_query} {}", content_type.unwrap_or("-"))]
    }
    fn parse(&self, body: &[u8]) -> Result<Told, BadWebhook> {
        let call = CarrierCallId("CA1".to_owned());
        let (kind, whose) = match std::str::from_utf8(body).map_err(|_| BadWebhook)?.split_once(" of ") {
            Some((kind, session)) => (kind, Whose::Of(SessionId::parse(session))),
            None => (std::str::from_utf8(body).map_err(|_| BadWebhook)?, Whose::AsAddressed),
        };
        let webhook = match kind {
            "fetch" => Webhook::Fetch { call, inbound: false },
            "inbound" => Webhook::Fetch { call, inbound: true },
            _ => return Err(BadWebhook),
        };
        Ok(Told { webhook, whose, event: None })
    }
    fn documents(&self) -> Option<&dyn CallDocuments> {
        Some(self)
    }
}

impl CallDocuments for FakeCarrier {
    fn connect(&self, token: &str, session: &SessionId) -> String {
        format!("connect {token} {session}")
    }
    fn hang_up(&self) -> String {
        "hang up".to_owned()
    }
    fn reject(&self) -> String {
        "reject".to_owned()
    }
    fn nothing(&self) -> String {
        "nothing".to_owned()
    }
    fn content_type(&self) -> &'static str {
        "text/xml"
    }
}

/// Everybody's messages are `by <number> in <conversation>`; nobody wrote anything else.
struct FakeMessages;

/// What `/health` warns of.
#[derive(Debug)]
struct FakeSpeech;

impl SpeechOutlook for FakeSpeech {
    fn warnings(&self) -> Vec<String> {
        vec![WARNING.to_owned()]
    }
}

impl MessagingWebhooks for FakeMessages {
    fn sender_of(&self, body: &[u8]) -> Option<Sender> {
        let text = std::str::from_utf8(body).ok()?.strip_prefix("by ")?;
        let (number, conversation) =
            text.split_once(" in ").map_or((text, None), |(number, chat)| (number, Some(chat)));
        let conversation = conversation.map(|chat| ConversationId(chat.to_owned()));
        Some(Sender { from: PhoneNumber::parse(number).ok(), conversation })
    }
    fn parse(&self, _: &[u8]) -> MessageNews {
        panic!("nothing is read before the answer")
    }
}

/// Connects what names a session, turns inbound calls away, takes the rest.
#[derive(Default)]
struct FakeEvents {
    media: Mutex<Vec<Option<String>>>,
    messages: Mutex<Vec<Bytes>>,
    /// Who was turned away, and for how many seconds.
    away: Mutex<Vec<(Sender, u64)>>,
    /// Takes no more messages.
    full: bool,
}

impl CallEvents for FakeEvents {
    fn webhook(&self, session: Option<SessionId>, _: Option<&EventId>, webhook: Webhook) -> BoxFuture<'_, Answer> {
        let answer = match (session, webhook) {
            (_, Webhook::Fetch { inbound: true, .. }) => Answer::Reject,
            (Some(session), Webhook::Fetch { .. }) => Answer::Connect { token: "t0".to_owned(), session },
            (None, Webhook::Fetch { .. }) => Answer::HangUp,
            _ => Answer::Taken,
        };
        async { answer }.boxed()
    }
    fn message(&self, body: Bytes) -> BoxFuture<'_, bool> {
        if !self.full {
            self.messages.lock().expect("no panic holds it").push(body);
        }
        let room = !self.full;
        async move { room }.boxed()
    }
    fn turned_away(&self, sender: &Sender, wait: Duration) {
        self.away.lock().expect("no panic holds it").push((sender.clone(), wait.as_secs()));
    }
    fn media(&self, token: Option<String>, _: BoxSocket) -> BoxFuture<'static, ()> {
        self.media.lock().expect("no panic holds it").push(token);
        async {}.boxed()
    }
}

/// The whole router over the fakes.
struct Edge {
    service: Arc<FakeService>,
    events: Arc<FakeEvents>,
    metrics: Arc<Metrics>,
    router: Router,
}

impl Edge {
    fn new() -> Self {
        Self::over(FakeService::default())
    }

    fn over(service: FakeService) -> Self {
        Self::built(service, FakeEvents::default())
    }

    fn built(service: FakeService, events: FakeEvents) -> Self {
        Self::limited(service, events, InboundLimits::default())
    }

    fn limited(service: FakeService, events: FakeEvents, inbound: InboundLimits) -> Self {
        let (service, events, metrics) = (Arc::new(service), Arc::new(events), Arc::<Metrics>::default());
        let router = router(Parts {
            verbs: service.clone(),
            store: Arc::new(MemoryStore::new(Duration::from_hours(1))),
            events: events.clone(),
            carrier: Arc::new(FakeCarrier),
            message_webhooks: Some(Arc::new(FakeMessages)),
            inbound,
            blocks: blocks(inbound),
            hash_key: HashKey::new(b"a key"),
            api_key: KEY.to_owned().into(),
            public_url: "https://callme.example.com".to_owned(),
            instance: "this-process".to_owned(),
            metrics_token: METRICS_TOKEN.to_owned().into(),
            metrics: metrics.clone(),
            speech: Arc::new(FakeSpeech),
            mcp: None,
        });
        Self { service, events, metrics, router }
    }

    fn refusing(refusal: Refusal) -> Self {
        let edge = Self::new();
        *edge.service.refusal.lock().expect("no panic holds it") = Some(refusal);
        edge
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("the router always answers")
    }

    /// Sends a request with the key and reads the answer as JSON.
    async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {KEY}"));
        read(self.send(request.body(body.into()).expect("a request")).await).await
    }

    fn asked(&self) -> Vec<String> {
        self.service.asked.lock().expect("no panic holds it").clone()
    }
}

async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (
        status,
        serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned())),
    )
}
