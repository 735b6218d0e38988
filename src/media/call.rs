//! The media task of one call: carries sound both ways and reports to the session.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::BoxSocket;
use super::desk;
use super::ears::Ears;
use super::reports::Reports;
use super::voice::{Made, Voice};
use super::watch::Watch;
use crate::audio::order::InOrder;
use crate::audio::vad::Loudness;
use crate::clock::wall::Alarm;
use crate::clock::{Clock, Millis};
use crate::domain::media::{MediaCommand, MediaEvent, MediaLoss};
use crate::domain::playout::{Playout, Transmit};
use crate::domain::text::PersonText;
use crate::ids::{SessionId, StretchId};
use crate::provider::{Heard, MediaIn, MediaWire};

/// A line that carried sound within this time is alive: the carrier sends a frame every 20 ms, of silence too.
const ALIVE: Duration = Duration::from_secs(1);

/// A line of which nothing has come for this long is asked whether it is alive, whatever its socket says: longer than a network
/// stumbles, and short enough for the line to come back before the person gives up. Mostly a frame comes every 20 ms, but no
/// carrier promises one while the phone is muted or put on hold.
const QUIET: Duration = Duration::from_secs(3);

/// What a line gets to answer that. A mark comes back at once where nothing plays, and what plays has marks of its own.
const ANSWER: Duration = Duration::from_secs(1);

/// The mark that asks; playout has none of this name.
const PROBE: &str = "alive";

/// A socket that has proved whose it is.
pub(super) struct Attached {
    pub(super) socket: BoxSocket,
    /// The carrier's name for the stream.
    pub(super) stream: String,
    /// Where the socket goes when it is not wanted; dropped when it is.
    pub(super) refused: oneshot::Sender<BoxSocket>,
}

/// One call's media.
pub(super) struct Call {
    pub(super) session: SessionId,
    pub(super) wire: Arc<dyn MediaWire>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) reports: Reports,
    pub(super) playout: Playout,
    /// The person's present stretch; the words of an earlier one may come while it lasts.
    pub(super) speaking: Option<StretchId>,
    pub(super) voice: Voice,
    pub(super) ears: Ears,
    pub(super) alarm: Alarm,
    pub(super) line: Option<Line>,
    /// Reused for every frame that comes in.
    pub(super) sound: Vec<u8>,
    pub(super) watch: Watch,
    /// Owns the goodbyes to sockets.
    pub(super) tasks: TaskTracker,
}

/// The carrier's side of a call while it is up.
pub(super) struct Line {
    socket: BoxSocket,
    stream: String,
    /// Written and not yet taken by the socket; bounded by how far ahead the playout sends.
    outbox: VecDeque<String>,
    unflushed: bool,
    /// When sound came in last; at first, when it was attached.
    heard_at: Millis,
    /// When anything came in last.
    frame_at: Millis,
    /// When to look whether anything still comes in.
    look_at: Millis,
    /// It was asked whether it is alive, and nothing has come since.
    asked: bool,
    /// Frames that come in any order, where the carrier's do.
    order: InOrder,
}

/// What woke the task.
enum Event {
    Command(Option<MediaCommand>),
    Attached(Option<Attached>),
    Heard(Heard),
    Made(Made),
    Frame(Option<Bytes>),
    Alarm,
}

