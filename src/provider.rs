//! Ports: what the runtime asks of a carrier and of a speech provider. The adapters are this module's children.
//!
//! Nothing here knows which provider answers. Every error is a class the session can act on, plus a text that is safe
//! to show: no phone number, no key, no URL.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::audio::vad::Loudness;
use crate::clock::Millis;
pub use crate::domain::carrier::{CallEnd, CallProgress, ErrorClass, ProviderError, Verdict};
pub use crate::domain::messaging::{
    Author, Delivery, Form, Inbound, MessagingClass, MessagingError, PastMessage, Receipt,
};
use crate::domain::outcome::Channel;
pub use crate::domain::text::BadWords;
use crate::ids::{ConversationId, Mark, MessageId, StretchId};
use crate::phone_number::PhoneNumber;

pub mod calls;
#[cfg(test)]
mod desk;
mod frames;
pub mod metered;
pub mod openai;
pub mod public_url;
pub mod rest;
pub mod sms;
pub mod telnyx;
pub mod twilio;
pub mod words;

pub use sms::{CarrierWords, Sms, SmsAbilities, SmsOrder};

pub use calls::{
    BadFrame, BadWebhook, CallCommands, CallDocuments, Carrier, CarrierWebhooks, Connects, DialOrder, LostDial,
    MediaIn, MediaStart, MediaWire, SignedRequest, Told, Webhook, Whose,
};

/// What a carrier's messaging can do. A session never asks which carrier it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// The longest free-form text, in characters.
    pub longest: usize,
    /// Whether an approved template is set up, for when the window is closed.
    pub template: bool,
    /// Whether a conversation can be read back ([`Messaging::latest`]). Where it cannot, a sending with an unknown result
    /// stays unknown, and what was turned away comes only if the carrier brings it again.
    pub reads_back: bool,
    /// What the person must do before anything arrives, as a sentence for the agent to pass on.
    pub opt_in: String,
}

/// The text side of a carrier: one conversation per person, found or created.
pub trait Messaging: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> &Abilities;
    /// Finds the person's open conversation, or creates one.
    fn open<'a>(&'a self, to: &'a PhoneNumber) -> BoxFuture<'a, Result<Opened, MessagingError>>;
    /// Sends a text, once: the adapter repeats nothing. [`MessagingClass::Unknown`] means it may arrive.
    fn send(&self, order: SendOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>>;
    /// The conversation's newest messages, newest first; some dozens at most. Refused where that cannot be done
    /// ([`Abilities::reads_back`]).
    fn latest<'a>(
        &'a self,
        conversation: &'a ConversationId,
        with: &'a PhoneNumber,
    ) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>>;
    /// What became of a text of ours; `None` while the carrier cannot tell.
    fn receipt<'a>(
        &'a self,
        conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>>;
}

/// A conversation that texts can be sent in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Which.
    pub conversation: ConversationId,
    /// It was there before: what the person wrote in it may be read back.
    pub found: bool,
}

/// A text to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SendOrder {
    /// Where.
    pub conversation: ConversationId,
    /// To whom.
    pub to: PhoneNumber,
    /// As the variable of the approved template, rather than as it is.
    pub template: bool,
    /// The text, or the template's variable.
    pub text: String,
    /// By which it is known again.
    pub mark: Mark,
}

/// Prints how long the text is, rather than the text.
impl std::fmt::Debug for SendOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let form = if self.template { "template" } else { "free" };
        write!(f, "SendOrder({form}, {} chars, {})", self.text.chars().count(), self.mark.as_str())
    }
}

/// A carrier's messaging webhooks, read after their signature was checked by [`CarrierWebhooks::verify`].
pub trait MessagingWebhooks: Send + Sync {
    /// Who wrote what a body brings, for those who count; `None` for what nobody wrote to us: receipts, our own echo, other
    /// events, other accounts. Cheap, and right also where [`MessagingWebhooks::parse`] refuses.
    fn sender_of(&self, body: &[u8]) -> Option<Sender>;
    /// Reads a body. Nothing of it is an error: what is not understood, foreign or our own echo is said to be so.
    fn parse(&self, body: &[u8]) -> MessageNews;
}

/// Who wrote, as far as that can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// By this number; whether it is the person's is for the caller to say.
    pub from: Option<PhoneNumber>,
    /// In this conversation; `None` also for a message that came by the other way, outside of any.
    pub conversation: Option<ConversationId>,
}

