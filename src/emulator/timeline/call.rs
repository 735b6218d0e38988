//! A call's states and callbacks, in the wire's words.

/// A call's state, as `CallStatus` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallState {
    /// Accepted, not dialed yet.
    Queued,
    /// The phone rings.
    Ringing,
    /// Picked up.
    InProgress,
    /// Ended after it was picked up.
    Completed,
    /// A busy signal.
    Busy,
    /// Could not be connected.
    Failed,
    /// Rang out, or was rejected.
    NoAnswer,
    /// Hung up over REST before it was picked up.
    Canceled,
}

impl CallState {
    /// The wire's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Nothing follows this state.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Ringing | Self::InProgress)
    }
}

/// The callbacks a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callback {
    /// `initiated`: dialed.
    Initiated,
    /// `ringing`.
    Ringing,
    /// `answered`; its `CallStatus` is `in-progress`.
    Answered,
    /// `completed`: the end, whatever the `CallStatus`.
    Completed,
    /// The asynchronous machine detection's verdict.
    Verdict,
    /// Telnyx: a media stream failed, or ended.
    Stream,
}

impl Callback {
    /// The word of `StatusCallbackEvent` (and `amd`, which has none there).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Completed => "completed",
            Self::Verdict => "amd",
            Self::Stream => "stream",
        }
    }
}
