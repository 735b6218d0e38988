//! Carrying out what the session's machine asks for.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::keeping::is_binding;
use super::{Message, Task};
use crate::clock::Millis;
use crate::domain::carrier::{CallProgress, ErrorClass, ProviderError};
use crate::domain::media::{MediaCommand, MediaEvent, Told};
use crate::domain::outcome::Channel;
use crate::domain::session::{Effect, Input};
use crate::ids::{CarrierCallId, SessionId};
use crate::phone_number::PhoneNumber;
use crate::privacy::redact;
use crate::provider::{DialOrder, LostDial};
use crate::session::mail::Letter;
use crate::session::shared::Shared;
use crate::store::{Line, Speaker};

/// Added to the maximum length for the carrier's own limit, so that ours comes first.
const CARRIER_LIMIT_SLACK: std::time::Duration = std::time::Duration::from_secs(30);

impl Task {
    /// Does all that the machine asks for, after what led to it is kept where it cannot be undone. A store that is out of
    /// order keeps nobody waiting.
    pub(super) async fn carry_out(&mut self) {
        loop {
            let effects: Vec<Effect> = std::iter::from_fn(|| self.session.poll_effect()).collect();
            if effects.is_empty() {
                break;
            }
            for effect in &effects {
                self.note_effect(effect);
            }
            if effects.iter().any(is_binding) {
                let begun = self.keeping.take();
                let kept = self.keep();
                if let Some(begun) = begun {
                    begun.await;
                }
                kept.await;
            }
            for effect in effects {
                self.carry_out_one(effect);
            }
        }
        self.tell_manager();
        self.settle_connecting();
    }

