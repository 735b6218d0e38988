//! When the person speaks: a detector for one phone line, in frames of 20 ms.
//!
//! Speech is voiced (it has a pitch), stands out from the line's noise, and never keeps still: pitch and spectrum glide
//! with every syllable. Noise has no pitch; hum, dial tones, keys and the notes of music have one and hold it. So a frame
//! speaks for speech when it is voiced, louder than the floor *and* changing, and against it when it is held. The frames
//! are added up, and enough of them begin a stretch. `docs/SPEECH.md` has the method, what was tried beside it, and the
//! figures that the constants here come from.

use std::time::Duration;

use crate::audio::mulaw::{self, FRAME};

use echo::Echo;
use evidence::{Evidence, Weighed};
use look::Looker;

mod echo;
mod evidence;
mod look;
mod loudness;
mod silence;
mod spectrum;
mod voicing;

#[cfg(test)]
mod tests;

pub use loudness::Loudness;
pub use silence::is_silence;

/// How much of the line belongs to a stretch before its first voiced sample, so that a recogniser gets the whole onset.
/// 300 ms, which is what the providers' own detectors add.
pub const PRE_ROLL: usize = 300 * mulaw::PER_MS;

/// How far before the first changing frame a stretch may begin, through frames that stand out from the floor: the
/// longest fricative before a vowel.
const LEAD: u64 = samples(160);

/// A run of speech without a voiced frame for this long is over: longer than the closure of a plosive.
const BREATH: u64 = samples(200);

/// A barge-in needs a voiced frame this recent: nobody is cut by somebody who just stopped.
const FRESH: u64 = samples(80);

/// How much of a run that begins little above a known echo may have been hidden by it: most such runs are noticed 20 to
/// 90 ms late.
const HIDDEN: u64 = samples(60);

/// What a detector is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The silence that ends a stretch (`CALLME_STT_SILENCE_DURATION_MS`).
    pub silence: Duration,
    /// How long the person must speak while we are audible to interrupt us (`CALLME_BARGE_IN_MS`).
    pub barge_in: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { silence: Duration::from_millis(800), barge_in: Duration::from_millis(200) }
    }
}

/// What was noticed. Places are in samples since the first one heard; they never go back from event to event of a kind,
/// and starts and ends alternate, beginning with a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The person speaks.
    Started {
        /// From here on the sound belongs to the stretch: [`PRE_ROLL`] before it began, but not into an earlier one.
        from: u64,
        /// The first sample of speech.
        began: u64,
    },
    /// The person has spoken for [`Settings::barge_in`] while we were audible, in the stretch that is open; what our echo
    /// may have hidden of it, up to 60 ms, counts. Said once for each run of speech; again when we fell silent and became
    /// audible since.
    BargedIn {
        /// Where this run of speech began; a pause within a stretch begins a new one.
        began: u64,
    },
    /// The person has been silent for [`Settings::silence`].
    Ended {
        /// Just behind the last sample of speech.
        ended: u64,
    },
}

/// Listens to one line. Holds 8 KB, and allocates nothing while it listens.
#[derive(Debug)]
pub struct Vad {
    silence: u64,
    barge_in: u64,
    /// Bytes of the frame that is not complete.
    rest: [u8; FRAME],
    filled: usize,
    /// Samples in complete frames.
    at: u64,
    looker: Looker,
    evidence: Evidence,
    echo: Echo,
    /// Since when we have been audible without a pause.
    audible_since: Option<u64>,
    /// Since when the line has stood out from its floor.
    loud_since: Option<u64>,
    /// How much of that our echo may have hidden before.
    hidden: u64,
    run: Option<Run>,
    /// The open stretch's last voiced sample.
    open: Option<u64>,
    /// Where the last stretch was closed.
    closed: u64,
}

/// Speech without a pause.
#[derive(Clone, Copy, Debug)]
struct Run {
    began: u64,
    /// How much earlier it may have begun.
    hidden: u64,
    /// Just behind its last voiced sample.
    voiced: u64,
    barged_in: bool,
}

impl Vad {
    /// A detector at the beginning of a line.
    pub fn new(settings: Settings) -> Self {
        Self {
            silence: to_samples(settings.silence),
            barge_in: to_samples(settings.barge_in),
            rest: [0; FRAME],
            filled: 0,
            at: 0,
            looker: Looker::default(),
            evidence: Evidence::default(),
            echo: Echo::default(),
            audible_since: None,
            loud_since: None,
            hidden: 0,
            run: None,
            open: None,
            closed: 0,
        }
    }

