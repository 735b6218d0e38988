//! The ports of a carrier's calls: what is asked of it, what it reports, and the media it carries.
//!
//! Carriers are told in two ways what to do with a call that is up: by a document in the answer to a webhook that asks
//! ([`Webhook::Fetch`]), or by a command of its own after a webhook that only tells ([`Webhook::Waits`], [`CallCommands`]).

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::clock::Millis;
use crate::domain::carrier::{CallProgress, ProviderError, Verdict};
use crate::domain::media::MediaLoss;
use crate::ids::{CarrierCallId, EventId, SessionId};
use crate::phone_number::PhoneNumber;

/// A request to ring the person.
#[derive(Clone, Debug)]
pub struct DialOrder {
    /// Names the session in the carrier's webhook URLs.
    pub session: SessionId,
    /// When it was decided: with the session it names the dial, for carriers that know a repeated one again.
    pub decided_at: Millis,
    /// Who is rung.
    pub to: PhoneNumber,
    /// How long it rings before it counts as no answer.
    pub ring: Duration,
    /// The longest the call may last once answered; the carrier ends it then.
    pub longest: Duration,
}

/// A dial whose answer was lost.
#[derive(Clone, Debug)]
pub struct LostDial {
    /// Whose it was.
    pub session: SessionId,
    /// Who was to be rung.
    pub to: PhoneNumber,
    /// When it was decided.
    pub decided_at: Millis,
}

/// The voice side of a carrier.
pub trait Carrier: Send + Sync {
    /// Rings the person once. [`ErrorClass::Unknown`](crate::domain::carrier::ErrorClass::Unknown) means the phone may be
    /// ringing.
    fn dial(&self, order: DialOrder) -> BoxFuture<'_, Result<CarrierCallId, ProviderError>>;
    /// Ends a call in whatever state it is; ending an ended call succeeds.
    fn hang_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>>;
    /// Where a call stands, as far as the carrier tells; one of which it only says that it is live is
    /// [`CallProgress::Queued`].
    fn look_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<CallProgress, ProviderError>>;
    /// The calls that this dial can have come to, newest first. Never dials: whoever asks may want the call only to hang it
    /// up.
    ///
    /// A carrier that tells calls apart by number and time alone gives those of other sessions too. One that lists live calls
    /// only does not give what is over already, of which its webhook has told or will.
    fn find<'a>(
        &'a self,
        dial: &'a LostDial,
    ) -> BoxFuture<'a, Result<Vec<(CarrierCallId, CallProgress)>, ProviderError>>;
}

/// The commands by which a carrier is told what to do with a call, where it does not read that in the answers to its
/// webhooks. Each may be repeated as it is: the carrier knows it again.
pub trait CallCommands: Send + Sync {
    /// Connects an answered call to the media socket, with `token` in its path.
    fn connect<'a>(&'a self, call: &'a CarrierCallId, token: &'a str)
    -> BoxFuture<'a, Result<Connects, ProviderError>>;
    /// Turns an inbound call away.
    fn reject<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>>;
}

/// What a carrier says to the command to connect a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connects {
    /// It tries; the socket comes, or a [`Webhook::NotConnected`].
    Tries,
    /// The call is over: there is nothing to connect.
    CallIsOver,
}

/// A webhook as its signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// What the carrier asked for, byte for byte; the configured public URL stands before it.
    pub path_and_query: &'a str,
    /// The `Content-Type`, where there is exactly one.
    pub content_type: Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// The values of [`CarrierWebhooks::signature_headers`], in that order.
    pub signature: &'a [&'a str],
}

/// A carrier's voice webhooks: proving that they are its own, reading them, and what they are answered with.
pub trait CarrierWebhooks: Send + Sync {
    /// The headers that together carry the signature, in lower case. Each comes exactly once.
    fn signature_headers(&self) -> &'static [&'static str];
    /// Whether a signature has the form of one, and is of now where it says so: what can be told before the body is read.
    fn may_be_signed(&self, signature: &[&str]) -> bool;
    /// Checks a signature in constant time.
    fn verify(&self, request: &SignedRequest<'_>) -> bool;
    /// Reads the body of a webhook whose signature was checked.
    ///
    /// # Errors
    /// When it names no call, or another account's.
    fn parse(&self, body: &[u8]) -> Result<Told, BadWebhook>;
    /// What answers a [`Webhook::Fetch`]; `None` where there is no such thing.
    fn documents(&self) -> Option<&dyn CallDocuments>;
}

