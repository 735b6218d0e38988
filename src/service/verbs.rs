//! The verbs over running sessions, and over what is left of ended ones.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::repeats::{self, Begun, Joined, Repeats, Route};
use super::{Ask, Ended, PrincipalId, Refusal, RefusalKind, Reply, Spoken, Verbs, View, sentence};
use crate::clock::Clock;
use crate::domain::messaging::Form;
use crate::domain::session::{Answer, Body, Input, Said};
use crate::domain::text::PersonText;
use crate::ids::{RequestId, SessionId};
use crate::limit::Limit;
use crate::privacy::keyed::HashKey;
use crate::session::{Delivered, Gone, Manager, Pending, Recalled, RequestName};
use crate::store::{Conversation, Given, Line, RequestRecord, Speaker, Store, Write};

/// Common HTTP clients give up at 300 s: before that, whoever waits for a reply gets an answer.
const REPLY_BUDGET: Duration = Duration::from_secs(285);
/// Nobody waits for a reply in `speak` and `end`: their clients get an answer sooner.
const SPEAK_BUDGET: Duration = Duration::from_secs(50);

/// The verbs.
pub struct Service {
    manager: Manager,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    repeats: Mutex<Repeats>,
    calls: Limit<PrincipalId>,
    messages: Limit<PrincipalId>,
    opt_in: String,
    hash_key: HashKey,
}

/// What the verbs need to know besides the sessions.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// How many calls an agent may place in an hour; `None` is no limit.
    pub calls_per_hour: Option<NonZeroU32>,
    /// How many messages an agent may write in an hour: without a call, and in sessions that are on WhatsApp; `None` is no
    /// limit.
    pub messages_per_hour: Option<NonZeroU32>,
    /// What the person must do before texts arrive: a sentence for the agent.
    pub opt_in: String,
    /// Keys the hashes that requests are kept under.
    pub hash_key: HashKey,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

/// How a verb's answer came about.
enum Answered {
    /// The session answered.
    Given(Delivered),
    /// The session is over, and this is what is left of it.
    Kept(Box<Conversation>),
    /// The request's own time is up; the session goes on.
    OutOfTime,
}

impl Service {
    /// The verbs over these sessions.
    pub fn new(manager: Manager, store: Arc<dyn Store>, clock: Arc<dyn Clock>, config: ServiceConfig) -> Self {
        let ServiceConfig { calls_per_hour, messages_per_hour, opt_in, hash_key } = config;
        let (calls, messages) = (Limit::per_hour(calls_per_hour), Limit::per_hour(messages_per_hour));
        Self { manager, store, clock, repeats: Mutex::default(), calls, messages, opt_in, hash_key }
    }

    /// Takes up the requests that an earlier process was asked, for their repeats.
    pub fn recall(&self, requests: Vec<Recalled>) {
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        for request in requests {
            repeats.recall(request, now);
        }
    }

    fn begin_message(&self, ask: &Ask, first_contact: bool, name: RequestName) -> Result<Pending, Refusal> {
        let form = if first_contact { Form::Template } else { Form::Free };
        self.manager.may_write(form).map_err(|why| sentence::not_started(&why))?;
        self.messages.take(&ask.principal).map_err(sentence::too_many_messages)?;
        self.manager.write(ask.message.clone(), form, Some(name)).map_err(|why| sentence::not_started(&why))
    }

    /// Begins a call, unless the person is busy (which costs the agent nothing) or the agent has placed too many.
    fn begin_call(&self, ask: &Ask, name: RequestName) -> Result<Pending, Refusal> {
        self.manager.may_call().map_err(|why| sentence::not_started(&why))?;
        self.calls.take(&ask.principal).map_err(sentence::too_many_calls)?;
        self.manager.call(ask.message.clone(), Some(name)).map_err(|why| sentence::not_started(&why))
    }

    /// Joins or begins a request to a session, and waits for its answer.
    async fn request(
        &self,
        route: Route,
        id: &SessionId,
        ask: &Ask,
        budget: Duration,
        input: impl FnOnce(RequestId) -> Input,
    ) -> Result<Answered, Refusal> {
        let joined = self.join(route, Some(id), ask, |name| {
            self.may_write(route, id, ask.principal).map_err(Some)?;
            self.manager.request(id, Some(name), input).map_err(|Gone| None)
        });
        match joined {
            Joined::Begun(begun) => self.answer(&begun.pending, Some(&begun), budget).await,
            Joined::Mismatch => Err(sentence::mismatch()),
            Joined::Refused(Some(refusal)) => Err(refusal),
            Joined::Refused(None) => self.kept(id).await,
        }
    }

