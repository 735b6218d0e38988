//! One call's transcription session: a machine that its owner polls, over as many sockets as it takes.
//!
//! Resting → Dialing → Greeting (until `session.created`) → Configuring (until `session.updated`) → Live; a lost socket
//! leads back to Resting, what no retry can mend to Over. Audio is kept on a tape all the while.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::tape::{self, Tape};
use super::{PREFIX, Plan, wire};
use crate::clock::{Millis, whole_millis};
use crate::provider::openai::event::Event;
use crate::provider::openai::failure;
use crate::provider::openai::socket::{Dialing, Socket};
use crate::provider::openai::transcript::Transcript;
use crate::provider::{ErrorClass, Heard, ProviderError, SttSession};

/// How long each step on the way to a live session may take.
const STEP: Duration = Duration::from_secs(10);

/// The waits before the tries that follow a loss. A call cannot wait: the first is at once.
const RETRIES: [Duration; 6] = {
    let second = Duration::from_secs;
    [second(0), second(1), second(2), second(4), second(8), second(16)]
};

/// A session that was live for so long was a good one: its loss starts the tries anew.
const GOOD: Duration = Duration::from_secs(10);

/// What goes into one append: two frames of 20 ms.
const APPEND: usize = 320;

/// What a carrier sends at a time.
const FRAME: Duration = Duration::from_millis(20);

/// How long a frame waits for its second.
const FLUSH: Duration = Duration::from_millis(25);

/// Silence beyond what the server waits for, so that it is sure to find the end.
const FINISH: Duration = Duration::from_millis(300);

/// The format that we send, as the server names it.
const FORMAT: &str = "audio/pcmu";

pub(super) struct Session {
    plan: Arc<Plan>,
    link: Link,
    /// Tries since the last good session.
    tries: usize,
    tape: Tape,
    transcript: Transcript,
    /// The transcript's times count from here: no clock of the wall is needed for its deadlines.
    born: Instant,
    /// The one timer, set to the nearest deadline.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the oldest audio that waits for a live socket came.
    waiting_since: Option<Instant>,
}

/// How the provider is reached at the moment.
enum Link {
    /// Not at all; the next try is at this time.
    Resting(Instant),
    Dialing {
        dialing: Dialing,
        deadline: Instant,
    },
    /// Open, but the provider has not said that there is a session.
    Greeting {
        socket: Box<Socket>,
        deadline: Instant,
    },
    /// Our settings were sent and not acknowledged. Audio would be taken for the wrong format.
    Configuring {
        socket: Box<Socket>,
        deadline: Instant,
    },
    Live {
        socket: Box<Socket>,
        since: Instant,
        /// When a lone frame is sent without its second.
        flush_at: Option<Instant>,
    },
    /// For good. The reason is there until it is reported.
    Over(Option<ProviderError>),
}

