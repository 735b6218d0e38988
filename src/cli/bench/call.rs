//! One call as carrier and provider see it: what was sent and heard, what plays, and when the person talks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::codes::{self, Speech};
use super::figures::Tally;
use crate::audio::mulaw::{FRAME, SILENCE};

/// Microseconds since the load generator began.
pub(super) type Micros = u64;

/// A byte of µ-law.
const MICROS_A_BYTE: u64 = 125;

/// Frames whose departure is remembered: twenty seconds.
const STAMPS: usize = 1024;

/// From the end of the agent's words to the person's.
const THINKS: Micros = 200_000;

/// From the end of a stretch to its words.
const TRANSCRIBES: Micros = 300_000;

/// What a recogniser puts before the first voiced sample.
const PREFIX_MS: u64 = 300;

/// Bytes at the phone in a piece of the provider's: 100 ms.
pub(super) const PIECE: usize = PIECE_CELLS * FRAME;

/// The same in cells.
pub(super) const PIECE_CELLS: usize = 5;

/// What a cut-off utterance may be late by before its provider is called late, rather than the server.
const GRACE: Micros = 20_000;

/// The turn of the words that need no reply.
pub(super) const GOODBYE: u16 = 0xE0E;

/// For the carrier's media socket.
#[derive(Debug)]
pub(super) enum ToMedia {
    /// The next frame is due.
    Frame,
    /// A mark has been played.
    Mark(String),
    /// The call is over.
    Stop,
}

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: u16,
    tally: Arc<Tally>,
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    media: Option<mpsc::Sender<ToMedia>>,
    /// Events for the transcription socket that hears this call.
    ears: Option<mpsc::UnboundedSender<String>>,
    /// When each of the last frames was sent.
    stamps: Box<[Micros]>,
    sent: u32,
    /// The number of the next frame to be heard.
    heard: u32,
    answered_at: Option<Micros>,
    utterance: Option<Utterance>,
    /// When what was received will have played.
    plays_until: Micros,
    marks: VecDeque<(Micros, String)>,
    person: Person,
    stretches: u32,
}

/// What the agent says.
#[derive(Debug)]
struct Utterance {
    speech: Speech,
    /// The person begins to talk in the middle of it.
    interrupted: bool,
    /// When each piece left the provider.
    pieces: Vec<Micros>,
    received: usize,
    first_frame: Option<Micros>,
    state: Hearing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    /// It comes, or plays.
    Open,
    /// The person has begun to talk, at this time; a `clear` is due.
    Challenged(Micros),
    /// It was cleared.
    Cut,
    /// The person has begun to reply to the whole of it.
    Whole,
}

#[derive(Debug)]
enum Person {
    Quiet,
    Talking {
        until: Micros,
    },
    /// Has stopped; the words come at this time.
    Said {
        words_at: Micros,
    },
}

impl Call {
    pub(super) fn new(number: u16, tally: Arc<Tally>) -> Self {
        let line = Line {
            media: None,
            ears: None,
            stamps: vec![0; STAMPS].into_boxed_slice(),
            sent: 0,
            heard: 0,
            answered_at: None,
            utterance: None,
            plays_until: 0,
            marks: VecDeque::new(),
            person: Person::Quiet,
            stretches: 0,
        };
        Self { number, tally, line: Mutex::new(line) }
    }

    /// The words of the reply to a turn.
    pub(super) fn reply(&self, turn: u16) -> String {
        format!("Person {} replies in turn {turn}.", self.number)
    }

    /// The phone was picked up.
    pub(super) fn answered(&self, now: Micros) {
        self.lock().answered_at = Some(now);
    }

    /// The media socket is open, or (`None`) closed.
    pub(super) fn connect(&self, media: Option<mpsc::Sender<ToMedia>>) {
        self.lock().media = media;
    }

    /// Ends the media, as the carrier does when a call is hung up.
    pub(super) fn hang_up(&self) {
        if let Some(media) = self.lock().media.take() {
            // Full or gone: the socket is on its way out already.
            let _ = media.try_send(ToMedia::Stop);
        }
    }

    /// The number of the frame that leaves now.
    pub(super) fn next_frame(&self, now: Micros) -> u32 {
        let mut line = self.lock();
        let number = line.sent;
        line.stamps[number as usize % STAMPS] = now;
        line.sent += 1;
        self.tally.frames_sent.add(1);
        number
    }

