//! What a message asks for by its words.

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// To be called; `more` when it says more than that, such as a time.
    Call {
        /// It says more than that.
        more: bool,
    },
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Messages again where they were stopped; else a reply.
    Yes,
    /// What this is.
    Help,
    /// The end of the session.
    End,
    /// Nothing of the kind.
    None,
}

/// The words.
#[derive(Clone, Debug, Default)]
pub struct Keywords;

impl Keywords {
    /// What a message asks for.
    pub fn read(&self, _text: &str) -> Keyword {
        Keyword::None
    }
}
