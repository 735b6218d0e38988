//! What the manager and the sessions' tasks share: who runs, who is called what, and the person's line.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::burial::Undone;
use super::manager::{ManagerConfig, NotStarted};
use super::missed::Missed;
use super::task::Message;
use crate::clock::Millis;
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::line::{self, Line, Notice};
use crate::domain::outcome::Channel;
use crate::domain::session::{HANG_UP_AGAIN, Input};
use crate::domain::text::AgentText;
use crate::ids::{CarrierCallId, Mark, MessageId, SessionId, SessionIds};
use crate::limit::Tally;
use crate::store::Write;

/// What the person is told by SMS where the operator has not set a notice of their own.
const SMS_NOTICE: &str = "An AI agent that works for you writes here because it could not reach you by phone or on WhatsApp. \
                          Your carrier may charge for text messages. Reply STOP to get no more of them.";
/// How often the carrier is asked again to hang up a call that it did not hang up at once.
const HANG_UP_LATE: Duration = Duration::from_secs(30);
/// Texts remembered whose fate was counted: more than can be on their way at once.
const MOST_SETTLED: usize = 256;
/// Calls remembered after their sessions: more than can be placed while a dial is in doubt.
const MOST_DONE_WITH: usize = 64;
/// Events about calls that are known again, the newest: those of a hundred calls, at up to ten each. An older one would count
/// once more; a carrier's second tries come within hours, and a call that is over minds none.
const MOST_TOLD: usize = 1000;

pub(super) struct Shared {
    pub(super) config: ManagerConfig,
    pub(super) ids: SessionIds,
    /// Counts requests and messages of the person's, on from the start of the process: names do not repeat across restarts.
    pub(super) names: AtomicU64,
    /// Counts sessions, so that a late clean-up cannot remove a newer entry.
    pub(super) generations: AtomicU64,
    /// What sessions had no room for.
    pub(super) overfull: Tally,
    /// The server stops.
    pub(super) closing: CancellationToken,
    pub(super) tables: Mutex<Tables>,
}

#[derive(Default)]
pub(super) struct Tables {
    pub(super) sessions: HashMap<SessionId, Entry>,
    pub(super) calls: HashMap<CarrierCallId, SessionId>,
    /// Calls that their sessions are done with, oldest first. They may not be over yet: the carrier tells of them, and lists
    /// them, still; and a lost dial must not be taken for one.
    pub(super) done_with: VecDeque<CarrierCallId>,
    /// What the carrier told of calls lately, oldest first, by its name: it tells more than once.
    told: VecDeque<MessageId>,
    /// The person's line. One person, one line, for now.
    pub(super) line: Line,
    /// The line as it was kept last.
    pub(super) kept_line: line::Snapshot,
    /// Sessions have run since then in processes that may have made a conversation and not learned its name: whatever was
    /// written in it since was never taken.
    pub(super) unread_since: Option<Millis>,
    /// The conversation was there already, and when the person wrote in it last has not been read.
    pub(super) unread_window: bool,
    /// Texts of ours whose fate is known, oldest first: the carrier tells more than once.
    pub(super) settled: VecDeque<MessageId>,
    /// What the person wrote and was not taken, until it has been read back.
    pub(super) missed: Option<Missed>,
}

impl Tables {
    /// Whether the fate of this text of ours is news; it is none after that.
    pub(super) fn settles(&mut self, message: &MessageId) -> bool {
        let news = !self.settled.contains(message);
        if news {
            if self.settled.len() >= MOST_SETTLED {
                self.settled.pop_front();
            }
            self.settled.push_back(message.clone());
        }
        news
    }

    /// This session is done with its calls.
    pub(super) fn end_calls(&mut self, id: &SessionId) {
        let its: Vec<_> = self.calls.extract_if(|_, session| session == id).map(|(call, _)| call).collect();
        self.done_with.extend(its);
        let too_many = self.done_with.len().saturating_sub(MOST_DONE_WITH);
        self.done_with.drain(..too_many);
    }

    /// Whether this that the carrier tells is news; it is none after that.
    pub(super) fn hears(&mut self, event: &MessageId) -> bool {
        let news = !self.told.contains(event);
        if news {
            if self.told.len() >= MOST_TOLD {
                self.told.pop_front();
            }
            self.told.push_back(event.clone());
        }
        news
    }
}