/// The documents that tell a carrier what to do with a call.
pub trait CallDocuments: Send + Sync {
    /// Connects the call to the media socket, with `token` in its path.
    fn connect(&self, token: &str, session: &SessionId) -> String;
    /// Ends the call.
    fn hang_up(&self) -> String;
    /// Turns an inbound call away.
    fn reject(&self) -> String;
    /// Says nothing, to a webhook about SMS.
    fn nothing(&self) -> String;
    /// The documents' `Content-Type`.
    fn content_type(&self) -> &'static str;
}

/// A webhook that was read, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it says.
    pub webhook: Webhook,
    /// Whose it is.
    pub whose: Whose,
    /// The carrier's name for it, the same however often it is delivered; `None` where it has none.
    pub event: Option<EventId>,
}

/// Where a webhook says which session it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// In its URL (`?s=`), which its signature covers.
    AsAddressed,
    /// In its body, and its URL is not signed: this session's, or that of the call it names.
    Of(Option<SessionId>),
}

/// What a carrier reports or asks about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// It asks what to do with the call, which was answered, and reads that in the answer.
    Fetch {
        /// Which call.
        call: CarrierCallId,
        /// Somebody rang our number.
        inbound: bool,
    },
    /// The call was answered, or comes in, and waits for a command.
    Waits {
        /// Which call.
        call: CarrierCallId,
        /// Somebody rang our number.
        inbound: bool,
    },
    /// The call is not connected to the media socket, though a command said so: it could not be, or is not any more. It may
    /// still be up.
    NotConnected {
        /// Which call.
        call: CarrierCallId,
        /// Of that socket, the token in its path; `None` where the carrier does not say.
        token: Option<String>,
        /// How a connection that was there is lost.
        loss: MediaLoss,
    },
    /// Where the call stands.
    Status {
        /// Which call.
        call: CarrierCallId,
        /// Where it stands.
        progress: CallProgress,
    },
    /// Who picked up.
    Machine {
        /// Which call.
        call: CarrierCallId,
        /// By the carrier's account.
        verdict: Verdict,
    },
    /// Something that changes nothing.
    Other,
}

/// A signed webhook that is not about a call of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook that names no call of this account")]
pub struct BadWebhook;

/// The wire of a carrier's media WebSocket: text frames of JSON, audio as base64 G.711 µ-law at 8 kHz.
pub trait MediaWire: Send + Sync {
    /// Reads one text frame.
    ///
    /// # Errors
    /// When the text is not JSON of the carrier's shape. Unknown events are [`MediaIn::Other`], not errors.
    fn read<'a>(&self, text: &'a str) -> Result<MediaIn<'a>, BadFrame>;
    /// Writes audio to play, appending to `out`.
    fn write_audio(&self, stream: &str, ulaw: &[u8], out: &mut String);
    /// Writes a mark: echoed when everything before it has played, or at once by a clear.
    fn write_mark(&self, stream: &str, name: &str, out: &mut String);
    /// Writes a clear: what was sent and has not played yet is dropped.
    fn write_clear(&self, stream: &str, out: &mut String);
}

/// A frame from the carrier, borrowed from the text it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaIn<'a> {
    /// The socket is up; nothing is known yet.
    Connected,
    /// Says which call this is.
    Start(MediaStart<'a>),
    /// The person's voice (base64 µ-law, inbound track only).
    Audio {
        /// Base64 of µ-law bytes.
        payload: Cow<'a, str>,
        /// Its place in the stream, each one more than that before; `None` where frames come in order.
        place: Option<u64>,
    },
    /// A mark of ours came back.
    Mark(Cow<'a, str>),
    /// A key was pressed.
    Key(Cow<'a, str>),
    /// The carrier ended the stream.
    Stop,
    /// The carrier did not take something that we sent.
    Complaint {
        /// By its own number, where it gave one.
        code: Option<u32>,
    },
    /// Something this version does not know or need.
    Other,
}

/// The first real frame of a media socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaStart<'a> {
    /// The carrier's name for the stream; every frame we send may carry it.
    pub stream: Cow<'a, str>,
    /// Whose account; `None` where the carrier's frames do not name the one that is configured.
    pub account: Option<Cow<'a, str>>,
    /// Which call.
    pub call: Cow<'a, str>,
    /// The token that came as a parameter, where the carrier has such.
    pub token: Option<Cow<'a, str>>,
}

/// A frame that is not the carrier's JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a media frame that is not the carrier's JSON")]
pub struct BadFrame;

/// Whether a text could be the base64 of something that is `length` letters long in it.
pub(super) fn looks_like_base64(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}
