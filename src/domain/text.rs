//! What an agent wants said: checked once at the edge, trusted inside.

use std::fmt;

/// The longest message, in characters: the speech endpoint's own limit for one request.
pub const LONGEST_MESSAGE: usize = 4096;

/// A message of the agent: neither blank nor longer than [`LONGEST_MESSAGE`] characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AgentText(String);

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing but white space.
    #[error("message is empty")]
    Empty,
    /// Over [`LONGEST_MESSAGE`] characters.
    #[error("message has {0} characters; at most {LONGEST_MESSAGE} are allowed")]
    TooLong(usize),
}

impl AgentText {
    /// Takes a text as the agent wrote it, without the white space around it.
    ///
    /// # Errors
    /// When nothing is left, or too much.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let text = text.trim();
        match text.chars().count() {
            0 => Err(BadText::Empty),
            n if n > LONGEST_MESSAGE => Err(BadText::TooLong(n)),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Prints its length only: message text never reaches a log.
impl fmt::Debug for AgentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentText({} chars)", self.0.chars().count())
    }
}

/// Words of the person. Prints its length only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonText(pub String);

impl PersonText {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonText({} chars)", self.0.chars().count())
    }
}