    /// 20 ms have passed. `ending`: the person is brief.
    pub(super) fn tick(&self, now: Micros, ending: bool) {
        let mut line = self.lock();
        let Some(media) = &line.media else { return };
        if media.try_send(ToMedia::Frame).is_err() {
            self.tally.problem(format!("the server takes no frames of call {}", self.number));
        }
        if self.tally.is_steady() {
            self.tally.ticks.add(1);
            self.tally.talking.add(u64::from(matches!(line.person, Person::Talking { .. })));
        }
        while let Some((_, name)) = line.marks.pop_front_if(|(at, _)| *at <= now) {
            line.give_back(name);
        }
        self.act(&mut line, now, ending);
    }

    /// What the person does now.
    fn act(&self, line: &mut Line, now: Micros, ending: bool) {
        match line.person {
            Person::Quiet => {
                let plays_until = line.plays_until;
                let Some(utterance) = &mut line.utterance else { return };
                let Some(first) = utterance.first_frame.filter(|_| utterance.state == Hearing::Open) else { return };
                let length = utterance.speech.length() as u64 * MICROS_A_BYTE;
                if utterance.interrupted && now >= first + length * 2 / 5 {
                    utterance.state = Hearing::Challenged(now);
                } else if utterance.speech.turn != GOODBYE
                    && utterance.received == utterance.speech.length()
                    && now >= plays_until + THINKS
                {
                    utterance.state = Hearing::Whole;
                } else {
                    return;
                }
                // From three quarters to five quarters of the agent's time, so that calls do not keep step.
                let share = 750 + u64::from(self.number) * 618 % 500;
                line.person = Person::Talking { until: now + length * share / 1000 };
                line.stretches += 1;
                let start = line.heard_ms().saturating_sub(PREFIX_MS);
                line.tell(&format!(
                    r#"{{"type":"input_audio_buffer.speech_started","audio_start_ms":{start},"item_id":"{}"}}"#,
                    self.item(line)
                ));
            }
            Person::Talking { until } if now >= until || ending => {
                let (end, item) = (line.heard_ms(), self.item(line));
                line.tell(&format!(
                    r#"{{"type":"input_audio_buffer.speech_stopped","audio_end_ms":{end},"item_id":"{item}"}}"#
                ));
                line.tell(&format!(
                    r#"{{"type":"input_audio_buffer.committed","previous_item_id":null,"item_id":"{item}"}}"#
                ));
                line.person = Person::Said { words_at: now + TRANSCRIBES };
            }
            Person::Said { words_at } if now >= words_at => {
                let turn = line.utterance.as_ref().map_or(0, |utterance| utterance.speech.turn);
                let (item, words) = (self.item(line), self.reply(turn));
                line.tell(&format!(
                    r#"{{"type":"conversation.item.input_audio_transcription.completed","item_id":"{item}","content_index":0,"transcript":"{words}"}}"#
                ));
                line.person = Person::Quiet;
            }
            Person::Talking { .. } | Person::Said { .. } => {}
        }
    }

    fn item(&self, line: &Line) -> String {
        format!("item_{}_{}", self.number, line.stretches)
    }

    /// The provider was asked for this.
    pub(super) fn speech_asked(&self, speech: Speech, interrupted: bool) {
        let state = Hearing::Open;
        let utterance = Utterance { speech, interrupted, pieces: Vec::new(), received: 0, first_frame: None, state };
        if let Some(before) = self.lock().utterance.replace(utterance) {
            let whole = before.received == before.speech.length();
            let ended = match before.state {
                Hearing::Cut => true,
                Hearing::Whole => whole,
                Hearing::Open | Hearing::Challenged(_) => false,
            };
            if !ended {
                let turn = before.speech.turn;
                self.tally.problem(format!("call {} goes on before turn {turn} has ended", self.number));
            }
        }
    }

    /// The provider sends the next piece.
    pub(super) fn piece_made(&self, now: Micros) {
        if let Some(utterance) = &mut self.lock().utterance {
            utterance.pieces.push(now);
        }
    }

