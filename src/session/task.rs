//! The task of one session: feeds the machine, keeps what changed, and carries out what the machine asks for.

mod connecting;
mod effects;
mod keeping;
mod meter;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::Span;
use tracing::field::Empty;

use super::burial::words_in;
use super::shared::{Shared, Tables};
use super::{Delivered, Look, RequestName};
use crate::clock::Millis;
use crate::clock::wall::Alarm;
use crate::domain::media::{MediaCommand, MediaEvent, MediaLoss};
use crate::domain::outcome::Channel;
use crate::domain::session::{Answer, Body, CarrierNews, Failure, Input, Phase, Said, Sense, Session};
use crate::ids::{CarrierCallId, EntryId, RequestId, SessionId};
use crate::store::{Line, RequestRecord};
use connecting::{NotTold, Streams};
use keeping::Kept;
use meter::Meter;

/// Where an answer goes.
pub(super) type AnswerTo = watch::Sender<Option<Delivered>>;

/// What comes into a session's inbox.
#[derive(Debug)]
pub(super) enum Message {
    /// For the machine; `entry` is the message of the person's that brought it, kept until this session has kept it.
    Input { input: Input, entry: Option<EntryId> },
    /// From the media of the session's `leg`-th call.
    Media { leg: u64, event: MediaEvent },
    /// For the machine, with somebody who waits for the answer.
    Request { request: RequestId, input: Input, answer: AnswerTo, name: Option<RequestName> },
    /// The carrier asks what to do with a call: connect its media?
    Fetch { call: CarrierCallId, answer: oneshot::Sender<Option<String>> },
    /// The carrier says that a call was answered, and waits for a command.
    Waits { call: CarrierCallId },
    /// The carrier could not connect the call to its media, or does not any more: to the socket with this token, or it does not
    /// say to which.
    NotConnected { call: CarrierCallId, token: Option<String>, loss: MediaLoss },
    /// The carrier did not take the command to connect a call to the socket with this token.
    NotTold { token: String, why: NotTold },
    /// Somebody wants to know how it stands.
    Look { answer: oneshot::Sender<Look> },
    /// The server stops.
    Shutdown,
}

impl Message {
    pub(super) fn of(input: Input) -> Self {
        Self::Input { input, entry: None }
    }
}

/// A session that is to run.
pub(super) struct Begun {
    pub(super) id: SessionId,
    pub(super) session: Session,
    /// The requests that wait for it.
    pub(super) requests: Vec<Waiting>,
    /// The person began it: no agent knows its name.
    pub(super) by_person: bool,
    /// What was said in it before this process.
    pub(super) lines: Vec<Line>,
    /// The message of the person's that began it.
    pub(super) entry: Option<EntryId>,
}

impl Begun {
    /// A session that begins now.
    pub(super) fn anew(id: SessionId, session: Session, first: Option<Waiting>) -> Self {
        let by_person = first.is_none();
        Self { id, session, requests: first.into_iter().collect(), by_person, lines: Vec::new(), entry: None }
    }
}

/// A request that waits for its answer.
pub(super) struct Waiting {
    pub(super) request: RequestId,
    pub(super) answer: AnswerTo,
    /// A name, where a repeat may join it.
    pub(super) named: Named,
}

/// Whether a request has a name, and whether that is kept already.
pub(super) enum Named {
    Not,
    Anew(RequestName),
    Kept(Box<RequestRecord>),
}

/// How a session's task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The session is over.
    Over,
    /// The session goes on with the next process.
    Suspended,
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
    /// The unanswered requests that a repeat may join.
    requests: HashMap<RequestId, RequestRecord>,
    /// Answers that are given as soon as they are kept.
    given: Vec<(RequestId, Delivered)>,
    /// The person began it: no agent knows its name.
    by_person: bool,
    /// The person's phone line is taken for it.
    on_phone: bool,
    /// As the manager knows it.
    channel: Channel,
    /// Provider calls in flight; aborted with the task.
    work: JoinSet<Option<Message>>,
    alarm: Alarm,
    lines: Vec<Line>,
    finished: bool,
    ended_at: Option<Millis>,
    /// The server stops, and the session goes on with the next process as soon as its call is hung up.
    stopping: bool,
    /// What nobody has collected of a session that no agent knows.
    left_over: Vec<Said>,
    kept: Kept,
    /// The first keeping, under way.
    keeping: Option<BoxFuture<'static, bool>>,
    /// Shown to whoever must hang up should this task die.
    known_call: Option<CarrierCallId>,
    streams: Streams,
    meter: Meter,
    /// The session in traces, as long as this process has it.
    span: Span,
}

