//! What a carrier reports and asks about calls, on its way to the sessions.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::manager::{Manager, NotTaken};
use super::task::Message;
use crate::domain::media::MediaLoss;
use crate::domain::session::{CarrierNews, Input};
use crate::ids::{CarrierCallId, EventId, MessageId, SessionId};
use crate::store::Write;

/// How long a webhook waits for its session's word; the carrier itself gives up after 15 s.
const FETCH: Duration = Duration::from_secs(5);

/// What the carrier is told to do with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// Connect its media, which comes in with this token.
    Connect {
        /// Whose call it is.
        session: SessionId,
        /// Single use.
        token: String,
    },
    /// Nobody wants it any more.
    HangUp,
}

impl Manager {
    /// A carrier's news about a call; `session` as its URL named it, else the call's name decides. A call that nobody
    /// knows (any more) and that is not over yet is hung up: its session died before it learned the call's name. `false`
    /// where that is done: after a crash it would have to be done again.
    pub fn news(&self, session: Option<SessionId>, call: CarrierCallId, news: CarrierNews) -> bool {
        let Some(id) = session.or_else(|| self.shared.session_of(&call)) else { return true };
        let input = Input::Carrier { call: call.clone(), news };
        let unwanted = self.tell(&id, input) == Err(NotTaken::Gone)
            && matches!(news, CarrierNews::Queued | CarrierNews::Ringing | CarrierNews::Answered)
            && !self.shared.is_done_with(&call);
        if unwanted {
            self.shared.send_off(id, call);
        }
        !unwanted
    }

    /// The carrier asks what to do with a call that was picked up.
    pub async fn fetch(&self, session: Option<SessionId>, call: CarrierCallId) -> WebhookAnswer {
        let Some(session) = session.or_else(|| self.shared.session_of(&call)) else { return WebhookAnswer::HangUp };
        let (answer, token) = oneshot::channel();
        if self.send(&session, Message::Fetch { call, answer }).is_err() {
            return WebhookAnswer::HangUp;
        }
        match tokio::time::timeout(FETCH, token).await {
            Ok(Ok(Some(token))) => WebhookAnswer::Connect { session, token },
            Ok(Ok(None) | Err(_)) | Err(_) => WebhookAnswer::HangUp,
        }
    }

    /// A call was answered, and waits for a command; `session` as in [`Manager::news`]. Nobody's is hung up.
    pub fn answered(&self, session: Option<SessionId>, call: CarrierCallId) {
        let id = session.or_else(|| self.shared.session_of(&call));
        let wait = || Message::Waits { call: call.clone() };
        let unwanted = id.is_none_or(|id| self.send(&id, wait()) == Err(NotTaken::Gone));
        if unwanted && !self.shared.is_done_with(&call) {
            let shared = Arc::clone(&self.shared);
            self.shared.config.tasks.spawn(async move { shared.hang_up_unknown(&call).await });
        }
    }

    /// The carrier could not connect a call to its media, or does not any more: to the socket with this token, or it does not say
    /// to which.
    pub fn not_connected(
        &self,
        session: Option<SessionId>,
        call: CarrierCallId,
        token: Option<String>,
        loss: MediaLoss,
    ) {
        if let Some(id) = session.or_else(|| self.shared.session_of(&call)) {
            let _ = self.send(&id, Message::NotConnected { call, token, loss });
        }
    }

    /// Whether this is the first time that the carrier tells it in this process, or since [`Manager::has_heard`] was kept.
    pub fn hears(&self, event: &EventId) -> bool {
        self.shared.lock().hears(&seen_as(event))
    }

    /// Keeps that the carrier has told it, for 72 hours and the next process, which knows the newest of them; done when it would
    /// survive a crash, or cannot be made to. Not for what is still being done about it: should we crash in it, the carrier may
    /// tell it once more.
    pub fn has_heard(&self, event: &EventId) -> BoxFuture<'static, ()> {
        let at = self.shared.config.clock.now();
        let seen = Write::Seen(self.shared.config.directory.line_key().clone(), seen_as(event), at);
        self.shared.keep(&mut self.shared.lock(), vec![seen]).map(|_| ()).boxed()
    }

    /// Somebody rings us: turns them away, by command.
    pub fn turn_away(&self, call: CarrierCallId) {
        let shared = Arc::clone(&self.shared);
        self.shared.config.tasks.spawn(async move { shared.turn_away(&call).await });
    }
}

/// What stands before the name of an event about a call, where it is kept among those of messages.
const ABOUT_A_CALL: &str = "call.";

/// The name by which an event is kept.
fn seen_as(event: &EventId) -> MessageId {
    MessageId(format!("{ABOUT_A_CALL}{}", event.0))
}

/// Whether this is the name of an event about a call.
pub(super) fn is_about_a_call(seen: &MessageId) -> bool {
    seen.as_str().starts_with(ABOUT_A_CALL)
}
