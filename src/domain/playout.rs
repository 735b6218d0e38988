//! The playout machine: what goes out on the line, when, and how much of it was heard.
//!
//! Speech is taken as it is made and sent ahead of real time within a bound; the carrier buffers and plays it. Marks say
//! how far it has played. A cut makes a new generation: marks of an older one mean nothing.

mod speech;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::mulaw::{PER_MS, bytes_in};
use crate::clock::Millis;
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::text::AgentText;
use crate::ids::UtteranceId;
use speech::{Speech, span_of};

/// A frame on the wire: 100 ms. Fewer messages than the 20 ms the carrier sends, and no audible delay.
const FRAME: usize = 100 * PER_MS;
/// The least that goes out while more is to come: 20 ms, the least a carrier takes in one message.
const LEAST: usize = 20 * PER_MS;
/// With no more than this ahead of the ear, what there is goes out at once instead of filling a frame.
const STARVING: Duration = Duration::from_millis(200);
/// How far ahead of the ear we send.
const AHEAD: Duration = Duration::from_secs(5);
/// A mark each second.
const MARK_EVERY: usize = 1000 * PER_MS;
/// Past the computed end, a mark that has not come back is lost.
const MARK_PATIENCE: Duration = Duration::from_millis(1500);
/// While the person speaks the next utterance holds, but no longer than this.
const HOLD: Duration = Duration::from_secs(5);
/// Speech that is made and not sent; beyond it the making is not read on.
const MOST_UNSENT: usize = 256 * 1024;

/// The playout of one call.
#[derive(Debug)]
pub struct Playout {
    guard: Duration,
    queue: VecDeque<Speech>,
    line: Line,
    /// Speech that begins before this does not cut.
    guard_until: Option<Millis>,
    /// An utterance has gone out: the next one minds whether the person speaks.
    opened: bool,
    /// Since when the person has been speaking, or an utterance has waited for the end of it.
    spoken_over: Option<Millis>,
    generation: u64,
    marks: VecDeque<Mark>,
    marked: u64,
    /// When what was sent will have played.
    plays_until: Millis,
    clear: bool,
    events: VecDeque<MediaEvent>,
    gaps: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Down,
    Up,
}

/// A mark that has not come back.
#[derive(Clone, Copy, Debug)]
struct Mark {
    number: u64,
    /// How many bytes of the utterance lie before it.
    at: usize,
}

/// Something to write to the carrier.
#[derive(Debug, PartialEq, Eq)]
pub enum Transmit<'a> {
    /// Drop what has not played.
    Clear,
    /// Play this.
    Audio(&'a [u8]),
    /// Say when all before this has played.
    Mark(MarkName),
}

/// The name of a mark: its generation and number, as `g-n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkName {
    generation: u64,
    number: u64,
}

impl MarkName {
    /// Reads a name we wrote.
    pub fn parse(name: &str) -> Option<Self> {
        let (generation, number) = name.split_once('-')?;
        Some(Self { generation: generation.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for MarkName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.generation, self.number)
    }
}

/// What comes in.
impl Playout {
    /// A playout with nothing to say and no line yet.
    pub fn new(guard: Duration) -> Self {
        Self {
            guard,
            queue: VecDeque::new(),
            line: Line::Down,
            guard_until: None,
            opened: false,
            spoken_over: None,
            generation: 0,
            marks: VecDeque::new(),
            marked: 0,
            plays_until: Millis(0),
            clear: false,
            events: VecDeque::new(),
            gaps: 0,
        }
    }

    /// The media is up, for the first time or again. What was not heard before a drop is sent again.
    pub fn connected(&mut self, now: Millis) {
        // A new stream takes the place of one that was not seen to break.
        self.disconnected(MediaLoss::Broken);
        self.line = Line::Up;
        self.guard_until.get_or_insert(now + self.guard);
        self.plays_until = now;
        self.events.push_back(MediaEvent::Connected);
    }

    /// The media is gone; what the carrier had buffered is lost.
    pub fn disconnected(&mut self, loss: MediaLoss) {
        if self.line == Line::Up {
            self.line = Line::Down;
            self.clear = false;
            self.forget_marks();
            if let Some(speech) = self.queue.front_mut() {
                speech.send_again();
            }
            self.events.push_back(MediaEvent::MediaGone(loss));
        }
    }

