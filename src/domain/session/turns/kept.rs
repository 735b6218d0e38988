//! What of the turns outlives the process.

use super::{Asking, Heard, Purpose, Question, Turns};
use crate::clock::Millis;
use crate::ids::RequestId;

/// The turns as they are kept: what was asked, who waits for what, and what nobody has collected. Of what plays only the
/// requests are kept, for the call it plays in does not outlive the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnsSnapshot {
    /// The last question asked.
    pub question: Option<Question>,
    /// Requests that wait for a reply.
    pub asking: Vec<Asking>,
    /// Requests that wait until something has been said.
    pub saying: Vec<RequestId>,
    /// Requests that wait for the end.
    pub leaving: Vec<RequestId>,
    /// What the person said and no agent has collected, oldest first.
    pub heard: Vec<Heard>,
    /// Replies given so far.
    pub rounds: u64,
    /// Which request was given which reply.
    pub given: Vec<(RequestId, u64)>,
    /// When the last words came.
    pub words_at: Millis,
}

impl Turns {
    pub(in crate::domain::session) fn snapshot(&self) -> TurnsSnapshot {
        let saying = self.utterances.iter().filter_map(|utterance| match utterance.purpose {
            Purpose::Statement(request) => Some(request),
            Purpose::Question | Purpose::Goodbye | Purpose::Farewell | Purpose::Prompt => None,
        });
        TurnsSnapshot {
            question: self.question.clone().map(|question| Question { utterance: None, ..question }),
            asking: self.asking.clone(),
            saying: saying.collect(),
            leaving: self.leaving.clone(),
            heard: self.heard.clone(),
            rounds: self.rounds,
            given: self.given.clone(),
            words_at: self.words_at,
        }
    }

    /// The turns as they were kept; gives the requests whose words were being said.
    pub(in crate::domain::session) fn restore(kept: TurnsSnapshot) -> (Self, Vec<RequestId>) {
        let TurnsSnapshot { question, asking, saying, leaving, heard, rounds, given, words_at } = kept;
        (Self { question, asking, leaving, heard, rounds, given, words_at, ..Self::default() }, saying)
    }
}
