//! What is done about a session that died of a fault of ours: its history is closed, its call hung up, and what it had not taken
//! of the person's words waits for the next one. The process lives.

use std::sync::Arc;

use super::shared::Shared;
use crate::domain::outcome::EndedBy;
use crate::domain::session::{Input, Said, Sense};
use crate::ids::{CarrierCallId, EntryId, SessionId};
use crate::store::{Conversation, Write};

/// The messages of the person's that a session was sent and has not kept yet, with their words.
#[derive(Debug, Default)]
pub(super) struct Undone(Vec<(EntryId, Vec<Said>)>);

impl Undone {
    /// The session is to be sent this.
    pub(super) fn note(&mut self, entry: EntryId, input: &Input) {
        self.0.push((entry, words_in(input)));
    }

    /// The session did not take it after all.
    pub(super) fn cross_out(&mut self, entry: EntryId) {
        self.0.retain(|(undone, _)| *undone != entry);
    }

    /// What the session keeps with these writes is done.
    pub(super) fn kept(&mut self, writes: &[Write]) {
        self.0.retain(|(undone, _)| !writes.contains(&Write::Done(*undone)));
    }
}

/// The person's own words in what a session is told.
pub(super) fn words_in(input: &Input) -> Vec<Said> {
    match input {
        Input::Wrote { sense: Sense::CallMe { tell: false }, .. } => Vec::new(),
        Input::Wrote { text, at, channel, .. } => vec![Said { text: text.clone(), at: *at, channel: *channel }],
        Input::Earlier(said) => said.clone(),
        // Nothing that anybody said.
        _ => Vec::new(),
    }
}

impl Shared {
    /// A session's task died of a fault.
    pub(super) async fn bury(self: &Arc<Self>, id: &SessionId) {
        let call = self.lock().sessions.get(id).and_then(|entry| entry.call.clone());
        self.close_history(id, call.as_ref()).await;
        self.lay_to_rest(id, call).await;
    }

    /// First of all its history ends, so that whoever asks is told how: hanging up may take long. What it had not kept of the
    /// person's words is the next one's.
    pub(super) async fn close_history(&self, id: &SessionId, call: Option<&CarrierCallId>) {
        let hung_up = if call.is_some() { "; its call is hung up" } else { "" };
        tracing::error!(call.id = %id, "session {id} died of a fault{hung_up}");
        let conversation = self.config.store.conversation(id).await.ok().flatten();
        let running = conversation.filter(|conversation| conversation.ended_at.is_none());
        let mut writes: Vec<Write> = running.map(|conversation| self.crashed(conversation)).into_iter().collect();
        if call.is_none() {
            writes.push(Write::Ended(id.clone()));
        }
        let mut tables = self.lock();
        let entry = tables.sessions.get_mut(id);
        let Undone(undone) = entry.map(|entry| std::mem::take(&mut entry.undone)).unwrap_or_default();
        for (entry, words) in undone {
            for said in words {
                tables.line.hold(said);
            }
            writes.push(Write::Done(entry));
        }
        drop(self.keep(&mut tables, writes));
        drop(tables);
        self.has_left(id);
    }

    /// Its call is hung up before the line is anybody else's, who would ring into it; and until then its record stays: should we
    /// end meanwhile, the next process hangs up.
    pub(super) async fn lay_to_rest(self: &Arc<Self>, id: &SessionId, call: Option<CarrierCallId>) {
        if let Some(call) = call {
            if !self.hang_up_orphan(id, &call).await {
                self.hang_up_later(id.clone(), call);
            }
            drop(self.config.store.commit(vec![Write::Ended(id.clone())]));
        }
        let generation = self.lock().sessions.get(id).map(|entry| entry.generation);
        self.forget(id, generation.unwrap_or_default());
    }

    /// This conversation goes on no more, through a fault or a loss of ours.
    pub(super) fn crashed(&self, conversation: Conversation) -> Write {
        let mut ended = conversation;
        ended.ended_at = Some(self.config.clock.now());
        ended.outcome.ended_by = Some(EndedBy::Crash);
        self.config.metrics.call_ended(ended.outcome.dial.as_str(), EndedBy::Crash.as_str());
        Write::Conversation(Box::new(ended))
    }
}