pub(super) struct Entry {
    pub(super) generation: u64,
    pub(super) inbox: mpsc::Sender<Message>,
    /// The carrier's name for its call, while that may be live.
    pub(super) call: Option<CarrierCallId>,
    /// The channel that it is on.
    pub(super) channel: Channel,
    /// Cancelled when it has kept its last in this process.
    pub(super) left: CancellationToken,
    /// What it was sent of the person's and has not kept.
    pub(super) undone: Undone,
}

impl Entry {
    pub(super) fn left(&self) -> CancellationToken {
        self.left.clone()
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the line.
    pub(super) fn read_line<T>(&self, read: impl FnOnce(&Line, Millis) -> T) -> T {
        let now = self.config.clock.now();
        read(&self.lock().line, now)
    }

    /// One decision about the line, which is kept.
    pub(super) fn line<T>(&self, decide: impl FnOnce(&mut Line, Millis) -> T) -> T {
        let now = self.config.clock.now();
        let mut tables = self.lock();
        let decided = decide(&mut tables.line, now);
        drop(self.keep(&mut tables, Vec::new()));
        decided
    }

    /// Keeps these writes, together with what is new about the line. To be called before the lock is let go by whoever has
    /// changed the line: so what others keep later never tells of a change without what belongs to it.
    pub(super) fn keep(&self, tables: &mut Tables, mut writes: Vec<Write>) -> BoxFuture<'static, bool> {
        let line = tables.line.snapshot();
        if line != tables.kept_line {
            writes.push(Write::Line(self.config.directory.line_key().clone(), Box::new(line.clone())));
            tables.kept_line = line;
        }
        if writes.is_empty() {
            return ready(true).boxed();
        }
        // A store that does not keep them says so where the operator looks.
        self.config.store.commit(writes).map(|kept| kept.is_ok()).boxed()
    }

