//! Messages that were taken already: carriers send them twice, and by two ways that share no id.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::clock::Millis;
use crate::domain::text::PersonText;
use crate::ids::MessageId;

/// Ids remembered at once: days of talk, and far more than a carrier repeats.
const MOST: usize = 1000;
/// The same text by the other way counts as the same message within this.
const TWIN: Duration = Duration::from_secs(10);

/// The messages of one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    ids: VecDeque<MessageId>,
    /// What was written lately, and may come once more by the other way.
    recent: VecDeque<Twin>,
}

/// A message that may come once more by the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    /// By which way it came.
    pub way: Way,
    /// Its words, as a hash.
    pub words: u64,
    /// When it was written.
    pub at: Millis,
}

/// The two ways a message comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a message of a conversation (`IM…`).
    Conversation,
    /// As a plain message (`SM…`, `MM…`).
    Plain,
}

impl Seen {
    /// Notes a message written at `at`; `true` when it was there before.
    pub(super) fn note(&mut self, id: &MessageId, text: &PersonText, at: Millis) -> bool {
        if self.note_name(id) {
            return true;
        }
        let way = if id.as_str().starts_with("IM") { Way::Conversation } else { Way::Plain };
        let words = hash(text);
        let apart = |other: Millis| at.since(other).max(other.since(at));
        // One twin each: the same word written twice comes twice by both ways.
        let twin = |twin: &Twin| twin.way != way && twin.words == words && apart(twin.at) < TWIN;
        if let Some(twin) = self.recent.iter().position(twin) {
            self.recent.remove(twin);
            return true;
        }
        push(&mut self.recent, Twin { way, words, at });
        false
    }

    /// Notes a message by its name only; `true` when it was there before.
    pub(super) fn note_name(&mut self, id: &MessageId) -> bool {
        let known = self.ids.contains(id);
        if !known {
            push(&mut self.ids, id.clone());
        }
        known
    }

    /// Notes an id that was taken by an earlier process.
    pub(super) fn recall(&mut self, id: &MessageId) {
        self.note_name(id);
    }

    /// What was written within two twins' time of the newest: what is older meets no twin any more, unless it is read late.
    pub(super) fn twins(&self) -> Vec<Twin> {
        let newest = self.recent.iter().map(|twin| twin.at).max().unwrap_or_default();
        self.recent.iter().filter(|twin| newest.since(twin.at) <= TWIN * 2).copied().collect()
    }

    pub(super) fn recall_twins(&mut self, twins: Vec<Twin>) {
        self.recent.extend(twins);
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.ids.len() + self.recent.len()
    }
}

fn push<T>(queue: &mut VecDeque<T>, newest: T) {
    if queue.len() >= MOST {
        queue.pop_front();
    }
    queue.push_back(newest);
}

/// Texts may be long, and none of them is to be kept for this. The hasher has no key, so that the same words have the same
/// hash in the next process.
fn hash(text: &PersonText) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_found_late_is_the_twin_of_what_was_written_when_it_was() {
        let mut seen = Seen::default();
        let minute = |minute: u64| Millis(minute * 60_000);
        let mut note =
            |id: &str, text: &str, at| seen.note(&MessageId(id.to_owned()), &PersonText(text.to_owned()), at);
        assert!(!note("SM1", "Yes", minute(1)));
        assert!(!note("SM2", "Yes", minute(3)));
        // Read in the conversation five minutes later.
        assert!(note("IM1", "Yes", minute(1) + Duration::from_secs(9)));
        assert!(note("IM2", "Yes", minute(3) - Duration::from_secs(9)));
        assert!(!note("IM3", "Yes", minute(3)), "each has one twin");
        assert!(!note("SM3", "Yes", minute(3) + TWIN), "too long after it");
    }
}
