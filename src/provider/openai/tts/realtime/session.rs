//! One call's speaking session: a machine that the call's task polls, over as many sockets as it takes.
//!
//! Cold → Dialing → Greeting (until `session.created`) → Configuring (until `session.updated`) → Live. A lost socket leads
//! back to Cold, or, where nobody waits, to a new one at once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;
use tokio::time::{Instant, Sleep, sleep_until};

use super::event::Event;
use super::jobs::{Jobs, silent};
use super::responses::{News, Step, Tag};
use super::{Plan, words};
use crate::provider::openai::socket::{Dialing, Socket};
use crate::provider::{ErrorClass, ProviderError};

/// The format that we play, as the server names it.
pub(super) const FORMAT: &str = "audio/pcmu";

/// How long each step on the way to a live session may take.
const STEP: Duration = Duration::from_secs(10);

/// A session ends after 60 minutes; this is when, in a pause, the next one is opened.
const ROTATE: Duration = Duration::from_mins(50);

/// A session that was live for so long was a good one: lost in a pause, the next is opened at once.
const GOOD: Duration = Duration::from_secs(10);

pub(super) struct Session {
    plan: Arc<Plan>,
    link: Link,
    jobs: Jobs,
    /// Events that wait for the socket.
    outbox: VecDeque<String>,
    /// The one timer, set to the nearest deadline of whoever polled last.
    timer: Option<Pin<Box<Sleep>>>,
    idle: Option<Waker>,
}

/// How the provider is reached at the moment.
enum Link {
    /// Not at all.
    Cold,
    Dialing {
        dialing: Dialing,
        deadline: Instant,
    },
    /// Open, but the provider has not said that there is a session.
    Greeting {
        socket: Box<Socket>,
        deadline: Instant,
    },
    /// Our settings were sent and not acknowledged. What it says now could be in any format.
    Configuring {
        socket: Box<Socket>,
        deadline: Instant,
    },
    Live {
        socket: Box<Socket>,
        since: Instant,
    },
}

/// What a text needs.
impl Session {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        Self { plan, link: Link::Cold, jobs: Jobs::default(), outbox: VecDeque::new(), timer: None, idle: None }
    }

    /// To be kept out of what the provider says.
    pub(super) fn key(&self) -> &SecretString {
        &self.plan.key
    }

    /// A text to be said, under the number that is given back.
    pub(super) fn begin(&mut self, text: &str) -> u64 {
        self.jobs.begin(text)
    }

    /// A text is not to be said any more.
    pub(super) fn forget(&mut self, id: u64) {
        if let Some((tag, name)) = self.jobs.forget(id) {
            self.call_off(tag, &name);
        }
        // Whoever is still polled takes its place, and sends what is to be sent.
        self.wake();
    }

    /// The next sound of a text. An error is the last item.
    pub(super) fn poll_sound(&mut self, id: u64, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ProviderError>>> {
        if !self.jobs.want(id) {
            return Poll::Ready(None);
        }
        loop {
            match self.jobs.take(id) {
                Some(Step::Sound(ulaw)) => return Poll::Ready(Some(Ok(ulaw))),
                Some(Step::Over(transcript)) => {
                    if let Some(transcript) = transcript {
                        self.plan.compare(self.jobs.text(id), &transcript);
                    }
                    self.forget(id);
                    return Poll::Ready(None);
                }
                Some(Step::Failed(error)) => {
                    self.forget(id);
                    return Poll::Ready(Some(Err(error)));
                }
                None => {}
            }
            let now = Instant::now();
            if self.step(cx, now).is_ready() {
                continue;
            }
            let deadline = self.jobs.patience(id, now);
            if deadline.is_some_and(|at| at <= now) {
                if let Some(error) = self.jobs.give_up(id) {
                    self.lose(error, now);
                }
                continue;
            }
            if self.sleeps_until(deadline, cx) {
                self.jobs.wait(id, cx.waker().clone());
                return Poll::Pending;
            }
        }
    }

    /// Sends what is to be sent. While nobody speaks, also reads what comes, and sees to the next session.
    pub(super) fn poll_idle(&mut self, cx: &mut Context<'_>) {
        self.idle = Some(cx.waker().clone());
        loop {
            let now = Instant::now();
            if self.jobs.is_read() {
                // They read what comes, as fast as they can use it.
                if let Err(error) = self.write(cx) {
                    self.lose(error, now);
                }
                return;
            }
            if matches!(self.link, Link::Cold) {
                return;
            }
            if self.step(cx, now).is_pending() && self.sleeps_until(None, cx) {
                return;
            }
        }
    }

    fn call_off(&mut self, tag: Tag, name: &str) {
        let event = json!({"type": "response.cancel", "event_id": tag.calling_off(), "response_id": name});
        self.outbox.push_back(event.to_string());
    }

    fn wake(&mut self) {
        self.jobs.take_wakers().chain(self.idle.take()).for_each(Waker::wake);
    }
}

