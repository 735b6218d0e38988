//! What is to be said in a session, what has come of it, and how long who waits for it is kept waiting. Pure: time is an
//! argument.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::event::Event;
use super::responses::{News, Responses, Step, Tag};
use crate::provider::{ErrorClass, ProviderError};

#[cfg(test)]
mod tests;

/// How long the provider may be silent while somebody waits: from the first poll to the first sound, connecting included,
/// and between sounds.
const STALL: Duration = Duration::from_secs(10);

/// How long the end of a response is waited for when its last sound has come.
const END: Duration = Duration::from_secs(1);

/// The texts of a session. One is made at a time, in the order of asking.
#[derive(Default)]
pub(super) struct Jobs {
    responses: Responses,
    /// What is being said or waits for its turn.
    list: BTreeMap<u64, Job>,
    last: u64,
}

/// A text to be said.
#[derive(Default)]
struct Job {
    text: String,
    /// The response in which it is said, once that was asked for.
    making: Option<Tag>,
    /// Somebody has asked for its sound.
    wanted: bool,
    /// Since when its reader has had nothing to read.
    waits: Option<Instant>,
    failed: Option<ProviderError>,
    waker: Option<Waker>,
}

impl Jobs {
    /// A text to be said, under the number that is given back.
    pub(super) fn begin(&mut self, text: &str) -> u64 {
        self.last += 1;
        self.list.insert(self.last, Job { text: text.to_owned(), ..Job::default() });
        self.last
    }

    /// A text is not to be said any more. Gives what is to be called off, if that is known to run.
    pub(super) fn forget(&mut self, id: u64) -> Option<(Tag, String)> {
        let tag = self.list.remove(&id)?.making?;
        self.responses.drop(tag).map(|name| (tag, name))
    }

    /// The words of a text that was not forgotten.
    pub(super) fn text(&self, id: u64) -> &str {
        self.list.get(&id).map_or("", |job| job.text.as_str())
    }

    /// Somebody asks for the sound of a text. `false` when it is over.
    pub(super) fn want(&mut self, id: u64) -> bool {
        let job = self.list.get_mut(&id);
        job.map(|job| (job.wanted, job.waker) = (true, None)).is_some()
    }

    /// The next thing that a text has to give; `None` when nothing has come yet.
    pub(super) fn take(&mut self, id: u64) -> Option<Step> {
        let job = self.list.get_mut(&id)?;
        if let Some(error) = job.failed.take() {
            return Some(Step::Failed(error));
        }
        let step = self.responses.take(job.making?)?;
        if let Step::Sound(_) = step {
            job.waits = None;
        }
        Some(step)
    }

    /// The text that is to be asked for now, if it is any's turn.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Tag, &str)> {
        if self.is_busy() {
            return None;
        }
        let job = self.list.values_mut().find(|job| job.wanted && job.making.is_none())?;
        let tag = self.responses.ask();
        (job.making, job.waits) = (Some(tag), Some(now));
        Some((tag, &job.text))
    }

    /// Takes in an event of the present socket, and wakes whom it is about.
    pub(super) fn read(&mut self, event: Event<'_>) -> News {
        let news = self.responses.read(event);
        if let News::For(tag) = news {
            let waker = self.list.values_mut().find(|job| job.making == Some(tag)).and_then(|job| job.waker.take());
            waker.into_iter().for_each(Waker::wake);
        }
        news
    }

    /// When the reader of a text, which finds nothing at `now`, has waited too long. One whose turn has not come waits for
    /// the others.
    pub(super) fn patience(&mut self, id: u64, now: Instant) -> Option<Instant> {
        let busy = self.is_busy();
        let job = self.list.get_mut(&id)?;
        let patience = match job.making {
            Some(tag) if self.responses.is_sounded(tag) => END,
            None if busy => {
                job.waits = None;
                return None;
            }
            _ => STALL,
        };
        Some(*job.waits.get_or_insert(now) + patience)
    }

    /// The reader of a text has waited too long. Gives an error when the socket is to blame.
    pub(super) fn give_up(&mut self, id: u64) -> Option<ProviderError> {
        let job = self.list.get_mut(&id)?;
        if let Some(tag) = job.making.filter(|tag| self.responses.is_sounded(*tag)) {
            self.responses.finish(tag);
            return None;
        }
        let error = silent("sent nothing", STALL);
        job.failed = Some(error.clone());
        Some(error)
    }

    /// The socket in which texts were said is gone: what is under way fails with this.
    pub(super) fn lose(&mut self, error: &ProviderError) {
        self.responses.lose(error);
    }

    /// No socket can be had: all who wait hear why.
    pub(super) fn fail(&mut self, error: &ProviderError) {
        for job in self.list.values_mut().filter(|job| job.wanted) {
            job.failed.get_or_insert_with(|| error.clone());
        }
    }

    /// Whether a text is being made that somebody waits for.
    pub(super) fn is_busy(&self) -> bool {
        self.responses.is_busy()
    }

    /// Whether there is nothing to be said.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether somebody reads what comes.
    pub(super) fn is_read(&self) -> bool {
        self.list.values().any(|job| job.wanted)
    }

    /// Who is to be woken when something comes of a text.
    pub(super) fn wait(&mut self, id: u64, waker: Waker) {
        if let Some(job) = self.list.get_mut(&id) {
            job.waker = Some(waker);
        }
    }

    /// Those who wait for a text.
    pub(super) fn take_wakers(&mut self) -> impl Iterator<Item = Waker> {
        self.list.values_mut().filter_map(|job| job.waker.take())
    }
}

/// The provider was silent for too long.
pub(super) fn silent(what: &str, within: Duration) -> ProviderError {
    ProviderError::ours(ErrorClass::Unknown, &format!("the speech provider {what} for {} s", within.as_secs()))
}
