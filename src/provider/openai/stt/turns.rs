//! The person's turns as we find them ourselves, and what of them the provider has not been sent.
//!
//! Nothing else is sent: silence costs money and time, and is where models hear words that nobody said.

use std::collections::VecDeque;

use super::tape::Tape;
use crate::audio::mulaw::{PER_MS, SILENCE};
use crate::audio::vad::{Event, Settings, Vad};
use crate::ids::StretchId;

/// The provider refuses to transcribe less than 100 ms.
const LEAST: u64 = 100 * PER_MS as u64;

/// What is sent beyond the detector's own pre-roll: in noise it may notice a soft first word late.
const EARLIER: u64 = 300 * PER_MS as u64;

/// Finds the turns of one call.
pub(super) struct Turns {
    vad: Vad,
    /// The position of the detector's first sample.
    base: u64,
    pub(super) queue: Queue,
}

/// What is to be sent, turn after turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    spans: VecDeque<Span>,
}

/// A turn's sound.
#[derive(Debug)]
struct Span {
    id: StretchId,
    from: u64,
    /// Where it ends, once that is known.
    to: Option<u64>,
    /// The next position to send on this socket.
    at: u64,
    /// Silence that was sent behind it, because it is too short alone.
    padded: u64,
    committed: bool,
}

/// What goes out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes of sound.
    Sound(usize),
    /// The commit of a turn, all of whose sound went out.
    Commit(StretchId),
}

impl Turns {
    /// Hears what comes from the position `base` on.
    pub(super) fn new(settings: Settings, base: u64) -> Self {
        Self { vad: Vad::new(settings), base, queue: Queue::default() }
    }

    /// The detector and what it fills, apart.
    pub(super) fn parts(&mut self) -> (&mut Vad, u64, &mut Queue) {
        (&mut self.vad, self.base, &mut self.queue)
    }

    /// What the detector says when no more will come.
    pub(super) fn finish(&mut self) -> Option<Event> {
        let mut last = None;
        self.vad.finish(|event| last = Some(event));
        last
    }
}

impl Queue {
    /// A turn has begun. Its sound begins a little before `from`, but not in an earlier turn.
    pub(super) fn begin(&mut self, id: StretchId, from: u64, earliest: u64) {
        let earlier = self.spans.back().and_then(|span| span.to).unwrap_or(0).max(earliest);
        let from = from.saturating_sub(EARLIER).max(earlier);
        self.spans.push_back(Span { id, from, to: None, at: from, padded: 0, committed: false });
    }

    /// The turn that is open: which, and where it begins.
    pub(super) fn open(&self) -> Option<(StretchId, u64)> {
        self.spans.back().filter(|span| span.to.is_none()).map(|span| (span.id, span.from))
    }

    /// The turn that is open has ended.
    pub(super) fn end(&mut self, to: u64) {
        if let Some(open) = self.spans.back_mut() {
            open.to.get_or_insert(to);
        }
    }

    /// Whether something is to go out: a commit if one may, sound of a turn that has ended, or this much of one that has
    /// not.
    pub(super) fn is_due(&self, tape: &Tape, least: usize, may_commit: bool) -> bool {
        let sent = |span: &&Span| !span.committed;
        let (_, end) = tape.span();
        self.spans.iter().find(sent).is_some_and(|span| {
            span.to.is_some_and(|to| may_commit || span.at < to)
                || span.to.is_none() && usize::try_from(end.saturating_sub(span.at)).is_ok_and(|waits| waits >= least)
        })
    }

    /// How much sound is to go out.
    pub(super) fn waiting(&self, tape: &Tape) -> usize {
        let (_, end) = tape.span();
        let waits = |span: &Span| span.to.unwrap_or(end).saturating_sub(span.at);
        let all: u64 = self.spans.iter().filter(|span| !span.committed).map(waits).sum();
        usize::try_from(all).expect("what is held fits into memory")
    }

    /// What goes out next, a commit only where one may; sound is put into `buffer`.
    pub(super) fn next(&mut self, tape: &Tape, buffer: &mut [u8], may_commit: bool) -> Option<Next> {
        let (start, end) = tape.span();
        let span = self.spans.iter_mut().find(|span| !span.committed)?;
        span.at = span.at.max(start);
        let left = usize::try_from(span.to.unwrap_or(end).saturating_sub(span.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let count = tape.copy(span.at, &mut buffer[..room]);
        if count > 0 {
            span.at += count as u64;
            return Some(Next::Sound(count));
        }
        let to = span.to?;
        let short = LEAST.saturating_sub(to.saturating_sub(span.from.max(start)) + span.padded);
        let count = usize::try_from(short).map_or(buffer.len(), |short| short.min(buffer.len()));
        if count > 0 {
            buffer[..count].fill(SILENCE);
            span.padded += count as u64;
            return Some(Next::Sound(count));
        }
        span.committed = may_commit;
        may_commit.then_some(Next::Commit(span.id))
    }

    /// A new socket has heard nothing.
    pub(super) fn send_again(&mut self) {
        for span in &mut self.spans {
            (span.at, span.padded, span.committed) = (span.from, 0, false);
        }
    }

    /// Drops the turns that are done with.
    pub(super) fn keep(&mut self, is_waiting: impl Fn(StretchId) -> bool) {
        self.spans.retain(|span| span.to.is_none() || is_waiting(span.id));
    }

    /// The beginning of what may have to be sent again.
    pub(super) fn needed_from(&self) -> Option<u64> {
        self.spans.front().map(|span| span.from)
    }
}
