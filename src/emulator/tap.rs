//! A tap on the wire: everything that goes over it is counted, and can be held up just before it is over and just after.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

use super::form::{Form, field};
use super::world::World;

/// From an answer to its [`Moment::After`]: on one machine it has arrived by then.
const ARRIVED: Duration = Duration::from_millis(10);

/// Something on the wire between the server and the emulator: a request either way, or the opening of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnWire {
    /// Counted from 1, since the tap was set.
    pub number: usize,
    /// What it is; no phone number, key, token or word of a message.
    pub what: String,
    /// When it is told of.
    pub moment: Moment,
}

impl fmt::Display for OnWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, what, moment } = self;
        write!(f, "{number} {moment:?} {what}")
    }
}

/// When something on the wire is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A request of the server's has done all that it does, and its answer is not on the way yet. A request to the server is
    /// about to be made.
    Before,
    /// The answer has arrived, on whichever side it is for.
    After,
}

type Hook = Arc<dyn Fn(&OnWire) + Send + Sync>;

/// Who listens, if anybody does.
#[derive(Default)]
pub(super) struct Tap {
    hook: RwLock<Option<Hook>>,
    count: AtomicUsize,
}

/// One thing on the wire, on its way.
pub(super) struct Passing {
    event: OnWire,
    hook: Hook,
}

impl Tap {
    pub(super) fn set(&self, hook: Hook) {
        self.count.store(0, Ordering::Relaxed);
        *self.hook.write().expect("no holder of the lock panics") = Some(hook);
    }

    /// Tells of what is about to pass; nothing while nobody listens.
    pub(super) fn before(&self, what: impl FnOnce() -> String) -> Option<Passing> {
        let hook = self.hook.read().expect("no holder of the lock panics").clone()?;
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let event = OnWire { number, what: what(), moment: Moment::Before };
        hook(&event);
        Some(Passing { event, hook })
    }

    fn is_open(&self) -> bool {
        self.hook.read().expect("no holder of the lock panics").is_some()
    }
}

impl Passing {
    /// Tells that it has passed.
    pub(super) fn after(mut self) {
        self.event.moment = Moment::After;
        (self.hook)(&self.event);
    }
}

/// Tells of every request that the emulator is asked.
pub(super) async fn listen(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    if !world.tap.is_open() {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("?", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    if let Some(passing) = world.tap.before(|| format!("{method} {route}")) {
        world.spawn(async move {
            tokio::time::sleep(ARRIVED).await;
            passing.after();
        });
    }
    response
}

/// What an event is called.
pub(super) fn event(url: &str, event: &Value) -> String {
    let path = url.split('?').next().unwrap_or(url).rsplit('/').next().unwrap_or_default();
    format!("webhook {path} {}", event["data"]["event_type"].as_str().unwrap_or("event"))
}

/// What a webhook is called.
pub(super) fn webhook(url: &str, form: &Form) -> String {
    let path = url.split('?').next().unwrap_or(url).rsplit('/').next().unwrap_or_default();
    let kind = |name| field(form, name).filter(|value| !value.is_empty());
    let kind = kind("EventType").or_else(|| kind("CallStatus")).or_else(|| kind("AnsweredBy")).unwrap_or("message");
    let source = if field(form, "CallbackSource").is_some() { " callback" } else { "" };
    format!("webhook {path} {kind}{source}")
}