    /// Takes down what is to be kept of an effect before it is carried out.
    fn note_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Answer { request, answer } => {
                self.meter.answers(*request, answer, self.session.channel());
                self.note_answer(*request, answer);
            }
            Effect::Said { by_person, text, at, channel } => {
                let speaker = if *by_person { Speaker::Person } else { Speaker::Agent };
                if self.shared.config.log_messages {
                    self.log_message(if *by_person { "person" } else { "agent" }, text, *channel);
                }
                self.lines.push(Line { speaker, text: text.clone(), at: *at, channel: *channel });
            }
            Effect::Finished => {
                self.finished = true;
                self.ended_at = Some(self.shared.config.clock.now());
                self.left_over = self.session.uncollected();
            }
            _ => {}
        }
    }

    /// One line for what somebody said. Its text is escaped, so that no word makes a line of its own.
    fn log_message(&self, speaker: &str, text: &str, channel: Channel) {
        let (id, channel, text) = (&self.id, channel.as_str(), redact(text));
        tracing::debug!(call.id = %id, speaker, channel, "the {speaker} in {id}, by {channel}: {text:?}");
    }

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::Dial => self.dial(),
            Effect::FindCall { since } => {
                let dial = LostDial { session: self.id.clone(), to: self.number(), decided_at: since };
                self.work(async move |shared| {
                    let placed = shared.config.carrier.find(&dial).await;
                    Some(Input::Found(placed.map(|calls| shared.not_of_others(&dial.session, calls))))
                });
            }
            Effect::HangUp { call } if self.session.live_call() == Some(&call) => self.work(async move |shared| {
                let result = shared.config.carrier.hang_up(&call).await;
                Some(Input::HangUpAnswered { call, result })
            }),
            // Not the call that this session is about: nobody will ever talk in it, and it may outlive the session.
            Effect::HangUp { call } => self.shared.send_off(self.id.clone(), call),
            Effect::Media(command) => self.media(command),
            Effect::CloseMedia => self.media = None,
            Effect::Claim => {
                let granted = self.shared.line(|line, _| line.claim_floor(&self.id));
                let answer = if granted { Input::Floor } else { Input::FloorTaken };
                self.session.handle(answer, self.shared.config.clock.now());
            }
            Effect::Yield => {
                let next = self.shared.line(|line, _| line.yield_floor(&self.id));
                self.shared.grant_floor(next);
            }
            Effect::Post { post, form, text, again, instead_of } => {
                let id = self.id.clone();
                self.work(async move |shared| {
                    let result = shared.post(&id, Letter { post, form, text, again, instead_of }).await;
                    if result.is_err() {
                        shared.line(|line, _| line.tried(&id));
                    }
                    Some(Input::Posted { post, result })
                });
            }
            Effect::Inspect { message, channel } => self.work(async move |shared| {
                let receipt = shared.inspect(&message, channel).await?;
                Some(Input::Receipt { message: receipt.message, delivery: receipt.delivery })
            }),
            Effect::WindowCloses => {
                tracing::warn!(call.id = %self.id, "the window of {} closes within the hour", self.id);
            }
            Effect::Answer { request, .. } => self.give(request),
            // Taken down before.
            Effect::Said { .. } | Effect::Finished => {}
        }
    }

    /// Gives the answer that was noted for this request.
    fn give(&mut self, request: crate::ids::RequestId) {
        let Some(at) = self.given.iter().position(|(given, _)| *given == request) else { return };
        let (_, delivered) = self.given.remove(at);
        if let Some(to) = self.answers.remove(&request) {
            to.send_replace(Some(delivered));
        }
    }

    /// Tells the manager what it must know: which call is the session's, when the person's phone is free, and the channel that
    /// it is on.
    fn tell_manager(&mut self) {
        self.meter.stands(&self.session, self.open_window(), self.shared.config.clock.now());
        let channel = self.session.channel();
        if self.channel != channel {
            self.channel = channel;
            self.shared.is_on(&self.id, channel);
        }
        if self.known_call.as_ref() != self.session.live_call() {
            self.known_call = self.session.live_call().cloned();
            self.shared.names(&self.id, self.known_call.clone());
        }
        if self.on_phone && !self.session.is_on_phone() {
            self.on_phone = false;
            self.shared.line(|line, _| line.release(&self.id));
        }
    }

    /// When the window closes in which the answer to an open question can be followed up.
    pub(super) fn open_window(&self) -> Option<Millis> {
        let awaits = self.session.has_open_question() && self.session.channel() == Channel::WhatsApp;
        awaits.then(|| self.shared.read_line(|line, _| line.window_until())).flatten()
    }

    /// Does something that takes its time, aborted with the task.
    pub(super) fn work<F>(&mut self, work: impl FnOnce(Arc<Shared>) -> F)
    where
        F: Future<Output = Option<Input>> + Send + 'static,
    {
        let work = work(Arc::clone(&self.shared));
        self.work.spawn(async { work.await.map(Message::of) });
    }

    fn dial(&mut self) {
        self.meter.dials();
        let config = &self.shared.config;
        let order = DialOrder {
            session: self.id.clone(),
            decided_at: self.session.dialed_at(),
            to: self.number(),
            ring: config.limits.ring,
            longest: config.limits.longest + CARRIER_LIMIT_SLACK,
        };
        let id = self.id.clone();
        self.work(async move |shared| {
            let dialed = shared.config.carrier.dial(order).await;
            if let Err(error) = &dialed {
                tracing::warn!(call.id = %id, class = ?error.class, code = error.code, "the dial of {id} failed: {error}");
            }
            Some(Input::Dialed(dialed))
        });
    }

    fn number(&self) -> PhoneNumber {
        self.shared.config.directory.number_of(&self.id).expect("a running session is in the directory")
    }

    /// A media task that cannot keep up with a handful of commands is broken, and so is the call.
    pub(super) fn media(&mut self, command: MediaCommand) {
        let (id, shared, leg, events) = (&self.id, &self.shared, &mut self.leg, &self.events);
        let media = self.media.get_or_insert_with(|| {
            *leg += 1;
            shared.config.media.open(id, events_into(events.clone(), *leg))
        });
        if let Err(error) = media.try_send(command) {
            tracing::error!(call.id = %self.id, "the media of {} takes no command: {error}", self.id);
            // Nobody is to wait for what it would have said.
            let broken = ProviderError::ours(ErrorClass::Unknown, "the media of the call takes no command");
            let told = Message::Media { leg: self.leg, event: MediaEvent::HearingFailed(broken) };
            self.work.spawn(async { Some(told) });
        }
    }
}

fn events_into(inbox: mpsc::WeakSender<Message>, leg: u64) -> Box<dyn Fn(MediaEvent) -> Told + Send + Sync> {
    Box::new(move |event| {
        let Some(inbox) = inbox.upgrade() else { return Told::Nobody };
        match inbox.try_reserve() {
            Ok(room) => {
                room.send(Message::Media { leg, event });
                Told::Taken
            }
            Err(TrySendError::Full(())) => Told::Later(event),
            Err(TrySendError::Closed(())) => Told::Nobody,
        }
    })
}

impl Shared {
    /// The newest of these calls that belongs, and belonged, to no other session.
    fn not_of_others(
        &self,
        id: &SessionId,
        calls: Vec<(CarrierCallId, CallProgress)>,
    ) -> Option<(CarrierCallId, CallProgress)> {
        calls.into_iter().find(|(call, _)| !self.is_of_another(id, call))
    }
}
