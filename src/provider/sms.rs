//! Short texts between two phone numbers: the last resort where nothing else gets through. There is no conversation and no
//! window, and a text carries nothing by which it would be known again.

use futures_util::future::BoxFuture;

use super::{MessagingError, PastMessage, Receipt};
use crate::domain::keywords::Keyword;
use crate::ids::MessageId;
use crate::phone_number::PhoneNumber;

/// A carrier's SMS. It goes out by the number that calls.
pub trait Sms: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> &SmsAbilities;
    /// Sends a text, once: the adapter repeats nothing. [`MessagingClass::Unknown`](super::MessagingClass) means it may arrive.
    fn send(&self, order: SmsOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>>;
    /// The newest texts between us and that number, newest first; some dozens at most. Refused where that cannot be done
    /// ([`SmsAbilities::reads_back`]).
    fn latest<'a>(&'a self, with: &'a PhoneNumber) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>>;
    /// What became of a text of ours; `None` while the carrier cannot tell.
    fn receipt<'a>(&'a self, message: &'a MessageId) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>>;
}

/// What a carrier's SMS can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmsAbilities {
    /// Whether what the person wrote can be read back ([`Sms::latest`]).
    pub reads_back: bool,
    /// The words that the carrier itself minds.
    pub words: CarrierWords,
}

/// The words that a carrier minds before we do, as its own rules have them: it stops and resumes texts by itself, and answers
/// each of them, so that we need not. Small letters; each is a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierWords {
    /// No more texts.
    pub stop: &'static [&'static str],
    /// Texts again.
    pub start: &'static [&'static str],
    /// What this is.
    pub help: &'static [&'static str],
}

impl CarrierWords {
    /// What the carrier took a text of the person's for; `None` where it left it alone.
    pub fn read(&self, text: &str) -> Option<Keyword> {
        let text = text.trim();
        let is_among = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        [(self.stop, Keyword::Stop), (self.start, Keyword::Start), (self.help, Keyword::Help)]
            .into_iter()
            .find_map(|(words, keyword)| is_among(words).then_some(keyword))
    }
}

/// A text to be sent: of one piece, as [`sms_parts`](crate::domain::text::sms_parts) cuts it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsOrder {
    /// To whom.
    pub to: PhoneNumber,
    /// The text.
    pub text: String,
}

/// Prints how long the text is, rather than the text.
impl std::fmt::Debug for SmsOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmsOrder({} chars)", self.text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriers_word_is_one_only_as_the_whole_message() {
        let words = CarrierWords { stop: &["stop", "stop all"], start: &["unstop"], help: &["help"] };
        for (text, want) in [
            ("STOP", Some(Keyword::Stop)),
            (" Stop\n", Some(Keyword::Stop)),
            ("stop all", Some(Keyword::Stop)),
            ("Unstop", Some(Keyword::Start)),
            ("HELP", Some(Keyword::Help)),
            ("stop it", None),
            ("stop!", None),
            ("", None),
        ] {
            assert_eq!(words.read(text), want, "{text:?}");
        }
    }
}
