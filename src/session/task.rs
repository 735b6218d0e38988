//! The task of one session: feeds the machine, and carries out what it asks for.

mod news;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::mail::Letter;
use super::shared::Shared;
use super::{Delivered, Look};
use crate::clock::wall::Alarm;
use crate::clock::whole_millis;
use crate::domain::carrier::CallProgress;
use crate::domain::media::{MediaCommand, MediaEvent};
use crate::domain::outcome::Channel;
use crate::domain::session::{Answer, CarrierNews, Effect, Input, Said, Sense, Session};
use crate::ids::{CarrierCallId, RequestId, SessionId};
use crate::phone_number::PhoneNumber;
use crate::provider::DialOrder;
use crate::store::{Conversation, Line, Speaker};
use news::News;

/// Added to the maximum length for the carrier's own limit, so that ours comes first.
const CARRIER_LIMIT_SLACK: std::time::Duration = std::time::Duration::from_secs(30);

/// Where an answer goes.
pub(super) type AnswerTo = watch::Sender<Option<Delivered>>;

/// What comes into a session's inbox.
#[derive(Debug)]
pub(super) enum Message {
    /// For the machine.
    Input(Input),
    /// From the media of the session's `leg`-th call.
    Media { leg: u64, event: MediaEvent },
    /// For the machine, with somebody who waits for the answer.
    Request { request: RequestId, input: Input, answer: AnswerTo },
    /// The carrier asks what to do with a call: connect its media?
    Fetch { call: CarrierCallId, answer: oneshot::Sender<Option<String>> },
    /// Somebody wants to know how it stands.
    Look { answer: oneshot::Sender<Look> },
}

/// A session that is to run.
pub(super) struct Begun {
    pub(super) id: SessionId,
    pub(super) session: Session,
    /// The request that began it; without one the person did.
    pub(super) first: Option<(RequestId, AnswerTo)>,
}

/// One session's task.
pub(super) struct Task {
    id: SessionId,
    shared: Arc<Shared>,
    session: Session,
    inbox: mpsc::Receiver<Message>,
    /// Where the media's events come in. Weak, so that a session's own media does not keep its inbox open for ever.
    events: mpsc::WeakSender<Message>,
    /// The media of the present call, once something is to be said in it.
    media: Option<mpsc::Sender<MediaCommand>>,
    /// Counts the calls of the session.
    leg: u64,
    answers: HashMap<RequestId, AnswerTo>,
    /// The person began it: no agent knows its name.
    by_person: bool,
    /// The person's phone line is taken for it.
    on_phone: bool,
    /// As the manager knows it.
    writes: bool,
    /// Provider calls in flight; aborted with the task.
    work: JoinSet<Option<Input>>,
    alarm: Alarm,
    lines: Vec<Line>,
    finished: bool,
    /// What was kept last; most of what wakes a task changes nothing of it.
    kept: Option<News>,
    /// Shown to whoever must hang up should this task die.
    known_call: Option<CarrierCallId>,
}

impl Task {
    /// A task for a session that is to begin; `earlier` is what the person wrote while there was none.
    pub(super) fn new(
        begun: Begun,
        shared: Arc<Shared>,
        inbox: mpsc::Receiver<Message>,
        events: mpsc::WeakSender<Message>,
        earlier: Vec<Said>,
    ) -> Self {
        let Begun { id, mut session, first } = begun;
        if !earlier.is_empty() {
            session.handle(Input::Earlier(earlier), shared.config.clock.now());
        }
        Self {
            id,
            shared,
            on_phone: session.is_on_phone(),
            writes: session.channel() != Channel::Voice,
            session,
            inbox,
            events,
            media: None,
            leg: 0,
            by_person: first.is_none(),
            answers: first.into_iter().collect(),
            work: JoinSet::new(),
            alarm: Alarm::default(),
            lines: Vec::new(),
            finished: false,
            kept: None,
            known_call: None,
        }
    }

