//! What a detector made of a scene, beside the truth.

use std::time::Duration;

use callme::audio::mulaw::PER_MS;
use callme::audio::vad::{Event, Loudness, Settings, Vad};

use super::scene::{FRAME, Scene};
use super::sound::as_f64;

/// An event, and how much of the line had been heard when it came.
pub(crate) type Timed = (usize, Event);

/// What the detector says of a scene whose frames come one by one.
pub(crate) fn listen(scene: &Scene, settings: Settings) -> Vec<Timed> {
    let mut vad = Vad::new(settings);
    let mut events = Vec::new();
    for (n, frame) in scene.ulaw.chunks(FRAME).enumerate() {
        vad.we_play(scene.ours.get(n).copied().flatten().map(Loudness::from_db));
        vad.hear(frame, |event| events.push((n * FRAME + frame.len(), event)));
    }
    events
}

/// Scenes in which the person speaks once. Times are in milliseconds, and of those that were heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) scenes: usize,
    /// Nothing was noticed while they spoke.
    pub(crate) missed: usize,
    /// Stretches that began before the person did, or after.
    pub(crate) false_starts: usize,
    /// Utterances that came in several stretches.
    pub(crate) split: usize,
    /// Utterances whose stretch, with its pre-roll, begins too late.
    pub(crate) cut: usize,
    /// From the first sample to the event.
    pub(crate) onset: Vec<f64>,
    /// By how much the beginning was put too late; negative for too early.
    pub(crate) began: Vec<f64>,
    /// From the last sample to the event, less the silence asked for.
    pub(crate) end: Vec<f64>,
    /// From the first sample to the barge-in.
    pub(crate) interrupted: Vec<f64>,
    /// There was none.
    pub(crate) uninterrupted: usize,
}

impl Heard {
    /// Adds what was said of a scene.
    pub(crate) fn add(&mut self, scene: &Scene, events: &[Timed], silence: Duration) {
        let (begins, ends) = scene.spoken.expect("somebody speaks");
        self.scenes += 1;
        let mut starts = Vec::new();
        let mut interrupted = None;
        for &(at, event) in events {
            match event {
                Event::Started { from, began } if at >= begins && index(began) <= ends => {
                    starts.push((at, from, began));
                }
                Event::Started { .. } => self.false_starts += 1,
                Event::BargedIn { .. } if at >= begins => interrupted = interrupted.or(Some(at)),
                Event::BargedIn { .. } => self.false_starts += 1,
                Event::Ended { .. } if at > ends && !starts.is_empty() => {
                    self.end.push(millis(at, ends) - silence.as_secs_f64() * 1000.0);
                }
                Event::Ended { .. } => {}
            }
        }
        self.split += usize::from(starts.len() > 1);
        match starts.first() {
            None => self.missed += 1,
            Some(&(at, from, began)) => {
                self.onset.push(millis(at, begins));
                self.began.push(millis(index(began), begins));
                self.cut += usize::from(index(from) > begins);
            }
        }
        match interrupted {
            Some(at) => self.interrupted.push(millis(at, begins)),
            None => self.uninterrupted += 1,
        }
    }
}

/// Scenes in which nobody speaks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarms {
    pub(crate) minutes: f64,
    pub(crate) starts: usize,
    pub(crate) interruptions: usize,
}

impl Alarms {
    /// Adds what was said of a scene.
    pub(crate) fn add(&mut self, scene: &Scene, events: &[Timed]) {
        self.minutes += as_f64(scene.ulaw.len()) / as_f64(60_000 * PER_MS);
        for (_, event) in events {
            match event {
                Event::Started { .. } => self.starts += 1,
                Event::BargedIn { .. } => self.interruptions += 1,
                Event::Ended { .. } => {}
            }
        }
    }
}

/// So many of a hundred values are not greater.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let index = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or(f64::NAN)
}

fn index(place: u64) -> usize {
    usize::try_from(place).expect("a scene is short")
}

fn millis(at: usize, since: usize) -> f64 {
    (as_f64(at) - as_f64(since)) / as_f64(PER_MS)
}