impl Task {
    /// A task for a session that is to begin, or to go on; `earlier` is what the person wrote while there was none. It is
    /// kept together with what its beginning changes of the tables.
    pub(super) fn new(
        begun: Begun,
        shared: Arc<Shared>,
        tables: &mut Tables,
        inbox: mpsc::Receiver<Message>,
        events: mpsc::WeakSender<Message>,
        earlier: Vec<Said>,
    ) -> Self {
        let Begun { id, mut session, requests, by_person, lines, entry } = begun;
        if !earlier.is_empty() {
            session.handle(Input::Earlier(earlier), shared.config.clock.now());
        }
        let mut task = Self {
            span: tracing::info_span!(
                target: "traced",
                parent: None,
                "session",
                call.id = %id,
                dial = Empty,
                ended_by = Empty,
                talk_ms = Empty,
                lines = Empty,
            ),
            id,
            meter: Meter::new(&shared.config.metrics, requests.iter().map(|waiting| waiting.request)),
            shared,
            on_phone: session.is_on_phone(),
            channel: session.channel(),
            session,
            inbox,
            events,
            media: None,
            leg: 0,
            by_person,
            answers: HashMap::new(),
            requests: HashMap::new(),
            given: Vec::new(),
            work: JoinSet::new(),
            alarm: Alarm::default(),
            lines,
            finished: false,
            ended_at: None,
            stopping: false,
            left_over: Vec::new(),
            kept: Kept::default(),
            keeping: None,
            known_call: None,
            streams: Streams::default(),
        };
        for Waiting { request, answer, named } in requests {
            task.answers.insert(request, answer);
            match named {
                Named::Not => {}
                Named::Anew(name) => task.note_request(request, name),
                Named::Kept(record) => {
                    task.requests.insert(request, *record);
                }
            }
        }
        task.kept.done(entry);
        task.keeping = Some(task.keep_under(tables));
        task
    }

