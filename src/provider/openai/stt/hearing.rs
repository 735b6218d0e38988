//! What was heard, said and sent in one call: everything of a session but its sockets. Pure; `now` is an argument.
//!
//! Either the server finds the turns, and all sound goes out as it comes; or we do, and only theirs goes out, each with its
//! commit. The move from one to the other, like the loss of a socket, loses no words: the sound is on the tape.

use std::time::Duration;

use super::PREFIX;
use super::tape::{self, Tape};
use super::turns::{Next, Queue, Turns};
use super::wire::committed_by;
use crate::audio::vad::{self, Loudness};
use crate::clock::Millis;
use crate::provider::Heard;
use crate::provider::openai::event::Event;
use crate::provider::openai::transcript::Transcript;

/// A turn without a pause is cut after so long: less than the tape holds, and than a stretch may take.
const LONGEST: Duration = Duration::from_secs(45);

/// The code of a commit without enough sound.
const COMMIT_EMPTY: &str = "input_audio_buffer_commit_empty";

/// The hearing of one call.
pub(super) struct Hearing {
    tape: Tape,
    transcript: Transcript,
    /// `None` where the server finds them.
    turns: Option<Box<Turns>>,
    /// A socket is there that takes sound.
    live: bool,
    /// The line is gone.
    finished: bool,
}

impl Hearing {
    /// Nothing was heard. `turns` where we find them ourselves.
    pub(super) fn new(turns: Option<vad::Settings>) -> Self {
        let (tape, transcript) = (Tape::default(), Transcript::default());
        let mut hearing = Self { tape, transcript, turns: None, live: false, finished: false };
        hearing.find_turns(turns, Millis(0));
        hearing
    }

    /// From now on the server finds the turns, or we do. What is without words is looked through again.
    pub(super) fn find_turns(&mut self, settings: Option<vad::Settings>, now: Millis) {
        self.transcript.find_ends_ourselves(settings.is_some());
        let (base, end) = self.tape.span();
        self.turns = settings.map(|settings| Box::new(Turns::new(settings, base)));
        if self.turns.is_some() {
            let mut sound = vec![0; usize::try_from(end - base).expect("what is held fits into memory")];
            let count = self.tape.copy(base, &mut sound);
            self.look_for_turns(&sound[..count], now);
            self.tape.pass_over();
        }
        if self.finished {
            self.end_turn(now);
        }
    }

    /// Whether we find the turns.
    pub(super) fn minds_us(&self) -> bool {
        self.turns.is_some()
    }

    /// How loud what the person hears of us is.
    pub(super) fn we_play(&mut self, ours: Option<Loudness>) {
        if let Some(turns) = &mut self.turns {
            turns.parts().0.we_play(ours);
        }
    }

    /// Takes the person's voice, which arrived at `at`.
    pub(super) fn hear(&mut self, ulaw: &[u8], at: Millis, now: Millis) {
        self.tape.push(ulaw, at);
        if self.turns.is_some() {
            self.look_for_turns(ulaw, now);
            self.tape.pass_over();
        }
        self.trim();
    }

    /// No more will come: ends what is open. A server needs the silence that it waits for, `silence` in all.
    pub(super) fn finish(&mut self, silence: Duration, at: Millis, now: Millis) {
        self.finished = true;
        if self.turns.is_none() {
            self.tape.push_silence(silence, at);
        }
        self.end_turn(now);
        self.trim();
    }

    fn end_turn(&mut self, now: Millis) {
        let Self { tape, transcript, turns: Some(turns), live, .. } = self else { return };
        let last = turns.finish();
        let (_, base, queue) = turns.parts();
        if let Some(event) = last {
            note(event, base, queue, tape, transcript, *live, now);
        }
    }

    fn look_for_turns(&mut self, ulaw: &[u8], now: Millis) {
        let Self { tape, transcript, turns: Some(turns), live, .. } = self else { return };
        let (vad, base, queue) = turns.parts();
        vad.hear(ulaw, |event| note(event, base, queue, tape, transcript, *live, now));
        let (_, end) = tape.span();
        if let Some((id, from)) = queue.open()
            && end - from > tape::bytes(LONGEST)
        {
            queue.end(end);
            transcript.ended(id, end, *live, now);
            let id = transcript.begun(end, tape.time_at(end), now);
            queue.begin(id, end, end);
        }
    }

