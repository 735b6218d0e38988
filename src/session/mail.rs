//! The texts of the sessions and of the line: sent, read back, inspected.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{self, BoxFuture};

use super::manager::Manager;
use super::shared::Shared;
use crate::domain::line::{Line, Notice};
use crate::domain::messaging::{Author, Delivery, Form, MessagingClass, MessagingError, PastMessage, Receipt};
use crate::domain::outcome::Channel;
use crate::domain::session::PostError;
use crate::domain::text::{parts, sms_parts};
use crate::ids::{ConversationId, EntryId, Mark, MessageId, PostId, SessionId};
use crate::metrics::Text;
use crate::provider::metered::count_undelivered;
use crate::provider::{Messaging, Opened, SendOrder, SmsOrder};
use crate::store::Write;

/// Waits between tries to send a notice.
const NOTICE_AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];

/// The message of the person's that brings a notice about.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// Its arrival, where nobody else settles that.
    pub(super) entry: Option<EntryId>,
    /// It was taken up before, by an earlier process, which may have sent the notice.
    pub(super) again: bool,
    /// Done when the next process would know that it was taken up: only then it looks for the notice before it sends it.
    pub(super) kept: future::Shared<BoxFuture<'static, bool>>,
}

/// A text of a session's, as it is to be sent.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) post: PostId,
    pub(super) form: Form,
    pub(super) text: String,
    pub(super) again: bool,
    pub(super) instead_of: Option<PostId>,
}

/// Sending.
impl Shared {
    /// Sends a session's text, unless the line knows that it would not arrive.
    pub(super) async fn post(self: &Arc<Self>, id: &SessionId, letter: Letter) -> Result<MessageId, PostError> {
        let Letter { post, form, text, again, instead_of } = letter;
        let mark = Mark::new(id, post);
        let began = self.config.clock.now();
        self.may_post(form)?;
        if form == Form::Sms {
            let before = instead_of.map(|post| Mark::new(id, post));
            return self.post_by_sms(id, text, again, before).await;
        }
        let mut conversation = self.conversation().await.map_err(PostError::Carrier)?;
        // Finding it may have told that the window is closed.
        self.may_post(form)?;
        if again {
            if !self.reads_back() {
                return Err(PostError::Carrier(unsettled()));
            }
            if let Some(message) = self.find(&mark).await.map_err(PostError::Carrier)? {
                self.was_sent(id, &message, Channel::WhatsApp);
                return Ok(message);
            }
        }
        let mut sent = self.send(&conversation, form, &text, &mark).await;
        if let Err(MessagingError { class: MessagingClass::Closed, .. }) = &sent {
            self.line(|line, _| line.lose_conversation(&conversation));
            conversation = self.conversation().await.map_err(PostError::Carrier)?;
            sent = self.send(&conversation, form, &text, &mark).await;
        }
        match sent {
            Ok(message) => {
                self.was_sent(id, &message, Channel::WhatsApp);
                Ok(message)
            }
            Err(error) => {
                if error.class == MessagingClass::Window && form == Form::Free {
                    self.line(|line, _| line.window_was_closed(began));
                }
                Err(PostError::Carrier(error))
            }
        }
    }

    /// A text is on its way: what quotes it is for its session, and who was never told of the privacy notice is told now.
    fn was_sent(self: &Arc<Self>, id: &SessionId, message: &MessageId, channel: Channel) {
        self.line(|line, now| line.sent(id, message.clone(), now));
        self.owe_privacy_notice(id, channel);
    }

    fn may_post(&self, form: Form) -> Result<(), PostError> {
        self.read_line(|line, now| {
            if line.is_opted_out() {
                self.config.metrics.text(Text::OptedOut);
                return Err(PostError::OptedOut);
            }
            if form == Form::Free && !line.may_write_freely(now) {
                self.config.metrics.text(Text::Window);
                return Err(PostError::Carrier(window_closed()));
            }
            Ok(())
        })
    }

    async fn send(
        &self,
        conversation: &ConversationId,
        form: Form,
        text: &str,
        mark: &Mark,
    ) -> Result<MessageId, MessagingError> {
        let conversation = conversation.clone();
        let to = self.config.directory.person().clone();
        let template = form == Form::Template;
        let order = SendOrder { conversation, to, template, text: text.to_owned(), mark: mark.clone() };
        self.messaging().send(order).await
    }