    /// Runs until the session is over.
    pub(super) async fn run(mut self) -> Fate {
        self.carry_out().await;
        drop(self.keep());
        while !self.finished && !self.is_suspended() {
            let now = self.shared.config.clock.now();
            let next = [self.session.next_deadline(), Meter::next_deadline(self.open_window(), now)];
            self.alarm.set(next.into_iter().flatten().min(), &*self.shared.config.clock);
            let worth_keeping = tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => self.take(message).await,
                    // The manager is gone, and with it everybody who could ask.
                    None => return Fate::Over,
                },
                Some(done) = self.work.join_next() => {
                    match done {
                        Ok(Some(message)) => _ = self.take(message).await,
                        Ok(None) => {}
                        Err(error) => std::panic::resume_unwind(error.into_panic()),
                    }
                    true
                }
                () = self.alarm.ring() => {
                    self.session.handle_timeout(self.shared.config.clock.now());
                    self.carry_out().await;
                    true
                }
            };
            if worth_keeping {
                drop(self.keep());
            }
        }
        if !self.finished {
            self.suspend();
            return Fate::Suspended;
        }
        self.take_leave().await;
        self.close();
        Fate::Over
    }

    /// What came in while the session was ending still gets its answer: whoever sent it was told that the session runs.
    async fn take_leave(&mut self) {
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            self.leave_over(&message);
            self.take(message).await;
        }
        drop(self.keep());
    }

    /// What the person wrote to a session that is over already is left over, too.
    fn leave_over(&mut self, message: &Message) {
        if let Message::Input { input, .. } = message {
            self.left_over.extend(words_in(input));
        }
    }

    /// Whoever waits is told to come back; nothing of the session changes.
    fn suspend(&mut self) {
        drop(self.keep());
        let (at, channel) = (self.shared.config.clock.now(), self.session.channel());
        let body = Body::Failed { failure: Failure::Stopping, said: Vec::new() };
        let answer = Arc::new(Answer { body, outcome: self.session.outcome().clone() });
        let put_off = Delivered { answer, at, channel, contact: None };
        for (_, to) in self.answers.drain() {
            to.send_replace(Some(put_off.clone()));
        }
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Request { answer: to, .. } = message {
                to.send_replace(Some(put_off.clone()));
            }
        }
    }

    /// Takes a message; `false` when it changed nothing that is worth keeping.
    async fn take(&mut self, message: Message) -> bool {
        match message {
            // It was this session's turn, and since then it has given the floor back.
            Message::Input { input: Input::Floor, .. }
                if !self.shared.read_line(|line, _| line.has_floor(&self.id)) => {}
            Message::Input { input, entry } => {
                self.kept.done(entry);
                let by_carrier = matches!(input, Input::Carrier { .. });
                self.feed(input).await;
                if by_carrier {
                    // Other news than the answer may tell of it, too, and before it.
                    self.connect(Duration::ZERO);
                }
            }
            Message::Media { leg, event } if leg == self.leg && self.media.is_some() => {
                // The first comes each second of an utterance, whose end tells all of it; the second changes nothing.
                let minor = matches!(event, MediaEvent::Progress { .. } | MediaEvent::SpeechStopped { .. });
                match event {
                    MediaEvent::MediaGone(loss) => {
                        self.feed(Input::Media(MediaEvent::MediaGone(self.as_told(loss)))).await;
                        self.media_went(loss);
                    }
                    event => {
                        if event == MediaEvent::Connected {
                            self.media_came();
                        }
                        self.feed(Input::Media(event)).await;
                    }
                }
                return !minor;
            }
            // What an earlier call had still to say.
            Message::Media { .. } => {}
            Message::Request { request, input, answer, name } => {
                self.answers.insert(request, answer);
                if let Some(name) = name {
                    self.note_request(request, name);
                }
                self.feed(input).await;
            }
            Message::Fetch { call, answer } => {
                self.feed(Input::Carrier { call: call.clone(), news: CarrierNews::Answered }).await;
                let wanted = self.session.wants_media(&call);
                let token = wanted.then(|| self.shared.config.media.mint(&self.id, &call)).flatten();
                let _ = answer.send(token);
            }
            Message::Waits { call } => self.was_answered(call).await,
            Message::NotConnected { call, token, loss } => self.was_not_connected(&call, token.as_deref(), loss),
            Message::NotTold { token, why } => self.was_not_told(&token, why).await,
            Message::Look { answer } => {
                let _ = answer.send(self.look());
                return false;
            }
            Message::Shutdown if self.outlives_the_process() => self.stopping = true,
            Message::Shutdown => self.feed(Input::Shutdown).await,
        }
        true
    }

    fn outlives_the_process(&self) -> bool {
        self.session.phase() == Phase::Messaging && self.shared.config.store.is_durable()
    }

    fn is_suspended(&self) -> bool {
        self.stopping && self.outlives_the_process() && !self.session.is_on_phone()
    }

    async fn feed(&mut self, input: Input) {
        // The line was taken for it before it came.
        self.on_phone |= matches!(input, Input::Wrote { sense: Sense::CallMe { .. }, .. });
        self.meter.comes(&input, &self.session);
        self.session.handle(input, self.shared.config.clock.now());
        self.carry_out().await;
    }

    /// The one line a call leaves in the log.
    fn close(&self) {
        let now = self.shared.config.clock.now();
        let outcome = self.session.outcome();
        let (dial, ended_by) =
            (outcome.dial.as_str(), outcome.ended_by.map_or("nobody", crate::domain::outcome::EndedBy::as_str));
        self.shared.config.metrics.call_ended(dial, ended_by);
        let talk_ms = crate::clock::whole_millis(self.session.talked(now));
        let lines = self.lines.len();
        self.span.record("dial", dial).record("ended_by", ended_by).record("talk_ms", talk_ms).record("lines", lines);
        tracing::info!(call.id = %self.id, dial, ended_by, talk_ms, lines, "call {} ended: {dial}, by {ended_by}", self.id);
    }
}
