//! What a transcription session has said so far, put in order: a pure machine from the server's events to [`Heard`].
//!
//! The server may finish stretches in any order, repeat itself, forget one, or vanish in the middle. Out of that comes
//! what the port promises: every `Started` is followed by exactly one `Words` or `Nothing` with its id, in the order of
//! the starts. Positions are bytes of µ-law since the call's first one; times are handed in.
//!
//! Who finds the ends of speech, the server or we ourselves ([`ours`]), may change within a call.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Millis;
use crate::ids::StretchId;
use crate::provider::Heard;

mod ours;
#[cfg(test)]
mod tests;

/// How long the words may take after the stretch was committed.
const WORDS: Duration = Duration::from_secs(8);

/// How long the commit may take after the end of the speech.
const COMMIT: Duration = Duration::from_secs(10);

/// How long a stretch that was lost with its socket may take to be heard again on the next one.
const AGAIN: Duration = Duration::from_secs(10);

/// The longest a stretch may go on.
const LONGEST: Duration = Duration::from_secs(90);

/// The most stretches that wait for something; a server that opens more loses the oldest.
const MOST_OPEN: usize = 64;

/// How many finished items are remembered, to know a repetition.
const REMEMBERED: usize = 128;

/// The order of things heard. Its owner reads [`Transcript::next`] until it is empty, and calls [`Transcript::expire`]
/// when [`Transcript::deadline`] has come.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// Stretches so far; the last one's id.
    started: u64,
    /// Those not handed out to their end, in the order of their starts.
    stretches: VecDeque<Stretch>,
    /// Items that are done with; the newest last.
    spent: VecDeque<String>,
    /// Items that were given up, and when their speech began: if words come after all, they are not lost.
    late: VecDeque<(String, Millis)>,
    /// Where the last stretch that is done with ended.
    done_to: u64,
    out: VecDeque<Heard>,
    /// Commits of ours that the server has not named an item for, in their order: the stretch, and when it began.
    commits: VecDeque<(StretchId, Millis)>,
    /// Whether we find the ends of speech: then words that we asked for nowhere were never said.
    ours: bool,
}

#[derive(Debug)]
struct Stretch {
    id: StretchId,
    /// The server's name for it. A new socket gives a new one.
    item: Option<String>,
    began_at: Millis,
    /// Where it began, the prefix padding included.
    from: u64,
    /// Where it ended, once the server said so.
    to: Option<u64>,
    /// Whether `Stopped` was handed out.
    stopped: bool,
    /// Whether we found it ourselves.
    ours: bool,
    /// Whether its commit was left unanswered once.
    again: bool,
    state: State,
    /// Until when the state may last.
    deadline: Millis,
    /// Until when it may be spoken, over all sockets.
    longest: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Being spoken.
    Open,
    /// Spoken; not committed yet.
    Stopped,
    /// Being transcribed.
    Committed,
    /// Its socket is gone before its words came; its audio is played again to the next one.
    Lost,
    /// The words, if there were any.
    Ended(Option<String>),
    /// A deadline passed.
    GivenUp,
}

impl Stretch {
    fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_) | State::GivenUp)
    }

    fn is_item(&self, item: &str) -> bool {
        self.item.as_deref() == Some(item)
    }

    /// Whether it was committed by us, and the server has not named it.
    fn is_unanswered(&self) -> bool {
        self.ours && self.state == State::Committed && self.item.is_none()
    }

    fn enter(&mut self, state: State, deadline: Millis) {
        self.state = state;
        self.deadline = deadline;
    }
}

impl Transcript {
    /// Speech began at the position `from`, voiced since `began_at`.
    ///
    /// Open → (another item starts) → Stopped: the server forgot to say that the one before ended.
    /// Lost → (audio that reaches into it starts) → Open, the same stretch.
    pub(super) fn speech_started(&mut self, item: String, from: u64, began_at: Millis, now: Millis) {
        if self.knows(&item) {
            return;
        }
        while let Some(open) = self.stretches.iter_mut().find(|stretch| stretch.state == State::Open) {
            open.enter(State::Stopped, now + COMMIT);
            open.to = open.to.or(Some(from));
            stop(open, &mut self.out);
        }
        for lost in self.stretches.iter_mut().filter(|stretch| stretch.state == State::Lost) {
            if lost.to.is_none_or(|to| from < to) {
                lost.item = Some(item);
                lost.enter(State::Open, lost.longest);
                return;
            }
            // The server is past it and did not hear it this time.
            lost.state = State::Ended(None);
        }
        self.release();
        self.open(Some(item), from, began_at, now);
        self.out.push_back(Heard::BargedIn { began_at });
    }