    /// Counts what costs a message: what is written in a session that is on WhatsApp. A goodbye is not refused, for `end` is
    /// always taken, and each session has one; nor is the question that a call was placed with, which the limit of calls counts.
    fn may_write(&self, route: Route, id: &SessionId, who: PrincipalId) -> Result<(), Refusal> {
        let costs = matches!(route, Route::Continue | Route::Speak) && self.manager.writes(id);
        if !costs {
            return Ok(());
        }
        self.messages.take(&who).map_err(|wait| sentence::about_writing(id, sentence::too_many_messages(wait)))
    }

    fn join<E>(
        &self,
        route: Route,
        id: Option<&SessionId>,
        ask: &Ask,
        begin: impl FnOnce(RequestName) -> Result<Pending, E>,
    ) -> Joined<E> {
        let name = repeats::name_of(&self.hash_key, route, id, ask);
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        repeats.join(name, self.clock.now(), begin)
    }

    async fn answer(&self, pending: &Pending, begun: Option<&Begun>, budget: Duration) -> Result<Answered, Refusal> {
        match tokio::time::timeout(budget, pending.answer()).await {
            Ok(Ok(delivered)) => {
                if let Some(begun) = begun
                    && !delivered.is_put_off()
                    && begun.collect()
                {
                    self.keep_collected(begun, &delivered);
                }
                if let Body::Reply(reply) = &delivered.answer.body
                    && !self.manager.collected(pending)
                {
                    // Only these: a repeat may take an old reply, and the person may have said more since.
                    let lines: Vec<Line> = reply.earlier.iter().chain(&reply.words).map(line).collect();
                    self.forget_words(&pending.session, &lines).await;
                }
                Ok(Answered::Given(delivered))
            }
            Ok(Err(_)) => Err(sentence::crashed(&pending.session)),
            Err(_) => {
                self.manager.out_of_time(pending);
                Ok(Answered::OutOfTime)
            }
        }
    }

    /// In the next process, too, a repeat is a new request.
    fn keep_collected(&self, begun: &Begun, delivered: &Delivered) {
        let Delivered { answer, at, channel, contact } = delivered;
        let answer = Given { answer: Answer::clone(answer), at: *at, channel: *channel, contact: contact.clone() };
        let RequestName { key, content, keyed } = begun.name.clone();
        let record = RequestRecord {
            key,
            request: begun.pending.request,
            session: begun.pending.session.clone(),
            content,
            keyed,
            begun_at: begun.at,
            answer: Some(answer),
            collected: true,
        };
        drop(self.store.commit(vec![Write::Request(Box::new(record))]));
    }

    /// What is left of a session that does not run any more.
    async fn kept(&self, id: &SessionId) -> Result<Answered, Refusal> {
        match self.store.conversation(id).await {
            Ok(Some(conversation)) => Ok(Answered::Kept(Box::new(conversation))),
            Ok(None) => Err(sentence::unknown(id)),
            Err(error) => {
                tracing::error!(%error, "the store did not say what is left of a session");
                Err(sentence::unknown(id))
            }
        }
    }

    async fn forget_words(&self, id: &SessionId, lines: &[Line]) {
        let Ok(Some(mut conversation)) = self.store.conversation(id).await else { return };
        conversation.uncollected.retain(|line| !lines.contains(line));
        if let Err(error) = self.store.commit(vec![Write::Conversation(Box::new(conversation))]).await {
            tracing::error!(%error, "the store did not note that the reply in {id} was collected");
        }
    }

    async fn reply(&self, id: &SessionId, answered: Answered, hurried: bool) -> Result<Reply, Refusal> {
        match answered {
            Answered::Given(delivered) => self.given(id, &delivered),
            Answered::Kept(conversation) => Err(over(&conversation)),
            Answered::OutOfTime => {
                let session = self.view(id).await.ok().map(|view| view.conversation);
                let kind = if hurried { RefusalKind::NotYet } else { RefusalKind::NoReply };
                Err(sentence::out_of_time(id, kind, session.as_ref()))
            }
        }
    }

