//! After a restart: what the process before has left goes on, or is brought to an honest end.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::calls::is_about_a_call;
use super::manager::{Manager, NotStarted};
use super::missed::Missed;
use super::task::{Begun, Named, Waiting};
use super::{Delivered, Pending, Recalled};
use crate::clock::Millis;
use crate::domain::line::Line;
use crate::domain::outcome::{Channel, EndedBy, Outcome};
use crate::domain::session::snapshot::Stage;
use crate::domain::session::{Answer, Body, Failure, Input, Session};
use crate::domain::text::PersonText;
use crate::ids::{CarrierCallId, ConversationId, RequestId, SessionId};
use crate::store::{Given, Left, RequestRecord, SessionRecord, Write};

/// What was written longer ago than this was taken, or is of no use any more; what was taken since is known by its id.
const LOOK_BACK: Duration = Duration::from_hours(72);

/// A message that reached nobody for so long sets nothing off any more.
const STALE: Duration = Duration::from_hours(24);

impl Manager {
    /// Takes up what an earlier process has left: its line, its sessions, the messages that had
    /// not reached them, and what was written meanwhile. Gives the requests that repeats may join.
    pub async fn recall(&self, left: Left) -> Vec<Recalled> {
        let Left { mut sessions, lines, seen, received, requests, blocks: _ } = left;
        let key = self.shared.config.directory.line_key();
        let names: HashSet<SessionId> = sessions.iter().map(|record| record.id.clone()).collect();
        let sms_since = {
            let mut tables = self.shared.lock();
            let ours = lines.into_iter().find(|(line, _)| line == key).map(|(_, kept)| kept).unwrap_or_default();
            let seen = seen.into_iter().filter(|(line, ..)| line == key).map(|(_, id, _)| id);
            let (told, seen): (Vec<_>, Vec<_>) = seen.partition(is_about_a_call);
            for event in &told {
                tables.hears(event);
            }
            tables.line.recall(ours, seen);
            // A first process has missed nothing.
            let sms_since = tables.line.sms_since();
            match self.shared.config.sms {
                Some(_) => tables.line.writes_sms(self.shared.config.clock.now()),
                None => tables.line.leaves_sms(),
            }
            let running: HashSet<SessionId> = tables.sessions.keys().chain(&names).cloned().collect();
            tables.line.keep_only(&running);
            sms_since
        };
        self.close_what_nobody_goes_on_with(&names).await;
        let (mut recalled, mut waiting) = (Vec::new(), Vec::new());
        let now = self.shared.config.clock.now();
        for mut record in requests {
            if record.answer.is_none() && !names.contains(&record.session) {
                record.answer = Some(lost(now));
                drop(self.shared.config.store.commit(vec![Write::Request(Box::new(record.clone()))]));
            }
            let (pending, answer) = pending(&record);
            if record.answer.is_none() {
                waiting.push((record.clone(), answer));
            }
            recalled.push(Recalled { record, pending });
        }
        sessions.sort_by_key(|record| record.snapshot.began_at);
        let (count, began_at) = (sessions.len(), sessions.first().map(|record| record.snapshot.began_at));
        for record in sessions {
            // What is not begun by now goes on with the next process.
            if self.shared.closing.is_cancelled() {
                break;
            }
            let collected = recalled
                .iter()
                .map(|Recalled { record, .. }| record)
                .filter(|request| request.session == record.id && request.collected);
            let collected = collected.map(|request| request.request).collect();
            let its = waiting.extract_if(.., |(request, _)| request.session == record.id);
            let requests = its.map(|(request, answer)| Waiting {
                request: request.request,
                answer,
                named: Named::Kept(Box::new(request)),
            });
            let requests = requests.collect();
            let (id, call) = (record.id.clone(), call_of(&record));
            // A record that brings us down must not do so at every start.
            if AssertUnwindSafe(self.go_on(record, requests, collected)).catch_unwind().await.is_err() {
                self.bury(id, call).await;
            }
        }
        if self.shared.closing.is_cancelled() {
            for (_, answer) in waiting {
                answer.send_replace(Some(put_off(now)));
            }
            return recalled;
        }
        if self.shared.config.messaging.is_some() {
            for received in received {
                if now.since(received.at) < STALE {
                    self.take(received);
                } else {
                    drop(self.shared.config.store.commit(vec![Write::Done(received.entry)]));
                }
            }
            self.catch_up_with_the_line(began_at, sms_since);
        }
        if count > 0 {
            tracing::info!(sessions = count, "{count} sessions of the process before were taken up");
        }
        recalled
    }