    /// Runs until the session is over.
    pub(super) async fn run(mut self) {
        self.carry_out();
        self.keep().await;
        while !self.finished {
            self.alarm.set(self.session.next_deadline(), &*self.shared.config.clock);
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => self.take(message),
                    // The manager is gone, and with it everybody who could ask.
                    None => return,
                },
                Some(done) = self.work.join_next() => match done {
                    Ok(Some(input)) => self.feed(input),
                    Ok(None) => {}
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
                () = self.alarm.ring() => {
                    self.session.handle_timeout(self.shared.config.clock.now());
                    self.carry_out();
                }
            }
            self.keep().await;
        }
        self.take_leave().await;
        self.close();
    }

    /// What came in while the session was ending still gets its answer: whoever sent it was told that the session runs.
    async fn take_leave(&mut self) {
        self.inbox.close();
        let mut more = false;
        while let Ok(message) = self.inbox.try_recv() {
            self.take(message);
            more = true;
        }
        if more {
            self.keep().await;
        }
        if self.by_person {
            for said in self.session.uncollected() {
                self.shared.line(|line, _| line.hold(said));
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            // It was this session's turn, and since then it has given the floor back.
            Message::Input(Input::Floor) if !self.shared.line(|line, _| line.has_floor(&self.id)) => {}
            Message::Input(input) => self.feed(input),
            Message::Media { leg, event } if leg == self.leg && self.media.is_some() => {
                self.feed(Input::Media(event));
            }
            // What an earlier call had still to say.
            Message::Media { .. } => {}
            Message::Request { request, input, answer } => {
                self.answers.insert(request, answer);
                self.feed(input);
            }
            Message::Fetch { call, answer } => {
                self.feed(Input::Carrier { call: call.clone(), news: CarrierNews::Answered });
                let wanted = self.session.wants_media(&call);
                let token = wanted.then(|| self.shared.config.media.mint(&self.id, &call)).flatten();
                let _ = answer.send(token);
            }
            Message::Look { answer } => {
                let _ = answer.send(self.look());
            }
        }
    }

    fn feed(&mut self, input: Input) {
        // The line was taken for it before it came.
        self.on_phone |= matches!(
            input,
            Input::Wrote { sense: Sense::CallMe { .. }, .. } | Input::WroteBefore { sense: Sense::CallMe { .. }, .. }
        );
        self.session.handle(input, self.shared.config.clock.now());
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            match effect {
                Effect::Dial => self.dial(),
                Effect::FindCall { since } => {
                    let (id, to) = (self.id.clone(), self.number());
                    self.work(async move |shared| {
                        let placed = shared.config.carrier.placed_since(&to, since).await;
                        Some(Input::Found(placed.map(|calls| shared.not_of_others(&id, calls))))
                    });
                }
                Effect::HangUp { call } => self
                    .work(async move |shared| Some(Input::HangUpAnswered(shared.config.carrier.hang_up(&call).await))),
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
                Effect::Post { post, form, text, again } => {
                    let id = self.id.clone();
                    self.work(async move |shared| {
                        let result = shared.post(&id, Letter { post, form, text, again }).await;
                        if result.is_ok() {
                            shared.owe_privacy_notice(&id);
                        } else {
                            shared.line(|line, _| line.tried(&id));
                        }
                        shared.keep_line().await;
                        Some(Input::Posted { post, result })
                    });
                }
                Effect::Inspect { message } => self.work(async move |shared| {
                    let receipt = shared.inspect(&message).await?;
                    Some(Input::Receipt { message: receipt.message, delivery: receipt.delivery })
                }),
                Effect::WindowCloses => {
                    tracing::warn!(call.id = %self.id, "the window of {} closes within the hour", self.id);
                }
                Effect::Answer { request, answer } => self.answer(request, answer),
                Effect::Said { by_person, text, at, channel } => {
                    let speaker = if by_person { Speaker::Person } else { Speaker::Agent };
                    self.lines.push(Line { speaker, text, at, channel });
                }
                Effect::Finished => self.finished = true,
            }
        }
        self.note();
    }

    /// Tells the manager what it must know: which call is the session's, when the person's phone is free, and whether what is
    /// said is written.
    fn note(&mut self) {
        let writes = self.session.channel() != Channel::Voice;
        if self.writes != writes {
            self.writes = writes;
            self.shared.writes(&self.id, writes);
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

    /// Does something that takes its time, aborted with the task.
    fn work<F>(&mut self, work: impl FnOnce(Arc<Shared>) -> F)
    where
        F: Future<Output = Option<Input>> + Send + 'static,
    {
        self.work.spawn(work(Arc::clone(&self.shared)));
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        let Some(to) = self.answers.remove(&request) else { return };
        let channel = self.session.channel();
        let written = channel != Channel::Voice;
        let contact = written.then(|| self.shared.line(|line, now| line.contact(now)));
        let at = self.shared.config.clock.now();
        to.send_replace(Some(Delivered { answer: Arc::new(answer), at, channel, contact }));
    }

    fn dial(&mut self) {
        let config = &self.shared.config;
        let order = DialOrder {
            session: self.id.clone(),
            to: self.number(),
            ring: config.limits.ring,
            longest: config.limits.longest + CARRIER_LIMIT_SLACK,
        };
        self.work(async move |shared| Some(Input::Dialed(shared.config.carrier.dial(order).await)));
    }

    fn number(&self) -> PhoneNumber {
        self.shared.config.directory.number_of(&self.id).expect("a running session is in the directory")
    }

    /// A media task that cannot keep up with a handful of commands is broken, and so is the call.
    fn media(&mut self, command: MediaCommand) {
        let (id, shared, leg, events) = (&self.id, &self.shared, &mut self.leg, &self.events);
        let media = self.media.get_or_insert_with(|| {
            *leg += 1;
            shared.config.media.open(id, events_into(events.clone(), *leg))
        });
        if let Err(error) = media.try_send(command) {
            tracing::error!(call.id = %self.id, "the media of {} takes no command: {error}", self.id);
        }
    }

    /// Keeps what has been said and has happened where a crash and a question find it.
    async fn keep(&mut self) {
        let news = News::of(self);
        if self.kept.as_ref() == Some(&news) {
            return;
        }
        self.kept = Some(news);
        let conversation = self.conversation();
        if let Err(error) = self.shared.config.store.put(conversation).await {
            tracing::error!(call.id = %self.id, %error, "the history of {} could not be kept", self.id);
        }
    }

    fn look(&self) -> Look {
        Look { conversation: self.conversation(), phase: self.session.phase(), waiting: self.session.is_waiting() }
    }

    fn conversation(&self) -> Conversation {
        let now = self.shared.config.clock.now();
        Conversation {
            id: self.id.clone(),
            channel: self.session.channel(),
            conversation: self
                .session
                .has_written()
                .then(|| self.shared.line(|line, _| line.conversation().cloned()))
                .flatten(),
            lines: self.lines.clone(),
            created_at: self.session.began_at(),
            ended_at: self.finished.then_some(now),
            duration_seconds: self.session.talked(now).as_secs(),
            outcome: self.session.outcome().clone(),
            uncollected: self.session.uncollected().into_iter().map(line).collect(),
        }
    }

    /// The one line a call leaves in the log.
    fn close(&self) {
        let now = self.shared.config.clock.now();
        let outcome = self.session.outcome();
        let (dial, ended_by) =
            (outcome.dial.as_str(), outcome.ended_by.map_or("nobody", crate::domain::outcome::EndedBy::as_str));
        self.shared.config.metrics.call_ended(dial, ended_by);
        let talk_ms = whole_millis(self.session.talked(now));
        let lines = self.lines.len();
        tracing::info!(call.id = %self.id, dial, ended_by, talk_ms, lines, "call {} ended: {dial}, by {ended_by}", self.id);
    }
}

fn events_into(inbox: mpsc::WeakSender<Message>, leg: u64) -> Box<dyn Fn(MediaEvent) -> bool + Send + Sync> {
    Box::new(move |event| inbox.upgrade().is_some_and(|inbox| inbox.try_send(Message::Media { leg, event }).is_ok()))
}

fn line(said: Said) -> Line {
    Line { speaker: Speaker::Person, text: said.text.0, at: said.at, channel: said.channel }
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
