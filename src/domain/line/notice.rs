//! What the server itself writes to the person: short, and the same for everybody.

/// Why the phone does not ring for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRing {
    /// The person is on the phone with us, or their phone rings.
    OnThePhone,
    /// Too many calls were asked for.
    TooOften,
    /// As many sessions as there may be.
    Full,
}

/// Something the server tells the person on its own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nobody is there to take the message now.
    NoAgent,
    /// Messages have stopped.
    Stopped,
    /// Messages go on.
    Resumed,
    /// What can be written here.
    Help,
    /// The session was ended by the person's word.
    Ended,
    /// The phone does not ring, and why.
    NoRing(NoRing),
    /// The operator's privacy notice.
    Privacy(String),
}

impl Notice {
    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Notice::NoAgent => "No agent is waiting right now. I keep your message for the next one.",
            Notice::Stopped => "You will get no more messages. Write \"start\" to get them again.",
            Notice::Resumed => "You will get messages again. Write \"stop\" to end them.",
            Notice::Help => {
                "An AI agent that works for you writes here when you do not answer its call. Just answer; write \"call \
                 me\" to be called, \"end\" to end the conversation, \"stop\" to get no more messages."
            }
            Notice::Ended => "This conversation is ended.",
            Notice::NoRing(NoRing::OnThePhone) => "We are on the phone already.",
            Notice::NoRing(NoRing::TooOften) => {
                "I have called you several times already. Please answer here, or ask again in ten minutes."
            }
            Notice::NoRing(NoRing::Full) => {
                "I cannot call just now. Please answer here, or ask again in a few minutes."
            }
            Notice::Privacy(text) => text,
        }
    }

    /// Whether it is sent although the person wants no messages.
    pub fn is_confirmation(&self) -> bool {
        matches!(self, Notice::Stopped)
    }
}
