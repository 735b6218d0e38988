//! A carrier whose answers are counted: what it refused, and how long it took.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{
    Abilities, CallCommands, CallProgress, Carrier, Connects, DialOrder, ErrorClass, LostDial, Messaging,
    MessagingClass, MessagingError, Opened, PastMessage, ProviderError, Receipt, SendOrder, Sms, SmsAbilities,
    SmsOrder,
};
use crate::ids::{CarrierCallId, ConversationId, MessageId};
use crate::metrics::{DialResult, Metrics, Provider, Text};
use crate::phone_number::PhoneNumber;

/// Twilio's codes of too many requests: its own, and the channel's.
const TOO_MANY: [&str; 2] = ["20429", "63018"];

/// One side of a carrier, with what counts its answers.
pub struct Metered<T: ?Sized> {
    metrics: Arc<Metrics>,
    inner: Arc<T>,
}

impl<T: ?Sized> Metered<T> {
    /// The same, counted.
    pub fn new(inner: Arc<T>, metrics: &Arc<Metrics>) -> Self {
        Self { metrics: Arc::clone(metrics), inner }
    }

    fn call<R>(&self, result: &Result<R, ProviderError>) {
        if let Err(ProviderError { class, code, .. }) = result {
            self.metrics.provider_failed(Provider::Carrier, class.as_str(), code.as_deref());
        }
    }

    fn text<R>(&self, result: &Result<R, MessagingError>) {
        if let Err(error) = result {
            count_fault(&self.metrics, error);
        }
    }
}

impl<T: ?Sized> Metered<T> {
    fn sent(&self, answer: &Result<MessageId, MessagingError>) {
        self.text(answer);
        // In a conversation that is closed nothing was tried: it goes out in another.
        match answer {
            Ok(_) => self.metrics.text(Text::Sent),
            Err(error) if error.class == MessagingClass::Closed => {}
            Err(error) => self.metrics.text(text_of(error)),
        }
    }
}

/// A text that its receipt says did not arrive.
pub fn count_undelivered(metrics: &Metrics, error: &MessagingError) {
    metrics.text(text_of(error));
    count_fault(metrics, error);
}

/// That a person cannot be written to is no fault of the provider's.
fn count_fault(metrics: &Metrics, MessagingError { class, code, .. }: &MessagingError) {
    if !class.is_about_the_person() {
        metrics.provider_failed(Provider::Messaging, class.as_str(), code.as_deref());
    }
}

/// What a text that did not get through is counted as, now or when its receipt comes.
fn text_of(error: &MessagingError) -> Text {
    let too_many = error.retry_after.is_some() || error.code.as_deref().is_some_and(|code| TOO_MANY.contains(&code));
    match error.class {
        MessagingClass::Transient if too_many => Text::Limited,
        MessagingClass::OptIn => Text::OptIn,
        MessagingClass::Window => Text::Window,
        MessagingClass::OptedOut => Text::OptedOut,
        MessagingClass::BadNumber => Text::BadNumber,
        MessagingClass::Configuration => Text::Configuration,
        MessagingClass::Transient => Text::Transient,
        MessagingClass::Unknown => Text::Unknown,
        MessagingClass::Closed | MessagingClass::Permanent => Text::Permanent,
    }
}

impl<T: ?Sized> fmt::Debug for Metered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metered")
    }
}

impl Carrier for Metered<dyn Carrier> {
    fn dial(&self, order: DialOrder) -> BoxFuture<'_, Result<CarrierCallId, ProviderError>> {
        async {
            let asked_at = Instant::now();
            let answer = self.inner.dial(order).await;
            let result = match &answer {
                Ok(_) => DialResult::Placed,
                Err(error) if error.class == ErrorClass::Unknown => DialResult::Unknown,
                Err(_) => DialResult::Refused,
            };
            self.metrics.dialed(result, asked_at.elapsed());
            self.call(&answer);
            answer
        }
        .boxed()
    }

    fn hang_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.inner.hang_up(call).inspect(|answer| self.call(answer)).boxed()
    }

    fn look_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<CallProgress, ProviderError>> {
        self.inner.look_up(call).inspect(|answer| self.call(answer)).boxed()
    }

    fn find<'a>(
        &'a self,
        dial: &'a LostDial,
    ) -> BoxFuture<'a, Result<Vec<(CarrierCallId, CallProgress)>, ProviderError>> {
        self.inner.find(dial).inspect(|answer| self.call(answer)).boxed()
    }
}

impl CallCommands for Metered<dyn CallCommands> {
    fn connect<'a>(
        &'a self,
        call: &'a CarrierCallId,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Connects, ProviderError>> {
        self.inner.connect(call, token).inspect(|answer| self.call(answer)).boxed()
    }

    fn reject<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.inner.reject(call).inspect(|answer| self.call(answer)).boxed()
    }
}

impl Messaging for Metered<dyn Messaging> {
    fn abilities(&self) -> &Abilities {
        self.inner.abilities()
    }

    fn open<'a>(&'a self, to: &'a PhoneNumber) -> BoxFuture<'a, Result<Opened, MessagingError>> {
        self.inner.open(to).inspect(|answer| self.text(answer)).boxed()
    }

    fn send(&self, order: SendOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        self.inner.send(order).inspect(|answer| self.sent(answer)).boxed()
    }

    fn latest<'a>(
        &'a self,
        conversation: &'a ConversationId,
        with: &'a PhoneNumber,
    ) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        self.inner.latest(conversation, with).inspect(|answer| self.text(answer)).boxed()
    }

    fn receipt<'a>(
        &'a self,
        conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        self.inner.receipt(conversation, message).inspect(|answer| self.text(answer)).boxed()
    }
}

impl Sms for Metered<dyn Sms> {
    fn abilities(&self) -> &SmsAbilities {
        self.inner.abilities()
    }

    fn send(&self, order: SmsOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        self.inner.send(order).inspect(|answer| self.sent(answer)).boxed()
    }

    fn latest<'a>(&'a self, with: &'a PhoneNumber) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        self.inner.latest(with).inspect(|answer| self.text(answer)).boxed()
    }

    fn receipt<'a>(&'a self, message: &'a MessageId) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        self.inner.receipt(message).inspect(|answer| self.text(answer)).boxed()
    }
}
