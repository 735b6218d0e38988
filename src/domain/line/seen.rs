//! Messages that were taken already: carriers send them twice, and by two ways that share no id.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Millis;
use crate::domain::text::PersonText;
use crate::ids::MessageId;

/// Ids remembered at once: days of talk, and far more than a carrier repeats.
const MOST: usize = 1000;
/// Texts compared at once: more than a person writes within [`TWIN`].
const MOST_RECENT: usize = 50;
/// The same text by the other way counts as the same message within this.
const TWIN: Duration = Duration::from_secs(10);

/// The messages of one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    ids: VecDeque<MessageId>,
    /// Texts of the last moments, and by which way they came.
    recent: VecDeque<(Way, PersonText, Millis)>,
}

/// The two ways a message comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As a message of a conversation (`IM…`).
    Conversation,
    /// As a plain message (`SM…`, `MM…`).
    Plain,
}

impl Seen {
    /// Notes a message; `true` when it was there before.
    pub(super) fn note(&mut self, id: &MessageId, text: &PersonText, now: Millis) -> bool {
        if self.ids.contains(id) {
            return true;
        }
        if self.ids.len() >= MOST {
            self.ids.pop_front();
        }
        self.ids.push_back(id.clone());
        let way = if id.as_str().starts_with("IM") { Way::Conversation } else { Way::Plain };
        self.recent.retain(|(.., at)| now.since(*at) < TWIN);
        // One twin each: the same word written twice comes twice by both ways.
        if let Some(twin) = self.recent.iter().position(|(other, said, _)| *other != way && said == text) {
            self.recent.remove(twin);
            return true;
        }
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((way, text.clone(), now));
        false
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.ids.len() + self.recent.len()
    }
}