    /// Sound of the server arrived at the carrier.
    pub(super) fn sound(&self, ulaw: &[u8], now: Micros) {
        let mut line = self.lock();
        let Line { utterance, plays_until, answered_at, .. } = &mut *line;
        let place = utterance.as_mut().filter(|u| u.state != Hearing::Cut && u.speech.holds(u.received, ulaw));
        let Some(utterance) = place else {
            self.tally.foreign.add(1);
            return self.tally.problem(format!("call {} got sound that is not due there", self.number));
        };
        match utterance.first_frame {
            None => {
                utterance.first_frame = Some(now);
                self.tally.utterances.add(1);
                let made = utterance.pieces.first().copied().unwrap_or(now);
                self.tally.tts_to_frame.add(now.saturating_sub(made));
                if let Some(answered) = answered_at.take() {
                    self.tally.answer_to_audio.add(now.saturating_sub(answered));
                }
            }
            Some(first) => {
                let played_out = utterance.received as u64 * MICROS_A_BYTE;
                self.tally.late_frames.add(u64::from(played_out < now.saturating_sub(first)));
                if *plays_until < now {
                    // The piece that was missing, and when it had been there.
                    let made = utterance.pieces.get(utterance.received / PIECE).copied().unwrap_or(now);
                    if made + GRACE < *plays_until {
                        self.tally.gaps.add(1);
                        self.tally.gap_micros.add(now - *plays_until);
                    } else {
                        self.tally.provider_gaps.add(1);
                    }
                }
            }
        }
        utterance.received += ulaw.len();
        *plays_until = now.max(*plays_until) + ulaw.len() as u64 * MICROS_A_BYTE;
    }

    /// The server set a mark behind its sound.
    pub(super) fn mark(&self, name: String, now: Micros) {
        let mut line = self.lock();
        let at = line.plays_until.max(now);
        line.marks.push_back((at, name));
    }

    /// The server cleared what has not played.
    pub(super) fn clear(&self, now: Micros) {
        let mut line = self.lock();
        line.plays_until = now;
        while let Some((_, name)) = line.marks.pop_front() {
            line.give_back(name);
        }
        match line.utterance.as_mut().map(|utterance| (utterance.state, &mut utterance.state)) {
            Some((Hearing::Challenged(since), state)) => {
                *state = Hearing::Cut;
                self.tally.interruptions.add(1);
                self.tally.speech_to_clear.add(now.saturating_sub(since));
            }
            // The person began 200 ms after the last mark went back, so the server was late to read that mark.
            Some((Hearing::Whole, _)) => {
                self.tally.problem(format!("call {} was cleared although all of it had played", self.number));
            }
            Some((Hearing::Open | Hearing::Cut, _)) | None => {
                self.tally.problem(format!("call {} was cleared although nobody spoke", self.number));
            }
        }
    }

    /// A transcription socket hears this call from now on.
    pub(super) fn listen(&self, ears: mpsc::UnboundedSender<String>) {
        if self.lock().ears.replace(ears).is_some() {
            self.tally.problem(format!("call {} is heard on a second socket", self.number));
        }
    }

    /// Audio of an append of this call's socket.
    pub(super) fn hear(&self, ulaw: &[u8], now: Micros) {
        let mut line = self.lock();
        for frame in ulaw.chunks(FRAME) {
            match codes::read_inbound(frame) {
                Some((call, number)) if call == self.number => {
                    if number < line.heard {
                        self.tally.out_of_order.add(1);
                        continue;
                    }
                    self.tally.lost.add(u64::from(number - line.heard));
                    line.heard = number + 1;
                    self.tally.frames_heard.add(1);
                    if self.tally.is_steady() {
                        self.tally.frame_to_stt.add(now.saturating_sub(line.stamps[number as usize % STAMPS]));
                    }
                }
                // What the server makes up when the line has gone, so that the recogniser finds the end.
                None if line.media.is_none() && frame.iter().all(|byte| *byte == SILENCE) => {}
                Some(_) | None => self.tally.foreign.add(1),
            }
        }
    }

    /// Frames that were sent and not heard so far.
    pub(super) fn unheard(&self) -> u32 {
        let line = self.lock();
        line.sent - line.heard
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn give_back(&self, mark: String) {
        if let Some(media) = &self.media {
            // A socket that takes nothing is a problem that the frames tell of.
            let _ = media.try_send(ToMedia::Mark(mark));
        }
    }

    /// Sends an event to the server's transcription socket.
    fn tell(&self, event: &str) {
        if let Some(ears) = &self.ears {
            let _ = ears.send(event.to_owned());
        }
    }

    /// How much the recogniser has heard.
    fn heard_ms(&self) -> u64 {
        u64::from(self.heard) * 20
    }
}
