//! Joins what may not know each other: the media's desk to the sessions, and the edge to both.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::media::{MediaCommand, MediaEvent, Told};
use crate::domain::messaging::Receipt;
use crate::domain::session::CarrierNews;
use crate::http::carrier::{Answer, CallEvents};
use crate::ids::{CarrierCallId, EventId, SessionId};
use crate::media::{BoxSocket, Desk};
use crate::provider::{MessageNews, MessagingWebhooks, Sender, Webhook};
use crate::session::{Manager, MediaPort, WebhookAnswer};
use crate::store::{Mail, Received};

/// The desk, as sessions see it.
pub(super) struct MediaDesk(pub(super) Arc<Desk>);

impl MediaPort for MediaDesk {
    fn open(
        &self,
        session: &SessionId,
        events: Box<dyn Fn(MediaEvent) -> Told + Send + Sync>,
    ) -> mpsc::Sender<MediaCommand> {
        self.0.open(session.clone(), events)
    }

    fn mint(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.0.mint(session, call)
    }

    fn mint_alone(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.0.mint_alone(session, call)
    }
}

/// Sessions and desk, as the edge sees them.
pub(super) struct Events {
    pub(super) manager: Manager,
    pub(super) desk: Arc<Desk>,
    /// Reads messaging webhooks; without messaging nothing in them is for us.
    pub(super) webhooks: Option<Arc<dyn MessagingWebhooks>>,
    /// Where what they brought waits to be taken.
    pub(super) mail: mpsc::Sender<(Instant, Letter)>,
}

/// What a signed messaging webhook brought.
#[derive(Debug)]
pub(super) enum Letter {
    /// A message of the person's.
    Message(Received),
    /// What became of a text of ours.
    Receipt(Receipt),
}

/// What waits at once. What finds no room is answered with an error, for the carrier to know.
pub(super) const MOST_MAIL: usize = 1024;

/// From the arrival of a letter to its reading: by then its webhook is answered, and what the letter sets off does not show in
/// the time of the answer.
const UNREAD: Duration = Duration::from_millis(5);

/// Takes what came in after it was answered, one by one and in order, until nothing more can come.
pub(super) async fn read_mail(
    mut mail: mpsc::Receiver<(Instant, Letter)>,
    manager: Manager,
    served: &CancellationToken,
) {
    loop {
        let next = tokio::select! {
            biased;
            next = mail.recv() => next,
            // What has come is still read, whoever holds the other end.
            () = served.cancelled(), if !mail.is_closed() => {
                mail.close();
                continue;
            }
        };
        let Some((arrived, letter)) = next else { return };
        tokio::time::sleep_until(arrived + UNREAD).await;
        match letter {
            Letter::Message(received) => drop(manager.take(received)),
            Letter::Receipt(receipt) => manager.receipt(receipt),
        }
    }
}

impl Events {
    /// Reads a webhook, and keeps what it brought; for all that it brings the same is done.
    fn open(&self, body: &[u8]) -> (Option<Letter>, BoxFuture<'static, bool>) {
        let news = self.webhooks.as_ref().map_or(MessageNews::Nothing, |webhooks| webhooks.parse(body));
        let (received, kept) = match news {
            MessageNews::Inbound { from, channel, message } => {
                self.manager.arrived(&from, channel, Mail::Message(message))
            }
            MessageNews::Refused { from, channel, message, why } => {
                self.manager.arrived(&from, channel, Mail::Refused(message, why))
            }
            MessageNews::Receipt(receipt) => return (Some(Letter::Receipt(receipt)), self.manager.nothing_arrived()),
            MessageNews::Nothing => (None, self.manager.nothing_arrived()),
            MessageNews::Bad(why) => {
                tracing::warn!("a signed messaging webhook was not understood: {why}");
                (None, self.manager.nothing_arrived())
            }
        };
        (received.map(Letter::Message), kept)
    }

    /// Tells the sessions of a webhook. Whether it has done its work by then, beside the answer: a call that it has hung up or
    /// turned away still is being so, which may be done as often as it is told.
    fn tell(&self, session: Option<SessionId>, webhook: Webhook) -> (bool, BoxFuture<'_, Answer>) {
        let taken = |is_done| (is_done, ready(Answer::Taken).boxed());
        let news = |call: CarrierCallId, news: CarrierNews| taken(self.manager.news(session.clone(), call, news));
        match webhook {
            Webhook::Fetch { inbound: true, .. } => (true, ready(Answer::Reject).boxed()),
            Webhook::Fetch { call, inbound: false } => (
                true,
                async move {
                    match self.manager.fetch(session, call).await {
                        WebhookAnswer::Connect { session, token } => Answer::Connect { token, session },
                        WebhookAnswer::HangUp => Answer::HangUp,
                    }
                }
                .boxed(),
            ),
            Webhook::Waits { call, inbound } => {
                if inbound {
                    self.manager.turn_away(call);
                } else {
                    self.manager.answered(session, call);
                }
                taken(false)
            }
            Webhook::NotConnected { call, token, loss } => {
                self.manager.not_connected(session, call, token, loss);
                taken(true)
            }
            Webhook::Other => taken(true),
            Webhook::Status { call, progress } => news(call, progress.into()),
            Webhook::Machine { call, verdict } => news(call, CarrierNews::Machine(verdict)),
        }
    }
}

impl CallEvents for Events {
    fn webhook(&self, session: Option<SessionId>, event: Option<&EventId>, webhook: Webhook) -> BoxFuture<'_, Answer> {
        // What changes nothing may come as often as it likes.
        let event = event.filter(|_| webhook != Webhook::Other);
        // Told before.
        if event.is_some_and(|event| !self.manager.hears(event)) {
            return ready(Answer::Taken).boxed();
        }
        let (is_done, answer) = self.tell(session, webhook);
        let kept = event.filter(|_| is_done).map_or_else(|| ready(()).boxed(), |event| self.manager.has_heard(event));
        // Whoever it is for has it by then.
        async move {
            let answer = answer.await;
            kept.await;
            answer
        }
        .boxed()
    }

    fn message(&self, body: Bytes) -> BoxFuture<'_, bool> {
        let (letter, kept) = self.open(&body);
        async move {
            // Before it is durable: a carrier that hangs up now has brought it all the same.
            let taken = match (self.mail.try_reserve(), letter) {
                // It takes no room, and is turned away like others where there is none.
                (Ok(_), None) => true,
                (Ok(room), Some(letter)) => {
                    room.send((Instant::now(), letter));
                    true
                }
                (Err(_), letter) => {
                    if let Some(Letter::Message(received)) = letter {
                        self.manager.turned_back(&received);
                    }
                    false
                }
            };
            // What a crash would take is taken here all the same; the carrier is told, and it is read back from there.
            kept.await && taken
        }
        .boxed()
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