    /// Takes an event of a live session.
    pub(super) fn take(&mut self, event: Event, now: Millis) {
        match event {
            // Turns that we did not ask the server for.
            Event::SpeechStarted { .. } | Event::SpeechStopped { .. } if self.turns.is_some() => {}
            Event::SpeechStarted { item, at_ms } => {
                let from = self.tape.position(at_ms);
                let began_at = self.tape.time_at(from + tape::bytes(PREFIX));
                self.transcript.speech_started(item, from, began_at, now);
            }
            Event::SpeechStopped { item, at_ms } => {
                self.transcript.speech_stopped(&item, self.tape.position(at_ms), now);
            }
            Event::Committed { item } => self.transcript.committed(&item, now),
            Event::Completed { item, mut transcript } => {
                // A model that is given silence makes words up. Where there was nothing, there are none, whatever they are.
                let place = self.transcript.place_of(&item).filter(|_| self.turns.is_none());
                if !transcript.trim().is_empty() && place.is_some_and(|(from, to)| self.tape.is_silence(from, to)) {
                    tracing::debug!("words for a stretch of silence were dropped");
                    transcript.clear();
                }
                self.transcript.completed(item, &transcript, self.tape.heard_at(), now);
            }
            Event::Failed { item, error } => {
                tracing::warn!(code = error.code, "the speech provider could not transcribe: {}", error.message);
                self.transcript.failed(item);
            }
            Event::Error { error, about } => {
                let about = about.as_deref().and_then(committed_by);
                if about.is_some() || error.code.as_deref() == Some(COMMIT_EMPTY) {
                    tracing::debug!(code = error.code, "a commit was refused: {}", error.message);
                    self.transcript.commit_refused(about);
                } else {
                    // Most leave the session open; where it does not stay open, the end of the socket says so.
                    tracing::warn!(code = error.code, "the speech provider reports an error: {}", error.message);
                }
            }
            Event::Created { .. } | Event::Updated { .. } | Event::Other => {}
        }
        self.forget();
    }

    /// The next thing to report.
    pub(super) fn next(&mut self) -> Option<Heard> {
        self.transcript.next()
    }

    /// When [`Hearing::expire`] is due.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.transcript.deadline()
    }

    /// Gives up what has waited too long. `true` when the socket is to be replaced, because it left a turn unanswered.
    pub(super) fn expire(&mut self, now: Millis) -> bool {
        let unanswered = self.transcript.expire(now);
        self.forget();
        unanswered
    }

    /// Nothing is being said, and nothing waits for its words.
    pub(super) fn is_quiet(&self) -> bool {
        self.transcript.needed_from().is_none()
    }

    /// When the last sample arrived.
    pub(super) fn heard_at(&self) -> Millis {
        self.tape.heard_at()
    }

    /// There is a new socket, which has heard nothing.
    pub(super) fn socket_back(&mut self, now: Millis) {
        let from = self.tape.rewind();
        self.transcript.socket_back(from, now);
        self.live = true;
        if let Some(turns) = &mut self.turns {
            self.tape.pass_over();
            turns.queue.send_again();
        }
    }

    /// The socket is gone, if there was one.
    pub(super) fn socket_lost(&mut self) {
        self.live = false;
        if self.turns.is_none() {
            for (from, to) in self.transcript.settled() {
                self.tape.hush(from, to);
            }
        }
        self.transcript.socket_lost();
        self.trim();
        self.tape.rewind();
    }

    /// Nothing more will come.
    pub(super) fn abandon(&mut self) {
        self.transcript.abandon();
        (self.tape, self.turns, self.live) = (Tape::default(), None, false);
    }

    /// How much sound is to go out.
    pub(super) fn waiting(&self) -> usize {
        self.turns.as_ref().map_or_else(|| self.tape.waiting(), |turns| turns.queue.waiting(&self.tape))
    }

    /// Whether something is to go out, where it is for sound to wait until there is this much.
    pub(super) fn is_due(&self, least: usize) -> bool {
        match &self.turns {
            Some(turns) => turns.queue.is_due(&self.tape, least, self.transcript.may_commit()),
            None => self.tape.waiting() >= least,
        }
    }

    /// What goes out next; sound is put into `buffer`.
    pub(super) fn next_out(&mut self, buffer: &mut [u8], now: Millis) -> Option<Next> {
        let Some(turns) = &mut self.turns else {
            let count = self.tape.send(buffer);
            return (count > 0).then_some(Next::Sound(count));
        };
        let next = turns.queue.next(&self.tape, buffer, self.transcript.may_commit())?;
        if let Next::Commit(id) = next {
            self.transcript.commit_sent(id, now);
        }
        Some(next)
    }

    fn forget(&mut self) {
        if let Some(turns) = &mut self.turns {
            turns.queue.keep(|id| self.transcript.is_waiting(id));
        }
    }

    fn trim(&mut self) {
        let queued = self.turns.as_ref().and_then(|turns| turns.queue.needed_from());
        let needed_from = [self.transcript.needed_from(), queued].into_iter().flatten().min();
        self.tape.trim(needed_from, self.transcript.done_to());
    }
}

/// An event of our detector, whose first sample is at `base`.
fn note(
    event: vad::Event,
    base: u64,
    queue: &mut Queue,
    tape: &Tape,
    transcript: &mut Transcript,
    live: bool,
    now: Millis,
) {
    match event {
        vad::Event::Started { from, began } => {
            let (start, _) = tape.span();
            let id = transcript.begun(base + from, tape.time_at(base + began), now);
            queue.begin(id, base + from, start);
        }
        vad::Event::BargedIn { began } => transcript.barged_in(tape.time_at(base + began)),
        vad::Event::Ended { ended } => {
            let Some((id, from)) = queue.open() else { return };
            // Some of the silence behind it, which keeps the last sound whole.
            let (_, end) = tape.span();
            let to = (base + ended + tape::bytes(PREFIX)).clamp(from, end);
            queue.end(to);
            transcript.ended(id, to, live, now);
        }
    }
}

#[cfg(test)]
mod tests;