/// What a messaging webhook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageNews {
    /// Somebody wrote.
    Inbound {
        /// By this number; whether it is the person's is for the caller to say.
        from: PhoneNumber,
        /// On this channel.
        channel: Channel,
        /// What.
        message: Inbound,
    },
    /// Somebody wrote, and what they wrote is not taken.
    Refused {
        /// By this number.
        from: PhoneNumber,
        /// On this channel.
        channel: Channel,
        /// Names the message across its repeats.
        message: MessageId,
        /// Why it is not taken.
        why: BadWords,
    },
    /// What became of a text of ours.
    Receipt(Receipt),
    /// Not for us: our own echo, another account's, an event that says nothing new.
    Nothing,
    /// Something that should be a message and is none, with the reason; no text, no number.
    Bad(&'static str),
}

/// Speech as it is made: G.711 µ-law at 8 kHz in pieces of any size. Pulled: whoever stops reading stops the making.
/// The stream's end is the speech's end; an error is the last item.
pub type Speech = BoxStream<'static, Result<Bytes, ProviderError>>;

/// Text to speech: one voice per call.
pub trait Tts: Send + Sync {
    /// A voice for a call. Nothing is asked of the provider before something is to be said.
    fn open(&self) -> Box<dyn TtsSession>;
}

/// One call's voice. Needs no task of its own: whoever owns it polls it, and the speeches it makes.
///
/// What it says stays in order, and is made no faster than it is read; two speeches of one call may be made one after the
/// other, since they are heard so.
pub trait TtsSession: Send {
    /// Begins to say `text`, of at most [`LONGEST_MESSAGE`](crate::domain::text::LONGEST_MESSAGE) characters. Nothing is
    /// asked of the provider before the first poll; dropping the speech calls off what was.
    fn speak(&mut self, text: String) -> Speech;
    /// Does what is to be done beside the speeches: what a dropped one left behind, and what keeps the next one from
    /// waiting for a connection. Nothing comes of it but a wake when it should be polled again.
    fn poll_idle(&mut self, cx: &mut Context<'_>);
}

/// What is known of the speech provider's plans.
pub trait SpeechOutlook: std::fmt::Debug + Send + Sync {
    /// What the operator should know about the models in use, a sentence each; none in good times.
    fn warnings(&self) -> Vec<String>;
}

/// Speech to text: one session per call.
pub trait Stt: Send + Sync {
    /// Begins to listen; connecting happens behind [`SttSession::poll_heard`], and audio given meanwhile is kept.
    fn listen(&self) -> Box<dyn SttSession>;
}

/// One call's recogniser. Needs no task of its own: its owner polls it.
pub trait SttSession: Send {
    /// Takes the person's voice as it comes (µ-law, 8 kHz), which arrived at `now`. Never waits, and wakes nobody: its
    /// caller polls next, and that sends it.
    fn hear(&mut self, ulaw: &[u8], now: Millis);
    /// Whether [`SttSession::we_play`] is worth telling: where the ends of speech are found here, our echo matters.
    fn minds_us(&self) -> bool;
    /// Says how loud what the person hears of us is from now on, `None` for silence.
    fn we_play(&mut self, ours: Option<Loudness>);
    /// The line is gone and no more audio will come: ends a stretch that is still open, so that its words come. Its
    /// caller polls next.
    fn finish(&mut self, now: Millis);
    /// The next thing heard. Sends what is to be sent, reconnects by itself. After [`Heard::Failed`] there is nothing.
    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Heard>;
}

/// What a recogniser reports. Stretches end in the order in which they were spoken: each `Started` is followed by one
/// `Words` or `Nothing` with its id, in the order of the starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The person began to speak at `began_at` (the first voiced sample, by the audio's own clock).
    Started {
        /// Which stretch.
        stretch: StretchId,
        /// When it began.
        began_at: Millis,
    },
    /// The person speaks, as surely and as long as it takes to interrupt us: in a stretch that was reported, maybe some
    /// time after its beginning, and again where we began to speak meanwhile.
    BargedIn {
        /// When they began, after the last pause.
        began_at: Millis,
    },
    /// The person stopped; the words follow.
    Stopped {
        /// Which stretch.
        stretch: StretchId,
    },
    /// The words of a stretch; never empty.
    Words {
        /// Which stretch.
        stretch: StretchId,
        /// When it began.
        began_at: Millis,
        /// What was said, trimmed.
        text: String,
    },
    /// The stretch ended without words: noise, a failed or lost transcription.
    Nothing {
        /// Which stretch.
        stretch: StretchId,
    },
    /// The recogniser is gone for good.
    Failed(ProviderError),
}
