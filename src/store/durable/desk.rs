//! What the callers of a store and its thread share: what waits, the mirror, and how things are.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::Patience;
use super::pending::{Key, Pending, merged};
use crate::clock::Millis;
use crate::ids::SessionId;
use crate::store::memory::Conversations;
use crate::store::{Conversation, Left, StoreError, StoreState, Write};

/// Tells a caller what became of what it asked for.
pub(super) type Receipt = oneshot::Sender<Result<(), StoreError>>;

/// The desk over which things are handed to the thread.
#[derive(Debug)]
pub(super) struct Desk {
    state: Mutex<State>,
    /// There is something to do.
    wake: Condvar,
    /// How far the thread has come.
    pub(super) phase: watch::Sender<Phase>,
    patience: Patience,
}

/// How far the thread has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is known yet of what was left.
    Opening,
    /// What was left can be read.
    Open,
    /// The backend was given up.
    Closed,
}

/// How a caller gets its answer.
#[derive(Debug)]
pub(super) enum Ticket {
    /// From the thread.
    Taken(oneshot::Receiver<Result<(), StoreError>>),
    /// At once.
    Refused(StoreError),
}

/// Something for the thread to do.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) writes: Vec<Write>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) sweep: Option<Millis>,
    /// For those who asked for that.
    pub(super) sweepers: Vec<Receipt>,
    /// It is the last.
    pub(super) closing: bool,
}

#[derive(Debug)]
struct State {
    pending: Pending,
    /// How many changes the thread is writing; they are no part of `pending`.
    writing: usize,
    /// The thread is at work.
    busy: bool,
    receipts: Vec<Receipt>,
    sweep: Option<Millis>,
    sweepers: Vec<Receipt>,
    mirror: Conversations,
    left: Option<Left>,
    /// Why what is committed is not durable.
    trouble: Option<String>,
    warnings: Vec<String>,
    closing: bool,
}