impl Call {
    /// Runs until the session drops its end of `commands`.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<MediaCommand>,
        mut sockets: mpsc::Receiver<Attached>,
    ) {
        while !self.reports.is_gone() {
            self.pump();
            let Call { ears, line, voice, playout, alarm, .. } = &mut self;
            let event = tokio::select! {
                biased;
                command = commands.recv() => Event::Command(command),
                heard = poll_fn(|cx| ears.poll_heard(cx)) => Event::Heard(heard),
                // Before a new line is looked at, the old one says what it still has to say: that it ended, mostly.
                frame = poll_fn(|cx| poll_line(line, cx)) => Event::Frame(frame),
                attached = sockets.recv() => Event::Attached(attached),
                made = poll_fn(|cx| voice.poll_made(playout, cx)) => Event::Made(made),
                () = alarm.ring() => Event::Alarm,
            };
            match event {
                Event::Command(Some(command)) => self.command(command),
                Event::Attached(Some(attached)) => self.attach(attached),
                // The session, or the desk itself, is gone.
                Event::Command(None) | Event::Attached(None) => break,
                Event::Heard(heard) => self.heard(heard),
                Event::Made(made) => self.made(made),
                Event::Frame(Some(frame)) => self.frame(&frame),
                Event::Frame(None) => self.lose_line(MediaLoss::Broken),
                Event::Alarm => {
                    self.playout.handle_timeout(self.clock.now());
                    self.look_at_line();
                }
            }
        }
        self.hang_up_socket().await;
    }

    /// Sends what is to be sent, reports what is to be reported, and sets the alarm for what comes next.
    fn pump(&mut self) {
        let now = self.clock.now();
        self.watch.woke(now);
        self.reports.tell_on();
        if let Some(line) = &mut self.line {
            while let Some(transmit) = self.playout.poll_transmit(now) {
                let mut text = String::new();
                match transmit {
                    Transmit::Clear => {
                        self.watch.cleared();
                        self.wire.write_clear(&line.stream, &mut text);
                    }
                    Transmit::Audio(ulaw) => {
                        self.watch.sent(ulaw.len());
                        self.wire.write_audio(&line.stream, ulaw, &mut text);
                    }
                    Transmit::Mark(name) => self.wire.write_mark(&line.stream, &name.to_string(), &mut text),
                }
                line.outbox.push_back(text);
            }
        }
        self.watch.gaps(self.playout.take_gaps());
        while let Some(event) = self.playout.poll_event() {
            if let MediaEvent::Interrupted { utterance, .. } | MediaEvent::UtteranceEnded { utterance, .. } = &event {
                self.voice.stop(*utterance);
            }
            self.reports.tell(event);
        }
        if self.ears.take_drained(now) {
            self.reports.tell(MediaEvent::Drained);
        }
        let plays = self.playout.next_deadline();
        self.watch.sleeps(plays.filter(|_| self.line.is_some()), now);
        let looks = self.line.as_ref().map(|line| line.look_at);
        let tells = self.reports.next_deadline(now);
        let next = [plays, looks, tells, self.ears.next_deadline()].into_iter().flatten().min();
        self.alarm.set(next, &*self.clock);
    }

    fn command(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Speak { utterance, text, interruptible } => {
                self.playout.enqueue(utterance, &text, interruptible, self.clock.now());
                self.voice.say(utterance, text);
            }
            MediaCommand::Hush => {
                self.voice.stop_all();
                self.playout.hush();
            }
            MediaCommand::Drain => {
                self.hear_what_waits();
                self.ears.drain(self.clock.now());
            }
            MediaCommand::Lost(loss) => self.lose_line(loss),
        }
    }

    /// Goes on with a new line, where there is none or the old one has fallen silent. While that one is alive the carrier asks
    /// for no other: whoever comes then has got hold of what the carrier once sent, and does not get the call. A carrier whose
    /// old line broke without our seeing it asks again, and is heard when that line has been silent for [`ALIVE`].
    fn attach(&mut self, attached: Attached) {
        let now = self.clock.now();
        let Attached { socket, stream, refused } = attached;
        if self.line.as_ref().is_some_and(|line| now.since(line.heard_at) < ALIVE) {
            tracing::warn!(call.id = %self.session, "a second media socket of {} was closed; the first is alive", self.session);
            // Nobody waits for it when the desk has gone; dropping it closes it.
            let _ = refused.send(socket);
            return;
        }
        self.lose_line(MediaLoss::Broken);
        self.watch.connected();
        self.line = Some(Line {
            socket,
            stream,
            outbox: VecDeque::new(),
            unflushed: false,
            heard_at: now,
            frame_at: now,
            look_at: now + QUIET,
            asked: false,
            order: InOrder::default(),
        });
        self.ears.open();
        self.playout.connected(now);
    }

    /// Gives a line up of which nothing comes any more, not even when it is asked, though nobody has closed it. Looks once in
    /// [`QUIET`] rather than set an alarm anew with every frame.
    fn look_at_line(&mut self) {
        let now = self.clock.now();
        let Some(line) = self.line.as_mut().filter(|line| line.look_at <= now) else { return };
        if now.since(line.frame_at) < QUIET {
            line.look_at = line.frame_at + QUIET;
        } else if line.asked {
            tracing::warn!(call.id = %self.session, "nothing comes of the media of {} any more; its socket is given up", self.session);
            self.lose_line(MediaLoss::Silent);
        } else {
            let mut text = String::new();
            self.wire.write_mark(&line.stream, PROBE, &mut text);
            line.outbox.push_back(text);
            (line.asked, line.look_at) = (true, now + ANSWER);
        }
    }

    /// Frames that wait for one that is late are heard without it: it will not come any more, or not in time.
    fn hear_what_waits(&mut self) {
        let (Some(line), now) = (&mut self.line, self.clock.now()) else { return };
        line.order.end(|piece| self.ears.hear_piece(piece, now));
        self.watch.disordered(line.order.take_faults());
    }

    fn lose_line(&mut self, loss: MediaLoss) {
        self.hear_what_waits();
        if let Some(line) = self.line.take() {
            tracing::debug!(call.id = %self.session, ?loss, "the media of {} is gone", self.session);
            self.playout.disconnected(loss);
            // A carrier that still reads learns of it.
            self.tasks.spawn(desk::close(line.socket));
        }
    }

    /// This stretch is over; the person may be in the next one.
    fn fell_silent(&mut self, stretch: StretchId) {
        if self.speaking.is_none_or(|speaking| speaking == stretch) {
            self.speaking = None;
            self.playout.speech_stopped();
        }
    }

    fn heard(&mut self, heard: Heard) {
        let now = self.clock.now();
        match heard {
            Heard::Started { stretch, began_at } => {
                self.reports.tell(MediaEvent::SpeechStarted { stretch, began_at });
                self.speaking = Some(stretch);
                self.playout.speech_started(now);
            }
            Heard::BargedIn { began_at } => {
                self.watch.spoken_up();
                self.playout.barged_in(began_at, now);
            }
            Heard::Stopped { stretch } => {
                self.watch.fell_silent(stretch);
                self.fell_silent(stretch);
                self.reports.tell(MediaEvent::SpeechStopped { stretch });
            }
            Heard::Words { stretch, began_at, text } => {
                self.watch.understood(stretch);
                self.fell_silent(stretch);
                self.reports.tell(MediaEvent::Words { stretch, began_at, text: PersonText(text) });
            }
            Heard::Nothing { stretch } => {
                self.fell_silent(stretch);
                self.reports.tell(MediaEvent::NoWords { stretch });
            }
            Heard::Failed(error) => {
                tracing::warn!(call.id = %self.session, %error, "speech recognition failed in {}", self.session);
                self.playout.speech_stopped();
                self.reports.tell(MediaEvent::HearingFailed(error));
            }
        }
    }

    fn made(&mut self, made: Made) {
        let now = self.clock.now();
        match made {
            Made::Sound(utterance, sound) => {
                self.watch.made(utterance, self.line.is_some());
                if !self.playout.audio(utterance, &sound, now) {
                    self.voice.stop(utterance);
                }
            }
            Made::Over(utterance, failed) => {
                if let Some(error) = &failed {
                    tracing::warn!(call.id = %self.session, %error, "speech could not be made for {}", self.session);
                }
                self.playout.made(utterance, failed, now);
            }
        }
    }

    fn frame(&mut self, frame: &Bytes) {
        let now = self.clock.now();
        if let Some(line) = &mut self.line {
            (line.frame_at, line.asked) = (now, false);
        }
        let Ok(text) = std::str::from_utf8(frame) else { return };
        match self.wire.read(text) {
            Ok(MediaIn::Audio { payload, place }) => {
                self.sound.clear();
                match STANDARD.decode_vec(payload.as_bytes(), &mut self.sound) {
                    Ok(()) => {
                        if self.ears.minds_us() {
                            self.ears.we_play(self.playout.audible(now).map(Loudness::of));
                        }
                        let Self { line, ears, sound, watch, .. } = self;
                        if let Some(line) = line {
                            line.heard_at = now;
                            if let Some(place) = place {
                                line.order.take(place, sound, |piece| ears.hear_piece(piece, now));
                                return watch.disordered(line.order.take_faults());
                            }
                        }
                        ears.hear(sound, now);
                    }
                    Err(_) => tracing::debug!(call.id = %self.session, "a media frame that is not base64 was dropped"),
                }
            }
            Ok(MediaIn::Mark(name)) => self.playout.mark(&name, now),
            Ok(MediaIn::Stop) => self.lose_line(MediaLoss::Stopped),
            Ok(MediaIn::Complaint { code }) => {
                self.watch.complained();
                tracing::warn!(call.id = %self.session, code, "the carrier did not take a media frame of {}", self.session);
            }
            Ok(MediaIn::Connected | MediaIn::Start(_) | MediaIn::Key(_) | MediaIn::Other) => {}
            Err(error) => tracing::debug!(call.id = %self.session, %error, "a media frame was dropped"),
        }
    }

    /// Lets the carrier see a close frame rather than a broken connection.
    async fn hang_up_socket(mut self) {
        if let Some(line) = self.line.take() {
            desk::close(line.socket).await;
        }
    }
}

/// Writes what waits, then waits for the next frame; `None` when the socket is gone. No line, no frame.
fn poll_line(line: &mut Option<Line>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
    let Some(line) = line else { return Poll::Pending };
    if line.poll_write(cx).is_err() {
        return Poll::Ready(None);
    }
    let frame = ready!(line.socket.as_mut().poll_next(cx));
    Poll::Ready(frame)
}

impl Line {
    /// Hands over as much as the socket takes now.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), super::SocketGone> {
        while !self.outbox.is_empty() {
            match self.socket.as_mut().poll_ready(cx)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) => {}
            }
            let text = self.outbox.pop_front().unwrap_or_default();
            self.socket.as_mut().start_send(text)?;
            self.unflushed = true;
        }
        if self.unflushed && self.socket.as_mut().poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }
}