    /// A name that no process before has given.
    pub(super) fn next_name(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Gives the floor to whose turn it is.
    pub(super) fn grant_floor(&self, session: Option<SessionId>) {
        let Some(session) = session else { return };
        let inbox = self.lock().sessions.get(&session).map(|entry| entry.inbox.clone());
        let Some(inbox) = inbox else { return };
        match inbox.try_send(Message::of(Input::Floor)) {
            // It has much to do, and asks when it comes to it: nobody else tells it that it may.
            Err(TrySendError::Full(message)) => {
                self.config.tasks.spawn(async move { inbox.send(message).await });
            }
            // On its way out it gives the floor on.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
        }
    }

    pub(super) fn is_open(&self, tables: &Tables) -> Result<(), NotStarted> {
        if self.closing.is_cancelled() {
            return Err(NotStarted::Closing);
        }
        if tables.sessions.len() >= self.config.most_sessions {
            return Err(NotStarted::Full);
        }
        Ok(())
    }

    pub(super) fn has_room(&self, tables: &Tables) -> Result<(), NotStarted> {
        self.is_open(tables)?;
        tables.line.has_room(self.config.most_live_calls).map_err(|holder| NotStarted::Busy(holder.clone()))
    }

    pub(super) fn session_of(&self, call: &CarrierCallId) -> Option<SessionId> {
        self.lock().calls.get(call).cloned()
    }

    /// Whether this was the call of a session that is done with it: whatever is left to do for it is done.
    pub(super) fn is_done_with(&self, call: &CarrierCallId) -> bool {
        self.lock().done_with.contains(call)
    }

    /// Hangs up a call that has no session to do it, with the patience a session would have; false when that does not help.
    pub(super) async fn hang_up_orphan(&self, id: &SessionId, call: &CarrierCallId) -> bool {
        let failed = |error: &ProviderError| {
            tracing::error!(call.id = %id, %error, "the call of {id}, which does not run any more, could not be hung up");
        };
        patiently(|| self.config.carrier.hang_up(call), failed).await
    }

    /// The same in the background, which outlives the session, and goes on where that does not help: whoever is in that call
    /// hears nothing and may pay for it, up to the carrier's own limit.
    pub(super) fn send_off(self: &Arc<Self>, id: SessionId, call: CarrierCallId) {
        let shared = Arc::clone(self);
        self.config.tasks.spawn(async move {
            if !shared.hang_up_orphan(&id, &call).await {
                shared.hang_up_later(id, call);
            }
        });
    }

    /// Asks the carrier again now and then, for a call that it does not hang up.
    pub(super) fn hang_up_later(self: &Arc<Self>, id: SessionId, call: CarrierCallId) {
        let shared = Arc::clone(self);
        self.config.tasks.spawn(async move {
            let _ = shared.closing.run_until_cancelled(shared.hang_up_late(&id, &call)).await;
        });
    }

    async fn hang_up_late(&self, id: &SessionId, call: &CarrierCallId) {
        let until = Instant::now() + self.config.limits.longest;
        while Instant::now() < until {
            tokio::time::sleep(HANG_UP_LATE).await;
            match self.config.carrier.hang_up(call).await.map_err(|error| error.class) {
                Ok(()) => return tracing::info!(call.id = %id, "the call of {id} is hung up after all"),
                // It is over, or nothing helps.
                Err(ErrorClass::Refused) => return,
                Err(ErrorClass::Busy | ErrorClass::Unknown) => {}
            }
        }
    }

    /// Hangs up a call that is no session's, with the same patience.
    pub(super) async fn hang_up_unknown(&self, call: &CarrierCallId) {
        let failed = |error: &ProviderError| {
            tracing::error!(%error, "a call that belongs to no session could not be hung up");
        };
        patiently(|| self.config.carrier.hang_up(call), failed).await;
    }

    /// Turns a call away that comes in, with the same patience: it rings there until then.
    pub(super) async fn turn_away(&self, call: &CarrierCallId) {
        let Some(commands) = &self.config.commands else { return };
        let failed = |error: &ProviderError| tracing::error!(%error, "an inbound call could not be turned away");
        patiently(|| commands.reject(call), failed).await;
    }

    /// Whether this call is, or was, another session's.
    pub(super) fn is_of_another(&self, id: &SessionId, call: &CarrierCallId) -> bool {
        let tables = self.lock();
        tables.calls.get(call).is_some_and(|session| session != id) || tables.done_with.contains(call)
    }

    /// A text got through: whoever was never told of the privacy notice is told now.
    pub(super) fn owe_privacy_notice(self: &Arc<Self>, id: &SessionId, channel: Channel) {
        let notice = self.config.privacy_notice.as_ref().map(AgentText::as_str);
        // Nobody has agreed to be written to by SMS, which may cost them something.
        let notice = notice.or((channel == Channel::Sms).then_some(SMS_NOTICE));
        if let Some(text) = notice
            && self.line(|line, _| line.take_notice(channel))
        {
            let mark = Mark::read(&format!("privacy.{id}"));
            self.spawn_notice(Notice::Privacy(text.to_owned()), channel, mark, None);
        }
    }

    /// Notes the carrier's name for a session's live call, or that it has none.
    pub(super) fn names(&self, id: &SessionId, call: Option<CarrierCallId>) {
        let mut tables = self.lock();
        if let Some(call) = &call {
            tables.calls.insert(call.clone(), id.clone());
        } else {
            tables.end_calls(id);
        }
        if let Some(entry) = tables.sessions.get_mut(id) {
            entry.call = call;
        }
    }

    /// Notes the channel that a session is on.
    pub(super) fn is_on(&self, id: &SessionId, channel: Channel) {
        if let Some(entry) = self.lock().sessions.get_mut(id) {
            entry.channel = channel;
        }
    }

    /// Removes every trace of a session that has ended, unless the entry is a newer one's.
    pub(super) fn forget(&self, id: &SessionId, generation: u64) {
        self.config.directory.leave(id);
        let next = self.line(|line, _| line.forget(id));
        self.grant_floor(next);
        let mut tables = self.lock();
        tables.end_calls(id);
        if let Some(entry) = tables.sessions.get(id).filter(|entry| entry.generation == generation) {
            entry.left.cancel();
            tables.sessions.remove(id);
            self.config.metrics.sessions(tables.sessions.len());
        }
    }

    /// A session has kept its last; this process still knows of it.
    pub(super) fn has_left(&self, id: &SessionId) {
        if let Some(entry) = self.lock().sessions.get(id) {
            entry.left.cancel();
        }
    }
}

/// Does this until it succeeds, as often as a session tries to hang up; false when it never does.
async fn patiently<'a>(
    act: impl Fn() -> BoxFuture<'a, Result<(), ProviderError>>,
    failed: impl Fn(&ProviderError),
) -> bool {
    let mut waits = HANG_UP_AGAIN.into_iter();
    while let Err(error) = act().await {
        failed(&error);
        let Some(wait) = waits.next() else { return false };
        tokio::time::sleep(wait).await;
    }
    true
}
