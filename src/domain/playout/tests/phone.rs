//! A playout with a virtual clock, and a carrier that buffers, plays and echoes marks as the real ones do.

use std::collections::HashMap;
use std::time::Duration;

use crate::audio::mulaw::PER_MS;
use crate::clock::Millis;
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::media::{MediaEvent, MediaLoss, Progress};
use crate::domain::playout::{Playout, Transmit};
use crate::domain::text::AgentText;
use crate::ids::UtteranceId;

/// When every scenario begins.
pub(super) const START: Millis = Millis(1_000_000);

/// Something written to the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Clear,
    Audio(Vec<u8>),
    Mark(String),
}

pub(super) struct Phone {
    pub(super) playout: Playout,
    pub(super) now: Millis,
    /// Everything written, and when, in milliseconds from the start.
    pub(super) sent: Vec<(u64, Sent)>,
    /// Everything reported, and when.
    pub(super) events: Vec<(u64, MediaEvent)>,
    /// Marks on their way back.
    echoes: Vec<(Millis, String)>,
    /// When what was sent has played.
    played: Millis,
    /// Marks get lost.
    pub(super) deaf: bool,
    /// How many bytes were made of each utterance.
    made: HashMap<u64, usize>,
    /// How many things had been written each time the line came up.
    pub(super) ups: Vec<usize>,
}

/// What happens.
impl Phone {
    /// Not connected yet.
    pub(super) fn new() -> Self {
        Self {
            playout: Playout::new(Duration::from_secs(1)),
            now: START,
            sent: Vec::new(),
            events: Vec::new(),
            echoes: Vec::new(),
            played: START,
            deaf: false,
            made: HashMap::new(),
            ups: Vec::new(),
        }
    }

    /// The line is up since 0 ms.
    pub(super) fn up() -> Self {
        let mut phone = Self::new();
        phone.connects();
        phone
    }

    /// An utterance of `millis` was made whole and began to play at 0 ms; it is 1,500 ms now.
    pub(super) fn speaking(millis: usize) -> Self {
        let mut phone = Self::up();
        phone.say(1).sound(1, millis).whole(1).at(1500);
        phone
    }

    pub(super) fn connects(&mut self) -> &mut Self {
        self.playout.connected(self.now);
        self.played = self.now;
        self.echoes.clear();
        self.ups.push(self.sent.len());
        self.pump()
    }

    pub(super) fn disconnects(&mut self) -> &mut Self {
        self.playout.disconnected(MediaLoss::Broken);
        self.echoes.clear();
        self.pump()
    }

    pub(super) fn say(&mut self, n: u64) -> &mut Self {
        self.say_text(n, "Shall I deploy the new version now?", true)
    }

    pub(super) fn say_text(&mut self, n: u64, text: &str, interruptible: bool) -> &mut Self {
        let text = AgentText::parse(text).expect("a short text");
        self.playout.enqueue(UtteranceId(n), &text, interruptible, self.now);
        self.pump()
    }

    /// So much sound of an utterance was made.
    pub(super) fn sound(&mut self, n: u64, millis: usize) -> &mut Self {
        self.bytes(n, millis * PER_MS);
        self
    }

    /// Whether more is wanted.
    pub(super) fn bytes(&mut self, n: u64, bytes: usize) -> bool {
        let made = self.made.entry(n).or_default();
        let sound: Vec<u8> = (*made..*made + bytes).map(|at| byte_of(n, at)).collect();
        let wanted = self.playout.audio(UtteranceId(n), &sound, self.now);
        if wanted {
            *made += bytes;
        }
        self.pump();
        wanted
    }

    pub(super) fn whole(&mut self, n: u64) -> &mut Self {
        self.playout.made(UtteranceId(n), None, self.now);
        self.pump()
    }

    pub(super) fn fails(&mut self, n: u64) -> &mut Self {
        self.playout.made(UtteranceId(n), Some(error()), self.now);
        self.pump()
    }

    pub(super) fn hush(&mut self) -> &mut Self {
        self.playout.hush();
        self.pump()
    }

    pub(super) fn person_speaks(&mut self) -> &mut Self {
        self.playout.speech_started(self.now);
        self.playout.barged_in(self.now, self.now);
        self.pump()
    }

    pub(super) fn person_pauses(&mut self) -> &mut Self {
        self.playout.speech_stopped();
        self.pump()
    }

    pub(super) fn mark(&mut self, name: &str) -> &mut Self {
        self.playout.mark(name, self.now);
        self.pump()
    }

    /// Goes to this time, in milliseconds from the start; deadlines and marks come when they are due.
    pub(super) fn at(&mut self, millis: u64) -> &mut Self {
        let then = START + Duration::from_millis(millis);
        loop {
            let echo = self.echoes.first().map(|(at, _)| *at);
            let Some(next) = [self.playout.next_deadline(), echo].into_iter().flatten().min().filter(|at| *at <= then)
            else {
                break;
            };
            self.now = self.now.max(next);
            if echo == Some(next) {
                let (_, name) = self.echoes.remove(0);
                self.playout.mark(&name, self.now);
            } else {
                self.playout.handle_timeout(self.now);
            }
            self.pump();
        }
        assert!(self.now <= then, "time goes forward");
        self.now = then;
        self
    }