    /// One more utterance, behind those that wait.
    pub fn enqueue(&mut self, utterance: UtteranceId, text: &AgentText, interruptible: bool, now: Millis) {
        if self.queue.is_empty() {
            self.spoken_over = self.spoken_over.map(|_| now);
        }
        self.queue.push_back(Speech::new(utterance, text, interruptible));
    }

    /// Sound of an utterance. `false` when neither this nor more of it is wanted: it was dropped, or is made, or grows
    /// beyond all measure.
    pub fn audio(&mut self, utterance: UtteranceId, ulaw: &[u8], now: Millis) -> bool {
        let unmade = |speech: &&mut Speech| speech.id == utterance && !speech.is_complete();
        let Some(speech) = self.queue.iter_mut().find(unmade) else { return false };
        if speech.is_endless_with(ulaw.len()) {
            let class = ErrorClass::Unknown;
            self.made(utterance, Some(ProviderError { class, code: None, message: "speech without end".into() }), now);
            return false;
        }
        speech.push(ulaw);
        true
    }

    /// The making of an utterance is over, well or with an error.
    pub fn made(&mut self, utterance: UtteranceId, failed: Option<ProviderError>, now: Millis) {
        if let Some(speech) = self.queue.iter_mut().find(|speech| speech.id == utterance) {
            speech.complete(failed);
        }
        self.end_if_over(now);
    }

    /// Drops everything; no event follows for it.
    pub fn hush(&mut self) {
        if self.queue.front().is_some_and(Speech::is_started) {
            self.cut();
        }
        self.queue.clear();
    }

    /// A mark came back.
    pub fn mark(&mut self, name: &str, now: Millis) {
        let Some(name) = MarkName::parse(name) else { return };
        if name.generation != self.generation {
            return;
        }
        let mut reached = None;
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.number <= name.number) {
            reached = Some(mark.at);
        }
        if let (Some(at), Some(speech)) = (reached, self.queue.front_mut()) {
            speech.heard_to(at);
            if !speech.is_heard() {
                let (utterance, heard) = (speech.id, speech.progress());
                self.events.push_back(MediaEvent::Progress { utterance, heard });
            }
        }
        self.end_if_over(now);
    }

    /// The person began to speak: what comes next waits for the end of it.
    pub fn speech_started(&mut self, now: Millis) {
        self.spoken_over.get_or_insert(now);
    }

    /// The person interrupts us by what they began to say at `began_at`: cuts what plays, unless the opening guard covers it.
    pub fn barged_in(&mut self, began_at: Millis, now: Millis) {
        // What has played is not cut, though its mark may still be on the way back.
        self.end_what_played(Duration::ZERO, now);
        let guarded = self.guard_until.is_none_or(|until| began_at < until);
        let cuts = |speech: &Speech| speech.is_started() && speech.interruptible;
        if self.line == Line::Up && !guarded && self.queue.front().is_some_and(cuts) {
            self.cut();
            let speech = self.queue.pop_front().expect("a front that can be cut is there");
            self.events.push_back(MediaEvent::Interrupted { utterance: speech.id, heard: speech.progress() });
            self.end_if_over(now);
        }
    }

    /// The person paused.
    pub fn speech_stopped(&mut self) {
        self.spoken_over = None;
    }

    /// Does what is due. To be called at [`Playout::next_deadline`], and harmless at any other time.
    pub fn handle_timeout(&mut self, now: Millis) {
        // Somebody who speaks on and on, or whose end was never reported, does not hold the agent for ever.
        if self.queue.front().is_some_and(|speech| self.held_since(speech).is_some()) {
            self.spoken_over = self.spoken_over.filter(|since| now.since(*since) < HOLD);
        }
        self.end_if_over(now);
    }
}

