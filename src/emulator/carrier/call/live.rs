//! An answered call: instructions, the media stream, and the person on the line, 20 ms at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use url::Url;

mod leg;

use leg::Progressed;
pub(super) use leg::{Leg, fetch};

use super::super::media::{self, Effect, Incoming};
use super::super::twiml::Verb;
use super::super::{Call, Control, Segment};
use super::End;
use crate::audio::mulaw;
use crate::emulator::faults::Fault;
use crate::emulator::person::acting::{Act, Acting};
use crate::emulator::phone::{Hand, Sound};
use crate::emulator::timeline::{CallState, Side, What};
use crate::emulator::world::World;
use crate::emulator::{FRAME, TICK};

/// How many redirects are followed at once.
const REDIRECTS: usize = 10;

/// An answered call.
pub(super) struct Live {
    world: Arc<World>,
    call: Arc<Call>,
    acting: Acting,
    leg: Leg,
    /// What comes after the present leg.
    verbs: VecDeque<Verb>,
    /// The URL of the present instructions, which relative ones refer to.
    document: String,
    answered: Instant,
    /// Ticks since the answer.
    ticks: u32,
    /// The last segment is still growing.
    hearing: bool,
    /// Since the last tick.
    redirects: usize,
    /// No media comes any more.
    lost: bool,
    /// What comes of the present stream.
    flow: Flow,
}

/// What comes of a stream that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// All that should.
    Runs,
    /// No sound of the person's.
    Silent,
    /// Nothing.
    Stalled,
}

impl Live {
    /// From the answer on.
    pub(super) fn new(world: Arc<World>, call: Arc<Call>, acting: Acting, first: Leg) -> Self {
        let document = call.dial.url.clone();
        Self {
            world,
            call,
            acting,
            leg: first,
            verbs: VecDeque::new(),
            document,
            answered: Instant::now(),
            ticks: 0,
            hearing: false,
            redirects: 0,
            lost: false,
            flow: Flow::Runs,
        }
    }

    /// Until somebody hangs up.
    pub(super) async fn run(mut self, controlled: &mut UnboundedReceiver<Control>) -> End {
        loop {
            let tick = self.answered + TICK * (self.ticks + 1);
            tokio::select! {
                biased;
                Some(control) = controlled.recv() => match control {
                    Control::HangUp => return self.end(Side::Server),
                    Control::Hand(Hand::HangsUp) => return self.end(Side::Person),
                    Control::Hand(Hand::Does(step, sound)) => self.acting.then(step, sound),
                    Control::Hand(Hand::PicksUp | Hand::Declines) => {}
                    Control::Stream(url) => self.stream_to(url),
                    Control::Redirect(url) => {
                        if let Leg::Streaming(stream) = self.redirect(url) {
                            self.note(What::MediaDown(Side::Carrier));
                            self.world.spawn(stream.stop());
                        }
                    }
                },
                step = self.leg.next() => match step {
                    Progressed::Over => return self.end(Side::Server),
                    Progressed::Fetched(Ok((url, verbs))) => {
                        (self.document, self.verbs) = (url, verbs);
                        self.advance();
                    }
                    Progressed::Fetched(Err(why)) => {
                        self.note(What::Violation(why));
                        return self.end(Side::Carrier);
                    }
                    Progressed::Opened(Ok(stream)) => {
                        self.call.progress().streams += 1;
                        self.flow = Flow::Runs;
                        self.note(What::MediaUp);
                        self.leg = Leg::Streaming(stream);
                    }
                    Progressed::Opened(Err(why)) => {
                        self.tell_of_failure();
                        self.note(What::Violation(why));
                        self.advance();
                    }
                    Progressed::Paused => self.advance(),
                    Progressed::Came(incoming) => self.take(incoming).await,
                },
                () = tokio::time::sleep_until(tick) => if let Some(end) = self.tick().await {
                    return end;
                },
            }
        }
    }

    /// Goes on with the next instruction.
    fn advance(&mut self) {
        let (world, call) = (Arc::clone(&self.world), Arc::clone(&self.call));
        self.leg = match self.verbs.pop_front() {
            Some(Verb::Stream { url, parameters, status_callback }) => {
                let opening = media::open(world, call, url.clone(), parameters, status_callback);
                Leg::Opening(url, Box::pin(opening))
            }
            // A server that sends in circles would otherwise be followed for ever, and time would stand still meanwhile.
            Some(Verb::Redirect(_)) if self.redirects >= REDIRECTS => {
                self.note(What::Violation("12203 redirected in circles".to_owned()));
                Leg::Over
            }
            Some(Verb::Redirect(url)) => {
                self.redirects += 1;
                self.redirect(url);
                return;
            }
            Some(Verb::Pause(time)) => Leg::Pausing(Box::pin(tokio::time::sleep(time))),
            // Only a command ends a call of Telnyx's.
            None if self.call.dial.events().is_some() => Leg::Waiting,
            Some(Verb::Hangup | Verb::Reject) | None => Leg::Over,
        };
    }

