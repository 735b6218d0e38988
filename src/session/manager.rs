//! The manager: starts sessions, finds them, and cleans up behind them, whichever way they end.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::burial::Undone;
use super::shared::{Entry, Shared, Tables};
use super::task::{Begun, Fate, Message, Named, Task, Waiting};
use super::{Delivered, Directory, Look, MediaPort, Pending, RequestName};
use crate::clock::Clock;
use crate::domain::keywords::Keywords;
use crate::domain::messaging::Form;
use crate::domain::outcome::Channel;
use crate::domain::session::{Input, Limits, Said, Session};
use crate::domain::text::AgentText;
use crate::ids::{EntryId, RequestId, SessionId, SessionIds};
use crate::limit::Tally;
use crate::metrics::Metrics;
use crate::provider::{CallCommands, Carrier, Messaging, Sms};
use crate::store::Store;

/// What may wait in a session's inbox. Nobody waits for room: a full inbox is a session that is asked for more than it can do, and its senders are told.
const INBOX: usize = 256;

/// What a manager is made of.
pub struct ManagerConfig {
    /// The phone side.
    pub carrier: Arc<dyn Carrier>,
    /// How a call is told what to do, where the carrier does not read that in the answers to its webhooks.
    pub commands: Option<Arc<dyn CallCommands>>,
    /// The text side, where there is one; [`Limits::texting`] says the same.
    pub messaging: Option<Arc<dyn Messaging>>,
    /// Its last resort, where that is allowed; [`Limits::texting`] says the same.
    pub sms: Option<Arc<dyn Sms>>,
    /// The words that ask for something.
    pub keywords: Keywords,
    /// Sent once to the person, where it is set (`CALLME_PRIVACY_NOTICE`).
    pub privacy_notice: Option<AgentText>,
    /// The sound side.
    pub media: Arc<dyn MediaPort>,
    /// What outlives a session.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whom sessions call.
    pub directory: Directory,
    /// How long a session waits for what.
    pub limits: Limits,
    /// Sessions at once (`CALLME_MAX_SESSIONS`).
    pub most_sessions: usize,
    /// Live calls per person at once (`CALLME_MAX_LIVE_CALLS`).
    pub most_live_calls: usize,
    /// Whether what both sides say is logged, redacted (`CALLME_LOG_MESSAGES`).
    pub log_messages: bool,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Owns the session tasks.
    pub tasks: TaskTracker,
}

impl std::fmt::Debug for ManagerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ManagerConfig")
    }
}

/// All running sessions.
#[derive(Clone)]
pub struct Manager {
    pub(super) shared: Arc<Shared>,
}

/// Counts what there is of sessions; of one that has ended nothing is left.
impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tables = self.shared.lock();
        f.debug_struct("Manager")
            .field("sessions", &tables.sessions.len())
            .field("calls", &tables.calls.len())
            .field("numbers", &self.shared.config.directory.len())
            .field("tasks", &self.shared.config.tasks.len())
            .field("line_is_idle", &tables.line.is_idle())
            .finish()
    }
}

/// Why no session was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// The person is in this call.
    Busy(SessionId),
    /// As many sessions as there may be.
    Full,
    /// The server stops.
    Closing,
    /// There is no messaging.
    NoMessaging,
    /// There is no template.
    NoTemplate,
}