    fn given(&self, id: &SessionId, delivered: &Delivered) -> Result<Reply, Refusal> {
        let Body::Reply(reply) = &delivered.answer.body else { return Err(self.refusal(id, delivered)) };
        let words: Vec<&str> = reply.words.iter().map(|said| said.text.as_str()).collect();
        Ok(Reply {
            session: id.clone(),
            response: words.join(" "),
            earlier: reply.earlier.iter().map(line).collect(),
            interrupted: reply.interrupted,
            channel: delivered.channel,
            contact: delivered.contact.clone(),
            outcome: delivered.answer.outcome.clone(),
        })
    }

    fn refusal(&self, id: &SessionId, delivered: &Delivered) -> Refusal {
        match &delivered.answer.body {
            Body::Failed { failure, said } => sentence::failed(id, failure, said, delivered, &self.opt_in),
            // An answer to another verb: the machine never gives one.
            Body::Reply(_) | Body::Spoken { .. } | Body::Ended { .. } => sentence::crashed(id),
        }
    }

    /// A refusal because of another session tells how that one stands.
    async fn with_outcome(&self, mut refusal: Refusal) -> Refusal {
        let Some(session) = refusal.session.clone() else { return refusal };
        let Ok(view) = self.view(&session).await else { return refusal };
        if matches!(view.state, "ending" | "ended") {
            refusal = sentence::still_leaving(&session);
        }
        refusal.outcome = Some(view.conversation.outcome);
        refusal
    }

    async fn view(&self, id: &SessionId) -> Result<View, Refusal> {
        if let Some(look) = self.manager.look(id).await {
            let state = look.phase.as_str();
            return Ok(View { conversation: look.conversation, state, waiting: look.waiting });
        }
        match self.kept(id).await? {
            Answered::Kept(conversation) => Ok(View { conversation: *conversation, state: "ended", waiting: false }),
            Answered::Given(_) | Answered::OutOfTime => Err(sentence::unknown(id)),
        }
    }

    async fn wait_for_reply(&self, id: SessionId, patience: Option<Duration>) -> Result<Reply, Refusal> {
        let Ok(pending) = self.manager.request(&id, None, |request| Input::Wait { request }) else {
            let Answered::Kept(conversation) = self.kept(&id).await? else {
                return Err(sentence::unknown(&id));
            };
            if conversation.uncollected.is_empty() {
                return Err(over(&conversation));
            }
            self.forget_words(&id, &conversation.uncollected).await;
            return Ok(late_reply(*conversation));
        };
        let (budget, hurried) = budget(patience);
        let answered = self.answer(&pending, None, budget).await?;
        self.reply(&id, answered, hurried).await
    }

    /// Waits for the reply to a request that began a session, or that it joined.
    async fn reply_to(&self, begun: &Begun, patience: Option<Duration>) -> Result<Reply, Refusal> {
        let (budget, hurried) = budget(patience);
        let answered = self.answer(&begun.pending, Some(begun), budget).await?;
        self.reply(&begun.pending.session, answered, hurried).await
    }

    async fn forget_one(&self, id: &SessionId) -> Result<usize, Refusal> {
        if self.manager.look(id).await.is_some() {
            return Err(sentence::still_runs(id));
        }
        self.kept(id).await?;
        self.delete([id.clone()]).await
    }

    async fn forget_all(&self) -> Result<usize, Refusal> {
        let (conversations, _) = self.store.history(usize::MAX).await.unwrap_or_default();
        self.delete(conversations.into_iter().filter(|kept| kept.ended_at.is_some()).map(|kept| kept.id)).await
    }

    /// What is not deleted for good is not said to be.
    async fn delete(&self, ids: impl IntoIterator<Item = SessionId>) -> Result<usize, Refusal> {
        let writes: Vec<Write> = ids.into_iter().map(Write::Delete).collect();
        let count = writes.len();
        self.store.commit(writes).await.map(|()| count).map_err(|_| sentence::not_deleted())
    }
}

impl Verbs for Service {
    fn call(&self, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        async move {
            match self.join(Route::Call, None, &ask, |name| self.begin_call(&ask, name)) {
                Joined::Begun(begun) => self.reply_to(&begun, ask.patience).await,
                Joined::Mismatch => Err(sentence::mismatch()),
                Joined::Refused(refusal) => Err(self.with_outcome(refusal).await),
            }
        }
        .boxed()
    }

