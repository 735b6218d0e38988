//! Room for connections: a bounded number, and who leaves when there is none.
//!
//! A connection rests while it has no request: before its first, and between two. Whoever rests longest leaves when
//! another comes and there is no room, so that connections which want nothing keep nobody out. One that waits for our answer
//! is never sent away; one that has left an answer lying is treated as one that rests from then on, whatever it asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All the room there is.
pub(super) struct Places {
    free: Arc<Semaphore>,
    rests: Mutex<Rests>,
    /// Somebody has come to rest.
    rested: Notify,
}

#[derive(Default)]
struct Rests {
    /// Who rests, longest first.
    resting: BTreeMap<u64, CancellationToken>,
    /// How often somebody came to rest; numbers the next.
    count: u64,
}

/// A connection's place, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    leave: CancellationToken,
    state: Mutex<State>,
    _permit: OwnedSemaphorePermit,
}

struct State {
    /// Requests that are being answered.
    requests: usize,
    /// Where it stands among those who rest.
    rest: Option<u64>,
    /// It has left an answer lying: it stays among those who rest.
    neglects: bool,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(most)), rests: Mutex::default(), rested: Notify::new() })
    }

    /// A place, as soon as there is one: at once, or when whoever rests longest has left.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            let left = self.dismiss();
            tokio::select! {
                permit = Arc::clone(&self.free).acquire_owned() => break permit.expect("the semaphore is never closed"),
                // Nobody rested; now somebody does.
                () = self.rested.notified(), if !left => {}
            }
        };
        let place = Place {
            places: Arc::clone(self),
            leave: CancellationToken::new(),
            state: Mutex::new(State { requests: 0, rest: None, neglects: false }),
            _permit: permit,
        };
        place.rest(&mut place.lock());
        place
    }

    /// Sends whoever rests longest away; false where nobody rests.
    pub(super) fn dismiss(&self) -> bool {
        let longest = self.lock().resting.pop_first();
        longest.is_some_and(|(_, leave)| {
            leave.cancel();
            true
        })
    }

    fn lock(&self) -> MutexGuard<'_, Rests> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Ends when the connection has to leave.
    pub(super) async fn dismissed(&self) {
        self.leave.cancelled().await;
    }

    /// A request has come; it is being answered until what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.lock();
        state.requests += 1;
        if !state.neglects
            && let Some(rest) = state.rest.take()
        {
            self.places.lock().resting.remove(&rest);
        }
        Busy(Arc::clone(self))
    }

    /// An answer was left lying. More requests beside it keep nobody out any more.
    pub(super) fn neglects(&self) {
        let mut state = self.lock();
        state.neglects = true;
        self.rest(&mut state);
    }

    fn rest(&self, state: &mut State) {
        if state.rest.is_some() {
            return;
        }
        let mut rests = self.places.lock();
        rests.count += 1;
        let count = rests.count;
        rests.resting.insert(count, self.leave.clone());
        state.rest = Some(count);
        drop(rests);
        self.places.rested.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(rest) = self.lock().rest {
            self.places.lock().resting.remove(&rest);
        }
    }
}

/// A request that is being answered.
pub(super) struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests -= 1;
        if state.requests == 0 {
            self.0.rest(&mut state);
        }
    }
}