    /// Sends a session's text by SMS. It carries nothing by which it would be found again: one that may have been sent stays
    /// unknown.
    async fn post_by_sms(
        self: &Arc<Self>,
        id: &SessionId,
        text: String,
        again: bool,
        before: Option<Mark>,
    ) -> Result<MessageId, PostError> {
        if again {
            return Err(PostError::Carrier(unsettled()));
        }
        if let Some(message) = self.find_before_sms(before).await {
            self.was_sent(id, &message, Channel::WhatsApp);
            return Ok(message);
        }
        let message = self.send_sms(text).await.map_err(PostError::Carrier)?;
        self.was_sent(id, &message, Channel::Sms);
        Ok(message)
    }

    /// The text with this mark that got through on WhatsApp after all. Where that cannot be found out the SMS goes out: it is
    /// the last resort.
    async fn find_before_sms(self: &Arc<Self>, mark: Option<Mark>) -> Option<MessageId> {
        let mark = mark.filter(|_| self.reads_back())?;
        self.find(&mark).await.ok()?
    }

    async fn send_sms(&self, text: String) -> Result<MessageId, MessagingError> {
        let to = self.config.directory.person().clone();
        // What is answered to it is for us.
        self.line(Line::writes_sms);
        match &self.config.sms {
            Some(sms) => sms.send(SmsOrder { to, text }).await,
            // An earlier process began it.
            None => Err(no_sms()),
        }
    }

    /// The person's conversation, found or created. What was written in one that was there tells about the window.
    async fn conversation(self: &Arc<Self>) -> Result<ConversationId, MessagingError> {
        let conversation = match self.read_line(|line, _| line.conversation().cloned()) {
            Some(known) => known,
            None => self.find_conversation().await?,
        };
        self.look_for_window(&conversation).await;
        Ok(conversation)
    }

    /// What is still to be read in it is noted, or begun in the background, before anything else can fail.
    async fn find_conversation(self: &Arc<Self>) -> Result<ConversationId, MessagingError> {
        let Opened { conversation, found } = self.messaging().open(self.config.directory.person()).await?;
        let unread_since = self.lock().unread_since.take().filter(|_| found);
        let is_window_unknown = self.line(|line, now| {
            line.adopt(conversation.clone(), unread_since.unwrap_or(now));
            line.is_window_unknown()
        });
        self.lock().unread_window = found && is_window_unknown;
        if let Some(since) = unread_since {
            Manager { shared: Arc::clone(self) }.catch_up(since, Some(conversation.clone()));
        }
        Ok(conversation)
    }

    /// Looks when the person wrote last, where that is not known; again where that failed and may yet succeed. Without it a
    /// text goes out as in any conversation whose window nobody knows.
    async fn look_for_window(&self, conversation: &ConversationId) {
        if !self.lock().unread_window {
            return;
        }
        let latest = self.messaging().latest(conversation, self.config.directory.person()).await;
        self.lock().unread_window = matches!(&latest, Err(error) if error.class.is_transient());
        let latest = match latest {
            Ok(latest) => latest,
            Err(error) => return tracing::debug!(%error, "the carrier did not say when the person wrote last"),
        };
        let wrote =
            latest.into_iter().filter(|past| matches!(past.author, Author::Person(_))).map(|past| past.at).max();
        if let Some(at) = wrote {
            self.line(|line, _| line.was_written_at(at));
        }
    }

    /// Our own text with this mark, where it was sent after all.
    async fn find(self: &Arc<Self>, mark: &Mark) -> Result<Option<MessageId>, MessagingError> {
        let conversation = self.conversation().await?;
        let latest = self.messaging().latest(&conversation, self.config.directory.person()).await?;
        let ours = |past: &PastMessage| matches!(&past.author, Author::Us(Some(other)) if other == mark);
        Ok(latest.into_iter().find(ours).map(|past| past.message))
    }

    /// What became of a text, where the carrier can tell.
    pub(super) async fn inspect(&self, message: &MessageId, channel: Channel) -> Option<Receipt> {
        let receipt = if channel == Channel::Sms {
            self.config.sms.as_ref()?.receipt(message).await
        } else {
            let conversation = self.read_line(|line, _| line.conversation().cloned())?;
            self.messaging().receipt(&conversation, message).await
        };
        let receipt = receipt.ok().flatten()?;
        self.note_receipt(&receipt);
        Some(receipt)
    }

