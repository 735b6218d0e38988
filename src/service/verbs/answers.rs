//! What a request is answered with: what its session says in time, or what is left of an ended one.

use std::sync::PoisonError;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::super::repeats::Begun;
use super::super::{Refusal, RefusalKind, Reply, View, sentence};
use super::{REPLY_BUDGET, Service};
use crate::domain::messaging::Contact;
use crate::domain::session::{Body, Input, Said};
use crate::domain::text::PersonText;
use crate::ids::{RequestKey, SessionId};
use crate::session::{Delivered, Look, NotStarted, NotTaken, Pending};
use crate::store::{Conversation, Line, Speaker, Write};

/// How a verb's answer came about.
pub(super) enum Answered {
    /// The session answered.
    Given(Delivered),
    /// The session is over, and this is what is left of it.
    Kept(Box<Conversation>),
    /// The request's own time is up; the session goes on, and the answer will be under this name, where it has one.
    OutOfTime(Option<RequestKey>),
}

impl Service {
    pub(super) async fn answer(
        &self,
        pending: &Pending,
        begun: Option<&Begun>,
        budget: Duration,
    ) -> Result<Answered, Refusal> {
        if let Some(begun) = begun.filter(|begun| begun.is_deleted()) {
            return Err(sentence::deleted(&begun.pending));
        }
        let waits = begun.map(Begun::waits);
        match tokio::time::timeout(budget, pending.answer()).await {
            Ok(Ok(delivered)) => {
                if let Some(begun) = begun.filter(|begun| !delivered.is_put_off() && !begun.is_collected()) {
                    // Known to the next process before the client has it: that one would hand the words over again. If the
                    // answer breaks off with this process, its repeat gets it from that one.
                    self.keep_collected(begun, &delivered).await;
                    begun.collect();
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
                // While another client waits for the same reply, its question stands.
                if waits.is_none_or(|waits| waits.alone()) {
                    self.manager.out_of_time(pending);
                }
                Ok(Answered::OutOfTime(begun.map(|begun| begun.name.key.clone())))
            }
        }
    }

    /// In the next process, too, a repeat is a new request.
    fn keep_collected(&self, begun: &Begun, delivered: &Delivered) -> BoxFuture<'static, ()> {
        let record = begun.record(delivered, true);
        // A store that does not keep it says so where the operator looks.
        self.store.commit(vec![Write::Request(Box::new(record))]).map(drop).boxed()
    }

    /// What is left of a session that does not run any more.
    pub(super) async fn kept(&self, id: &SessionId) -> Result<Answered, Refusal> {
        self.manager.has_left(id).await;
        match self.store.conversation(id).await {
            // It goes on with the next process.
            Ok(Some(conversation)) if conversation.ended_at.is_none() => {
                Err(sentence::not_started(&NotStarted::Closing))
            }
            Ok(Some(conversation)) => Ok(Answered::Kept(Box::new(conversation))),
            Ok(None) => Err(sentence::unknown(id)),
            Err(error) => {
                tracing::error!(%error, "the store did not say what is left of a session");
                Err(sentence::unknown(id))
            }
        }
    }

    pub(super) async fn forget_words(&self, id: &SessionId, lines: &[Line]) {
        self.manager.has_left(id).await;
        let Ok(Some(mut conversation)) = self.store.conversation(id).await else { return };
        conversation.uncollected.retain(|line| !lines.contains(line));
        if let Err(error) = self.store.commit(vec![Write::Conversation(Box::new(conversation))]).await {
            tracing::error!(%error, "the store did not note that the reply in {id} was collected");
        }
    }

    pub(super) async fn reply(&self, id: &SessionId, answered: Answered, hurried: bool) -> Result<Reply, Refusal> {
        match answered {
            Answered::Given(delivered) => self.given(id, &delivered),
            Answered::Kept(conversation) => Err(over(&conversation)),
            Answered::OutOfTime(request) => {
                let view = self.view(id).await.ok();
                let kind = if hurried { RefusalKind::NotYet } else { RefusalKind::NoReply };
                let refusal = sentence::out_of_time(id, kind, view.as_ref());
                // Whoever is told to come back is told by what name.
                Err(Refusal { request: request.filter(|_| hurried).map(Box::new), ..refusal })
            }
        }
    }

