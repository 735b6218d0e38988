//! The verbs over running sessions, and over what is left of ended ones.

mod answers;

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::repeats::{self, Joined, Repeats, Route};
use super::{Ask, Ended, PrincipalId, Refusal, Reply, Spoken, Verbs, View, sentence};
use crate::clock::Clock;
use crate::domain::messaging::Form;
use crate::domain::outcome::Channel;
use crate::domain::session::{Body, Input};
use crate::ids::{RequestId, RequestKey, SessionId};
use crate::limit::Limit;
use crate::metrics::Bound;
use crate::privacy::keyed::HashKey;
use crate::session::{Manager, NotStarted, NotTaken, Pending, Recalled, RequestName};
use crate::store::{Conversation, Store, Write};
use answers::{Answered, budget, over};

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
    /// What an earlier process has left is taken up.
    ready: CancellationToken,
}

/// What the verbs need to know besides the sessions.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// How many calls an agent may place in an hour; `None` is no limit.
    pub calls_per_hour: Option<NonZeroU32>,
    /// How many messages an agent may write in an hour: without a call, and in sessions that go on in writing; `None` is no
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

impl Service {
    /// The verbs over these sessions.
    pub fn new(manager: Manager, store: Arc<dyn Store>, clock: Arc<dyn Clock>, config: ServiceConfig) -> Self {
        let ServiceConfig { calls_per_hour, messages_per_hour, opt_in, hash_key } = config;
        let (calls, messages) = (Limit::per_hour(calls_per_hour), Limit::per_hour(messages_per_hour));
        Self {
            manager,
            store,
            clock,
            repeats: Mutex::default(),
            calls,
            messages,
            opt_in,
            hash_key,
            ready: CancellationToken::new(),
        }
    }

    /// To be cancelled when what an earlier process has left is taken up, or is not to be waited for any longer: until then
    /// requests wait, for their repeats would not find them.
    pub fn ready(&self) -> &CancellationToken {
        &self.ready
    }

    /// Waits until a repeat would find its request.
    async fn until_ready(&self) {
        self.ready.cancelled().await;
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
        self.manager.may_write(form).map_err(|why| self.not_started(&why))?;
        self.messages.take(&ask.principal).map_err(|wait| self.too_many_messages(wait))?;
        self.manager.write(ask.message.clone(), form, Some(name)).map_err(|why| self.not_started(&why))
    }

    /// Begins a call, unless the person is busy (which costs the agent nothing) or the agent has placed too many.
    fn begin_call(&self, ask: &Ask, name: RequestName) -> Result<Pending, Refusal> {
        self.manager.may_call().map_err(|why| self.not_started(&why))?;
        self.calls.take(&ask.principal).map_err(|wait| {
            self.manager.metrics().limit(Bound::CallsPerHour);
            sentence::too_many_calls(wait)
        })?;
        self.manager.call(ask.message.clone(), Some(name)).map_err(|why| self.not_started(&why))
    }

    fn not_started(&self, why: &NotStarted) -> Refusal {
        match why {
            NotStarted::Busy(_) => self.manager.metrics().limit(Bound::LiveCalls),
            NotStarted::Full => self.manager.metrics().limit(Bound::Sessions),
            NotStarted::Closing | NotStarted::NoMessaging | NotStarted::NoTemplate => {}
        }
        sentence::not_started(why)
    }

    fn too_many_messages(&self, wait: Duration) -> Refusal {
        self.manager.metrics().limit(Bound::MessagesPerHour);
        sentence::too_many_messages(wait)
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
        self.until_ready().await;
        let joined = self.join(route, Some(id), ask, |name| {
            self.may_write(route, id, ask.principal).map_err(Some)?;
            self.manager.request(id, Some(name), input).map_err(|why| match why {
                NotTaken::Gone => None,
                NotTaken::Busy => Some(sentence::takes_nothing(id)),
            })
        });
        match joined {
            Joined::Begun(begun) => self.answer(&begun.pending, Some(&begun), budget).await,
            Joined::Mismatch => Err(sentence::mismatch()),
            Joined::Refused(Some(refusal)) => Err(refusal),
            Joined::Refused(None) => self.kept(id).await,
        }
    }

