//! The hearing of a call whose provider sends anything, in any order, and whose turns come as they like.

use std::collections::HashSet;

use super::*;
use crate::audio::mulaw::{PER_MS, SILENCE};
use crate::ids::StretchId;

/// Chance with a seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % count
    }
}

/// A call, and what has come out of it.
struct Story {
    dice: Dice,
    hearing: Hearing,
    now: Millis,
    heard: Vec<Heard>,
    /// What was done, for who looks at a failure.
    told: Vec<String>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let ours = (dice.below(3) > 0).then(vad::Settings::default);
        let hearing = Hearing::new(ours);
        Self {
            dice,
            hearing,
            now: Millis(1_000_000),
            heard: Vec::new(),
            told: vec![format!("ours: {}", ours.is_some())],
        }
    }

    /// Something happens.
    fn goes_on(&mut self) {
        let told = match self.dice.below(20) {
            0..4 => self.sound(),
            4..8 => self.turn(),
            8..15 => self.event(),
            15 => {
                self.hearing.socket_lost();
                "lost".to_owned()
            }
            16 => {
                self.hearing.socket_lost();
                self.hearing.socket_back(self.now);
                "back".to_owned()
            }
            17 | 18 => {
                let time = Duration::from_millis(self.dice.below(6_000));
                self.now = self.now + time;
                self.expire();
                format!("{time:?} pass")
            }
            _ if self.dice.below(4) == 0 => {
                self.hearing.socket_lost();
                self.hearing.find_turns((self.dice.below(2) == 0).then(vad::Settings::default), self.now);
                format!("ours: {}", self.hearing.minds_us())
            }
            _ => self.send(),
        };
        self.told.push(told);
        self.look();
    }

    /// Sound that the detector is not asked about: what it finds is chance's.
    fn sound(&mut self) -> String {
        let time = Duration::from_millis(20 * (1 + self.dice.below(20)));
        self.now = self.now + time;
        self.hearing.tape.push(&vec![SILENCE; usize::try_from(tape::bytes(time)).unwrap()], self.now);
        if self.hearing.minds_us() {
            self.hearing.tape.pass_over();
        }
        self.expire();
        self.hearing.trim();
        format!("sound of {time:?}")
    }

    /// What has waited too long is given up, and a socket that left a turn unanswered is replaced.
    fn expire(&mut self) {
        if self.hearing.expire(self.now) {
            self.hearing.socket_lost();
            self.hearing.socket_back(self.now);
        }
    }

    fn turn(&mut self) -> String {
        let Hearing { tape, transcript, turns: Some(turns), live, .. } = &mut self.hearing else {
            return String::new();
        };
        let (_, base, queue) = turns.parts();
        let end = tape.span().1 - base;
        let event = match queue.open() {
            Some(_) if self.dice.below(3) == 0 => vad::Event::BargedIn { began: end },
            Some((_, from)) => vad::Event::Ended { ended: end.max(from - base) },
            None => vad::Event::Started { from: end.saturating_sub(300 * PER_MS as u64), began: end },
        };
        note(event, base, queue, tape, transcript, *live, self.now);
        format!("{event:?}")
    }

    fn send(&mut self) -> String {
        let (mut buffer, mut sent) = ([0; 320], Vec::new());
        while self.hearing.live && self.hearing.is_due(1) {
            match self.hearing.next_out(&mut buffer, self.now) {
                Some(Next::Sound(_)) => {}
                Some(Next::Commit(id)) => sent.push(id.0),
                None => break,
            }
        }
        format!("commits {sent:?}")
    }

    /// An event of the provider: right or not, in its time or not, and broken off now and then.
    fn event(&mut self) -> String {
        let (item, ms) = (self.dice.below(8), self.dice.below(20_000));
        let words = if self.dice.below(4) == 0 { String::new() } else { format!("words {item}") };
        let kind = "conversation.item.input_audio_transcription";
        let mut text = match self.dice.below(10) {
            0 => format!(r#"{{"type":"input_audio_buffer.speech_started","item_id":"i{item}","audio_start_ms":{ms}}}"#),
            1 => format!(r#"{{"type":"input_audio_buffer.speech_stopped","item_id":"i{item}","audio_end_ms":{ms}}}"#),
            2..5 => format!(r#"{{"type":"input_audio_buffer.committed","item_id":"i{item}"}}"#),
            5..8 => format!(r#"{{"type":"{kind}.completed","item_id":"i{item}","transcript":"{words}"}}"#),
            8 => format!(r#"{{"type":"{kind}.failed","item_id":"i{item}","error":{{"code":null}}}}"#),
            _ => format!(r#"{{"type":"error","error":{{"code":"{COMMIT_EMPTY}","event_id":"commit-{item}"}}}}"#),
        };
        match self.dice.below(12) {
            0 => text.truncate(usize::try_from(self.dice.below(text.len() as u64)).unwrap()),
            1 => text = text.replace("item_id", "id"),
            2 => text = text.replace("\"i", "[\"i"),
            _ => {}
        }
        self.hearing.take(Event::parse(&text), self.now);
        text
    }

    fn look(&mut self) {
        self.heard.extend(std::iter::from_fn(|| self.hearing.next()));
        assert!(self.hearing.deadline().is_none_or(|deadline| deadline > self.now), "{self}");
    }

    /// How many stretches have not ended; the port's promise holds so far.
    fn open(&self) -> u64 {
        let (mut started, mut ended, mut texts) = (0, 0, HashSet::new());
        for heard in &self.heard {
            match heard {
                Heard::Started { stretch: StretchId(id), .. } => {
                    started += 1;
                    assert_eq!(*id, started, "{self}");
                }
                Heard::Words { stretch: StretchId(id), text, .. } => {
                    ended += 1;
                    assert!(*id == ended && ended <= started && texts.insert(text), "words once, in order: {self}");
                }
                Heard::Nothing { stretch: StretchId(id) } => {
                    ended += 1;
                    assert!(*id == ended && ended <= started, "{self}");
                }
                Heard::Stopped { stretch: StretchId(id) } => assert!(*id <= started && *id > ended, "{self}"),
                Heard::BargedIn { .. } => assert!(started > 0, "{self}"),
                Heard::Failed(error) => panic!("{error}"),
            }
        }
        started - ended
    }
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#?}\n{:#?}", self.told, self.heard)
    }
}

#[test]
fn whatever_the_provider_sends_every_turn_ends_in_its_time_and_no_words_come_twice() {
    let mut said = 0;
    for seed in 0..10_000 {
        let mut story = Story::new(seed);
        let length = story.dice.below(60);
        for _ in 0..length {
            story.goes_on();
        }
        story.open();
        // The longest that anything may take.
        story.now = story.now + Duration::from_secs(91);
        story.expire();
        story.look();
        assert_eq!(story.open(), 0, "seed {seed}: {story}");
        assert!(story.hearing.is_quiet() && story.hearing.deadline().is_none(), "seed {seed}: {story}");
        said += story.heard.iter().filter(|heard| matches!(heard, Heard::Words { .. })).count();
    }
    assert!(said > 5_000, "the stories have words in them: {said}");
}

#[test]
fn a_turn_without_a_pause_is_cut_before_its_sound_is_lost() {
    let mut hearing = Hearing::new(Some(vad::Settings::default()));
    let voice: Vec<u8> = {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let say = crate::emulator::Voice::babble();
        runtime.block_on(say.say_ulaw(crate::emulator::voice::Speaker::Person, "on and on and on")).to_vec()
    };
    let mut now = Millis(0);
    for frame in voice.chunks(160).cycle().take(50 * 100) {
        now = now + Duration::from_millis(20);
        hearing.hear(frame, now, now);
    }
    let heard: Vec<Heard> = std::iter::from_fn(|| hearing.next()).collect();
    let starts = heard.iter().filter(|heard| matches!(heard, Heard::Started { .. })).count();
    let stops = heard.iter().filter(|heard| matches!(heard, Heard::Stopped { .. })).count();
    assert_eq!((starts, stops), (3, 2), "{heard:?}");
}