/// What goes out.
impl Playout {
    /// The next thing to write to the carrier; to be asked until it is `None`.
    pub fn poll_transmit(&mut self, now: Millis) -> Option<Transmit<'_>> {
        if self.line == Line::Down {
            return None;
        }
        if std::mem::take(&mut self.clear) {
            return Some(Transmit::Clear);
        }
        if !self.may_send(now) {
            return None;
        }
        let speech = self.queue.front_mut()?;
        if speech.wants_mark() {
            self.marked += 1;
            self.marks.push_back(Mark { number: self.marked, at: speech.mark() });
            return Some(Transmit::Mark(MarkName { generation: self.generation, number: self.marked }));
        }
        let ahead = self.plays_until.since(now);
        let length = speech.sendable(ahead <= STARVING)?;
        if ahead + span_of(length) > AHEAD {
            return None;
        }
        if speech.is_started() {
            self.gaps += u64::from(self.plays_until < now);
        } else {
            self.events.push_back(MediaEvent::UtteranceStarted { utterance: speech.id });
        }
        self.opened = true;
        self.plays_until = self.plays_until.max(now) + span_of(length);
        Some(Transmit::Audio(speech.send(length)))
    }

    /// The next event for the session, in order.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// When to call [`Playout::handle_timeout`] and [`Playout::poll_transmit`] next, if nothing comes in before.
    pub fn next_deadline(&self) -> Option<Millis> {
        let speech = self.queue.front().filter(|_| self.line == Line::Up)?;
        if let Some(held) = self.held_since(speech) {
            return Some(held + HOLD);
        }
        if speech.is_sent() {
            return Some(self.plays_until + MARK_PATIENCE);
        }
        match speech.unsent() {
            n if n < LEAST && !speech.is_complete() => None,
            n if n < FRAME && !speech.is_complete() => Some(self.plays_until - STARVING),
            n => Some(self.plays_until + span_of(n.min(FRAME)) - AHEAD),
        }
    }

    /// Whether the making of an utterance should be read on. What waits behind it does not count: it cannot go out before.
    pub fn wants_audio(&self, utterance: UtteranceId) -> bool {
        let Some(at) = self.queue.iter().position(|speech| speech.id == utterance) else { return false };
        let unsent: usize = self.queue.range(..=at).map(Speech::unsent).sum();
        unsent < MOST_UNSENT && !self.queue[at].is_complete()
    }

    /// How often sound came too late since the last time this was asked: the person heard a gap.
    pub fn take_gaps(&mut self) -> u64 {
        std::mem::take(&mut self.gaps)
    }

    /// What the person hears of us now, as far as that can be known here: some 20 ms, fewer at the end; `None` for silence.
    pub fn audible(&self, now: Millis) -> Option<&[u8]> {
        let ahead = bytes_in(self.plays_until.since(now));
        let speech = self.queue.front().filter(|_| self.line == Line::Up && ahead > 0)?;
        Some(speech.sent_before(ahead)).filter(|sound| !sound.is_empty())
    }

    /// Whether nothing is playing or waits to be played.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Since when the utterance waits for the person to finish. The first of a call waits for nobody.
    fn held_since(&self, speech: &Speech) -> Option<Millis> {
        self.spoken_over.filter(|_| self.opened && !speech.is_started())
    }

    fn may_send(&self, now: Millis) -> bool {
        let held = |speech| self.held_since(speech).is_some_and(|since| now.since(since) < HOLD);
        self.queue.front().is_some_and(|speech| !held(speech))
    }

    /// What the carrier still has is dropped, and what its marks will say means nothing.
    fn cut(&mut self) {
        self.clear = self.line == Line::Up;
        self.plays_until = Millis(0);
        self.forget_marks();
    }

    fn forget_marks(&mut self) {
        self.generation += 1;
        self.marks.clear();
    }

    /// Ends the utterance in front when it was heard to its end, or must have been, or can never be.
    fn end_if_over(&mut self, now: Millis) {
        self.end_what_played(MARK_PATIENCE, now);
    }

    /// The same, with so much patience for a mark that has not come back.
    fn end_what_played(&mut self, patience: Duration, now: Millis) {
        while let Some(speech) = self.queue.front() {
            let overdue = speech.is_sent() && self.line == Line::Up && now >= self.plays_until + patience;
            if !speech.is_heard() && !overdue {
                return;
            }
            let mut speech = self.queue.pop_front().expect("the front is there");
            speech.heard_all();
            if overdue {
                self.forget_marks();
            }
            if !speech.is_empty() {
                self.guard_until = self.guard_until.map(|until| until.min(now));
            }
            let (utterance, heard) = (speech.id, speech.progress());
            self.events.push_back(MediaEvent::UtteranceEnded { utterance, heard, failed: speech.failed });
        }
    }
}