impl Manager {
    /// A manager without sessions.
    pub fn new(config: ManagerConfig) -> Self {
        // Far more than a process gives names in a millisecond of its life.
        let names = AtomicU64::new(config.clock.now().0 << 16);
        let shared = Shared {
            config,
            ids: SessionIds::default(),
            names,
            generations: AtomicU64::new(0),
            overfull: Tally::default(),
            closing: CancellationToken::new(),
            tables: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether a call could be started now.
    ///
    /// # Errors
    /// As [`Manager::call`].
    pub fn may_call(&self) -> Result<(), NotStarted> {
        self.shared.has_room(&self.shared.lock())
    }

    /// Starts a session that rings the person and asks `text`.
    ///
    /// # Errors
    /// When the person is in a call, there are too many sessions, or the server stops.
    pub fn call(&self, text: AgentText, name: Option<RequestName>) -> Result<Pending, NotStarted> {
        let shared = &self.shared;
        let now = shared.config.clock.now();
        let id = shared.ids.call(now);
        let (pending, answer) = self.pending(&id);
        let session = Session::call(pending.request, text, shared.config.limits.clone(), now);
        let first = Waiting { request: pending.request, answer, named: name.map_or(Named::Not, Named::Anew) };
        self.start(Begun::anew(id, session, Some(first)), |tables| {
            tables.line.take(&pending.session, shared.config.most_live_calls).map_err(NotStarted::Busy)
        })?;
        Ok(pending)
    }

    /// Whether a message could be written now as `form`.
    ///
    /// # Errors
    /// As [`Manager::write`].
    pub fn may_write(&self, form: Form) -> Result<(), NotStarted> {
        let config = &self.shared.config;
        let texting = config.limits.texting.filter(|_| config.messaging.is_some()).ok_or(NotStarted::NoMessaging)?;
        if form == Form::Template && !texting.template {
            return Err(NotStarted::NoTemplate);
        }
        self.shared.is_open(&self.shared.lock())
    }

    /// Starts a session that writes `text` to the person, as `form` says.
    ///
    /// # Errors
    /// When there is no messaging, there are too many sessions, or the server stops.
    pub fn write(&self, text: AgentText, form: Form, name: Option<RequestName>) -> Result<Pending, NotStarted> {
        self.may_write(form)?;
        let shared = &self.shared;
        let now = shared.config.clock.now();
        let id = shared.ids.message(now);
        let (pending, answer) = self.pending(&id);
        let session = Session::message(pending.request, text, form, shared.config.limits.clone(), now);
        let first = Waiting { request: pending.request, answer, named: name.map_or(Named::Not, Named::Anew) };
        self.start(Begun::anew(id, session, Some(first)), |_| Ok(()))?;
        Ok(pending)
    }

    /// Starts the session of a call that the person asked for, for which the line was taken.
    ///
    /// # Errors
    /// When there is no room after all, or the server stops: the line is free again.
    pub(super) fn call_back(&self, id: SessionId, entry: EntryId) -> Result<(), NotStarted> {
        let now = self.shared.config.clock.now();
        let session = Session::call_back(self.shared.config.limits.clone(), now);
        let begun = Begun { entry: Some(entry), ..Begun::anew(id.clone(), session, None) };
        self.start(begun, |_| Ok(())).inspect_err(|_| self.shared.line(|line, _| line.release(&id)))
    }

    /// Starts a session, which gets what waits on the line.
    fn start(&self, begun: Begun, take: impl FnOnce(&mut Tables) -> Result<(), NotStarted>) -> Result<(), NotStarted> {
        let now = self.shared.config.clock.now();
        self.run(begun, |tables| {
            self.shared.is_open(tables)?;
            take(tables)?;
            Ok(tables.line.take_held(now))
        })
    }

    /// Runs a session's task; `enter` says whether it may begin, and with which words.
    pub(super) fn run(
        &self,
        begun: Begun,
        enter: impl FnOnce(&mut Tables) -> Result<Vec<Said>, NotStarted>,
    ) -> Result<(), NotStarted> {
        let shared = &self.shared;
        let (inbox, messages) = mpsc::channel(INBOX);
        let generation = shared.generations.fetch_add(1, Ordering::Relaxed);
        let id = begun.id.clone();
        let task = {
            let mut tables = shared.lock();
            let earlier = enter(&mut tables)?;
            let channel = begun.session.channel();
            let left = CancellationToken::new();
            let undone = Undone::default();
            let entry = Entry { generation, inbox: inbox.clone(), call: None, channel, left, undone };
            tables.sessions.insert(id.clone(), entry);
            shared.config.metrics.sessions(tables.sessions.len());
            shared.config.directory.enter(&id);
            Task::new(begun, Arc::clone(shared), &mut tables, messages, inbox.downgrade(), earlier)
        };
        let shared = Arc::clone(shared);
        self.shared.config.tasks.spawn(async move {
            match AssertUnwindSafe(task.run()).catch_unwind().await {
                Ok(Fate::Over) => shared.forget(&id, generation),
                Ok(Fate::Suspended) => shared.has_left(&id),
                Err(_) => shared.bury(&id).await,
            }
        });
        Ok(())
    }

    /// The channel that a running session is on now.
    pub fn channel(&self, id: &SessionId) -> Option<Channel> {
        self.shared.lock().sessions.get(id).map(|entry| entry.channel)
    }

    /// Sends a request to a session.
    ///
    /// # Errors
    /// When the session does not run (any more), or takes nothing at the moment.
    pub fn request(
        &self,
        id: &SessionId,
        name: Option<RequestName>,
        input: impl FnOnce(RequestId) -> Input,
    ) -> Result<Pending, NotTaken> {
        let (pending, answer) = self.pending(id);
        let request = pending.request;
        self.send(id, Message::Request { request, input: input(request), answer, name })?;
        Ok(pending)
    }

    /// Tells the session that an agent has this answer; `false` when the session does not run any more.
    pub fn collected(&self, pending: &Pending) -> bool {
        self.tell(&pending.session, Input::Collected { request: pending.request }) != Err(NotTaken::Gone)
    }

    /// Done when a session that takes nothing any more has kept its last; until then it writes over what others keep of it.
    pub async fn has_left(&self, id: &SessionId) {
        let leaving = self.shared.lock().sessions.get(id).filter(|entry| entry.inbox.is_closed()).map(Entry::left);
        if let Some(left) = leaving {
            left.cancelled().await;
        }
    }

    /// Tells the session that this request's client waits no longer; a session that does not run has no use for it.
    pub fn out_of_time(&self, pending: &Pending) {
        let _ = self.tell(&pending.session, Input::OutOfTime { request: pending.request });
    }

    /// Tells the session that this request's client has come back.
    pub fn back(&self, pending: &Pending) {
        let _ = self.tell(&pending.session, Input::Back { request: pending.request });
    }

    /// How a running session stands.
    pub async fn look(&self, id: &SessionId) -> Option<Look> {
        let (answer, looked) = oneshot::channel();
        self.send(id, Message::Look { answer }).ok()?;
        looked.await.ok()
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.config.metrics
    }

    /// How many sessions run.
    pub fn running(&self) -> usize {
        self.shared.lock().sessions.len()
    }

    /// Takes no new sessions, tells those that run, and waits until they are over, at most for `patience`.
    pub async fn close(&self, patience: Duration) {
        let running: Vec<SessionId> = {
            let tables = self.shared.lock();
            self.shared.closing.cancel();
            tables.sessions.keys().cloned().collect()
        };
        for id in &running {
            let _ = self.send(id, Message::Shutdown);
        }
        let tasks = &self.shared.config.tasks;
        tasks.close();
        if tokio::time::timeout(patience, tasks.wait()).await.is_err() {
            let sessions = self.shared.lock().sessions.values().filter(|entry| !entry.left.is_cancelled()).count();
            let tasks = tasks.len();
            tracing::error!(sessions, tasks, "{sessions} sessions did not end in time, and {tasks} tasks with theirs");
        }
    }

    fn pending(&self, id: &SessionId) -> (Pending, watch::Sender<Option<Delivered>>) {
        let request = RequestId(self.shared.next_name());
        let (sender, answer) = watch::channel(None);
        (Pending { session: id.clone(), request, answer }, sender)
    }

    /// Whether this session waits for the next process.
    pub(super) fn suspends(&self, id: &SessionId) -> bool {
        let waits = self.shared.closing.is_cancelled() && self.shared.config.store.is_durable();
        waits && self.shared.lock().sessions.contains_key(id)
    }

    pub(super) fn tell(&self, id: &SessionId, input: Input) -> Result<(), NotTaken> {
        self.send(id, Message::of(input))
    }

    /// Tells the session what a message of the person's means for it; it keeps that together with the message's arrival.
    pub(super) fn entrust(&self, id: &SessionId, input: Input, entry: EntryId) -> Result<(), NotTaken> {
        let mut tables = self.shared.lock();
        let its = tables.sessions.get_mut(id).ok_or(NotTaken::Gone)?;
        its.undone.note(entry, &input);
        // Under the lock: either it is in the inbox, or it is nothing that the session could leave undone.
        let sent = its.inbox.try_send(Message::Input { input, entry: Some(entry) });
        if sent.is_err() {
            its.undone.cross_out(entry);
        }
        drop(tables);
        sent.map_err(|error| self.not_taken(id, &error))
    }

    pub(super) fn send(&self, id: &SessionId, message: Message) -> Result<(), NotTaken> {
        let inbox = self.shared.lock().sessions.get(id).map(|entry| entry.inbox.clone()).ok_or(NotTaken::Gone)?;
        inbox.try_send(message).map_err(|error| self.not_taken(id, &error))
    }

    fn not_taken(&self, id: &SessionId, error: &TrySendError<Message>) -> NotTaken {
        match error {
            TrySendError::Full(_) => {
                // Whoever has the key can bring it about.
                if let Some(count) = self.shared.overfull.due(Instant::now()) {
                    tracing::warn!(call.id = %id, count, "session {id} is overloaded: its inbox is full");
                }
                NotTaken::Busy
            }
            TrySendError::Closed(_) => NotTaken::Gone,
        }
    }
}

/// Why a session did not take what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It does not run (any more).
    Gone,
    /// It runs, and its inbox is full.
    Busy,
}