/// What a socket needs.
impl Session {
    /// Goes one step on. Ready means that there may be another.
    fn step(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        match &mut self.link {
            Link::Cold => self.dial(now),
            Link::Dialing { dialing, deadline } => match dialing.as_mut().poll(cx) {
                Poll::Ready(Ok(socket)) => {
                    self.link = Link::Greeting { socket: Box::new(socket), deadline: now + STEP };
                }
                Poll::Ready(Err(error)) => self.lose(error, now),
                Poll::Pending if now < *deadline => return Poll::Pending,
                Poll::Pending => self.lose(silent("did not accept a connection", STEP), now),
            },
            Link::Greeting { socket, deadline } | Link::Configuring { socket, deadline } => {
                match (socket.poll_text(cx), socket.poll_flush(cx)) {
                    (Poll::Ready(Ok(text)), _) => self.prepare(Event::parse(text.as_str()), now),
                    (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => self.lose(error, now),
                    (Poll::Pending, _) if now < *deadline => return Poll::Pending,
                    (Poll::Pending, _) => self.lose(silent("did not open a session", STEP), now),
                }
            }
            Link::Live { since, .. } if !self.jobs.is_busy() && now.duration_since(*since) >= ROTATE => {
                self.dial(now);
            }
            Link::Live { .. } => return self.exchange(cx, now),
        }
        Poll::Ready(())
    }

    fn dial(&mut self, now: Instant) {
        self.outbox.clear();
        self.link = Link::Dialing { dialing: self.plan.dialer.dial(), deadline: now + STEP };
    }

    /// An event on the way to a live session.
    ///
    /// Greeting → (created) → Configuring → (updated) → Live; an error there is about our settings → Cold.
    fn prepare(&mut self, event: Event<'_>, now: Instant) {
        if let Event::Error { error, .. } = event {
            return self.lose(error, now);
        }
        self.link = match (std::mem::replace(&mut self.link, Link::Cold), event) {
            (Link::Greeting { mut socket, .. }, Event::Created) => match socket.send(self.plan.update.clone()) {
                Ok(()) => Link::Configuring { socket, deadline: now + STEP },
                Err(error) => return self.lose(error, now),
            },
            (Link::Configuring { .. }, Event::Updated { format: Some(format) }) if format != FORMAT => {
                let message = format!("the speech provider makes another format than {FORMAT}");
                return self.lose(ProviderError::ours(ErrorClass::Refused, &message), now);
            }
            (Link::Configuring { socket, .. }, Event::Updated { .. }) => {
                tracing::debug!("the speaking session is live");
                Link::Live { socket, since: now }
            }
            // Anything else has no meaning yet.
            (link, _) => link,
        };
    }

    /// Asks for what is next, and reads an event.
    fn exchange(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if let Some((tag, text)) = self.jobs.next(now) {
            self.outbox.push_back(self.plan.ask(tag, text));
        }
        let written = self.write(cx);
        let Link::Live { socket, .. } = &mut self.link else { return Poll::Ready(()) };
        let text = match (written, socket.poll_text(cx)) {
            (Ok(()), Poll::Pending) => return Poll::Pending,
            (Ok(()), Poll::Ready(Ok(text))) => text,
            (Err(error), _) | (_, Poll::Ready(Err(error))) => {
                self.lose(error, now);
                return Poll::Ready(());
            }
        };
        match self.jobs.read(Event::parse(text.as_str())) {
            News::CallOff(tag, name) => self.call_off(tag, &name),
            // What it says could quote what it was sent.
            News::Trouble(error) => tracing::warn!(code = error.code, "the speech provider reports an error"),
            News::For(_) | News::Nothing => {}
        }
        Poll::Ready(())
    }

    /// Writes what waits, as far as the socket takes it.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), ProviderError> {
        let Link::Live { socket, .. } = &mut self.link else { return Ok(()) };
        while !self.outbox.is_empty() {
            match socket.poll_ready(cx) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(()),
            }
            socket.send(self.outbox.pop_front().unwrap_or_default())?;
        }
        match socket.poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// The socket is gone, or could not be had.
    ///
    /// Live → Cold, and what is in the making fails; with nobody waiting, and after a good session, → Dialing.
    /// Dialing, Greeting, Configuring → Cold, and all who wait hear why.
    fn lose(&mut self, error: ProviderError, now: Instant) {
        tracing::debug!(code = error.code, class = ?error.class, "the speaking session is gone");
        self.outbox.clear();
        match std::mem::replace(&mut self.link, Link::Cold) {
            Link::Live { since, .. } => {
                self.jobs.lose(&error);
                if self.jobs.is_empty() && now.duration_since(since) >= GOOD {
                    self.dial(now);
                }
            }
            Link::Cold | Link::Dialing { .. } | Link::Greeting { .. } | Link::Configuring { .. } => {
                self.jobs.fail(&error);
            }
        }
        self.wake();
    }

    /// Sets the timer to the nearest deadline, of the link and of the caller. `false` when that is over.
    fn sleeps_until(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let link = match &self.link {
            Link::Cold => None,
            Link::Dialing { deadline, .. } | Link::Greeting { deadline, .. } | Link::Configuring { deadline, .. } => {
                Some(*deadline)
            }
            Link::Live { since, .. } => (!self.jobs.is_busy()).then(|| *since + ROTATE),
        };
        let Some(at) = link.into_iter().chain(deadline).min() else { return true };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx).is_pending()
    }
}

impl Plan {
    /// Holds what was spoken against what was to be. A model that talks may reword; the person then heard something else
    /// than the agent believes.
    fn compare(&self, text: &str, transcript: &str) {
        if !words::are_those_of(text, transcript) {
            self.metrics.speech_deviated();
            let (asked, spoken) = (text.chars().count(), transcript.chars().count());
            tracing::warn!(asked, spoken, "the speech provider did not say word for word what it was given");
        }
    }
}