    /// Goes on with other instructions; gives the leg that this ends.
    fn redirect(&mut self, url: String) -> Leg {
        let url = Url::parse(&self.document).and_then(|base| base.join(&url)).map_or(url, String::from);
        let form = self.call.form(&self.world, CallState::InProgress);
        self.quiet(true);
        std::mem::replace(&mut self.leg, fetch(&self.world, &self.call, url, form))
    }

    /// Streams the media there, instead of wherever it was.
    fn stream_to(&mut self, url: String) {
        if self.lost {
            return;
        }
        self.quiet(true);
        let (world, call) = (Arc::clone(&self.world), Arc::clone(&self.call));
        let again = world.faults.strike(|f| if let Fault::StreamFails { again } = f { Some(*again) } else { None });
        let opening = media::open(world, call, url.clone(), Vec::new(), None);
        let before = std::mem::replace(&mut self.leg, Leg::Opening(url.clone(), Box::pin(opening)));
        if let Leg::Streaming(stream) = before {
            self.note(What::MediaDown(Side::Carrier));
            self.tell_of_end(stream.url());
            self.world.spawn(stream.stop());
        }
        if let Some(again) = again {
            self.tell_of_failure();
            self.leg = Leg::Waiting;
            if let Some(later) = again {
                let (world, call) = (Arc::clone(&self.world), Arc::clone(&self.call));
                self.world.spawn(async move {
                    tokio::time::sleep(later).await;
                    call.tell_of_stream(&world, "streaming.failed", &url);
                });
            }
        }
    }

    /// At Telnyx: tells that the stream could not be opened that was to be.
    fn tell_of_failure(&self) {
        if let (Leg::Opening(url, _), Some(_)) = (&self.leg, self.call.dial.events()) {
            self.call.tell_of_stream(&self.world, "streaming.failed", url);
        }
    }

    /// At Telnyx: tells that the stream to this URL has ended.
    fn tell_of_end(&self, url: &str) {
        if self.call.dial.events().is_some() {
            self.call.tell_of_stream(&self.world, "streaming.stopped", url);
        }
    }

    /// Whether the stream stays open where it would break, and less comes of it, or nothing.
    fn falls_silent(&mut self) -> bool {
        let Leg::Streaming(stream) = &self.leg else { return false };
        let fault = self.world.faults.strike(|f| match f {
            Fault::StreamSilent => Some((Flow::Silent, None)),
            Fault::StreamStalled => Some((Flow::Stalled, None)),
            Fault::StreamDies { stopped: true } => Some((Flow::Stalled, Some("streaming.stopped"))),
            Fault::StreamDies { stopped: false } => Some((Flow::Stalled, Some("streaming.failed"))),
            _ => None,
        });
        let Some((flow, told)) = fault else { return false };
        if let Some(kind) = told {
            self.call.tell_of_stream(&self.world, kind, stream.url());
        }
        self.flow = flow;
        true
    }

    async fn take(&mut self, incoming: Incoming) {
        let Leg::Streaming(stream) = &mut self.leg else { return };
        let effect = match incoming {
            Incoming::Text(text) => stream.take(&text),
            Incoming::Binary => Effect::Wrong("31950 a binary frame".to_owned()),
            Incoming::Closed => {
                let (cut, url) = (stream.is_playing(), stream.url().to_owned());
                self.quiet(cut);
                self.note(What::MediaDown(Side::Server));
                self.tell_of_end(&url);
                return self.advance();
            }
        };
        match effect {
            Effect::Nothing => {}
            Effect::Wrong(what) => self.note(What::Violation(what)),
            Effect::Refused { what, answer } => {
                // A socket that broke is noticed when it is read.
                stream.write(answer).await;
                self.note(What::Violation(what));
            }
            Effect::Marks(marks, played) => self.return_marks(marks, played).await,
            Effect::Cleared(bytes, marks) => {
                let dropped = mulaw::duration_of(bytes);
                self.note(What::Cleared { dropped });
                self.quiet(bytes > 0);
                self.return_marks(marks, false).await;
            }
        }
    }