    /// As the driver does after each event: writes and reports everything. What wants to be woken now must get on by it.
    pub(super) fn pump(&mut self) -> &mut Self {
        for _ in 0..3 {
            self.drain();
            if self.playout.next_deadline().is_none_or(|due| due > self.now) {
                return self;
            }
            self.playout.handle_timeout(self.now);
        }
        panic!("woken at {}, it wants to be woken at {:?}", self.now, self.playout.next_deadline());
    }

    fn drain(&mut self) {
        let at = self.elapsed();
        while let Some(transmit) = self.playout.poll_transmit(self.now) {
            let sent = match transmit {
                Transmit::Clear => Sent::Clear,
                Transmit::Audio(sound) => Sent::Audio(sound.to_vec()),
                Transmit::Mark(name) => Sent::Mark(name.to_string()),
            };
            match &sent {
                Sent::Audio(sound) => {
                    self.played = self.played.max(self.now) + Duration::from_millis((sound.len() / PER_MS) as u64);
                }
                Sent::Mark(_) if self.deaf => {}
                Sent::Mark(name) => self.echoes.push((self.played, name.clone())),
                // A clear echoes every mark at once.
                Sent::Clear => {
                    self.played = self.now;
                    self.echoes.iter_mut().for_each(|(at, _)| *at = self.now);
                }
            }
            self.sent.push((at, sent));
        }
        while let Some(event) = self.playout.poll_event() {
            self.events.push((at, event));
        }
    }
}

/// What is seen of it.
impl Phone {
    /// How many bytes were made of an utterance.
    pub(super) fn made(&self, n: u64) -> usize {
        self.made.get(&n).copied().unwrap_or_default()
    }

    pub(super) fn elapsed(&self) -> u64 {
        self.now.0 - START.0
    }

    /// How much sound was sent so far, in milliseconds.
    pub(super) fn sent_millis(&self) -> u64 {
        let bytes: usize = self.frames().iter().sum();
        (bytes / PER_MS) as u64
    }

    /// The lengths of the frames sent, in bytes.
    pub(super) fn frames(&self) -> Vec<usize> {
        let length = |(_, sent): &(u64, Sent)| match sent {
            Sent::Audio(sound) => Some(sound.len()),
            Sent::Clear | Sent::Mark(_) => None,
        };
        self.sent.iter().filter_map(length).collect()
    }

    /// How much sound lies before each mark, in milliseconds.
    pub(super) fn marks(&self) -> Vec<usize> {
        let mut before = 0;
        let mut marks = Vec::new();
        for (_, sent) in &self.sent {
            match sent {
                Sent::Audio(sound) => before += sound.len() / PER_MS,
                Sent::Mark(_) => marks.push(before),
                Sent::Clear => {}
            }
        }
        marks
    }

    /// How each utterance went, and when, in a line each; `Progress` and `UtteranceStarted` left out.
    pub(super) fn told(&self) -> Vec<String> {
        let millis = |heard: &Progress| format!("{} of {}", heard.heard.as_millis(), heard.whole.as_millis());
        let line = |(at, event): &(u64, MediaEvent)| match event {
            MediaEvent::UtteranceEnded { utterance, heard, failed } => {
                let how = if failed.is_some() { "failed" } else { "ended" };
                Some(format!("{at}: {} {how}, {}", utterance.0, millis(heard)))
            }
            MediaEvent::Interrupted { utterance, heard } => {
                Some(format!("{at}: {} cut, {}", utterance.0, millis(heard)))
            }
            MediaEvent::MediaGone(_) => Some(format!("{at}: gone")),
            MediaEvent::Connected => (*at > 0).then(|| format!("{at}: up")),
            _ => None,
        };
        self.events.iter().filter_map(line).collect()
    }

    /// When each utterance began to go out.
    pub(super) fn began(&self) -> Vec<(u64, u64)> {
        let began = |(at, event): &(u64, MediaEvent)| match event {
            MediaEvent::UtteranceStarted { utterance } => Some((*at, utterance.0)),
            _ => None,
        };
        self.events.iter().filter_map(began).collect()
    }
}

/// The sound of an utterance at a place: other than the other utterances' there, and than its own elsewhere nearby.
pub(super) fn byte_of(n: u64, at: usize) -> u8 {
    let pattern = (at as u64).wrapping_mul(31).wrapping_add(at as u64 / 251).wrapping_add(n * 89);
    u8::try_from(pattern % 256).expect("below 256")
}

pub(super) fn error() -> ProviderError {
    ProviderError { class: ErrorClass::Unknown, code: None, message: "no".to_owned() }
}
