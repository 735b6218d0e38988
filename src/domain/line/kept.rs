//! What of a line outlives the process.

use std::collections::HashSet;

use super::{Line, Name, Twin, WindowState};
use crate::clock::Millis;
use crate::domain::session::Said;
use crate::ids::{ConversationId, MessageId, SessionId};

/// What of a line outlives the process. No phone number. The ids of the messages that were taken are kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Since when the person wants no messages.
    pub opted_out: Option<Millis>,
    /// What is known of the window.
    pub window: WindowState,
    /// The conversation, and since when it is known.
    pub conversation: Option<ConversationId>,
    /// See [`Snapshot::conversation`].
    pub since: Option<Millis>,
    /// Since when texts go by SMS.
    pub sms_since: Option<Millis>,
    /// The privacy notice was sent on WhatsApp.
    pub noticed: bool,
    /// The same by SMS.
    pub noticed_by_sms: bool,
    /// Who has the floor, and who waits for it.
    pub floor: Vec<SessionId>,
    /// The texts of the running sessions.
    pub texts: Vec<Name>,
    /// The sessions that have written, the last one last.
    pub writers: Vec<SessionId>,
    /// What may come once more by another way.
    pub twins: Vec<Twin>,
    /// When the person made the phone ring by a message, newest last.
    pub rings: Vec<Millis>,
    /// When the person was last told that nobody waits.
    pub told: Option<Millis>,
    /// What the person wrote while nobody was there to take it, oldest first.
    pub held: Vec<Said>,
}

impl Line {
    /// A line as it was kept.
    #[cfg(test)]
    pub(super) fn restore(kept: Snapshot) -> Self {
        let mut line = Self::default();
        line.recall(kept, []);
        line
    }

    /// What is to be kept.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            opted_out: self.opted_out,
            window: self.window,
            conversation: self.conversation.clone(),
            since: self.since,
            sms_since: self.sms_since,
            noticed: self.noticed,
            noticed_by_sms: self.noticed_by_sms,
            floor: self.floor.queue(),
            texts: self.texts.names(),
            writers: self.texts.writers().to_vec(),
            twins: self.seen.twins(),
            rings: self.rings.iter().copied().collect(),
            told: self.told,
            held: self.held.iter().cloned().collect(),
        }
    }

    /// Takes up what an earlier process kept. What this one has learned meanwhile is newer, and stays.
    pub fn recall(&mut self, kept: Snapshot, seen: impl IntoIterator<Item = MessageId>) {
        let Snapshot {
            opted_out,
            window,
            conversation,
            since,
            sms_since,
            noticed,
            noticed_by_sms,
            floor,
            texts,
            writers,
            twins,
            rings,
            told,
            held,
        } = kept;
        self.opted_out = self.opted_out.or(opted_out);
        if self.window == WindowState::Unknown {
            self.window = window;
        }
        if self.conversation.is_none() {
            (self.conversation, self.since) = (conversation, since);
        }
        self.sms_since = sms_since.or(self.sms_since);
        self.noticed |= noticed;
        self.noticed_by_sms |= noticed_by_sms;
        self.floor.recall(floor);
        self.texts.recall(texts, writers);
        self.seen.recall_twins(twins);
        for id in seen {
            self.seen.recall(&id);
            self.refused.recall(&id);
        }
        for at in rings.into_iter().rev() {
            self.rings.push_front(at);
        }
        self.told = self.told.max(told);
        for said in held.into_iter().rev() {
            self.held.push_front(said);
        }
    }

    /// Of all sessions only these are left. Gives the one that gets the floor by that.
    pub fn keep_only(&mut self, sessions: &HashSet<SessionId>) -> Option<SessionId> {
        let known = self.floor.queue().into_iter().chain(self.texts.names().into_iter().map(|name| name.session));
        let gone: Vec<SessionId> =
            known.chain(self.texts.writers().to_vec()).filter(|session| !sessions.contains(session)).collect();
        gone.iter().filter_map(|session| self.forget(session)).last().filter(|session| sessions.contains(session))
    }
}