    /// Speech ended at the position `to`.
    pub(super) fn speech_stopped(&mut self, item: &str, to: u64, now: Millis) {
        let Some(at) = self.stretches.iter().position(|stretch| stretch.is_item(item) && !stretch.is_over()) else {
            return;
        };
        let stretch = &mut self.stretches[at];
        stretch.to = Some(to);
        stop(stretch, &mut self.out);
        if stretch.state == State::Open {
            stretch.enter(State::Stopped, now + COMMIT);
        }
        // A new socket may hear two stretches as one: the later one's words are then among the earlier one's.
        for lost in self.stretches.iter_mut().skip(at + 1) {
            if lost.state == State::Lost && lost.to.is_some_and(|end| end <= to) {
                lost.state = State::Ended(None);
            }
        }
        self.release();
    }

    /// The server has begun to transcribe. Open or Stopped → Committed.
    pub(super) fn committed(&mut self, item: &str, now: Millis) {
        if self.ours {
            return self.named(item);
        }
        let waiting = |stretch: &&mut Stretch| matches!(stretch.state, State::Open | State::Stopped);
        if let Some(stretch) = self.stretches.iter_mut().filter(waiting).find(|stretch| stretch.is_item(item)) {
            stop(stretch, &mut self.out);
            stretch.enter(State::Committed, now + WORDS);
        }
    }

    /// The words came; blank ones count as none. `heard_at` stands for the beginning where no start was reported.
    ///
    /// Open, Stopped, Committed or `GivenUp` → Ended.
    pub(super) fn completed(&mut self, item: String, words: &str, heard_at: Millis, now: Millis) {
        let words = Some(words.trim()).filter(|words| !words.is_empty()).map(str::to_owned);
        if self.ours {
            // The event that names the item may be missing.
            self.named(&item);
        }
        if let Some(stretch) = self.stretches.iter_mut().find(|stretch| stretch.is_item(&item)) {
            if matches!(stretch.state, State::Ended(_)) {
                return;
            }
            stop(stretch, &mut self.out);
            stretch.state = State::Ended(words);
        } else if !self.spent.contains(&item) {
            let late = self.late.iter().position(|(known, _)| *known == item).and_then(|at| self.late.remove(at));
            let began_at = late.as_ref().map_or(heard_at, |(_, began_at)| *began_at);
            if words.is_none() || (self.ours && late.is_none()) {
                remember(&mut self.spent, item);
                return;
            }
            // Words without a stretch, or too late for theirs: a stretch of their own, rather than lost.
            self.open(Some(item), self.done_to, began_at, now).state = State::Ended(words);
            self.out.push_back(Heard::BargedIn { began_at });
        }
        self.release();
    }

    /// There will be no words. Open, Stopped or Committed → Ended.
    pub(super) fn failed(&mut self, item: String) {
        if self.ours {
            self.named(&item);
        }
        if let Some(stretch) = self.stretches.iter_mut().find(|stretch| stretch.is_item(&item)) {
            if !stretch.is_over() {
                stop(stretch, &mut self.out);
                stretch.state = State::Ended(None);
            }
        } else if !self.spent.contains(&item) {
            self.late.retain(|(known, _)| *known != item);
            remember(&mut self.spent, item);
        }
        self.release();
    }

    /// The socket is gone, and with it every item. Open, Stopped or Committed → Lost.
    pub(super) fn socket_lost(&mut self) {
        self.commits.clear();
        for stretch in self.stretches.iter_mut().filter(|stretch| !stretch.is_over()) {
            stretch.item = None;
            match (stretch.ours, &stretch.state) {
                (true, State::Open) => {}
                (true, _) => stretch.enter(State::Stopped, stretch.longest),
                (false, _) => stretch.enter(State::Lost, stretch.longest),
            }
        }
    }

    /// A new socket hears the audio again from the position `from`.
    pub(super) fn socket_back(&mut self, from: u64, now: Millis) {
        for stopped in self.stretches.iter_mut().filter(|stretch| stretch.ours && stretch.state == State::Stopped) {
            stopped.deadline = stopped.longest.min(now + AGAIN);
        }
        for lost in self.stretches.iter_mut().filter(|stretch| stretch.state == State::Lost) {
            if lost.to.is_some_and(|to| to <= from) {
                lost.state = State::Ended(None);
            } else {
                lost.deadline = lost.longest.min(now + AGAIN);
            }
        }
        self.release();
    }

