//! A carrier's messaging, as the core understands it: forms, deliveries, inbound words, and what can go wrong.

use std::fmt;
use std::time::Duration;

use crate::clock::Millis;
use crate::domain::outcome::Channel;
use crate::domain::text::PersonText;
use crate::ids::{ConversationId, Mark, MessageId};

/// How a text goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is; arrives only while the window is open.
    Free,
    /// As the variable of an approved template; arrives always.
    Template,
    /// By SMS, as it is; there is no window.
    Sms,
}

impl Form {
    /// The channel that such a text goes by.
    pub fn channel(self) -> Channel {
        match self {
            Form::Free | Form::Template => Channel::WhatsApp,
            Form::Sms => Channel::Sms,
        }
    }
}

/// What became of a text that the carrier took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The channel has it, and may still refuse it.
    Underway,
    /// It arrived.
    Fine,
    /// It did not arrive, and will not.
    Failed(MessagingError),
}

/// What the carrier says of a text of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which text.
    pub message: MessageId,
    /// The channel's own name for it, which quotes use.
    pub channel_message: Option<MessageId>,
    /// What became of it.
    pub delivery: Delivery,
}

/// A text that came in, clean, from somebody whose number was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Names it across its repeats.
    pub message: MessageId,
    /// Where it came in, where the carrier says so.
    pub conversation: Option<ConversationId>,
    /// The message it quotes.
    pub quotes: Option<MessageId>,
    /// The words.
    pub text: PersonText,
}

/// A message as the conversation's list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMessage {
    /// Which.
    pub message: MessageId,
    /// Whose.
    pub author: Author,
    /// When it came in.
    pub at: Millis,
}

/// Who wrote a past message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// The person, these words.
    Person(PersonText),
    /// We, with this mark where it has one.
    Us(Option<Mark>),
}

/// How the person is reached by text at the moment of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The conversation, once there is one.
    pub conversation: Option<ConversationId>,
    /// The window, where it is known.
    pub window: Option<Window>,
}

/// The window as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it closes, or closed.
    pub until: Millis,
    /// What is left of it.
    pub left: Duration,
}

/// What went wrong with a message, in the carrier's own words with numbers masked. The same whether it came as the answer
/// to the sending or as a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagingError {
    /// What the caller may conclude.
    pub class: MessagingClass,
    /// The carrier's own code (`63016`), where it gave one.
    pub code: Option<String>,
    /// The carrier's own sentence, safe to show.
    pub message: String,
    /// When the carrier wants to be asked again, where it said so.
    pub retry_after: Option<Duration>,
}

/// What an error means for the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagingClass {
    /// The person has not joined (sandbox), or has not agreed to be written to.
    OptIn,
    /// The window is closed: only a template arrives.
    Window,
    /// The person stopped messages at the carrier, or blocked us.
    OptedOut,
    /// Nobody can be written to at this number.
    BadNumber,
    /// Our own account or settings are wrong.
    Configuration,
    /// The conversation is closed or gone; another one works.
    Closed,
    /// Nothing was sent, and the same may succeed later (connection refused, 429).
    Transient,
    /// Nobody knows whether it was sent (timeout, 5xx).
    Unknown,
    /// It cannot be sent, now or later.
    Permanent,
}

impl MessagingClass {
    /// As metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            MessagingClass::OptIn => "opt-in",
            MessagingClass::Window => "window",
            MessagingClass::OptedOut => "opted-out",
            MessagingClass::BadNumber => "bad-number",
            MessagingClass::Configuration => "configuration",
            MessagingClass::Closed => "closed",
            MessagingClass::Transient => "transient",
            MessagingClass::Unknown => "unknown",
            MessagingClass::Permanent => "permanent",
        }
    }

    /// Whether it is the person, or their phone, rather than the carrier that keeps a text from them.
    pub fn is_about_the_person(self) -> bool {
        matches!(
            self,
            MessagingClass::OptIn | MessagingClass::Window | MessagingClass::OptedOut | MessagingClass::BadNumber
        )
    }

    /// Whether trying the same again may help.
    pub fn is_transient(self) -> bool {
        matches!(self, MessagingClass::Transient | MessagingClass::Unknown)
    }
}

impl MessagingError {
    /// One in our own words; `message` is safe to show.
    pub fn ours(class: MessagingClass, message: &str) -> Self {
        Self { class, code: None, message: message.to_owned(), retry_after: None }
    }

    /// What was to go out as a template, where none is set up.
    pub fn no_template() -> Self {
        Self::ours(MessagingClass::Configuration, "no WhatsApp template is set up (CALLME_WHATSAPP_TEMPLATE_SID)")
    }
}

impl fmt::Display for MessagingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} (code {code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for MessagingError {}
