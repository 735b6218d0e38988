//! Stretches whose ends we find ourselves: we commit them one after the other, and the server names an item for each.

use super::{COMMIT, Heard, Millis, REMEMBERED, State, Stretch, StretchId, Transcript, WORDS, remember, stop};

impl Transcript {
    /// From now on we find the ends of speech, or the server does. Stretches that are open stay as they are.
    pub(in crate::provider::openai) fn find_ends_ourselves(&mut self, ours: bool) {
        self.ours = ours;
    }

    /// We hear speech from the position `from` on, which began at `began_at`.
    ///
    /// Lost (what a server had heard) → Open, the same stretch.
    pub(in crate::provider::openai) fn begun(&mut self, from: u64, began_at: Millis, now: Millis) -> StretchId {
        let again = |stretch: &&mut Stretch| {
            stretch.state == State::Lost && !stretch.ours && stretch.to.is_none_or(|to| from < to)
        };
        if let Some(lost) = self.stretches.iter_mut().find(again) {
            lost.ours = true;
            lost.enter(State::Open, lost.longest);
            return lost.id;
        }
        let stretch = self.open(None, from, began_at, now);
        stretch.ours = true;
        stretch.id
    }

    /// The person interrupts us.
    pub(in crate::provider::openai) fn barged_in(&mut self, began_at: Millis) {
        self.out.push_back(Heard::BargedIn { began_at });
    }

    /// A stretch of ours ended at the position `to`; `live` where its commit can go out. Open → Stopped.
    pub(in crate::provider::openai) fn ended(&mut self, id: StretchId, to: u64, live: bool, now: Millis) {
        let Some(at) = self.stretches.iter().position(|stretch| stretch.id == id && stretch.state == State::Open)
        else {
            return;
        };
        let stretch = &mut self.stretches[at];
        stretch.to = Some(to);
        stop(stretch, &mut self.out);
        let until = if live { stretch.longest.min(now + COMMIT) } else { stretch.longest };
        stretch.enter(State::Stopped, until);
        // What a server had heard as two may be one to us: the later one's words are then among the earlier one's.
        for lost in self.stretches.iter_mut().skip(at + 1) {
            if lost.state == State::Lost && lost.to.is_some_and(|end| end <= to) {
                lost.state = State::Ended(None);
            }
        }
        self.release();
    }

    /// The commit of a stretch went out. Stopped → Committed.
    pub(in crate::provider::openai) fn commit_sent(&mut self, id: StretchId, now: Millis) {
        let Some(stretch) = self.stretches.iter_mut().find(|stretch| stretch.id == id && !stretch.is_over()) else {
            return;
        };
        stretch.enter(State::Committed, now + WORDS);
        if self.commits.len() >= REMEMBERED {
            self.commits.pop_front();
        }
        self.commits.push_back((id, stretch.began_at));
    }

    /// The server refused a commit, of this stretch or of the oldest: there was nothing in it. Committed → Ended.
    pub(in crate::provider::openai) fn commit_refused(&mut self, id: Option<StretchId>) {
        let id = id.or_else(|| self.commits.front().map(|(id, _)| *id));
        self.commits.retain(|(known, _)| Some(*known) != id);
        let refused = |stretch: &&mut Stretch| {
            Some(stretch.id) == id && stretch.item.is_none() && stretch.state == State::Committed
        };
        if let Some(stretch) = self.stretches.iter_mut().find(refused) {
            stretch.state = State::Ended(None);
        }
        self.release();
    }

    /// Whether the next commit may go out: one at a time, so that an item cannot be taken for another's. The server names
    /// it as it hears of the commit, long before the words.
    pub(in crate::provider::openai) fn may_commit(&self) -> bool {
        !self.stretches.iter().any(Stretch::is_unanswered)
    }

    /// Whether a stretch still waits for its words.
    pub(in crate::provider::openai) fn is_waiting(&self, id: StretchId) -> bool {
        self.stretches.iter().any(|stretch| stretch.id == id && !stretch.is_over())
    }

    /// An item that is new belongs to the oldest commit that has none.
    pub(super) fn named(&mut self, item: &str) {
        if self.knows(item) {
            return;
        }
        let Some((id, began_at)) = self.commits.pop_front() else {
            // Nothing was committed that this could be.
            return remember(&mut self.spent, item.to_owned());
        };
        match self.stretches.iter_mut().find(|stretch| stretch.id == id && !stretch.is_over()) {
            Some(stretch) => stretch.item = Some(item.to_owned()),
            // It was given up; if words come after all, they are not lost.
            None => remember(&mut self.late, (item.to_owned(), began_at)),
        }
    }
}
