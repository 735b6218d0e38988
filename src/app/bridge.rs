//! Joins what may not know each other: the media's desk to the sessions, and the edge to both.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::mpsc;

use crate::domain::media::{MediaCommand, MediaEvent};
use crate::domain::session::CarrierNews;
use crate::http::carrier::{Answer, CallEvents};
use crate::ids::{CarrierCallId, SessionId};
use crate::media::{BoxSocket, Desk};
use crate::provider::{MessageNews, MessagingWebhooks, Sender, Webhook};
use crate::session::{Manager, MediaPort, WebhookAnswer};

/// The desk, as sessions see it.
pub(super) struct MediaDesk(pub(super) Arc<Desk>);

impl MediaPort for MediaDesk {
    fn open(
        &self,
        session: &SessionId,
        events: Box<dyn Fn(MediaEvent) -> bool + Send + Sync>,
    ) -> mpsc::Sender<MediaCommand> {
        self.0.open(session.clone(), events)
    }

    fn mint(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.0.mint(session, call)
    }
}

/// Sessions and desk, as the edge sees them.
pub(super) struct Events {
    pub(super) manager: Manager,
    pub(super) desk: Arc<Desk>,
    /// Where signed messaging webhooks wait to be read.
    pub(super) mail: mpsc::Sender<Bytes>,
}

/// Messaging webhooks that wait at once. What finds no room is answered with an error, for the carrier to know.
pub(super) const MOST_MAIL: usize = 1024;

/// Reads what came in after it was answered, one by one and in order.
pub(super) async fn read_mail(
    mut mail: mpsc::Receiver<Bytes>,
    webhooks: Option<Arc<dyn MessagingWebhooks>>,
    manager: Manager,
) {
    while let Some(body) = mail.recv().await {
        let Some(webhooks) = &webhooks else { continue };
        match webhooks.parse(&body) {
            MessageNews::Inbound { from, message } => manager.message(&from, message).await,
            MessageNews::Refused { from, message, why } => manager.refused(&from, &message, why).await,
            MessageNews::Receipt(receipt) => manager.receipt(receipt),
            MessageNews::Nothing => {}
            MessageNews::Bad(why) => tracing::warn!("a signed messaging webhook was not understood: {why}"),
        }
    }
}

impl CallEvents for Events {
    fn webhook(&self, session: Option<SessionId>, webhook: Webhook) -> BoxFuture<'_, Answer> {
        let news = |call: CarrierCallId, news: CarrierNews| {
            self.manager.news(session.clone(), call, news);
            ready(Answer::Taken).boxed()
        };
        match webhook {
            Webhook::Fetch { inbound: true, .. } => ready(Answer::Reject).boxed(),
            Webhook::Fetch { call, inbound: false } => async move {
                match self.manager.fetch(session, call).await {
                    WebhookAnswer::Connect { session, token } => Answer::Connect { token, session },
                    WebhookAnswer::HangUp => Answer::HangUp,
                }
            }
            .boxed(),
            Webhook::Status { call, progress } => news(call, progress.into()),
            Webhook::Machine { call, verdict } => news(call, CarrierNews::Machine(verdict)),
        }
    }

    fn message(&self, body: Bytes) -> bool {
        self.mail.try_send(body).is_ok()
    }

    fn turned_away(&self, sender: &Sender, wait: Duration) {
        if let Some(from) = &sender.from {
            self.manager.missed(from, sender.conversation.as_ref(), wait);
        }
    }

    fn media(&self, token: Option<String>, socket: BoxSocket) -> BoxFuture<'static, ()> {
        let desk = Arc::clone(&self.desk);
        async move {
            // Dropping the socket closes it: a token nobody minted, or too many strangers at the door.
            if let Some(admission) = desk.admit(token.as_deref()) {
                desk.receive(admission, token, socket).await;
            }
        }
        .boxed()
    }
}
