//! The HTTP edge with nothing behind it: a service that notes what it is asked and answers this or that.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request};
use callme::clock::Millis;
use callme::clock::wall::WallClock;
use callme::domain::outcome::{Channel, Outcome};
use callme::http::carrier::{Answer, Blocks, CallEvents, InboundLimits};
use callme::http::{Parts, router};
use callme::ids::{EventId, RequestKey, SessionId};
use callme::media::BoxSocket;
use callme::phone_number::PhoneNumber;
use callme::privacy::keyed::HashKey;
use callme::provider::twilio::{PublicUrl, TwilioMessageWebhooks, TwilioWebhooks};
use callme::provider::{Sender, SpeechOutlook, Webhook};
use callme::service::{Ask, Ended, Refusal, RefusalKind, Reply, Spoken, Verbs, View};
use callme::store::Conversation;
use callme::store::memory::MemoryStore;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use crate::{ACCOUNT, SENDER};

/// What agents authenticate with.
pub const KEY: &str = "the-key-of-the-agents";
/// What a scraper of the metrics may use instead.
pub const METRICS_TOKEN: &str = "the-token-of-the-scraper";
/// What the carrier signs with.
pub const AUTH_TOKEN: &str = "the-token-of-the-account";
/// Where the carrier reaches the server.
pub const PUBLIC: &str = "https://ex.org";

/// The edge, and what stands around it.
pub struct Edge {
    router: Router,
    runtime: Runtime,
    notes: Arc<Notes>,
    log: Arc<Mutex<Vec<u8>>>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    /// What was asked of the service, and what was told to the sessions.
    pub asked: Vec<String>,
    /// What was written to the log.
    pub log: String,
}

impl Edge {
    /// The whole router. Takes over the log of this process.
    pub fn new() -> Self {
        let (notes, log) = (Arc::<Notes>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let ink = Arc::clone(&log);
        let writer = move || Ink(Arc::clone(&ink));
        let log_of_all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        log_of_all.with_writer(writer).init();
        let public = PublicUrl::parse(PUBLIC).expect("it is one");
        let webhooks = TwilioWebhooks::new(ACCOUNT.to_owned(), &SecretString::from(AUTH_TOKEN), public);
        let sender = PhoneNumber::parse(SENDER).expect("it is one");
        let store = Arc::new(MemoryStore::new(Duration::ZERO));
        let router = router(Parts {
            verbs: notes.clone(),
            events: notes.clone(),
            carrier: Arc::new(webhooks),
            message_webhooks: Some(Arc::new(TwilioMessageWebhooks::new(ACCOUNT.to_owned(), sender, None))),
            inbound: InboundLimits::default(),
            blocks: Blocks::new(&InboundLimits::default(), store.clone(), Arc::new(WallClock::starting_at(Millis(0)))),
            store,
            hash_key: HashKey::new(b"a key for the hashes"),
            api_key: KEY.into(),
            public_url: PUBLIC.to_owned(),
            metrics_token: METRICS_TOKEN.into(),
            metrics: Arc::default(),
            speech: Arc::new(NoNews),
            mcp: None,
            instance: "a-start".to_owned(),
        });
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        Self { router, runtime, notes, log }
    }

    /// Sends a request, a while after the one before: none meets a limit.
    pub fn send(&self, request: Request<Body>) -> Seen {
        let (head, body) = self.runtime.block_on(async {
            tokio::time::advance(Duration::from_secs(10)).await;
            let (head, body) = self.router.clone().oneshot(request).await.expect("it always answers").into_parts();
            (head, to_bytes(body, usize::MAX).await.expect("a body"))
        });
        let log = std::mem::take(&mut *locked(&self.log));
        Seen {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            asked: std::mem::take(&mut *locked(&self.notes.0)),
            log: String::from_utf8_lossy(&log).into_owned(),
        }
    }
}

impl Default for Edge {
    fn default() -> Self {
        Self::new()
    }
}

/// A question as the service notes it.
pub fn asked(verb: &str, session: Option<&str>, message: &str, key: Option<&str>) -> String {
    format!("{verb} {session:?} {key:?} {message:?}")
}

/// The models of the speech provider stay.
#[derive(Debug)]
struct NoNews;

impl SpeechOutlook for NoNews {
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    /// Notes a question, and refuses it in a way that depends on its length, or not.
    fn answer<T: Send + 'static>(&self, question: String, answer: T) -> BoxFuture<'static, Result<T, Refusal>> {
        const KINDS: [RefusalKind; 7] = [
            RefusalKind::NoActiveCall,
            RefusalKind::NoReply,
            RefusalKind::Busy,
            RefusalKind::CallEnded,
            RefusalKind::RateLimited,
            RefusalKind::ProviderError,
            RefusalKind::ShuttingDown,
        ];
        let refusal = KINDS.get(question.len() % 16).map(|kind| Refusal {
            kind: *kind,
            sentence: "No.".to_owned(),
            session: Some(session()),
            channel: Some(Channel::WhatsApp),
            outcome: Some(Outcome::default()),
            retry_after: Some(Duration::from_millis(1_500)),
            request: None,
        });
        self.note(question);
        async { refusal.map_or(Ok(answer), Err) }.boxed()
    }

