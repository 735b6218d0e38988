//! What an agent wants said and what the person wrote: checked once at the edge, trusted inside.

use std::fmt;

mod clean;
mod parts;
mod sms;

pub use parts::{LONGEST_VARIABLE, parts, template_variable};
pub use sms::sms_parts;

/// The longest message, in characters: the speech endpoint's own limit for one request.
pub const LONGEST_MESSAGE: usize = 4096;

/// The longest text that is taken from the person, in characters, where the channel sets no shorter one. Twice what a
/// carrier delivers (32 KB), so that what is longer was not written by hand.
pub const LONGEST_WRITTEN: usize = 65_536;

/// The same by SMS: ten messages joined have fewer.
pub const LONGEST_WRITTEN_BY_SMS: usize = 2_000;

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

/// Why what the person wrote is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWords {
    /// Nothing is left that could be read.
    #[error("the text is empty")]
    Empty,
    /// Over what the channel allows.
    #[error("the text has {length} characters; at most {longest} are taken")]
    TooLong {
        /// How many characters came, before cleaning.
        length: usize,
        /// How many are allowed.
        longest: usize,
    },
}

impl PersonText {
    /// Takes what the person wrote, as the carrier delivered it: without controls, terminal sequences and marks that only
    /// steer how text is set, and without the white space around it. A terminal sequence that never ends loses only its
    /// introducer, so nothing written is lost behind it.
    ///
    /// # Errors
    /// When more than `longest` characters came ([`LONGEST_WRITTEN`], [`LONGEST_WRITTEN_BY_SMS`]), or nothing is left.
    pub fn clean(raw: &str, longest: usize) -> Result<Self, BadWords> {
        let length = raw.chars().count();
        if length > longest {
            return Err(BadWords::TooLong { length, longest });
        }
        let clean = clean::clean(raw);
        let text = clean.trim();
        if text.chars().all(is_nothing) {
            return Err(BadWords::Empty);
        }
        Ok(Self(text.to_owned()))
    }

    /// What an agent reads instead of words that were not taken: so that it does not take them for silence.
    pub fn refused(why: BadWords) -> Self {
        let why = match why {
            BadWords::Empty => "there is nothing in it that can be read".to_owned(),
            BadWords::TooLong { longest, .. } => format!("it is longer than {longest} characters"),
        };
        Self(format!("[A message was refused: {why}]"))
    }

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
    use proptest::prelude::*;

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

    #[test]
    fn what_the_person_wrote_is_measured_then_cleaned_then_trimmed() {
        let taken = |raw: &str| PersonText::clean(raw, 5).map(|text| text.0);
        assert_eq!(taken(" ünö\0"), Ok("ünö".to_owned()));
        assert_eq!(taken("\0 a\u{7f}\n"), Ok("a".to_owned()), "white space that cleaning uncovers goes, too");
        assert_eq!(taken("\0\0\0\0\0a"), Err(BadWords::TooLong { length: 6, longest: 5 }), "measured as it came");
        for nothing in ["", " \n ", "\0", "\u{1b}[0m", "\u{200b}\u{feff}", "\u{1b}]x\u{7}"] {
            assert_eq!(taken(nothing), Err(BadWords::Empty), "{nothing:?}");
        }
        assert!(PersonText::clean(&"ü".repeat(LONGEST_WRITTEN), LONGEST_WRITTEN).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_taken_once_is_taken_unchanged(raw in any::<String>()) {
            if let Ok(text) = PersonText::clean(&raw, LONGEST_WRITTEN) {
                prop_assert_eq!(PersonText::clean(text.as_str(), LONGEST_WRITTEN).map(|again| again.0), Ok(text.0));
            }
        }
    }
}
