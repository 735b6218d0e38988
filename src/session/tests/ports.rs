//! A carrier and a media desk that do at once what they are asked, and now and then do not.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio_util::task::TaskTracker;

use super::texts::{Letters, Shorts};
use super::*;
use crate::clock::wall::WallClock;
use crate::domain::carrier::ErrorClass;
use crate::domain::keywords::Keywords;
use crate::domain::media::{MediaCommand, Told};
use crate::metrics::Metrics;
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::HashKey;
use crate::provider::{CallCommands, CallProgress, Carrier, Connects, DialOrder, LostDial, ProviderError, Sms};
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// A manager and all it stands on.
pub(super) struct Ports {
    pub(super) manager: Manager,
    pub(super) tasks: TaskTracker,
    pub(super) media_tasks: TaskTracker,
    pub(super) clock: Arc<WallClock>,
    phones: Arc<Phones>,
    desk: Arc<Desk>,
}

impl Ports {
    /// A process that keeps nothing, with messaging that now and then fails.
    pub(super) fn new(limits: Limits, most: usize) -> Self {
        let letters = Arc::new(Letters::moody());
        Self::over(limits, most, Arc::new(MemoryStore::new(Duration::from_hours(48))), letters, Millis(1_000_000))
    }

    /// The same, whose carrier is told by command to connect a call.
    pub(super) fn commanded(limits: Limits) -> Self {
        let store = Arc::new(MemoryStore::new(Duration::from_hours(48)));
        Self::told(true, limits, 1, store, Arc::default(), None, Millis(1_000_000))
    }

    /// A process that starts now, over this store and this carrier of texts.
    pub(super) fn over(limits: Limits, most: usize, store: Arc<dyn Store>, letters: Arc<Letters>, now: Millis) -> Self {
        Self::told(false, limits, most, store, letters, None, now)
    }

    /// The same with SMS as the last resort.
    pub(super) fn with_sms(limits: Limits, store: Arc<dyn Store>, letters: Arc<Letters>, shorts: Arc<Shorts>) -> Self {
        Self::told(false, limits, 100, store, letters, Some(shorts), Millis(1_790_000_000_000))
    }

    fn told(
        by_command: bool,
        limits: Limits,
        most: usize,
        store: Arc<dyn Store>,
        letters: Arc<Letters>,
        shorts: Option<Arc<Shorts>>,
        now: Millis,
    ) -> Self {
        let clock = Arc::new(WallClock::starting_at(now));
        let (tasks, media_tasks) = (TaskTracker::new(), TaskTracker::new());
        let phones = Arc::new(Phones::default());
        let desk = Arc::new(Desk {
            events: Mutex::default(),
            tasks: media_tasks.clone(),
            minted: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            trapped: AtomicBool::new(false),
        });
        let person = PhoneNumber::parse("+390000000001").expect("a number");
        let manager = Manager::new(ManagerConfig {
            carrier: Arc::clone(&phones) as Arc<dyn Carrier>,
            commands: by_command.then(|| Arc::clone(&phones) as Arc<dyn CallCommands>),
            messaging: Some(letters),
            sms: shorts.map(|shorts| shorts as Arc<dyn Sms>),
            keywords: Keywords::new(&[]).expect("no phrase is a bad one"),
            privacy_notice: None,
            media: Arc::clone(&desk) as Arc<dyn MediaPort>,
            store,
            clock: Arc::<WallClock>::clone(&clock),
            directory: Directory::new(person, &HashKey::new(b"a key")),
            limits,
            most_sessions: most,
            most_live_calls: most,
            log_messages: false,
            metrics: Arc::new(Metrics::default()),
            tasks: tasks.clone(),
        });
        Self { manager, tasks, media_tasks, clock, phones, desk }
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.manager.shared.config.directory
    }

    /// The calls that it hung up.
    pub(super) fn hung_up(&self) -> Vec<CarrierCallId> {
        lock(&self.phones.hung_up).clone()
    }

    /// The next hang-ups that fail.
    pub(super) fn fails_to_hang_up(&self, times: u64) {
        self.phones.stubborn.store(times, Ordering::Relaxed);
    }

    /// The answer to the next command to connect; well, where there is none.
    pub(super) fn answers_to_connect(&self, answer: Result<Connects, ErrorClass>) {
        lock(&self.phones.answers).push_back(answer);
    }