    fn reply(&self, question: String) -> BoxFuture<'static, Result<Reply, Refusal>> {
        let reply = Reply {
            session: session(),
            response: "Yes.".to_owned(),
            earlier: Vec::new(),
            interrupted: false,
            channel: Channel::Voice,
            contact: None,
            outcome: Outcome::default(),
        };
        self.answer(question, reply)
    }

    fn note(&self, what: String) {
        locked(&self.0).push(what);
    }
}

impl Verbs for Notes {
    fn call(&self, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(of("call", None, &ask))
    }
    fn message(&self, ask: Ask, first_contact: bool) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(of(if first_contact { "first message" } else { "message" }, None, &ask))
    }
    fn resume(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(of("continue", Some(&session), &ask))
    }
    fn speak(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Spoken, Refusal>> {
        let spoken = Spoken { interrupted: true, outcome: Outcome::default() };
        self.answer(of("speak", Some(&session), &ask), spoken)
    }
    fn end(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Ended, Refusal>> {
        self.answer(
            of("end", Some(&session), &ask),
            Ended { duration: Default::default(), outcome: Outcome::default() },
        )
    }
    fn wait(&self, session: SessionId, _: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(asked("wait", Some(session.as_str()), "", None))
    }
    fn rejoin(&self, request: RequestKey, _: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.reply(asked("rejoin", Some(&request.0), "", None))
    }
    fn look(&self, session: SessionId) -> BoxFuture<'_, Result<View, Refusal>> {
        let view =
            View { conversation: conversation(), state: "listening", waiting: true, queued: false, contact: None };
        self.answer(asked("look", Some(session.as_str()), "", None), view)
    }
    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), Refusal>> {
        assert!((1..=50).contains(&limit), "{limit}");
        self.answer("history".to_owned(), (vec![conversation()], 31))
    }
    fn forget(&self, session: Option<SessionId>) -> BoxFuture<'_, Result<usize, Refusal>> {
        self.answer(asked("forget", session.as_ref().map(SessionId::as_str), "", None), 3)
    }
}

impl CallEvents for Notes {
    fn webhook(&self, named: Option<SessionId>, _: Option<&EventId>, webhook: Webhook) -> BoxFuture<'_, Answer> {
        self.note("webhook".to_owned());
        let answer = match (named, webhook) {
            (_, Webhook::Fetch { inbound: true, .. }) => Answer::Reject,
            (Some(named), Webhook::Fetch { .. }) if named == session() => {
                Answer::Connect { token: "t0".to_owned(), session: named }
            }
            (_, Webhook::Fetch { .. }) => Answer::HangUp,
            _ => Answer::Taken,
        };
        async { answer }.boxed()
    }
    fn message(&self, body: Bytes) -> BoxFuture<'_, bool> {
        self.note(format!("inbound {}", String::from_utf8_lossy(&body)));
        async { true }.boxed()
    }
    fn turned_away(&self, _: &Sender, _: Duration) {
        unreachable!("there are no limits");
    }
    fn media(&self, _: Option<String>, _: BoxSocket) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

fn of(verb: &str, session: Option<&SessionId>, ask: &Ask) -> String {
    asked(verb, session.map(SessionId::as_str), ask.message.as_str(), ask.idempotency_key.as_deref())
}

fn session() -> SessionId {
    SessionId::parse("call-1-1795248000000").expect("a session id")
}

fn conversation() -> Conversation {
    Conversation {
        id: session(),
        channel: Channel::Voice,
        conversation: None,
        lines: Vec::new(),
        created_at: Millis(4),
        ended_at: None,
        duration_seconds: 8,
        outcome: Outcome::default(),
        uncollected: Vec::new(),
    }
}

/// One line of the log on its way.
struct Ink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Ink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        locked(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
