//! One call's transcription session: a machine that its owner polls, over as many sockets as it takes.
//!
//! Resting → Dialing → Greeting (until `session.created`) → Configuring (until `session.updated`) → Live; a lost socket
//! leads back to Resting, and so does a refused model while there is another; what no retry can mend leads to Over. A session
//! that is about to reach the provider's longest is replaced in a quiet moment. What was heard is kept all the while.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::hearing::Hearing;
use super::wire::{self, Encoder};
use super::{Driver, Plan, Shared};
use crate::audio::vad::Loudness;
use crate::clock::{Millis, whole_millis};
use crate::metrics::Provider;
use crate::provider::openai::event::Event;
use crate::provider::openai::failure;
use crate::provider::openai::presets::Absence;
use crate::provider::{ErrorClass, Heard, ProviderError, SttSession};

mod link;
mod outgoing;
mod pulse;

use link::{Link, replacement};
use outgoing::{APPEND, send};
use pulse::{Beat, Pulse};

/// How long each step on the way to a live session may take.
const STEP: Duration = Duration::from_secs(10);

/// The waits before the tries that follow a loss. A call cannot wait: the first is at once.
const RETRIES: [Duration; 6] = {
    let second = Duration::from_secs;
    [second(0), second(1), second(2), second(4), second(8), second(16)]
};

/// More models than are tried one after the other: others may leave them at the same time, and no call goes round in a
/// circle with them.
const MOST_MOVES: usize = 4;

/// A session that was live for so long was a good one: its loss starts the tries anew.
const GOOD: Duration = Duration::from_secs(10);

/// Silence beyond what the server waits for, so that it is sure to find the end.
const FINISH: Duration = Duration::from_millis(300);

/// How long a session is used: the provider ends it after 60 minutes, ...
const LIFETIME: Duration = Duration::from_mins(50);

/// ... or when it says so; so much earlier it is replaced.
const MARGIN: Duration = Duration::from_mins(6);