    /// Nothing more will come: every stretch ends.
    pub(super) fn abandon(&mut self) {
        for stretch in self.stretches.iter_mut().filter(|stretch| !stretch.is_over()) {
            stretch.state = State::Ended(None);
        }
        self.release();
    }

    /// When something is to be given up, unless it ends by itself.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.stretches.iter().filter(|stretch| !stretch.is_over()).map(|stretch| stretch.deadline).min()
    }

    /// Gives up what has waited too long. `true` when a commit of ours was left unanswered: the socket is to be replaced
    /// before anything else is read from it, lest what comes later is taken for the answer. Its stretch gets a second try.
    pub(super) fn expire(&mut self, now: Millis) -> bool {
        let mut unanswered = false;
        for stretch in self.stretches.iter_mut().filter(|stretch| !stretch.is_over() && stretch.deadline <= now) {
            if stretch.is_unanswered() {
                unanswered = true;
                if !std::mem::replace(&mut stretch.again, true) && now < stretch.longest {
                    stretch.enter(State::Stopped, stretch.longest);
                    continue;
                }
            }
            stretch.state = State::GivenUp;
        }
        self.release();
        unanswered
    }

    /// The next thing to report.
    pub(super) fn next(&mut self) -> Option<Heard> {
        self.out.pop_front()
    }

    /// From where on audio is still needed, should the socket be lost: the beginning of the oldest stretch without its
    /// words. `None` when every stretch has them.
    pub(super) fn needed_from(&self) -> Option<u64> {
        self.stretches.iter().filter(|stretch| !stretch.is_over()).map(|stretch| stretch.from).min()
    }

    /// Up to where everything that was said is done with.
    pub(super) fn done_to(&self) -> u64 {
        self.done_to
    }

    /// Where the stretch of an item lies, if its end is known.
    pub(super) fn place_of(&self, item: &str) -> Option<(u64, u64)> {
        let stretch = self.stretches.iter().find(|stretch| stretch.is_item(item))?;
        Some((stretch.from, stretch.to?))
    }

    /// Where stretches lie that have their words but wait for an older one: not to be heard again.
    pub(super) fn settled(&self) -> impl Iterator<Item = (u64, u64)> {
        self.stretches
            .iter()
            .filter(|stretch| stretch.is_over())
            .filter_map(|stretch| Some((stretch.from, stretch.to?)))
    }

    fn knows(&self, item: &str) -> bool {
        self.stretches.iter().any(|stretch| stretch.is_item(item))
            || self.spent.iter().any(|known| known == item)
            || self.late.iter().any(|(known, _)| known == item)
    }

    fn open(&mut self, item: Option<String>, from: u64, began_at: Millis, now: Millis) -> &mut Stretch {
        if self.stretches.len() >= MOST_OPEN {
            self.stretches[0].state = State::GivenUp;
            self.release();
        }
        self.started += 1;
        let id = StretchId(self.started);
        self.out.push_back(Heard::Started { stretch: id, began_at });
        let longest = now + LONGEST;
        let (to, stopped, ours, again, state) = (None, false, false, false, State::Open);
        self.stretches.push_back_mut(Stretch {
            id,
            item,
            began_at,
            from,
            to,
            stopped,
            ours,
            again,
            state,
            deadline: longest,
            longest,
        })
    }

    /// Hands out the ends that no older stretch holds back.
    fn release(&mut self) {
        while self.stretches.front().is_some_and(Stretch::is_over) {
            let Some(Stretch { id, item, began_at, to, state, .. }) = self.stretches.pop_front() else { return };
            self.done_to = self.done_to.max(to.unwrap_or(0));
            let given_up = state == State::GivenUp;
            self.out.push_back(match state {
                State::Ended(Some(text)) => Heard::Words { stretch: id, began_at, text },
                _ => Heard::Nothing { stretch: id },
            });
            match item {
                Some(item) if given_up => remember(&mut self.late, (item, began_at)),
                Some(item) => remember(&mut self.spent, item),
                None => {}
            }
        }
    }
}

/// Reports once that the person stopped.
fn stop(stretch: &mut Stretch, out: &mut VecDeque<Heard>) {
    if !stretch.stopped {
        stretch.stopped = true;
        out.push_back(Heard::Stopped { stretch: stretch.id });
    }
}

fn remember<T>(list: &mut VecDeque<T>, one: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(one);
}