    /// The tokens of the streams that were asked for.
    pub(super) fn streams(&self) -> Vec<String> {
        lock(&self.phones.streams).clone()
    }

    /// The carrier's name for a session's call.
    pub(super) fn call_of(&self, session: &SessionId) -> CarrierCallId {
        lock(&self.phones.calls).get(session).cloned().expect("the session has dialled")
    }

    /// The media of calls takes no command from now on.
    pub(super) fn breaks_media(&self) {
        self.desk.broken.store(true, Ordering::Relaxed);
    }

    /// Whoever asks for a token meets a fault of ours.
    pub(super) fn traps_media(&self) {
        self.desk.trapped.store(true, Ordering::Relaxed);
    }

    /// Something happens in the media of a session's call, while there is one.
    pub(super) fn happens(&self, session: &SessionId, event: MediaEvent) {
        self.tells(session, event);
    }

    /// The same, and what became of it.
    pub(super) fn tells(&self, session: &SessionId, event: MediaEvent) -> Option<Told> {
        lock(&self.desk.events).get(session).map(|events| events(event))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Phones {
    calls: Mutex<HashMap<SessionId, CarrierCallId>>,
    hung_up: Mutex<Vec<CarrierCallId>>,
    stubborn: AtomicU64,
    answers: Mutex<VecDeque<Result<Connects, ErrorClass>>>,
    streams: Mutex<Vec<String>>,
}

fn error(class: ErrorClass) -> ProviderError {
    ProviderError { class, code: None, message: "no".to_owned() }
}

impl CallCommands for Phones {
    fn connect<'a>(
        &'a self,
        _call: &'a CarrierCallId,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Connects, ProviderError>> {
        lock(&self.streams).push(token.to_owned());
        ready(lock(&self.answers).pop_front().unwrap_or(Ok(Connects::Tries)).map_err(error)).boxed()
    }

    fn reject<'a>(&'a self, _call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>> {
        ready(Ok(())).boxed()
    }
}

impl Carrier for Phones {
    fn dial(&self, order: DialOrder) -> BoxFuture<'_, Result<CarrierCallId, ProviderError>> {
        let call = CarrierCallId(format!("CA-{}", order.session));
        lock(&self.calls).insert(order.session, call.clone());
        ready(Ok(call)).boxed()
    }

    fn hang_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>> {
        if self.stubborn.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return ready(Err(error(ErrorClass::Unknown))).boxed();
        }
        lock(&self.hung_up).push(call.clone());
        ready(Ok(())).boxed()
    }

    fn look_up<'a>(&'a self, _call: &'a CarrierCallId) -> BoxFuture<'a, Result<CallProgress, ProviderError>> {
        ready(Ok(CallProgress::Ringing)).boxed()
    }

    fn find<'a>(
        &'a self,
        _dial: &'a LostDial,
    ) -> BoxFuture<'a, Result<Vec<(CarrierCallId, CallProgress)>, ProviderError>> {
        ready(Ok(Vec::new())).boxed()
    }
}

type Events = Arc<dyn Fn(MediaEvent) -> Told + Send + Sync>;

struct Desk {
    events: Mutex<HashMap<SessionId, Events>>,
    tasks: TaskTracker,
    minted: AtomicU64,
    broken: AtomicBool,
    trapped: AtomicBool,
}

impl MediaPort for Desk {
    fn open(
        &self,
        session: &SessionId,
        events: Box<dyn Fn(MediaEvent) -> Told + Send + Sync>,
    ) -> mpsc::Sender<MediaCommand> {
        let (commands, mut inbox) = mpsc::channel(64);
        let events: Events = Arc::from(events);
        lock(&self.events).insert(session.clone(), Arc::clone(&events));
        if self.broken.load(Ordering::Relaxed) {
            return commands;
        }
        // Ends when the session lets go of its media.
        self.tasks.spawn(async move {
            while let Some(command) = inbox.recv().await {
                match command {
                    MediaCommand::Drain => _ = events(MediaEvent::Drained),
                    MediaCommand::Lost(loss) => _ = events(MediaEvent::MediaGone(loss)),
                    MediaCommand::Speak { .. } | MediaCommand::Hush => {}
                }
            }
        });
        commands
    }

    fn mint(&self, _session: &SessionId, _call: &CarrierCallId) -> Option<String> {
        assert!(!self.trapped.load(Ordering::Relaxed), "as it was told");
        Some(format!("t{}", self.minted.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn mint_alone(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.mint(session, call)
    }
}
