//! Waiting for a slow person: in steps that a proxy lets live, with news between them, up to a ceiling.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::HeaderValue;
use tokio::time::{Instant, MissedTickBehavior};

use super::api::{Answer, Api, Question, Unreached};
use super::progress::{Listener, Progress};

/// Proxies cut what says nothing for a minute.
const STEP: Duration = Duration::from_secs(50);
/// The first answer names the session, whose news can be told from then on.
const FIRST_STEP: Duration = Duration::from_secs(1);
/// How often a session is looked at for its news.
const LOOK: Duration = Duration::from_secs(2);
/// So little is left that nobody would come in it.
const ALMOST: Duration = Duration::from_millis(100);
/// Between tries at a server that is away for a moment, while the ceiling is not reached.
const AGAIN: Duration = Duration::from_secs(2);

/// What waits for no reply is over by then.
const NO_REPLY: Duration = Duration::from_secs(50);
/// For the way there and back.
const GRACE: Duration = Duration::from_secs(5);

/// Nobody has answered yet, and nothing is wrong.
pub(super) const NOT_YET: u16 = 202;

/// Asks, and waits for the reply as a tool does, for at most `ceiling`: then the answer is 202. `tell` gets what goes on, and
/// `session` the session as soon as the server has named it.
///
/// # Errors
/// When the API cannot be asked.
pub async fn ask_and_wait(
    api: &dyn Api,
    question: Question,
    ceiling: Duration,
    tell: Option<fn(&str)>,
    session: Option<&OnceLock<String>>,
) -> Result<Answer, Unreached> {
    let progress = Progress::new(tell.map_or(Listener::Nobody, Listener::Line));
    let until = Instant::now() + ceiling;
    let mut wait = Wait { api, authorization: None, progress, until, session: None, named: session, far: true };
    wait.reply(question).await
}

/// One tool's wait.
pub(super) struct Wait<'a> {
    pub(super) api: &'a dyn Api,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) progress: Progress,
    pub(super) until: Instant,
    /// The session, once it is known.
    pub(super) session: Option<String>,
    /// Where its name is wanted outside.
    pub(super) named: Option<&'a OnceLock<String>>,
    /// Another process answers, which may be away for a moment; where it is this one, it is ending.
    pub(super) far: bool,
}

impl Wait<'_> {
    /// Asks, and waits for the reply until the ceiling: then the answer is the last one, 202.
    pub(super) async fn reply(&mut self, question: Question) -> Result<Answer, Unreached> {
        let is_watched = self.progress.is_wanted() || self.named.is_some();
        let first = if is_watched { FIRST_STEP.min(self.left()) } else { STEP.min(self.left()) };
        let mut answer = self.watch(question.clone().waiting(first)).await;
        // What was asked has a name, so that asking again does nothing twice.
        while self.far && self.left() > AGAIN && answer.as_ref().is_ok_and(Answer::is_away) {
            self.pause().await;
            answer = self.watch(question.clone().waiting(first)).await;
        }
        let mut answer = answer?;
        loop {
            if answer.status != NOT_YET || self.left() < ALMOST {
                return Ok(answer);
            }
            if let Some(id) = answer.text("callId") {
                self.session = Some(id.to_owned());
                if let Some(named) = self.named {
                    named.get_or_init(|| id.to_owned());
                }
            }
            let again = match answer.text("requestId") {
                // It was begun: from now on it is only asked for.
                Some(request) => Question::get(format!("/api/request/{request}")),
                None => question.clone(),
            };
            match self.watch(again.waiting(STEP.min(self.left()))).await {
                Ok(next) if !next.is_away() => answer = next,
                Ok(_) | Err(_) if self.far => self.pause().await,
                // The last answer tells where to come back to.
                Ok(_) | Err(_) => return Ok(answer),
            }
        }
    }

    async fn pause(&mut self) {
        self.progress.tell("the server is away for a moment; trying again").await;
        tokio::time::sleep(AGAIN.min(self.left())).await;
    }

    /// Asks, and tells meanwhile how the session stands. No answer long after the ceiling is none.
    pub(super) async fn watch(&mut self, question: Question) -> Result<Answer, Unreached> {
        let api = self.api;
        let latest = self.until.max(Instant::now() + question.wait.unwrap_or(NO_REPLY)) + GRACE;
        let question = self.authorized(question);
        let asked =
            async { tokio::time::timeout_at(latest, api.ask(question)).await.unwrap_or_else(|_| Err(silent())) };
        if !self.progress.is_wanted() {
            return asked.await;
        }
        tokio::pin!(asked);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                answer = &mut asked => return answer,
                _ = looks.tick() => {
                    tokio::select! {
                        biased;
                        answer = &mut asked => return answer,
                        () = self.look() => {}
                    }
                }
            }
        }
    }

    pub(super) async fn ask(&self, question: Question) -> Result<Answer, Unreached> {
        self.api.ask(self.authorized(question)).await
    }

    async fn look(&mut self) {
        let Some(id) = &self.session else { return self.progress.tell("waiting").await };
        if let Ok(view) = self.ask(Question::get(format!("/api/call/{id}"))).await
            && view.status == 200
        {
            let left = self.left();
            self.progress.show(&view, left).await;
        }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn authorized(&self, question: Question) -> Question {
        Question { authorization: self.authorization.clone(), ..question }
    }
}

fn silent() -> Unreached {
    Unreached(
        "The server did not answer in time, and may have begun what was asked. Ask the same again: it joins what was begun."
            .to_owned(),
    )
}