impl Desk {
    pub(super) fn new(keep: Duration, patience: Patience) -> Self {
        let state = State {
            pending: Pending::default(),
            writing: 0,
            busy: true,
            receipts: Vec::new(),
            sweep: None,
            sweepers: Vec::new(),
            mirror: Conversations::new(keep),
            left: None,
            trouble: None,
            warnings: Vec::new(),
            closing: false,
        };
        Self { state: Mutex::new(state), wake: Condvar::new(), phase: watch::Sender::new(Phase::Opening), patience }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For callers. None of it waits for the thread.
impl Desk {
    pub(super) fn commit(&self, writes: Vec<Write>) -> Ticket {
        let mut state = self.lock();
        for mut write in writes {
            state.mirror.apply(&write);
            if let Some(left) = &mut state.left {
                recall(left, &mut write);
            }
            // It is for its answer only, and that is known.
            if write != Write::Nothing || state.trouble.is_none() {
                state.pending.put(write);
            }
        }
        let Patience { most_values, most_bytes, .. } = self.patience;
        if state.pending.is_over(most_values, most_bytes) {
            let dropped = state.pending.shed(most_values, most_bytes);
            let text = "more waits to be written than memory is kept for; see what the store waits for";
            state.trouble.get_or_insert_with(|| text.to_owned());
            if dropped > 0 {
                tracing::warn!(store.dropped = dropped, "{dropped} changes are lost: too many wait for the store");
            }
        }
        let ticket = self.ticket(&state);
        ticket.unwrap_or_else(|| taken(&mut state.receipts))
    }

    pub(super) fn sweep(&self, now: Millis) -> Ticket {
        let mut state = self.lock();
        state.mirror.sweep(now);
        state.sweep = Some(now);
        let ticket = self.ticket(&state);
        ticket.unwrap_or_else(|| taken(&mut state.sweepers))
    }

    /// The thread has something to do; the answer to it, where that is known.
    fn ticket(&self, state: &State) -> Option<Ticket> {
        self.wake.notify_one();
        let closed = state.closing.then(|| "it is closed".to_owned());
        closed.or_else(|| state.trouble.clone()).map(|reason| Ticket::Refused(StoreError(reason)))
    }

    /// The thread has not answered for too long.
    pub(super) fn is_slow(&self) -> StoreError {
        let text = "the store takes too long to write; see whether its disk or server is overloaded or hangs";
        let mut state = self.lock();
        // It may have come to an end a moment ago.
        if state.trouble.is_none() && (state.busy || !state.pending.is_empty()) {
            tracing::error!("{text}");
            state.trouble = Some(text.to_owned());
        }
        StoreError(text.to_owned())
    }

    pub(super) fn state(&self) -> StoreState {
        let opening = *self.phase.borrow() == Phase::Opening;
        match (&self.lock().trouble, opening) {
            (Some(trouble), _) => StoreState::Degraded(trouble.clone()),
            (None, true) => StoreState::Degraded("the store is being opened".to_owned()),
            (None, false) => StoreState::Fine,
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.lock().warnings.clone()
    }

    pub(super) fn conversation(&self, id: &SessionId) -> Option<Conversation> {
        self.lock().mirror.get(id).cloned()
    }

    pub(super) fn history(&self, limit: usize) -> (Vec<Conversation>, usize) {
        self.lock().mirror.newest(limit)
    }

    /// What was left, once; nothing more the second time. `None` when that never became known.
    pub(super) fn take_left(&self) -> Option<Left> {
        self.lock().left.as_mut().map(std::mem::take)
    }

    /// How many changes are not written.
    pub(super) fn unwritten(&self) -> usize {
        let state = self.lock();
        state.pending.len() + state.writing
    }

    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }
}

/// For the thread.
impl Desk {
    /// Waits until there is something to do, and takes all of it.
    pub(super) fn wait(&self) -> Work {
        let idle = |state: &mut State| state.pending.is_empty() && state.sweep.is_none() && !state.closing;
        let mut state = self.lock();
        state.busy = false;
        let mut state = self.wake.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        state.busy = true;
        let writes = state.pending.take();
        state.writing = writes.len();
        Work {
            writes,
            receipts: std::mem::take(&mut state.receipts),
            sweep: state.sweep.take(),
            sweepers: std::mem::take(&mut state.sweepers),
            closing: state.closing,
        }
    }

    /// Waits this long, or until it is over; `true` when it is.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let open = |state: &mut State| !state.closing;
        let waited = self.wake.wait_timeout_while(self.lock(), time, open);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// This is what the backend does not promise.
    pub(super) fn warned(&self, warnings: Vec<String>) {
        self.lock().warnings = warnings;
    }

    /// There is access to what was left: what was committed meanwhile is newer.
    pub(super) fn opened(&self, mut left: Left, conversations: Vec<Conversation>) {
        let mut state = self.lock();
        let state = &mut *state;
        for conversation in conversations {
            if !state.pending.has(&Key::Conversation(conversation.id.clone())) {
                state.mirror.recall(conversation);
            }
        }
        // Lines go on living: both know something.
        let lines: Vec<Write> = left
            .lines
            .iter()
            .filter_map(|(key, older)| {
                let newer = state.pending.line(key)?;
                Some(Write::Line(key.clone(), Box::new(merged(newer, older))))
            })
            .collect();
        for line in lines {
            state.pending.put(line);
        }
        let pending = &state.pending;
        left.sessions.retain(|session| !pending.has(&Key::Session(session.id.clone())));
        left.seen.retain(|(line, message, _)| !pending.has(&Key::Seen(line.clone(), message.clone())));
        left.received.retain(|received| !pending.has(&Key::Received(received.entry)));
        left.requests.retain(|request| !pending.has(&Key::Request(request.key.clone())));
        left.blocks.retain(|(phone, _)| !pending.has(&Key::Block(phone.clone())));
        left.received.sort_by_key(|received| received.entry);
        state.left = Some(left);
        if state.pending.is_empty() {
            state.recovered();
        }
        self.phase.send_replace(Phase::Open);
    }

    /// What was to be written is durable.
    pub(super) fn written(&self, receipts: Vec<Receipt>) {
        let mut state = self.lock();
        state.writing = 0;
        state.recovered();
        drop(state);
        answer(receipts, &Ok(()));
    }

    /// What has had its time is forgotten, or nothing was to be.
    pub(super) fn swept(&self, sweepers: Vec<Receipt>) {
        self.lock().recovered();
        answer(sweepers, &Ok(()));
    }

    /// This was not done, for this reason; it is kept for later.
    pub(super) fn failed(&self, reason: &str, work: Option<Work>) {
        let mut state = self.lock();
        state.writing = 0;
        if state.trouble.as_deref() != Some(reason) {
            tracing::error!(store.reason = reason, "what is committed is kept in memory only: {reason}");
        }
        state.trouble = Some(reason.to_owned());
        let mut receipts = std::mem::take(&mut state.receipts);
        receipts.append(&mut state.sweepers);
        if let Some(work) = work {
            for write in work.writes.into_iter().filter(|write| *write != Write::Nothing) {
                state.pending.put_back(write);
            }
            state.pending.shed(self.patience.most_values, self.patience.most_bytes);
            state.sweep = state.sweep.or(work.sweep);
            receipts.extend(work.receipts);
            receipts.extend(work.sweepers);
        }
        // Nobody else may bring anything for a long time: whether it works again is to be found out all the same.
        if *self.phase.borrow() == Phase::Open && state.pending.is_empty() && state.sweep.is_none() {
            state.pending.put(Write::Nothing);
        }
        drop(state);
        answer(receipts, &Err(StoreError(reason.to_owned())));
    }

    /// The thread ends.
    pub(super) fn closed(&self) {
        let mut state = self.lock();
        state.receipts.clear();
        state.sweepers.clear();
        drop(state);
        self.phase.send_replace(Phase::Closed);
    }
}

impl State {
    /// The backend has done all that had been asked of it.
    fn recovered(&mut self) {
        if let Some(trouble) = self.trouble.take() {
            tracing::info!(store.was = trouble, "the store has caught up");
        }
    }
}

fn taken(receipts: &mut Vec<Receipt>) -> Ticket {
    let (receipt, answer) = oneshot::channel();
    receipts.push(receipt);
    Ticket::Taken(answer)
}

fn answer(receipts: Vec<Receipt>, result: &Result<(), StoreError>) {
    for receipt in receipts {
        // Nobody need wait for it.
        let _ = receipt.send(result.clone());
    }
}

/// Something is committed about what was left and not read yet: that is newer. A line goes on living: both know something.
fn recall(left: &mut Left, write: &mut Write) {
    if let Write::Line(key, newer) = write
        && let Some((_, older)) = left.lines.iter().find(|(line, _)| line == key)
    {
        **newer = merged(newer, older);
    }
    match Key::of(write) {
        Key::Session(id) => left.sessions.retain(|session| session.id != id),
        Key::Request(key) => left.requests.retain(|request| request.key != key),
        Key::Seen(line, message) => left.seen.retain(|(at, seen, _)| *at != line || *seen != message),
        Key::Received(entry) => left.received.retain(|received| received.entry != entry),
        Key::Block(phone) => left.blocks.retain(|(blocked, _)| *blocked != phone),
        Key::Conversation(_) | Key::Line(_) | Key::Nothing => {}
    }
}
