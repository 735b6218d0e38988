//! Messaging and SMS that do at once what they are asked, and now and then do not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::*;
use crate::domain::messaging::Author;
use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::provider::{
    Abilities, CarrierWords, Messaging, MessagingClass, MessagingError, Opened, PastMessage, Receipt, SendOrder, Sms,
    SmsAbilities, SmsOrder,
};

/// Texts that a look into the conversation shows.
const SHOWN: usize = 50;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes texts, and shows them to whoever looks into the conversation.
pub(super) struct Letters {
    abilities: Abilities,
    asked: AtomicU64,
    /// It does not take every fourth, which it may take the next time.
    fails: bool,
    /// It takes none for this reason, and shows nothing.
    refuses: Option<MessagingClass>,
    /// How long it takes to answer what is sent.
    takes: Duration,
    /// It answers nothing that is sent, and cannot be looked into so many times.
    silent: Option<AtomicU64>,
    /// How the next looks into the conversation fail.
    blind: Mutex<VecDeque<MessagingClass>>,
    taken: Mutex<Vec<(MessageId, SendOrder)>>,
    /// What the person wrote in a conversation that was there before; without anything there was none.
    written: Mutex<Vec<PastMessage>>,
}

impl Letters {
    /// The same, which does not take every fourth.
    pub(super) fn moody() -> Self {
        Self { fails: true, ..Self::default() }
    }

    /// The same, into which nobody can look.
    pub(super) fn sealed() -> Self {
        let letters = Self::default();
        Self { abilities: Abilities { reads_back: false, ..letters.abilities }, ..Self::default() }
    }

    /// The same, which takes so long to answer what is sent.
    pub(super) fn slow(self, takes: Duration) -> Self {
        Self { takes, ..self }
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

    /// The person has written this, and no webhook told of it.
    pub(super) fn receives(&self, message: PastMessage) {
        lock(&self.written).push(message);
    }

    /// The next look into the conversation fails, for this reason.
    pub(super) fn is_blind(&self, class: MessagingClass) {
        lock(&self.blind).push_back(class);
    }

    /// The texts that came to the person, oldest first.
    pub(super) fn taken(&self) -> Vec<String> {
        lock(&self.taken).iter().map(|(_, order)| order.text.clone()).collect()
    }
}

impl Default for Letters {
    fn default() -> Self {
        let abilities = Abilities { longest: 1600, template: true, reads_back: true, opt_in: String::new() };
        Self {
            abilities,
            asked: AtomicU64::new(0),
            fails: false,
            refuses: None,
            takes: Duration::ZERO,
            silent: None,
            blind: Mutex::default(),
            taken: Mutex::default(),
            written: Mutex::default(),
        }
    }
}

impl Messaging for Letters {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn open<'a>(&'a self, _to: &'a PhoneNumber) -> BoxFuture<'a, Result<Opened, MessagingError>> {
        let found = !lock(&self.written).is_empty();
        ready(Ok(Opened { conversation: ConversationId("CH1".to_owned()), found })).boxed()
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
        async move {
            if !self.takes.is_zero() {
                tokio::time::sleep(self.takes).await;
            }
            result
        }
        .boxed()
    }

    fn latest<'a>(
        &'a self,
        _conversation: &'a ConversationId,
        _with: &'a PhoneNumber,
    ) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        assert!(self.abilities.reads_back, "nobody may ask");
        if let Some(class) = lock(&self.blind).pop_front() {
            return ready(Err(trouble(class))).boxed();
        }
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
        let (taken, written) = (lock(&self.taken), lock(&self.written));
        let shown = taken.iter().map(of).chain(written.iter().cloned()).rev().take(SHOWN).collect();
        ready(Ok(shown)).boxed()
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
    /// How the next readings fail.
    blind: Mutex<VecDeque<MessagingClass>>,
}

impl Shorts {
    /// The SMS that came to the person, oldest first.
    pub(super) fn sent(&self) -> Vec<String> {
        lock(&self.sent).clone()
    }

    /// What was received cannot be read the next time, for this reason.
    pub(super) fn is_blind(&self, class: MessagingClass) {
        lock(&self.blind).push_back(class);
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
        if let Some(class) = lock(&self.blind).pop_front() {
            return ready(Err(trouble(class))).boxed();
        }
        ready(Ok(lock(&self.received).iter().rev().cloned().collect())).boxed()
    }

    fn receipt<'a>(&'a self, _message: &'a MessageId) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        ready(Ok(None)).boxed()
    }
}
