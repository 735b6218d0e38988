//! Repeats: the same request again joins the one that runs, or gets the answer that its client never took.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Ask, PrincipalId};
use crate::clock::Millis;
use crate::domain::session::{Body, Failure};
use crate::domain::text::AgentText;
use crate::ids::SessionId;
use crate::session::Pending;

/// How long an `Idempotency-Key` stands for its request.
const KEYED: Duration = Duration::from_hours(24);
/// How long an answer waits for a repeat of a request whose client had gone.
const UNCOLLECTED: Duration = Duration::from_mins(1);
/// Requests remembered at once; beyond it the answered ones that are oldest are forgotten.
const MOST: usize = 10_000;

/// Which verb was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Route {
    Call,
    /// With the wish for a template or without.
    Message {
        first_contact: bool,
    },
    Continue,
    Speak,
    End,
}

impl Route {
    /// The verb without its wishes: the client's own name stands for one request, whatever that wishes for.
    fn verb(self) -> Self {
        match self {
            Route::Message { .. } => Route::Message { first_contact: false },
            Route::Call | Route::Continue | Route::Speak | Route::End => self,
        }
    }
}

/// What makes two requests the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    principal: PrincipalId,
    route: Route,
    session: Option<SessionId>,
    name: Name,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Name {
    /// The client's own name for it.
    Given(String),
    /// Its words.
    Words(AgentText),
}

/// A request that was begun, and perhaps answered.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) pending: Pending,
    /// What was asked for.
    route: Route,
    message: AgentText,
    collected: Arc<AtomicBool>,
    at: Millis,
}

impl Begun {
    /// A client has the answer: a repeat is a new request, unless it has a key.
    pub(super) fn collect(&self) {
        self.collected.store(true, Ordering::Relaxed);
    }

    /// Whether a repeat gets this one's answer.
    fn stands(&self, keyed: bool, now: Millis) -> bool {
        let Some(delivered) = self.pending.given() else { return keyed || !self.pending.is_dead() };
        match &delivered.answer.body {
            // A definite refusal: nothing was done, so the next try may do it.
            Body::Failed {
                failure:
                    Failure::Carrier(_)
                    | Failure::Busy
                    | Failure::NoActiveCall
                    | Failure::Undelivered { untouched: true, .. },
                ..
            } => false,
            _ if keyed => now.since(delivered.at) <= KEYED,
            _ => !self.collected.load(Ordering::Relaxed) && now.since(delivered.at) <= UNCOLLECTED,
        }
    }
}

/// The requests that a repeat may join.
#[derive(Default)]
pub(super) struct Repeats {
    begun: HashMap<Key, Begun>,
}

/// What became of a request.
pub(super) enum Joined<E> {
    /// It runs, from now or from before.
    Begun(Begun),
    /// The key stands for other words.
    Mismatch,
    /// It could not be begun.
    Refused(E),
}

impl Repeats {
    /// Joins the request that this one repeats, or begins it.
    pub(super) fn join<E>(
        &mut self,
        route: Route,
        session: Option<&SessionId>,
        ask: &Ask,
        now: Millis,
        begin: impl FnOnce() -> Result<Pending, E>,
    ) -> Joined<E> {
        let name = ask.idempotency_key.clone().map_or_else(|| Name::Words(ask.message.clone()), Name::Given);
        let keyed = matches!(name, Name::Given(_));
        let named = if keyed { route.verb() } else { route };
        let key = Key { principal: ask.principal, route: named, session: session.cloned(), name };
        if let Some(begun) = self.begun.get(&key).filter(|begun| begun.stands(keyed, now)) {
            let same = begun.message == ask.message && begun.route == route;
            return if same { Joined::Begun(begun.clone()) } else { Joined::Mismatch };
        }
        match begin() {
            Ok(pending) => {
                let message = ask.message.clone();
                let begun = Begun { pending, route, message, collected: Arc::default(), at: now };
                self.make_room(now);
                self.begun.insert(key, begun.clone());
                Joined::Begun(begun)
            }
            Err(error) => Joined::Refused(error),
        }
    }

    fn make_room(&mut self, now: Millis) {
        if self.begun.len() < MOST {
            return;
        }
        self.begun.retain(|key, begun| begun.stands(matches!(key.name, Name::Given(_)), now));
        while self.begun.len() >= MOST {
            let answered = self.begun.iter().filter(|(_, begun)| begun.pending.given().is_some());
            let Some(oldest) = answered.min_by_key(|(_, begun)| begun.at).map(|(key, _)| key.clone()) else { return };
            self.begun.remove(&oldest);
        }
    }
}