    /// Says how loud what the person hears of us is from now on, `None` for silence; holds until said again. Each change
    /// may be told up to some 300 ms early or late, since nobody knows when a carrier plays what. What comes back of it
    /// is expected for 700 ms after, at 20 dB below it or softer. Told for each frame, and always as early or late, it
    /// shows when what comes back, and who is louder than that is heard at once.
    pub fn we_play(&mut self, ours: Option<Loudness>) {
        self.echo.we_play(ours);
    }

    /// How many samples were heard.
    pub fn heard(&self) -> u64 {
        self.at + self.filled as u64
    }

    /// Takes the next sound of the line, µ-law in any amount, and reports what it made certain. Frames of 20 ms are
    /// looked at when they are complete; how they were cut for this call changes nothing.
    pub fn hear(&mut self, ulaw: &[u8], mut out: impl FnMut(Event)) {
        let mut ulaw = ulaw;
        while !ulaw.is_empty() {
            let (now, later) = ulaw.split_at(ulaw.len().min(FRAME - self.filled));
            self.rest[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            ulaw = later;
            if self.filled == FRAME {
                self.filled = 0;
                self.frame(&mut out);
            }
        }
    }

    /// The line is gone: closes the stretch that is open. What follows is a new line's sound.
    pub fn finish(&mut self, mut out: impl FnMut(Event)) {
        self.close(&mut out);
    }

    fn frame(&mut self, out: &mut impl FnMut(Event)) {
        let begin = self.at;
        self.at += FRAME as u64;
        let bound = self.echo.bound();
        let worth = self.evidence.worth(bound);
        let look = self.looker.look(&self.rest, worth);
        let weighed = self.evidence.weigh(&look, worth);
        if weighed.loud && self.loud_since.is_none() {
            self.hidden = if bound >= worth && self.echo.hides(look.level) { HIDDEN } else { 0 };
        }
        self.echo.take(look.level, weighed.speech, self.open.is_some());

        self.audible_since = self.echo.is_audible().then(|| self.audible_since.unwrap_or(begin));
        self.loud_since = weighed.loud.then(|| self.loud_since.unwrap_or(begin));
        self.follow(begin, weighed);
        self.report(out);
    }

    /// Keeps the run of speech.
    fn follow(&mut self, begin: u64, weighed: Weighed) {
        match &mut self.run {
            Some(run) if weighed.voiced => run.voiced = self.at,
            Some(run) if self.at - run.voiced >= BREATH => self.run = None,
            None if weighed.lively => {
                let stands_out = self.loud_since.unwrap_or(begin).max(begin.saturating_sub(LEAD));
                let began = stands_out.max(self.closed);
                self.run = Some(Run { began, hidden: self.hidden, voiced: self.at, barged_in: false });
            }
            Some(_) | None => {}
        }
    }

    fn report(&mut self, out: &mut impl FnMut(Event)) {
        if let Some(run) = &mut self.run {
            match &mut self.open {
                Some(last) => *last = run.voiced,
                None if self.evidence.begins() && self.echo.is_other() => {
                    let from = run.began.saturating_sub(PRE_ROLL as u64).max(self.closed);
                    self.open = Some(run.voiced);
                    out(Event::Started { from, began: run.began });
                }
                None if self.evidence.begins() && self.echo.doubt() => self.evidence.close(),
                None => {}
            }
            let spoken = self.audible_since.map(|since| self.at - since.max(run.began.saturating_sub(run.hidden)));
            // The bound of a known echo keeps it out: what is above it need be no surer than what begins a stretch.
            let sure = if self.echo.is_known() { self.evidence.begins() } else { self.evidence.interrupts() };
            run.barged_in &= spoken.is_some();
            if !run.barged_in
                && self.open.is_some()
                && sure
                && self.echo.is_other()
                && self.at - run.voiced < FRESH
                && spoken.is_some_and(|spoken| spoken >= self.barge_in)
            {
                run.barged_in = true;
                out(Event::BargedIn { began: run.began });
            }
        }
        if self.open.is_some_and(|last| self.at - last >= self.silence) {
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut impl FnMut(Event)) {
        if let Some(ended) = self.open.take() {
            self.run = None;
            self.closed = self.at;
            self.evidence.close();
            out(Event::Ended { ended });
        }
    }
}

const fn samples(millis: u64) -> u64 {
    millis * mulaw::PER_MS as u64
}

fn to_samples(time: Duration) -> u64 {
    mulaw::bytes_in(time) as u64
}

#[expect(clippy::cast_precision_loss, reason = "the numbers of samples and bins here are small")]
fn as_f32(count: usize) -> f32 {
    count as f32
}