    /// What a receipt says about the line.
    pub(super) fn note_receipt(&self, receipt: &Receipt) {
        let metrics = &self.config.metrics;
        match &receipt.delivery {
            Delivery::Fine if self.lock().settles(&receipt.message) => metrics.text(Text::Delivered),
            Delivery::Failed(error) if self.lock().settles(&receipt.message) => count_undelivered(metrics, error),
            Delivery::Underway | Delivery::Fine | Delivery::Failed(_) => {}
        }
        self.line(|line, _| {
            if let Some(name) = receipt.channel_message.clone() {
                line.also_named(&receipt.message, name);
            }
            if let Delivery::Failed(MessagingError { class: MessagingClass::Window, .. }) = receipt.delivery {
                line.window_was_closed_for(&receipt.message);
            }
        });
    }

    /// Writes to the person on the server's own account, unless `again` and that is there already.
    async fn notify(
        self: &Arc<Self>,
        notice: &Notice,
        channel: Channel,
        mark: &Mark,
        again: bool,
    ) -> Result<(), PostError> {
        if again {
            if channel == Channel::Sms || !self.reads_back() {
                // Better never than twice.
                return Ok(());
            }
            if self.find(mark).await.map_err(PostError::Carrier)?.is_some() {
                return Ok(());
            }
        }
        let parts = match channel {
            Channel::Sms => sms_parts(notice.text()),
            Channel::WhatsApp | Channel::Voice => parts(notice.text(), self.messaging().abilities().longest),
        };
        for part in parts {
            self.notify_part(notice, &part, channel, mark).await?;
        }
        Ok(())
    }

    async fn notify_part(
        self: &Arc<Self>,
        notice: &Notice,
        part: &str,
        channel: Channel,
        mark: &Mark,
    ) -> Result<(), PostError> {
        let mut waits = NOTICE_AGAIN.into_iter();
        loop {
            if self.read_line(|line, _| line.is_opted_out()) && !notice.is_confirmation() {
                return Err(PostError::OptedOut);
            }
            let sent = match channel {
                Channel::Sms => self.send_sms(part.to_owned()).await,
                Channel::WhatsApp | Channel::Voice => self.send_freely(part, mark).await,
            };
            let Err(error) = sent else { return Ok(()) };
            // Nobody misses a notice that did not come; one that comes twice is a nuisance.
            let wait = waits.next().filter(|_| error.class == MessagingClass::Transient);
            let wait = wait.ok_or(PostError::Carrier(error))?;
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_freely(self: &Arc<Self>, text: &str, mark: &Mark) -> Result<MessageId, MessagingError> {
        let conversation = self.conversation().await?;
        self.send(&conversation, Form::Free, text, mark).await
    }

    /// Writes a notice in the background, on behalf of a message of the person's where there is one; the privacy notice is
    /// owed until it is through.
    pub(super) fn spawn_notice(self: &Arc<Self>, notice: Notice, channel: Channel, mark: Mark, cause: Option<Cause>) {
        let shared = Arc::clone(self);
        self.config.tasks.spawn(async move {
            let again = cause.as_ref().is_some_and(|cause| cause.again);
            if let Some(cause) = &cause {
                cause.kept.clone().await;
            }
            if let Err(why) = shared.notify(&notice, channel, &mark, again).await {
                if let PostError::Carrier(error) = why {
                    tracing::warn!(%error, "a notice to the person was not sent");
                }
                if let Notice::Privacy(_) = notice {
                    shared.line(|line, _| line.owe_notice(channel));
                }
            }
            if let Some(entry) = cause.and_then(|cause| cause.entry) {
                drop(shared.config.store.commit(vec![Write::Done(entry)]));
            }
        });
    }

    /// Whether what was written can be read from the carrier.
    pub(super) fn reads_back(&self) -> bool {
        self.messaging().abilities().reads_back
    }

    /// Whether the same is true of SMS.
    pub(super) fn reads_sms_back(&self) -> bool {
        self.config.sms.as_ref().is_some_and(|sms| sms.abilities().reads_back)
    }

    pub(super) fn messaging(&self) -> &dyn Messaging {
        &**self.config.messaging.as_ref().expect("only sessions with messaging on write")
    }
}

/// A text that was on its way when its sender was interrupted, at a carrier that cannot be asked about it.
fn unsettled() -> MessagingError {
    MessagingError::ours(MessagingClass::Unknown, "the carrier took it without an answer, and cannot be asked about it")
}

fn no_sms() -> MessagingError {
    MessagingError::ours(MessagingClass::Permanent, "SMS is switched off (CALLME_WHATSAPP_FALLBACK_TO_SMS)")
}

fn window_closed() -> MessagingError {
    MessagingError::ours(MessagingClass::Window, "the person has not written for 24 hours")
}
