//! What a message can be besides a reply: a request to be called, or a word that steers messaging.
//!
//! A request is read in three steps. The message becomes words without case, accents and punctuation. What says nothing or
//! only when (politeness, times) is taken away, wherever it stands. What is left must be a listed request, word for word:
//! so "could you please call me at nine" is one, and "call me crazy" or "I'll call you" is not. A request that says who is
//! to be called may also be the first sentence of more.

use std::collections::HashMap;

mod requests;
mod words;

#[cfg(test)]
mod tests;

use requests::Requests;
use words::{joined, words};

/// What a message asks of us, beside what it says to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// To be called.
    Call {
        /// The message says more than that, as a time: the agent is told what was written.
        more: bool,
    },
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// The word "yes": means [`Keyword::Start`] while messages are stopped, and is a reply otherwise.
    Yes,
    /// What this is, and how to stop it.
    Help,
    /// The end of this session.
    End,
    /// Nothing: it is a reply.
    None,
}

/// One language's words, as a table lists them. Case, accents and punctuation of an entry do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Language {
    /// Requests that say who is to be called. What follows in a new sentence is more for the agent.
    pub call: Vec<String>,
    /// Requests only if they are the whole message.
    pub alone: Vec<String>,
    /// Requests only together with a `polite` or a `time`.
    pub with_please: Vec<String>,
    /// What may stand before a request: greetings, assent.
    pub before: Vec<String>,
    /// What may stand anywhere in a request and says nothing that the agent should know.
    pub polite: Vec<String>,
    /// What may stand anywhere in a request and is told to the agent. `#` is a number.
    pub time: Vec<String>,
    /// Numbers in words, for `#`; digits are known, up to two.
    pub numbers: Vec<String>,
    /// Whole messages that mean [`Keyword::Stop`].
    pub stop: Vec<String>,
    /// Whole messages that mean [`Keyword::Start`].
    pub start: Vec<String>,
    /// Whole messages that mean [`Keyword::Yes`].
    pub yes: Vec<String>,
    /// Whole messages that mean [`Keyword::Help`].
    pub help: Vec<String>,
    /// Whole messages that mean [`Keyword::End`].
    pub end: Vec<String>,
}

/// The keywords of all languages. Each language reads a message by itself: "llama please" is not Spanish.
#[derive(Clone, Debug)]
pub struct Keywords {
    /// What is a keyword only as the whole message.
    whole: HashMap<String, Keyword>,
    requests: Vec<Requests>,
}

/// Why a phrase cannot stand where it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPhrase {
    /// It is nothing but punctuation.
    #[error("“{0}” has no words")]
    NoWords(String),
    /// Only times have numbers.
    #[error("“{0}” has a #, which only a time can have")]
    Number(String),
    /// It stands twice in its language, or means two things in two.
    #[error("“{0}” is listed twice")]
    Twice(String),
    /// A request that would never be found, because politeness and times are taken away before.
    #[error("“{0}” is a request that holds a polite phrase or a time; list it without")]
    Hidden(String),
}

impl Keywords {
    /// Takes the languages' tables.
    ///
    /// # Errors
    /// When a phrase cannot stand where it does.
    pub fn new(languages: &[Language]) -> Result<Self, BadPhrase> {
        let mut whole = HashMap::new();
        for language in languages {
            for (phrases, meaning) in [
                (&language.stop, Keyword::Stop),
                (&language.start, Keyword::Start),
                (&language.yes, Keyword::Yes),
                (&language.help, Keyword::Help),
                (&language.end, Keyword::End),
            ] {
                for phrase in phrases {
                    let other = whole.insert(fixed(phrase)?, meaning);
                    if other.is_some_and(|other| other != meaning) {
                        return Err(BadPhrase::Twice(phrase.clone()));
                    }
                }
            }
        }
        let requests = languages.iter().map(Requests::new).collect::<Result<Vec<_>, _>>()?;
        match whole.keys().find(|word| requests.iter().any(|language| language.read(&words(word)).is_some())) {
            Some(word) => Err(BadPhrase::Twice(word.clone())),
            None => Ok(Self { whole, requests }),
        }
    }

    /// What a message of the person is.
    pub fn read(&self, text: &str) -> Keyword {
        let words = words(text);
        let call =
            || self.requests.iter().find_map(|language| language.read(&words)).map(|more| Keyword::Call { more });
        self.whole.get(&joined(&words)).copied().or_else(call).unwrap_or(Keyword::None)
    }
}

/// A phrase without numbers, as its words are found in a message.
fn fixed(phrase: &str) -> Result<String, BadPhrase> {
    let found = joined(&words(phrase));
    match phrase {
        _ if phrase.contains('#') => Err(BadPhrase::Number(phrase.to_owned())),
        _ if found.is_empty() => Err(BadPhrase::NoWords(phrase.to_owned())),
        _ => Ok(found),
    }
}