    async fn return_marks(&mut self, marks: Vec<String>, played: bool) {
        for name in marks {
            let Leg::Streaming(stream) = &mut self.leg else { return };
            if self.flow != Flow::Stalled && stream.return_mark(&name).await {
                self.note(What::MarkReturned { name, played });
            }
        }
    }

    /// The stretch of sound that was heard, if one was, is over.
    fn quiet(&mut self, cut: bool) {
        if std::mem::take(&mut self.hearing) {
            if let Some(segment) = self.call.progress().segments.last_mut() {
                segment.cut = cut;
            }
            if cut {
                self.whisper(|call| Sound::Cut { call });
            }
            self.note(What::AgentQuiet);
        }
    }

    /// 20 ms of the line.
    async fn tick(&mut self) -> Option<End> {
        (self.ticks, self.redirects) = (self.ticks + 1, 0);
        if self.call.dial.time_limit.is_some_and(|limit| TICK * self.ticks >= limit) {
            return Some(self.end(Side::Carrier));
        }
        let mut heard = false;
        if let Leg::Streaming(stream) = &mut self.leg {
            let mut ear = [0; FRAME];
            let played = stream.play(&mut ear);
            heard = played.bytes > 0;
            self.hear(&ear[..played.bytes]);
            self.return_marks(played.marks, true).await;
        }
        let (mut mouth, open) = ([0; FRAME], matches!(self.leg, Leg::Streaming(_)));
        let acts = self.acting.tick(heard, open, &mut mouth);
        if let (Leg::Streaming(stream), Flow::Runs) = (&mut self.leg, self.flow) {
            // A socket that broke is noticed when it is read.
            stream.speak(&mouth).await;
        }
        for act in acts {
            match act {
                Act::Begins(text) => self.note(What::PersonSays(text)),
                Act::Ends(text) => self.note(What::PersonSaid(text)),
                Act::Hesitates(length) => self.note(What::PersonHesitates(length)),
                Act::Presses(key) => {
                    self.note(What::PersonPresses(key));
                    if let Leg::Streaming(stream) = &mut self.leg {
                        stream.press(key).await;
                    }
                }
                Act::DropsSocket if self.falls_silent() => {}
                Act::DropsSocket => {
                    self.quiet(true);
                    self.note(What::MediaDown(Side::Carrier));
                    if self.world.faults.strikes(&Fault::StreamStopped)
                        && let Leg::Streaming(stream) = std::mem::replace(&mut self.leg, Leg::Waiting)
                    {
                        self.tell_of_end(stream.url());
                        self.world.spawn(stream.stop());
                    }
                    if self.world.faults.strikes(&Fault::StreamLost) {
                        self.lost = true;
                        self.leg = Leg::Pausing(Box::pin(std::future::pending()));
                    } else {
                        self.advance();
                    }
                }
                Act::HangsUp => return Some(self.end(Side::Person)),
            }
        }
        None
    }

    /// Adds to what the ear heard: sound, or its absence.
    fn hear(&mut self, sound: &[u8]) {
        if sound.is_empty() {
            return self.quiet(false);
        }
        self.whisper(|call| Sound::Frame { call, ulaw: sound.into() });
        let mut progress = self.call.progress();
        if self.hearing {
            let segment = progress.segments.last_mut().expect("a segment is growing");
            segment.audio.extend_from_slice(sound);
        } else {
            let began = TICK * (self.ticks - 1);
            progress.segments.push(Segment { began, audio: sound.to_vec(), cut: false, text: String::new() });
        }
        drop(progress);
        if !std::mem::replace(&mut self.hearing, true) {
            self.note(What::AgentAudible);
        }
        // A frame that was not filled has silence after it.
        if sound.len() < FRAME {
            self.quiet(false);
        }
    }

    /// Lets those who listen in hear it.
    fn whisper(&self, sound: impl FnOnce(usize) -> Sound) {
        if self.world.ear.receiver_count() > 0 {
            let _ = self.world.ear.send(sound(self.call.number));
        }
    }

    fn end(&mut self, by: Side) -> End {
        let stream = match std::mem::replace(&mut self.leg, Leg::Over) {
            Leg::Streaming(stream) => Some(stream),
            _ => None,
        };
        self.quiet(stream.as_ref().is_some_and(|s| s.is_playing()));
        End { state: CallState::Completed, by, sip: 200, stream }
    }

    fn note(&self, what: What) {
        self.call.note(&self.world, what);
    }
}