    /// Counts what costs a message: what is written rather than spoken. A goodbye is not refused, for `end` is
    /// always taken, and each session has one; nor is the question that a call was placed with, which the limit of calls counts.
    fn may_write(&self, route: Route, id: &SessionId, who: PrincipalId) -> Result<(), Refusal> {
        let channel = self.manager.channel(id).filter(|channel| *channel != Channel::Voice);
        let Some(channel) = channel.filter(|_| matches!(route, Route::Continue | Route::Speak)) else { return Ok(()) };
        self.messages.take(&who).map_err(|wait| sentence::about_writing(id, channel, self.too_many_messages(wait)))
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

    async fn forget_one(&self, id: &SessionId) -> Result<usize, Refusal> {
        self.manager.has_left(id).await;
        if self.manager.channel(id).is_some() {
            return Err(sentence::still_runs(id));
        }
        self.kept(id).await?;
        self.delete(vec![id.clone()], |session| session == id).await
    }

    /// With the answers in sessions of which no history is left.
    async fn forget_all(&self) -> Result<usize, Refusal> {
        let (conversations, _) = self.store.history(usize::MAX).await.unwrap_or_default();
        let (ended, open): (Vec<_>, Vec<_>) = conversations.into_iter().partition(|kept| kept.ended_at.is_some());
        let open: HashSet<SessionId> = open.into_iter().map(|kept| kept.id).collect();
        let runs = |session: &SessionId| open.contains(session) || self.manager.channel(session).is_some();
        self.delete(ended.into_iter().map(|kept| kept.id).collect(), |session| !runs(session)).await
    }

    /// Deletes these, and what was said from the answers to the requests of those that are `meant`. What is not deleted for good is
    /// not said to be.
    async fn delete(&self, ids: Vec<SessionId>, meant: impl Fn(&SessionId) -> bool) -> Result<usize, Refusal> {
        let count = ids.len();
        let answers = self.repeats.lock().unwrap_or_else(PoisonError::into_inner).delete(meant);
        let answers = answers.into_iter().map(|record| Write::Request(Box::new(record)));
        let writes = ids.into_iter().map(Write::Delete).chain(answers).collect();
        self.store.commit(writes).await.map(|()| count).map_err(|_| sentence::not_deleted())
    }
}

impl Verbs for Service {
    fn call(&self, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>> {
        async move {
            self.until_ready().await;
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
            self.until_ready().await;
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
                Answered::OutOfTime(_) => {
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
            let answered = self.request(Route::End, &session, &ask, SPEAK_BUDGET, input).await?;
            self.collect_all(&session);
            match answered {
                Answered::Given(delivered) => match &delivered.answer.body {
                    Body::Ended { talked } => Ok(Ended {
                        duration: Duration::from_millis(*talked),
                        outcome: delivered.answer.outcome.clone(),
                    }),
                    _ => Err(self.refusal(&session, &delivered)),
                },
                Answered::Kept(conversation) => Ok(ended(*conversation)),
                Answered::OutOfTime(_) => Ok(ended(self.view(&session).await?.conversation)),
            }
        }
        .boxed()
    }

    fn wait(&self, session: SessionId, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.wait_for_reply(session, patience).boxed()
    }

    fn rejoin(&self, request: RequestKey, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>> {
        async move {
            self.until_ready().await;
            let begun = self.repeats.lock().unwrap_or_else(PoisonError::into_inner).find(&request, self.clock.now());
            let begun = begun.ok_or_else(sentence::no_such_request)?;
            self.manager.back(&begun.pending);
            self.reply_to(&begun, patience).await
        }
        .boxed()
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

fn ended(conversation: Conversation) -> Ended {
    Ended { duration: Duration::from_secs(conversation.duration_seconds), outcome: conversation.outcome }
}