    pub(super) fn given(&self, id: &SessionId, delivered: &Delivered) -> Result<Reply, Refusal> {
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

    pub(super) fn refusal(&self, id: &SessionId, delivered: &Delivered) -> Refusal {
        match &delivered.answer.body {
            Body::Failed { failure, said } => sentence::failed(id, failure, said, delivered, &self.opt_in),
            // An answer to another verb: the machine never gives one.
            Body::Reply(_) | Body::Spoken { .. } | Body::Ended { .. } => sentence::crashed(id),
        }
    }

    /// A refusal because of another session tells how that one stands.
    pub(super) async fn with_outcome(&self, mut refusal: Refusal) -> Refusal {
        let Some(session) = refusal.session.clone() else { return refusal };
        let Ok(view) = self.view(&session).await else { return refusal };
        if matches!(view.state, "ending" | "ended") {
            refusal = sentence::still_leaving(&session);
        }
        refusal.outcome = Some(view.conversation.outcome);
        refusal
    }

    pub(super) async fn view(&self, id: &SessionId) -> Result<View, Refusal> {
        if let Some(look) = self.manager.look(id).await {
            let state = look.phase.as_str();
            let Look { conversation, waiting, queued, contact, .. } = look;
            return Ok(View { conversation, state, waiting, queued, contact });
        }
        match self.kept(id).await? {
            Answered::Kept(conversation) => {
                let written = conversation.conversation.clone();
                let contact = written.map(|conversation| Contact { conversation: Some(conversation), window: None });
                Ok(View { conversation: *conversation, state: "ended", waiting: false, queued: false, contact })
            }
            Answered::Given(_) | Answered::OutOfTime(_) => Err(sentence::unknown(id)),
        }
    }

    /// What was said in a session that does not run any more, and that nobody has collected.
    async fn words_left(&self, id: &SessionId) -> Result<Reply, Refusal> {
        let Answered::Kept(conversation) = self.kept(id).await? else {
            return Err(sentence::unknown(id));
        };
        if conversation.uncollected.is_empty() {
            return Err(over(&conversation));
        }
        self.forget_words(id, &conversation.uncollected).await;
        Ok(late_reply(*conversation))
    }

    pub(super) async fn wait_for_reply(&self, id: SessionId, patience: Option<Duration>) -> Result<Reply, Refusal> {
        self.until_ready().await;
        let pending = match self.manager.request(&id, None, |request| Input::Wait { request }) {
            Ok(pending) => pending,
            Err(NotTaken::Busy) => return Err(sentence::takes_nothing(&id)),
            Err(NotTaken::Gone) => return self.words_left(&id).await,
        };
        let (budget, hurried) = budget(patience);
        let answered = self.answer(&pending, None, budget).await?;
        if matches!(answered, Answered::Given(_)) {
            self.collect_all(&id);
        }
        self.reply(&id, answered, hurried).await
    }

    /// Whoever asks this session's questions again means them anew: their answers were taken by another way.
    pub(super) fn collect_all(&self, id: &SessionId) {
        let answered = self.repeats.lock().unwrap_or_else(PoisonError::into_inner).answered_in(id);
        for begun in answered {
            let given = begun.pending.given().filter(|delivered| !delivered.is_put_off() && !begun.is_collected());
            if let Some(delivered) = given {
                begun.collect();
                // Whether or not it is kept: this one's answer does not depend on it.
                drop(self.keep_collected(&begun, &delivered));
            }
        }
    }

    /// Waits for the reply to a request that began a session, or that it joined.
    pub(super) async fn reply_to(&self, begun: &Begun, patience: Option<Duration>) -> Result<Reply, Refusal> {
        let (budget, hurried) = budget(patience);
        let answered = self.answer(&begun.pending, Some(begun), budget).await?;
        self.reply(&begun.pending.session, answered, hurried).await
    }
}

/// How long a request waits for a reply, and whether that is its client's own wish.
pub(super) fn budget(patience: Option<Duration>) -> (Duration, bool) {
    match patience.filter(|patience| *patience < REPLY_BUDGET) {
        Some(patience) => (patience, true),
        None => (REPLY_BUDGET, false),
    }
}

/// A verb that needs a running session met one that is over.
pub(super) fn over(conversation: &Conversation) -> Refusal {
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

fn line(said: &Said) -> Line {
    Line { speaker: Speaker::Person, text: said.text.as_str().to_owned(), at: said.at, channel: said.channel }
}

fn said(line: &Line) -> Said {
    Said { text: PersonText(line.text.clone()), at: line.at, channel: line.channel }
}