impl Session {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        let now = Instant::now();
        Self {
            plan,
            link: Link::Resting(now),
            tries: 0,
            tape: Tape::default(),
            transcript: Transcript::default(),
            born: now,
            timer: None,
            waiting_since: None,
        }
    }

    /// Goes one step on. Ready means that there may be another.
    fn step(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        match &mut self.link {
            Link::Resting(until) => {
                if now < *until {
                    return Poll::Pending;
                }
                self.link = Link::Dialing { dialing: self.plan.dialer.dial(), deadline: now + STEP };
            }
            Link::Dialing { dialing, deadline } => match dialing.as_mut().poll(cx) {
                Poll::Ready(Ok(socket)) => {
                    self.link = Link::Greeting { socket: Box::new(socket), deadline: now + STEP };
                }
                Poll::Ready(Err(error)) => self.lose(error, now),
                Poll::Pending if now < *deadline => return Poll::Pending,
                Poll::Pending => self.lose(silent("did not accept a connection"), now),
            },
            Link::Greeting { socket, deadline } | Link::Configuring { socket, deadline } => {
                let event = match (wire::poll_event(socket, cx), socket.poll_flush(cx)) {
                    (Poll::Ready(Ok(event)), _) => event,
                    (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => {
                        self.lose(error, now);
                        return Poll::Ready(());
                    }
                    (Poll::Pending, _) if now < *deadline => return Poll::Pending,
                    (Poll::Pending, _) => {
                        self.lose(silent("did not open a session"), now);
                        return Poll::Ready(());
                    }
                };
                self.prepare(event, now);
            }
            Link::Live { .. } => return self.exchange(cx, now),
            Link::Over(_) => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// An event on the way to a live session.
    ///
    /// Greeting → (created) → Configuring → (updated) → Live; an error there is about our settings → Over.
    fn prepare(&mut self, event: Event, now: Instant) {
        if let Event::Error(error) = event {
            return self.lose(error, now);
        }
        self.link = match (std::mem::replace(&mut self.link, Link::Over(None)), event) {
            (Link::Greeting { mut socket, .. }, Event::Created) => match socket.send(self.plan.update.clone()) {
                Ok(()) => Link::Configuring { socket, deadline: now + STEP },
                Err(error) => return self.lose(error, now),
            },
            (Link::Configuring { socket, .. }, Event::Updated { format }) => {
                if let Some(format) = format.filter(|format| format != FORMAT) {
                    let format = failure::shown(&format);
                    tracing::warn!(format, "the speech provider takes another audio format than it was told");
                }
                tracing::debug!(tries = self.tries, waiting_bytes = self.tape.waiting(), "the speech session is live");
                let from = self.tape.rewind();
                self.transcript.socket_back(from, self.local(now));
                Link::Live { socket, since: now, flush_at: None }
            }
            // Anything else has no meaning yet.
            (link, _) => link,
        };
    }

    /// Reads events and sends audio.
    fn exchange(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let Link::Live { socket, flush_at, .. } = &mut self.link else { return Poll::Pending };
        let sent = match wire::poll_event(socket, cx) {
            Poll::Ready(Ok(event)) => {
                self.take(event, now);
                return Poll::Ready(());
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => {
                let sent = send(socket, &mut self.tape, flush_at, cx, now);
                if self.tape.waiting() < APPEND
                    && let Some(since) = self.waiting_since.take()
                {
                    self.plan.metrics.frame_to_stt(now.duration_since(since));
                }
                sent
            }
        };
        match sent {
            Ok(()) => Poll::Pending,
            Err(error) => {
                self.lose(error, now);
                Poll::Ready(())
            }
        }
    }

    /// An event of a live session.
    fn take(&mut self, event: Event, now: Instant) {
        let now = self.local(now);
        match event {
            Event::SpeechStarted { item, at_ms } => {
                let from = self.tape.position(at_ms);
                let began_at = self.tape.time_at(from + tape::bytes(PREFIX));
                self.transcript.speech_started(item, from, began_at, now);
            }
            Event::SpeechStopped { item, at_ms } => {
                self.transcript.speech_stopped(&item, self.tape.position(at_ms), now);
            }
            Event::Committed { item } => self.transcript.committed(&item, now),
            Event::Completed { item, transcript } => {
                self.transcript.completed(item, &transcript, self.tape.heard_at(), now);
            }
            Event::Failed { item, error } => {
                tracing::warn!(code = error.code, "the speech provider could not transcribe: {}", error.message);
                self.transcript.failed(item);
            }
            // Most leave the session open; where it does not stay open, the end of the socket says so.
            Event::Error(error) => {
                tracing::warn!(code = error.code, "the speech provider reports an error: {}", error.message);
            }
            Event::Created | Event::Updated { .. } | Event::Other => {}
        }
    }

    /// The socket is gone, or could not be had. Tries again, unless that cannot help.
    fn lose(&mut self, cause: ProviderError, now: Instant) {
        if matches!(self.link, Link::Live { since, .. } if now.duration_since(since) >= GOOD) {
            self.tries = 0;
        }
        let wait = RETRIES.get(self.tries).filter(|_| cause.class != ErrorClass::Refused);
        let Some(wait) = wait else {
            self.transcript.abandon();
            self.tape = Tape::default();
            self.link = Link::Over(Some(cause));
            return;
        };
        let code = cause.code.as_deref();
        let wait_ms = whole_millis(*wait);
        tracing::warn!(tries = self.tries, wait_ms, code, "connecting to speech again: {}", cause.message);
        self.tries += 1;
        self.link = Link::Resting(now + *wait);
        for (from, to) in self.transcript.settled() {
            self.tape.hush(from, to);
        }
        self.transcript.socket_lost();
        self.tape.trim(self.transcript.needed_from(), self.transcript.done_to());
        self.tape.rewind();
    }

    /// The nearest time at which something is to be done without a cause from outside.
    fn deadline(&self) -> Option<Instant> {
        let link = match &self.link {
            Link::Resting(until) => Some(*until),
            Link::Dialing { deadline, .. } | Link::Greeting { deadline, .. } | Link::Configuring { deadline, .. } => {
                Some(*deadline)
            }
            Link::Live { flush_at, .. } => *flush_at,
            Link::Over(_) => None,
        };
        let transcript = self.transcript.deadline().map(|at| self.born + Duration::from_millis(at.0));
        link.into_iter().chain(transcript).min()
    }

    /// The transcript's time.
    fn local(&self, now: Instant) -> Millis {
        Millis(whole_millis(now.duration_since(self.born)))
    }

    fn kept(&mut self) {
        self.tape.trim(self.transcript.needed_from(), self.transcript.done_to());
    }
}

impl SttSession for Session {
    fn hear(&mut self, ulaw: &[u8], now: Millis) {
        if !matches!(self.link, Link::Over(_)) {
            if matches!(self.link, Link::Live { .. }) && self.tape.waiting() == 0 {
                self.waiting_since = Some(Instant::now());
            }
            self.tape.push(ulaw, now);
            self.kept();
        }
    }

    fn finish(&mut self, now: Millis) {
        if !matches!(self.link, Link::Over(_)) {
            self.tape.push_silence(self.plan.silence + FINISH, now);
            self.kept();
        }
    }

    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        loop {
            if let Some(heard) = self.transcript.next() {
                return Poll::Ready(heard);
            }
            if let Link::Over(reason) = &mut self.link {
                return reason.take().map_or(Poll::Pending, |error| Poll::Ready(Heard::Failed(error)));
            }
            let now = Instant::now();
            if self.step(cx, now).is_ready() {
                continue;
            }
            let local = self.local(now);
            self.transcript.expire(local);
            if let Some(heard) = self.transcript.next() {
                return Poll::Ready(heard);
            }
            let Some(deadline) = self.deadline() else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// Sends what is ready: whole appends, and a lone frame whose time has come.
fn send(
    socket: &mut Socket,
    tape: &mut Tape,
    flush_at: &mut Option<Instant>,
    cx: &mut Context<'_>,
    now: Instant,
) -> Result<(), ProviderError> {
    let mut buffer = [0; APPEND];
    let due = flush_at.take_if(|at| *at <= now).is_some();
    while tape.waiting() >= APPEND || (tape.waiting() > 0 && due) {
        match socket.poll_ready(cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                // The network says when it goes on, not the timer.
                *flush_at = None;
                return Ok(());
            }
        }
        let count = tape.send(&mut buffer);
        wire::send_audio(socket, &buffer[..count])?;
        // When the next frame's time will have come, should it stay alone: set now, the timer is only ever moved on,
        // which costs nothing, and does not go off in vain after each pair.
        *flush_at = Some(now + FRAME + FLUSH);
    }
    if tape.waiting() > 0 {
        flush_at.get_or_insert(now + FLUSH);
    }
    match socket.poll_flush(cx) {
        Poll::Ready(flushed) => flushed,
        Poll::Pending => Ok(()),
    }
}

fn silent(what: &str) -> ProviderError {
    failure::ours(ErrorClass::Unknown, &format!("the speech provider {what} within {} s", STEP.as_secs()))
}
