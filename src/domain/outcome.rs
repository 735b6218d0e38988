//! The truth about what happened, as every answer carries it (`outcome`).

/// How far a message of the agent got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MessageHeard {
    /// Nothing of it was heard.
    #[default]
    None,
    /// It was cut; this much was heard, to a word's end.
    Partial(String),
    /// All of it was heard.
    Full,
}

/// What became of the dialling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dial {
    /// Still ringing, or never tried.
    #[default]
    NotDialed,
    /// Somebody or something picked up.
    Answered,
    /// Rang out or was declined on the phone.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// Could not be put through, or the carrier's media never came.
    Failed,
    /// Hung up by us before anyone answered.
    Canceled,
    /// A machine picked up.
    Voicemail,
}

impl Dial {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dial::NotDialed => "not-dialed",
            Dial::Answered => "answered",
            Dial::NoAnswer => "no-answer",
            Dial::Busy => "busy",
            Dial::Failed => "failed",
            Dial::Canceled => "canceled",
            Dial::Voicemail => "voicemail",
        }
    }
}

/// Who picked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnsweredBy {
    /// No one, or no one yet.
    #[default]
    Nobody,
    /// A person, says the carrier.
    Human,
    /// Voicemail or fax, says the carrier.
    Machine,
    /// Somebody; the carrier could not tell, or did not in time.
    Unknown,
}

impl AnsweredBy {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AnsweredBy::Nobody => "nobody",
            AnsweredBy::Human => "human",
            AnsweredBy::Machine => "machine",
            AnsweredBy::Unknown => "unknown",
        }
    }
}

/// Who or what ended the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The person hung up.
    Person,
    /// The agent's `end`.
    Agent,
    /// Nothing was said for too long, or nobody collected the reply.
    Inactivity,
    /// The call reached its maximum length.
    MaxLength,
    /// The person stopped messages.
    OptOut,
    /// The server was stopped.
    Shutdown,
    /// A fault of our own.
    Crash,
    /// A provider: the carrier lost the call, or speech failed for good.
    Carrier,
}

impl EndedBy {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            EndedBy::Person => "person",
            EndedBy::Agent => "agent",
            EndedBy::Inactivity => "inactivity",
            EndedBy::MaxLength => "max-length",
            EndedBy::OptOut => "opt-out",
            EndedBy::Shutdown => "shutdown",
            EndedBy::Crash => "crash",
            EndedBy::Carrier => "carrier",
        }
    }
}

/// The channel words came by, and a session is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The phone call.
    Voice,
}

impl Channel {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Voice => "voice",
        }
    }
}

/// The whole truth at the moment of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the dialling.
    pub dial: Dial,
    /// Who picked up.
    pub answered_by: AnsweredBy,
    /// How far the last message got.
    pub message_heard: MessageHeard,
    /// How the reply came; `None` where there is none.
    pub reply_channel: Option<Channel>,
    /// Who ended the session; `None` while it runs.
    pub ended_by: Option<EndedBy>,
}