    fn message(&self, ask: Ask, first_contact: bool) -> BoxFuture<'_, Result<Reply, Refusal>> {
        async move {
            let begin = |name| self.begin_message(&ask, first_contact, name);
            match self.join(Route::Message { first_contact }, None, &ask, begin) {
                Joined::Begun(begun) => self.reply_to(&begun, ask.patience).await,
                Joined::Mismatch => Err(sentence::mismatch()),
                Joined::Refused(refusal) => Err(refusal),
            }
        }
        .boxed()
    }

    fn resume(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        async move {
            let text = ask.message.clone();
            let input = |request| Input::Ask { request, text };
            let (budget, hurried) = budget(ask.patience);
            let answered = self.request(Route::Continue, &session, &ask, budget, input).await?;
            self.reply(&session, answered, hurried).await
        }
        .boxed()
    }

    fn speak(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Spoken, Refusal>> {
        async move {
            let text = ask.message.clone();
            let input = |request| Input::Say { request, text };
            match self.request(Route::Speak, &session, &ask, SPEAK_BUDGET, input).await? {
                Answered::Given(delivered) => match &delivered.answer.body {
                    Body::Spoken { interrupted } => {
                        Ok(Spoken { interrupted: *interrupted, outcome: delivered.answer.outcome.clone() })
                    }
                    _ => Err(self.refusal(&session, &delivered)),
                },
                Answered::Kept(conversation) => Err(over(&conversation)),
                Answered::OutOfTime => {
                    let outcome = self.view(&session).await?.conversation.outcome;
                    Ok(Spoken { interrupted: false, outcome })
                }
            }
        }
        .boxed()
    }

    fn end(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Ended, Refusal>> {
        async move {
            let text = ask.message.clone();
            let input = |request| Input::End { request, text };
            match self.request(Route::End, &session, &ask, SPEAK_BUDGET, input).await? {
                Answered::Given(delivered) => match &delivered.answer.body {
                    Body::Ended { talked } => Ok(Ended {
                        duration: Duration::from_millis(*talked),
                        outcome: delivered.answer.outcome.clone(),
                    }),
                    _ => Err(self.refusal(&session, &delivered)),
                },
                Answered::Kept(conversation) => Ok(ended(*conversation)),
                Answered::OutOfTime => Ok(ended(self.view(&session).await?.conversation)),
            }
        }
        .boxed()
    }

    fn wait(&self, session: SessionId, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.wait_for_reply(session, patience).boxed()
    }

    fn look(&self, session: SessionId) -> BoxFuture<'_, Result<View, Refusal>> {
        async move { self.view(&session).await }.boxed()
    }

    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), Refusal>> {
        async move {
            Ok(self.store.history(limit).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the store gave no history");
                (Vec::new(), 0)
            }))
        }
        .boxed()
    }

    fn forget(&self, session: Option<SessionId>) -> BoxFuture<'_, Result<usize, Refusal>> {
        async move {
            match session {
                Some(id) => self.forget_one(&id).await,
                None => self.forget_all().await,
            }
        }
        .boxed()
    }
}

/// How long a request waits for a reply, and whether that is its client's own wish.
fn budget(patience: Option<Duration>) -> (Duration, bool) {
    match patience.filter(|patience| *patience < REPLY_BUDGET) {
        Some(patience) => (patience, true),
        None => (REPLY_BUDGET, false),
    }
}

/// A verb that needs a running session met one that is over.
fn over(conversation: &Conversation) -> Refusal {
    let said: Vec<Said> = conversation.uncollected.iter().map(said).collect();
    sentence::gone(&conversation.id, &said, &conversation.outcome, conversation.channel)
}

/// The words that nobody had collected when the session ended.
fn late_reply(conversation: Conversation) -> Reply {
    let words: Vec<&str> = conversation.uncollected.iter().map(|line| line.text.as_str()).collect();
    let mut outcome = conversation.outcome;
    outcome.reply_channel = conversation.uncollected.last().map(|line| line.channel);
    Reply {
        response: words.join(" "),
        session: conversation.id,
        earlier: Vec::new(),
        interrupted: false,
        channel: conversation.channel,
        contact: None,
        outcome,
    }
}

fn ended(conversation: Conversation) -> Ended {
    Ended { duration: Duration::from_secs(conversation.duration_seconds), outcome: conversation.outcome }
}

fn line(said: &Said) -> Line {
    Line { speaker: Speaker::Person, text: said.text.as_str().to_owned(), at: said.at, channel: said.channel }
}

fn said(line: &Line) -> Said {
    Said { text: PersonText(line.text.clone()), at: line.at, channel: line.channel }
}
