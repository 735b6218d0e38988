//! Where a session stands, and why it wants to be woken.

use crate::domain::carrier::ProviderError;
use crate::ids::CarrierCallId;

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The carrier was asked to ring; it has not named the call yet. `looked` counts the searches for a `lost` answer.
    Dialing { looked: usize, lost: Option<ProviderError> },
    /// The carrier has the call; nobody has picked up.
    Ringing { call: CarrierCallId },
    /// Picked up; the media is not up yet.
    Answered { call: CarrierCallId },
    /// The line is up, or was and may come back.
    Talking { call: CarrierCallId, line: Line },
    /// In messaging; a call that it came from may still have to be hung up.
    Messaging { hanging: Option<Hanging> },
    /// On the way out.
    Ending(Ending),
    /// Over. Nothing changes any more.
    Ended,
}

/// The media of a talking session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Up,
    /// Gone; `stopped` when the call is over by the carrier's word, though not in so many words.
    Dropped {
        stopped: bool,
    },
}

/// The ways out, in the order in which a session may pass through them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Ended before the carrier named the call; it is hung up as soon as it has a name.
    Unplaced { looked: usize },
    /// The goodbye plays; then hang up.
    Goodbye { call: CarrierCallId },
    /// What the person was saying is still awaited, or the verdict on who said it; `over` when nothing is left to hang up.
    LastWords { call: CarrierCallId, over: bool },
    /// Nothing is left to do but to hang up.
    HangingUp(Hanging),
    /// The goodbye is being written; a call may still have to be hung up.
    Parting { hanging: Option<Hanging> },
}

/// A call that the carrier was asked to hang up, for the `tries`-th time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hanging {
    pub(super) call: CarrierCallId,
    pub(super) tries: usize,
}

/// Why a session wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Look for a dial whose result is unknown.
    Settle,
    /// The carrier never reported the end of the ringing.
    Ring,
    /// The media never came up.
    Connect,
    /// Machine detection gave no verdict.
    Verdict,
    /// No reply came.
    Reply,
    /// The person's pause was the end of the reply.
    Grace,
    /// The reply was extended long enough.
    Extension,
    /// Nobody collected the reply.
    Collect,
    /// Nothing was said for too long.
    Inactivity,
    /// The call is as long as it may be.
    Longest,
    /// The media did not come back.
    Reconnect,
    /// The last words took too long.
    LastWords,
    /// The goodbye took too long.
    Goodbye,
    /// Ask the carrier to hang up once more.
    HangUp,
    /// Send a text once more.
    Resend,
    /// Ask what became of a text.
    Receipt,
    /// A question in messaging is open for too long.
    OpenQuestion,
    /// The window closes soon.
    Window,
}

/// Where a session stands, for people and machines outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The carrier was asked to ring.
    Dialing,
    /// It rings.
    Ringing,
    /// Picked up, no media yet.
    Answered,
    /// The line is up; nothing is being said and nothing awaited.
    Connected,
    /// The agent speaks.
    Speaking,
    /// A reply is awaited.
    Listening,
    /// In messaging.
    Messaging,
    /// On the way out.
    Ending,
    /// Over.
    Ended,
}

impl Phase {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Dialing => "dialing",
            Phase::Ringing => "ringing",
            Phase::Answered => "answered",
            Phase::Connected => "connected",
            Phase::Speaking => "speaking",
            Phase::Listening => "listening",
            Phase::Messaging => "messaging",
            Phase::Ending => "ending",
            Phase::Ended => "ended",
        }
    }
}
