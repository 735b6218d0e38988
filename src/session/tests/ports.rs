//! A carrier, a media desk and a messaging service that do at once what they are asked, and now and then do not.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio_util::task::TaskTracker;

use super::*;
use crate::clock::wall::WallClock;
use crate::domain::carrier::ErrorClass;
use crate::domain::keywords::Keywords;
use crate::domain::media::MediaCommand;
use crate::domain::messaging::Author;
use crate::ids::{ConversationId, MessageId};
use crate::metrics::Metrics;
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::HashKey;
use crate::provider::{
    Abilities, CallCommands, CallProgress, Carrier, CarrierWords, Connects, DialOrder, LostDial, Messaging,
    MessagingClass, MessagingError, Opened, PastMessage, ProviderError, Receipt, SendOrder, Sms, SmsAbilities,
    SmsOrder,
};
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// Texts that a look into the conversation shows.
const SHOWN: usize = 50;

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
        let letters = Arc::new(Letters { fails: true, ..Letters::default() });
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
        let desk = Arc::new(Desk { events: Mutex::default(), tasks: media_tasks.clone(), minted: AtomicU64::new(0) });
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

    /// Something happens in the media of a session's call, while there is one.
    pub(super) fn happens(&self, session: &SessionId, event: MediaEvent) {
        if let Some(events) = lock(&self.desk.events).get(session) {
            events(event);
        }
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

type Events = Arc<dyn Fn(MediaEvent) -> bool + Send + Sync>;

struct Desk {
    events: Mutex<HashMap<SessionId, Events>>,
    tasks: TaskTracker,
    minted: AtomicU64,
}

impl MediaPort for Desk {
    fn open(
        &self,
        session: &SessionId,
        events: Box<dyn Fn(MediaEvent) -> bool + Send + Sync>,
    ) -> mpsc::Sender<MediaCommand> {
        let (commands, mut inbox) = mpsc::channel(64);
        let events: Events = Arc::from(events);
        lock(&self.events).insert(session.clone(), Arc::clone(&events));
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
        Some(format!("t{}", self.minted.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn mint_alone(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.mint(session, call)
    }
}

/// Takes texts, and shows them to whoever looks into the conversation.
pub(super) struct Letters {
    abilities: Abilities,
    asked: AtomicU64,
    /// It does not take every fourth, which it may take the next time.
    fails: bool,
    /// It takes none for this reason, and shows nothing.
    refuses: Option<MessagingClass>,
    /// It answers nothing that is sent, and cannot be looked into so many times.
    silent: Option<AtomicU64>,
    taken: Mutex<Vec<(MessageId, SendOrder)>>,
}

impl Letters {
    /// The same, into which nobody can look.
    pub(super) fn sealed() -> Self {
        let letters = Self::default();
        Self { abilities: Abilities { reads_back: false, ..letters.abilities }, ..Self::default() }
    }

    /// The same, which takes nothing, for this reason.
    pub(super) fn failing(class: MessagingClass) -> Self {
        Self { refuses: Some(class), ..Self::default() }
    }

    /// The same, which answers no sending: it takes the first, or none. It cannot be looked into while it is tried again.
    pub(super) fn silent(takes: bool) -> Self {
        let asked = AtomicU64::new(u64::from(!takes));
        Self { silent: Some(AtomicU64::new(2)), asked, ..Self::default() }
    }

    /// The texts that came to the person, oldest first.
    pub(super) fn taken(&self) -> Vec<String> {
        lock(&self.taken).iter().map(|(_, order)| order.text.clone()).collect()
    }
}

impl Default for Letters {
    fn default() -> Self {
        let abilities = Abilities { longest: 1600, template: true, reads_back: true, opt_in: String::new() };
        let (asked, taken) = (AtomicU64::new(0), Mutex::default());
        Self { abilities, asked, fails: false, refuses: None, silent: None, taken }
    }
}

impl Messaging for Letters {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn open<'a>(&'a self, _to: &'a PhoneNumber) -> BoxFuture<'a, Result<Opened, MessagingError>> {
        ready(Ok(Opened { conversation: ConversationId("CH1".to_owned()), found: false })).boxed()
    }

    fn send(&self, order: SendOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        let n = self.asked.fetch_add(1, Ordering::Relaxed);
        let result = if self.fails && n % 4 == 3 {
            let class = MessagingClass::Transient;
            Err(trouble(class))
        } else if let Some(class) = self.refuses {
            Err(trouble(class))
        } else if self.silent.is_some() {
            if n == 0 {
                lock(&self.taken).push((MessageId(format!("IM{n}")), order));
            }
            Err(trouble(MessagingClass::Unknown))
        } else {
            let message = MessageId(format!("IM{n}"));
            lock(&self.taken).push((message.clone(), order));
            Ok(message)
        };
        ready(result).boxed()
    }

    fn latest<'a>(
        &'a self,
        _conversation: &'a ConversationId,
        _with: &'a PhoneNumber,
    ) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        assert!(self.abilities.reads_back, "nobody may ask");
        let blind = |left: &AtomicU64| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
        };
        if self.refuses.is_some() || self.silent.as_ref().is_some_and(blind) {
            return ready(Err(trouble(self.refuses.unwrap_or(MessagingClass::Transient)))).boxed();
        }
        let of = |(message, order): &(MessageId, SendOrder)| PastMessage {
            message: message.clone(),
            author: Author::Us(Some(order.mark.clone())),
            at: Millis(1_000_000),
        };
        ready(Ok(lock(&self.taken).iter().rev().take(SHOWN).map(of).collect())).boxed()
    }

    fn receipt<'a>(
        &'a self,
        _conversation: &'a ConversationId,
        _message: &'a MessageId,
    ) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        ready(Ok(None)).boxed()
    }
}

fn trouble(class: MessagingClass) -> MessagingError {
    MessagingError { class, code: None, message: "no".to_owned(), retry_after: None }
}

/// Takes SMS, and shows what the person wrote.
#[derive(Default)]
pub(super) struct Shorts {
    sent: Mutex<Vec<String>>,
    received: Mutex<Vec<PastMessage>>,
}

impl Shorts {
    /// The SMS that came to the person, oldest first.
    pub(super) fn sent(&self) -> Vec<String> {
        lock(&self.sent).clone()
    }

    /// The person writes, and the webhook is lost.
    pub(super) fn receives(&self, message: PastMessage) {
        lock(&self.received).push(message);
    }
}

impl Sms for Shorts {
    fn abilities(&self) -> &SmsAbilities {
        const WORDS: CarrierWords = CarrierWords { stop: &["stop"], start: &["start"], help: &["help"] };
        &SmsAbilities { reads_back: true, words: WORDS }
    }

    fn send(&self, order: SmsOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        let mut sent = lock(&self.sent);
        sent.push(order.text);
        ready(Ok(MessageId(format!("SMS{}", sent.len())))).boxed()
    }

    fn latest<'a>(&'a self, _with: &'a PhoneNumber) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        ready(Ok(lock(&self.received).iter().rev().cloned().collect())).boxed()
    }

    fn receipt<'a>(&'a self, _message: &'a MessageId) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        ready(Ok(None)).boxed()
    }
}
