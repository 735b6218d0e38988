//! One utterance: the sound that was made of it, how far it was sent and how far it was heard.

use std::time::Duration;

use crate::audio::mulaw::{PER_MS, duration_of};
use crate::domain::carrier::ProviderError;
use crate::domain::media::Progress;
use crate::domain::text::AgentText;
use crate::ids::UtteranceId;

use super::{FRAME, LEAST, MARK_EVERY};

/// What a character takes to say, for as long as the whole sound is not known: slow speech, so that no more is claimed
/// to have been heard than was.
const MS_PER_CHAR: usize = 70;
/// How much room is made at a time: 2 s.
const ROOM: usize = 2000 * PER_MS;
/// Beyond this much a character (and [`ENDLESS_FLOOR_MS`]) the sound is not that text's any more.
const ENDLESS_MS_PER_CHAR: usize = 400;
/// Even a word may be said slowly.
const ENDLESS_FLOOR_MS: usize = 15_000;

/// As [`duration_of`], in whole milliseconds that are never too few: errors do not add up to silence cut off.
pub(super) fn span_of(bytes: usize) -> Duration {
    Duration::from_millis(bytes.div_ceil(PER_MS) as u64)
}

/// One utterance on its way out.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) id: UtteranceId,
    pub(super) interruptible: bool,
    /// What went wrong in the making, if something did.
    pub(super) failed: Option<ProviderError>,
    chars: usize,
    /// What was made and not heard yet; it begins `heard` bytes into the utterance.
    sound: Vec<u8>,
    heard: usize,
    sent: usize,
    marked: usize,
    complete: bool,
    started: bool,
}

impl Speech {
    pub(super) fn new(id: UtteranceId, text: &AgentText, interruptible: bool) -> Self {
        Self {
            id,
            interruptible,
            failed: None,
            chars: text.as_str().chars().count(),
            sound: Vec::new(),
            heard: 0,
            sent: 0,
            marked: 0,
            complete: false,
            started: false,
        }
    }

    pub(super) fn push(&mut self, ulaw: &[u8]) {
        // Not doubled each time: what a call holds is sound, not room for it.
        let room = self.sound.capacity() - self.sound.len();
        if room < ulaw.len() {
            self.sound.reserve_exact(ulaw.len().max(ROOM));
        }
        self.sound.extend_from_slice(ulaw);
    }

    pub(super) fn complete(&mut self, failed: Option<ProviderError>) {
        if !self.complete {
            self.complete = true;
            self.failed = failed;
        }
    }

    fn made(&self) -> usize {
        self.heard + self.sound.len()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn is_endless_with(&self, more: usize) -> bool {
        self.made() + more > (ENDLESS_FLOOR_MS + self.chars * ENDLESS_MS_PER_CHAR) * PER_MS
    }

    pub(super) fn is_started(&self) -> bool {
        self.started
    }

    /// Nothing was made of it at all.
    pub(super) fn is_empty(&self) -> bool {
        self.made() == 0
    }

    pub(super) fn is_sent(&self) -> bool {
        self.complete && self.sent == self.made()
    }

    pub(super) fn is_heard(&self) -> bool {
        self.complete && self.heard == self.made()
    }

    pub(super) fn unsent(&self) -> usize {
        self.made() - self.sent
    }

    /// How much may go out now, if any: a frame, or what there is (in whole 20 ms) when the ear is about to starve.
    pub(super) fn sendable(&self, starving: bool) -> Option<usize> {
        match self.unsent() {
            0 => None,
            unsent if unsent >= FRAME => Some(FRAME),
            unsent if self.complete => Some(unsent),
            unsent if starving && unsent >= LEAST => Some(unsent / LEAST * LEAST),
            _ => None,
        }
    }

    pub(super) fn send(&mut self, length: usize) -> &[u8] {
        self.started = true;
        let from = self.sent - self.heard;
        self.sent += length;
        &self.sound[from..from + length]
    }

    /// The least that goes out at once, from so many bytes before the end of what was sent.
    pub(super) fn sent_before(&self, ahead: usize) -> &[u8] {
        let sent = self.sent - self.heard;
        let at = sent.saturating_sub(ahead);
        &self.sound[at..sent.min(at + LEAST)]
    }

    /// A mark is due each second, and behind the last sound.
    pub(super) fn wants_mark(&self) -> bool {
        self.sent >= self.marked + MARK_EVERY || (self.is_sent() && self.sent > self.marked)
    }

    /// Sets a mark here, and says how many bytes lie before it.
    pub(super) fn mark(&mut self) -> usize {
        self.marked = self.sent;
        self.sent
    }

    /// Everything before `at` has been heard and is not needed again.
    pub(super) fn heard_to(&mut self, at: usize) {
        let news = at.clamp(self.heard, self.sent) - self.heard;
        self.sound.drain(..news);
        self.heard += news;
        if self.complete {
            self.sound.shrink_to(self.sound.len());
        }
    }

    /// No mark says so, but the time has passed in which it must have played.
    pub(super) fn heard_all(&mut self) {
        self.heard_to(self.sent);
    }

    /// What was sent and not heard goes out again.
    pub(super) fn send_again(&mut self) {
        self.sent = self.heard;
        self.marked = self.heard;
    }

    pub(super) fn progress(&self) -> Progress {
        let whole = match (self.complete, &self.failed) {
            (true, None) => self.made(),
            // Cut in the making: the rest of the text was never to be heard.
            (true, Some(_)) if self.made() == 0 => 0,
            // Something is missing, however much there is.
            _ => (self.made() + LEAST).max(self.chars * MS_PER_CHAR * PER_MS),
        };
        Progress { heard: duration_of(self.heard), whole: duration_of(whole) }
    }
}