    /// A session goes on with its own task. It may not have learned any more that the answers to these requests were
    /// `collected`.
    async fn go_on(&self, record: SessionRecord, requests: Vec<Waiting>, collected: Vec<RequestId>) {
        let shared = &self.shared;
        let SessionRecord { id, snapshot, kept_at, by_person, owner: _ } = record;
        let lines = match shared.config.store.conversation(&id).await {
            Ok(conversation) => conversation.map(|conversation| conversation.lines).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let now = shared.config.clock.now();
        let mut session = Session::restore(snapshot, kept_at, shared.config.limits.clone(), now);
        for request in collected {
            session.handle(Input::Collected { request }, now);
        }
        let (on_phone, channel) = (session.is_on_phone(), session.channel());
        let wants_floor = session.wants_floor();
        let begun = Begun { id: id.clone(), session, requests, by_person, lines, entry: None };
        let mut next = None;
        let taken = self.run(begun, |tables| {
            if shared.closing.is_cancelled() {
                return Err(NotStarted::Closing);
            }
            if on_phone {
                // It has the line, whoever else has.
                let _ = tables.line.take(&id, usize::MAX);
            }
            if !wants_floor {
                // It was answered, and the process ended before the line learned it.
                next = tables.line.yield_floor(&id);
            }
            Ok(Vec::new())
        });
        shared.grant_floor(next);
        // The person stopped messages, and the process ended before the session learned it.
        if taken.is_ok() && channel != Channel::Voice && shared.read_line(|line, _| line.is_opted_out()) {
            let _ = self.tell(&id, Input::OptedOut { text: PersonText("stop".to_owned()), channel });
        }
    }

    /// A conversation that runs, and is no session's of this process or the one before: what was kept of the session is lost, and
    /// nobody would ever end it.
    async fn close_what_nobody_goes_on_with(&self, left: &HashSet<SessionId>) {
        let shared = &self.shared;
        let Ok((conversations, _)) = shared.config.store.history(usize::MAX).await else { return };
        let mut lost: Vec<_> = conversations.into_iter().filter(|kept| kept.ended_at.is_none()).collect();
        {
            let tables = shared.lock();
            lost.retain(|kept| !left.contains(&kept.id) && !tables.sessions.contains_key(&kept.id));
        }
        if lost.is_empty() {
            return;
        }
        let count = lost.len();
        tracing::error!(sessions = count, "{count} sessions of the process before are lost; their history is closed");
        // What cannot be read of them stays: a newer version may go on with it.
        let closed = lost.into_iter().map(|kept| shared.crashed(kept)).collect();
        drop(shared.config.store.commit(closed));
    }

    /// Closes what is left of a session that could not go on. Its call may take long to hang up, and the others wait; but nobody
    /// is to ring into it.
    async fn bury(&self, id: SessionId, call: Option<CarrierCallId>) {
        let shared = Arc::clone(&self.shared);
        if call.is_some() {
            let _ = shared.line(|line, _| line.take(&id, usize::MAX));
        }
        shared.close_history(&id, call.as_ref()).await;
        self.shared.config.tasks.spawn(async move { shared.lay_to_rest(&id, call).await });
    }

    /// Reads what was written while no process was there; where no conversation is known yet, once it is found. The sessions
    /// that go on run since `began_at`, and SMS are for us since `sms_since`.
    fn catch_up_with_the_line(&self, began_at: Option<Millis>, sms_since: Option<Millis>) {
        let shared = &self.shared;
        let known = |line: &Line, _| line.conversation().cloned().zip(line.conversation_since());
        let known = shared.read_line(known).filter(|_| shared.reads_back());
        let by_sms = sms_since.filter(|_| shared.reads_sms_back());
        if known.is_none() && shared.reads_back() {
            shared.lock().unread_since = began_at;
        }
        let (conversation, since) = known.unzip();
        if let Some(since) = since.into_iter().chain(by_sms).min() {
            self.catch_up(since, conversation);
        }
    }

    /// Reads what was written since then, in this conversation and by SMS.
    pub(super) fn catch_up(&self, since: Millis, conversation: Option<ConversationId>) {
        let shared = &self.shared;
        let now = shared.config.clock.now();
        let since = since.max(now - LOOK_BACK);
        let mut tables = shared.lock();
        if let Some(missed) = &mut tables.missed {
            missed.go_back_to(since, conversation);
            return;
        }
        tables.missed = Some(Missed::anything_since(since, conversation));
        drop(tables);
        let manager = self.clone();
        shared.config.tasks.spawn(async move {
            let closing = manager.shared.closing.clone();
            closing.run_until_cancelled(manager.read_back()).await;
        });
    }
}

/// The call that a kept session may still have at the carrier, where its name is known.
fn call_of(record: &SessionRecord) -> Option<CarrierCallId> {
    match &record.snapshot.stage {
        Stage::Voice { call } => call.clone(),
        Stage::Messaging { hanging } | Stage::Parting { hanging } => hanging.clone(),
    }
}

/// The answer to a request whose session is gone.
fn lost(now: Millis) -> Given {
    let outcome = Outcome { ended_by: Some(EndedBy::Crash), ..Outcome::default() };
    let body = Body::Failed { failure: Failure::CallEnded, said: Vec::new() };
    Given { answer: Answer { body, outcome }, at: now, channel: Channel::Voice, contact: None }
}

/// The answer to one whose session goes on with the next process.
fn put_off(now: Millis) -> Delivered {
    let body = Body::Failed { failure: Failure::Stopping, said: Vec::new() };
    let answer = Arc::new(Answer { body, outcome: Outcome::default() });
    Delivered { answer, at: now, channel: Channel::Voice, contact: None }
}

fn pending(record: &RequestRecord) -> (Pending, watch::Sender<Option<Delivered>>) {
    let given = record.answer.clone().map(Delivered::from);
    let (sender, answer) = watch::channel(given);
    (Pending { session: record.session.clone(), request: record.request, answer }, sender)
}