pub(super) struct Session {
    shared: Arc<Shared>,
    /// Which of the presets is used here.
    place: usize,
    link: Link,
    /// Tries since the last good session.
    tries: usize,
    /// Models that were left since then.
    moves: usize,
    /// A session worked since the last refusal for an unknown reason: the next one is worth another try.
    forgives: bool,
    hearing: Hearing,
    encoder: Encoder,
    /// The hearing's times count from here: no clock of the wall is needed for its deadlines.
    born: Instant,
    /// The one timer, set to the nearest deadline.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the oldest audio that waits for a live socket came.
    waiting_since: Option<Instant>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        let place = shared.presets.current();
        let plan = shared.presets.at(place).driver.plan();
        Self {
            hearing: Hearing::new(plan.turns),
            encoder: Encoder::new(plan.audio),
            place,
            link: Link::Resting(now),
            tries: 0,
            moves: 0,
            forgives: false,
            shared,
            born: now,
            timer: None,
            waiting_since: None,
        }
    }

    fn driver(&self) -> &Driver {
        &self.shared.presets.at(self.place).driver
    }

    fn plan(&self) -> &Plan {
        self.driver().plan()
    }

    /// Goes one step on. Ready means that there may be another.
    fn step(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        match &mut self.link {
            Link::Resting(until) => {
                if now < *until {
                    return Poll::Pending;
                }
                self.link = Link::Dialing { dialing: self.driver().dialer.dial(), deadline: now + STEP };
            }
            Link::Dialing { dialing, deadline } => match dialing.as_mut().poll(cx) {
                Poll::Ready(Ok(socket)) => {
                    self.link = Link::Greeting { socket: Box::new(socket), deadline: now + STEP };
                }
                Poll::Ready(Err(error)) => self.lose(error, now),
                Poll::Pending if now < *deadline => return Poll::Pending,
                Poll::Pending => self.lose(silent("did not accept a connection"), now),
            },
            Link::Greeting { socket, deadline } | Link::Configuring { socket, deadline, .. } => {
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
    /// Greeting → (created) → Configuring → (updated) → Live; an error there is about our settings → Over, or another model.
    fn prepare(&mut self, event: Event, now: Instant) {
        if let Event::Error { error, .. } = event {
            let turns = failure::refuses_turns(&error) && self.refuse_turns();
            return if turns { self.start_anew(now) } else { self.lose(error, now) };
        }
        self.link = match (std::mem::replace(&mut self.link, Link::Over(None)), event) {
            (Link::Greeting { mut socket, .. }, Event::Created { ends }) => {
                // Another call may have found out meanwhile what this model does not do.
                self.agree(now);
                let replace_at = now + self.lifetime(ends);
                match socket.send(self.plan().update.clone()) {
                    Ok(()) => Link::Configuring { socket, deadline: now + STEP, replace_at },
                    Err(error) => return self.lose(error, now),
                }
            }
            (Link::Configuring { socket, replace_at, .. }, Event::Updated { format }) => {
                let plan = self.plan();
                if let Some(format) = format.filter(|format| format != plan.audio.name()) {
                    let format = failure::shown(&format);
                    tracing::warn!(format, "the speech provider takes another audio format than it was told");
                }
                let waiting_bytes = self.hearing.waiting();
                tracing::debug!(tries = self.tries, waiting_bytes, "the speech session is live");
                self.encoder = Encoder::new(self.plan().audio);
                self.hearing.socket_back(self.local(now));
                self.forgives = true;
                Link::Live { socket, since: now, replace_at, pulse: Pulse::new(now), flush_at: None }
            }
            // Anything else has no meaning yet.
            (link, _) => link,
        };
    }

    /// How long a session that begins now is used, where the provider ends it at `ends`, in seconds since 1970. A time that
    /// no clock of ours can have meant counts as none.
    fn lifetime(&self, ends: Option<u64>) -> Duration {
        let left = ends.map(|ends| Millis(ends.saturating_mul(1_000)).since(self.hearing.heard_at()));
        let sane = 2 * MARGIN..=LIFETIME + 2 * MARGIN;
        left.filter(|left| sane.contains(left)).map_or(LIFETIME, |left| LIFETIME.min(left.saturating_sub(MARGIN)))
    }

    /// Reads events and sends audio.
    fn exchange(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let local = self.local(now);
        let Link::Live { socket, flush_at, replace_at, pulse, .. } = &mut self.link else { return Poll::Pending };
        if now >= replacement(*replace_at, self.hearing.is_quiet()) {
            tracing::debug!("the speech session is replaced before the provider ends it");
            self.start_anew(now);
            return Poll::Ready(());
        }
        let came = wire::poll_event(socket, cx);
        if socket.take_sign() {
            pulse.felt();
        }
        let sent = match came {
            Poll::Ready(Ok(Event::Error { error, .. } | Event::Failed { error, .. }))
                if failure::is_gone(&error) || failure::is_expired(&error) =>
            {
                Err(error)
            }
            Poll::Ready(Ok(event)) => {
                self.hearing.take(event, local);
                return Poll::Ready(());
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => {
                let asked = match pulse.beat(now) {
                    Beat::Well => Ok(()),
                    Beat::Ask => socket.ping(),
                    Beat::Lost => {
                        Err(ProviderError::ours(ErrorClass::Unknown, "the speech provider gives no sign any more"))
                    }
                };
                let sent =
                    asked.and_then(|()| send(socket, &mut self.hearing, &mut self.encoder, flush_at, cx, (now, local)));
                if self.hearing.waiting() < APPEND
                    && let Some(since) = self.waiting_since.take()
                {
                    self.shared.metrics.frame_to_stt(now.duration_since(since));
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

    /// The socket is gone, or could not be had. Tries again, with another model if this one is gone, unless that cannot help.
    fn lose(&mut self, cause: ProviderError, now: Instant) {
        if matches!(self.link, Link::Live { since, .. } if now.duration_since(since) >= GOOD) {
            (self.tries, self.moves) = (0, 0);
        }
        if failure::is_gone(&cause) && self.leave(&cause) {
            return self.start_anew(now);
        }
        self.shared.metrics.provider_failed(Provider::Stt, cause.class.as_str(), cause.code.as_deref());
        let stands = cause.class == ErrorClass::Refused
            && !(failure::is_unfamiliar(&cause) && std::mem::take(&mut self.forgives));
        let wait = RETRIES.get(self.tries).filter(|_| !stands);
        let Some(wait) = wait else {
            self.hearing.abandon();
            self.link = Link::Over(Some(cause));
            return;
        };
        let code = cause.code.as_deref();
        let wait_ms = whole_millis(*wait);
        tracing::warn!(tries = self.tries, wait_ms, code, "connecting to speech again: {}", cause.message);
        self.tries += 1;
        self.link = Link::Resting(now + *wait);
        self.hearing.socket_lost();
    }

    /// Leaves the model, for the whole process. `false` when there is no other.
    fn leave(&mut self, cause: &ProviderError) -> bool {
        self.moves += 1;
        let presets = &self.shared.presets;
        let goes_on = self.moves <= MOST_MOVES && presets.leave(self.place, Absence::Gone, cause.code.as_deref());
        if goes_on {
            self.place = presets.current();
        }
        goes_on
    }

    /// The model takes no turn detection: for the whole process, we find the turns. `false` when we did already.
    fn refuse_turns(&mut self) -> bool {
        let was_theirs = !self.hearing.minds_us();
        self.driver().refuse_turns();
        was_theirs
    }

    /// Begins again at once, with what was heard and is without words.
    fn start_anew(&mut self, now: Instant) {
        self.hearing.socket_lost();
        self.agree(now);
        self.link = Link::Resting(now);
    }

    /// Finds turns, or leaves them to the server, as the model in use wants it.
    fn agree(&mut self, now: Instant) {
        let turns = self.plan().turns;
        if turns.is_some() != self.hearing.minds_us() {
            self.hearing.find_turns(turns, self.local(now));
        }
    }

    /// The nearest time at which something is to be done without a cause from outside.
    fn deadline(&self) -> Option<Instant> {
        let link = self.link.deadline(self.hearing.is_quiet());
        let transcript = self.hearing.deadline().map(|at| self.born + Duration::from_millis(at.0));
        link.into_iter().chain(transcript).min()
    }

    /// The transcript's time.
    fn local(&self, now: Instant) -> Millis {
        Millis(whole_millis(now.duration_since(self.born)))
    }
}

impl SttSession for Session {
    fn hear(&mut self, ulaw: &[u8], now: Millis) {
        if !matches!(self.link, Link::Over(_)) {
            let arrived = Instant::now();
            let waited = self.hearing.waiting() > 0;
            self.hearing.hear(ulaw, now, self.local(arrived));
            if matches!(self.link, Link::Live { .. }) && !waited && self.hearing.waiting() > 0 {
                self.waiting_since = Some(arrived);
            }
        }
    }

    fn minds_us(&self) -> bool {
        self.hearing.minds_us()
    }

    fn we_play(&mut self, ours: Option<Loudness>) {
        self.hearing.we_play(ours);
    }

    fn finish(&mut self, now: Millis) {
        if !matches!(self.link, Link::Over(_)) {
            let local = self.local(Instant::now());
            self.hearing.finish(self.shared.silence + FINISH, now, local);
        }
    }

    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        loop {
            if let Some(heard) = self.hearing.next() {
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
            if self.hearing.expire(local) {
                tracing::warn!("a turn was left unanswered; the speech session is replaced");
                self.start_anew(now);
                continue;
            }
            if let Some(heard) = self.hearing.next() {
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

fn silent(what: &str) -> ProviderError {
    ProviderError::ours(ErrorClass::Unknown, &format!("the speech provider {what} within {} s", STEP.as_secs()))
}
