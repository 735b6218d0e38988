//! Repeats: the same request again joins the one that runs, or gets the answer that its client never took.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Ask, PrincipalId};
use crate::clock::Millis;
use crate::domain::session::{Body, Failure};
use crate::ids::{RequestKey, SessionId};
use crate::privacy::keyed::HashKey;
use crate::session::{Delivered, Pending, Recalled, RequestName};
use crate::store::{Given, RequestRecord};

/// How long an `Idempotency-Key` stands for its request.
const KEYED: Duration = Duration::from_hours(24);
/// How long an answer waits for a repeat of a request whose client had gone.
const UNCOLLECTED: Duration = Duration::from_mins(1);
/// An answer that was given so shortly before a restart may have broken off with the process.
const ON_THE_WAY: Duration = Duration::from_secs(10);
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

/// What a request goes by, for its repeats: also in the store, which is to know neither words nor names of it.
pub(super) fn name_of(key: &HashKey, route: Route, session: Option<&SessionId>, ask: &Ask) -> RequestName {
    let keyed = ask.idempotency_key.is_some();
    let named = if keyed { route.verb() } else { route };
    let session = session.map_or("", SessionId::as_str);
    let name = ask.idempotency_key.as_deref().unwrap_or(ask.message.as_str());
    let PrincipalId(principal) = ask.principal;
    RequestName {
        key: RequestKey(key.request(&format!("{principal} {named:?} {session} {keyed} {name}"))),
        content: key.request(&format!("{route:?} {}", ask.message.as_str())),
        keyed,
    }
}

/// A request that was begun, and perhaps answered.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) pending: Pending,
    pub(super) name: RequestName,
    collected: Arc<AtomicBool>,
    waiting: Arc<AtomicUsize>,
    /// Its answer was a reply, and has been deleted.
    deleted: bool,
    pub(super) at: Millis,
}

impl Begun {
    /// A client waits for the answer until this is dropped.
    pub(super) fn waits(&self) -> Waits {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(Arc::clone(&self.waiting))
    }

    /// A client has the answer: a repeat is a new request, unless it has a key.
    pub(super) fn collect(&self) {
        self.collected.store(true, Ordering::Relaxed);
    }

    /// Whether a client has had the answer.
    pub(super) fn is_collected(&self) -> bool {
        self.collected.load(Ordering::Relaxed)
    }

    /// Whether its answer was a reply that has been deleted since.
    pub(super) fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// As it is kept for the next process.
    pub(super) fn record(&self, answer: &Delivered, collected: bool) -> RequestRecord {
        let RequestName { key, content, keyed } = self.name.clone();
        RequestRecord {
            key,
            request: self.pending.request,
            session: self.pending.session.clone(),
            content,
            keyed,
            begun_at: self.at,
            answer: Some(Given::from(answer)),
            collected,
            deleted: self.deleted,
        }
    }

    /// Whether a repeat gets this one's answer.
    fn stands(&self, now: Millis) -> bool {
        let keyed = self.name.keyed;
        let Some(delivered) = self.pending.given() else {
            return !self.pending.is_dead() || keyed && now.since(self.at) <= KEYED;
        };
        match &delivered.answer.body {
            // A definite refusal: nothing was done, so the next try may do it.
            Body::Failed { failure: Failure::Busy | Failure::NoActiveCall, .. } => false,
            Body::Failed { failure, .. } if failure.is_untouched() => false,
            _ if keyed => now.since(delivered.at) <= KEYED,
            _ => !self.is_collected() && now.since(delivered.at) <= UNCOLLECTED,
        }
    }
}

/// One client of perhaps several that wait for the same answer.
pub(super) struct Waits(Arc<AtomicUsize>);

impl Waits {
    /// Whether nobody else does.
    pub(super) fn alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The requests that a repeat may join.
#[derive(Default)]
pub(super) struct Repeats {
    begun: HashMap<RequestKey, Begun>,
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
        name: RequestName,
        now: Millis,
        begin: impl FnOnce(RequestName) -> Result<Pending, E>,
    ) -> Joined<E> {
        if let Some(begun) = self.begun.get(&name.key).filter(|begun| begun.stands(now)) {
            let same = begun.name.content == name.content;
            return if same { Joined::Begun(begun.clone()) } else { Joined::Mismatch };
        }
        match begin(name.clone()) {
            Ok(pending) => {
                let key = name.key.clone();
                let (collected, waiting) = (Arc::default(), Arc::default());
                let begun = Begun { pending, name, collected, waiting, deleted: false, at: now };
                self.make_room(now);
                self.begun.insert(key, begun.clone());
                Joined::Begun(begun)
            }
            Err(error) => Joined::Refused(error),
        }
    }

    /// The request of this name, while its answer is to come or is kept.
    pub(super) fn find(&self, key: &RequestKey, now: Millis) -> Option<Begun> {
        let kept = |begun: &&Begun| {
            begun.pending.given().map_or(!begun.pending.is_dead(), |delivered| now.since(delivered.at) <= KEYED)
        };
        self.begun.get(key).filter(kept).cloned()
    }

    /// The answered requests of this session: somebody who waited has taken their answer, or will not want it any more.
    pub(super) fn answered_in(&self, session: &SessionId) -> Vec<Begun> {
        let of_session = |begun: &&Begun| begun.pending.session == *session && begun.pending.given().is_some();
        self.begun.values().filter(of_session).cloned().collect()
    }

    /// Takes up a request that an earlier process was asked, unless it was asked anew since. The process may have ended
    /// before its last answers were through, whether or not they had been collected.
    pub(super) fn recall(&mut self, Recalled { record, pending }: Recalled, now: Millis) {
        let name = RequestName { key: record.key.clone(), content: record.content, keyed: record.keyed };
        let through = record.answer.is_some_and(|given| now.since(given.at) > ON_THE_WAY);
        let collected = Arc::new(AtomicBool::new(record.collected && through));
        let (deleted, at) = (record.deleted, record.begun_at);
        self.begun.entry(record.key).or_insert(Begun {
            pending,
            name,
            collected,
            waiting: Arc::default(),
            deleted,
            at,
        });
    }

    /// Forgets what was said in these sessions. Repeats find their requests as before, so that nothing is done again; gives them as
    /// they are to be kept from now on.
    pub(super) fn delete(&mut self, is_meant: impl Fn(&SessionId) -> bool) -> Vec<RequestRecord> {
        let mut changed = Vec::new();
        for begun in self.begun.values_mut().filter(|begun| is_meant(&begun.pending.session)) {
            let Some(delivered) = begun.pending.given().filter(|delivered| !delivered.is_put_off()) else { continue };
            let wordless = delivered.without_words();
            begun.deleted |= matches!(delivered.answer.body, Body::Reply(_));
            changed.push(begun.record(&wordless, begun.is_collected()));
            begun.pending = Pending::answered(begun.pending.session.clone(), begun.pending.request, wordless);
        }
        changed
    }

    fn make_room(&mut self, now: Millis) {
        if self.begun.len() < MOST {
            return;
        }
        self.begun.retain(|_, begun| begun.stands(now));
        while self.begun.len() >= MOST {
            let over = |begun: &Begun| begun.pending.given().is_some() || begun.pending.is_dead();
            let answered = self.begun.iter().filter(|(_, begun)| over(begun));
            let Some(oldest) = answered.min_by_key(|(_, begun)| begun.at).map(|(key, _)| key.clone()) else { return };
            self.begun.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
