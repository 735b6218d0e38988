//! What an agent wants said: checked once at the edge, trusted inside.

mod parts;

use std::fmt;

pub use parts::{parts, template_variable};

/// The longest message, in characters: the speech endpoint's own limit for one request.
pub const LONGEST_MESSAGE: usize = 4096;

/// A message of the agent: neither blank nor longer than [`LONGEST_MESSAGE`] characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AgentText(String);

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing but white space and characters without a sound or a shape.
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
            // A phone must not ring for what nobody can say.
            _ if text.chars().all(is_nothing) => Err(BadText::Empty),
            n if n > LONGEST_MESSAGE => Err(BadText::TooLong(n)),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// White space, controls, and what only steers how text is set.
fn is_nothing(c: char) -> bool {
    let steers = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    steers || c.is_whitespace() || c.is_control()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_something_to_say() {
        for nothing in ["", " \t\r\n", "\0\u{202e}", "\u{feff}\u{200b} \u{2066}"] {
            assert_eq!(AgentText::parse(nothing), Err(BadText::Empty), "{nothing:?}");
        }
        for something in ["?", " Go on. ", "\u{200f}\u{5e9}\u{5dc}\u{5d5}\u{5dd}"] {
            let parsed = AgentText::parse(something).expect("a message");
            assert_eq!(parsed.as_str(), something.trim());
        }
    }

    #[test]
    fn a_message_is_no_longer_than_the_speech_endpoint_takes() {
        assert!(AgentText::parse(&"ü".repeat(LONGEST_MESSAGE)).is_ok());
        assert_eq!(AgentText::parse(&"ü".repeat(4097)), Err(BadText::TooLong(4097)));
    }
}
