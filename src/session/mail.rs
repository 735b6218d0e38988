//! The texts of the sessions and of the line: sent, read back, inspected; and the person's messages, given to whom they belong.

use std::time::Duration;

use super::manager::Manager;
use super::shared::{Shared, Tables};
use crate::clock::Millis;
use crate::domain::line::{For, Line, NoRing, Notice, Taken};
use crate::domain::messaging::{Author, Delivery, Form, Inbound, MessagingClass, MessagingError, PastMessage, Receipt};
use crate::domain::session::{Input, PostError, Said, Sense};
use crate::domain::text::{PersonText, parts};
use crate::ids::{ConversationId, Mark, MessageId, PostId, SessionId};
use crate::phone_number::PhoneNumber;
use crate::provider::{Messaging, SendOrder};

/// Waits between tries to send a notice.
const NOTICE_AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];

/// A text of a session's, as it is to be sent.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) post: PostId,
    pub(super) form: Form,
    pub(super) text: String,
    pub(super) again: bool,
}

/// Sending.
impl Shared {
    /// Sends a session's text, unless the line knows that it would not arrive.
    pub(super) async fn post(&self, id: &SessionId, letter: Letter) -> Result<MessageId, PostError> {
        let Letter { post, form, text, again } = letter;
        let mark = Mark::new(id, post);
        let began = self.config.clock.now();
        let to = self.config.directory.person();
        self.may_post(form)?;
        let mut conversation = self.conversation(to).await.map_err(PostError::Carrier)?;
        // Finding it may have told that the window is closed.
        self.may_post(form)?;
        if again && let Some(message) = self.find(&conversation, to, &mark).await.map_err(PostError::Carrier)? {
            self.line(|line, now| line.sent(id, message.clone(), now));
            return Ok(message);
        }
        let mut sent = self.send(&conversation, form, &text, &mark).await;
        if let Err(MessagingError { class: MessagingClass::Closed, .. }) = &sent {
            self.line(|line, _| line.lose_conversation(&conversation));
            conversation = self.conversation(to).await.map_err(PostError::Carrier)?;
            sent = self.send(&conversation, form, &text, &mark).await;
        }
        match sent {
            Ok(message) => {
                self.line(|line, now| line.sent(id, message.clone(), now));
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

    fn may_post(&self, form: Form) -> Result<(), PostError> {
        self.line(|line, now| {
            if line.is_opted_out() {
                return Err(PostError::OptedOut);
            }
            if form == Form::Free && !line.may_write_freely(now) {
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
        let order = SendOrder { conversation, form, text: text.to_owned(), mark: mark.clone() };
        self.messaging().send(order).await
    }

    /// The person's conversation, found or created. What was written in one that was there tells about the window.
    async fn conversation(&self, with: &PhoneNumber) -> Result<ConversationId, MessagingError> {
        if let Some(known) = self.line(|line, _| line.conversation().cloned()) {
            return Ok(known);
        }
        let opened = self.messaging().open(with).await?;
        let unknown = self.line(|line, _| {
            line.adopt(opened.conversation.clone());
            line.is_window_unknown()
        });
        if opened.found && unknown {
            let latest = self.messaging().latest(&opened.conversation, with).await?;
            let wrote = latest.iter().filter(|past| matches!(past.author, Author::Person(_))).map(|past| past.at).max();
            if let Some(at) = wrote {
                self.line(|line, _| line.was_written_at(at));
            }
        }
        Ok(opened.conversation)
    }

    /// Our own text with this mark, where it was sent after all.
    async fn find(
        &self,
        conversation: &ConversationId,
        with: &PhoneNumber,
        mark: &Mark,
    ) -> Result<Option<MessageId>, MessagingError> {
        let latest = self.messaging().latest(conversation, with).await?;
        let ours = |past: &PastMessage| matches!(&past.author, Author::Us(Some(other)) if other == mark);
        Ok(latest.into_iter().find(ours).map(|past| past.message))
    }

    /// What became of a text, where the carrier can tell.
    pub(super) async fn inspect(&self, message: &MessageId) -> Option<Receipt> {
        let conversation = self.line(|line, _| line.conversation().cloned())?;
        let receipt = self.messaging().receipt(&conversation, message).await.ok().flatten()?;
        self.note_receipt(&receipt);
        Some(receipt)
    }

    /// What a receipt says about the line.
    fn note_receipt(&self, receipt: &Receipt) {
        self.line(|line, _| {
            if let Some(name) = receipt.channel_message.clone() {
                line.also_named(&receipt.message, name);
            }
            if let Delivery::Failed(MessagingError { class: MessagingClass::Window, .. }) = receipt.delivery {
                line.window_was_closed_for(&receipt.message);
            }
        });
    }

    /// Writes to the person on the server's own account.
    async fn notify(&self, notice: &Notice, mark: &Mark) -> Result<(), MessagingError> {
        for part in parts(notice.text(), self.messaging().abilities().longest) {
            self.notify_part(notice, &part, mark).await?;
        }
        Ok(())
    }

    async fn notify_part(&self, notice: &Notice, part: &str, mark: &Mark) -> Result<(), MessagingError> {
        let to = self.config.directory.person();
        let mut waits = NOTICE_AGAIN.into_iter();
        loop {
            if self.line(|line, _| line.is_opted_out()) && !notice.is_confirmation() {
                return Ok(());
            }
            let sent = match self.conversation(to).await {
                Ok(conversation) => self.send(&conversation, Form::Free, part, mark).await,
                Err(error) => Err(error),
            };
            let Err(error) = sent else { return Ok(()) };
            // Nobody misses a notice that did not come; one that comes twice is a nuisance.
            let wait = waits.next().filter(|_| error.class == MessagingClass::Transient).ok_or(error)?;
            tokio::time::sleep(wait).await;
        }
    }

    /// Keeps what must be remembered of the line.
    pub(super) async fn keep_line(&self) {
        let (line, key) = (self.line(|line, _| line.snapshot()), self.config.directory.line_key());
        if let Err(error) = self.config.store.put_line(key, line).await {
            tracing::error!(%error, "the line could not be kept");
        }
    }

    pub(super) fn messaging(&self) -> &dyn Messaging {
        &**self.config.messaging.as_ref().expect("only sessions with messaging on write")
    }
}

fn window_closed() -> MessagingError {
    MessagingError {
        class: MessagingClass::Window,
        code: None,
        message: "the person has not written for 24 hours".to_owned(),
        retry_after: None,
    }
}

/// What a message sets off.
enum Then {
    Tell(SessionId, Input),
    CallBack(SessionId),
    Notify(Notice),
}

/// The person's messages, and the carrier's receipts.
impl Manager {
    /// Takes a message that came in by this number. Anybody else's than the person's is dropped.
    pub async fn message(&self, from: &PhoneNumber, message: Inbound) {
        if self.shared.config.messaging.is_some() && from == self.shared.config.directory.person() {
            self.take_in(&message, None).await;
        }
    }

    /// Takes a message of the person's; one that is known only now was written at `late`. False when it came before.
    pub(super) async fn take_in(&self, message: &Inbound, late: Option<Millis>) -> bool {
        let shared = &self.shared;
        let keyword = shared.config.keywords.read(message.text.as_str());
        let channel = shared.messaging().abilities().channel;
        let then = {
            let mut tables = shared.lock();
            let now = shared.config.clock.now();
            let taken = tables.line.take_late(message, keyword, channel, late.unwrap_or(now), now);
            if taken == Taken::Repeated {
                return false;
            }
            let mut then = self.then(&mut tables, taken, message, late, now);
            then.retain(|then| if let Then::Notify(notice) = then { tables.line.may_tell(notice, now) } else { true });
            let window = tables.line.window_until();
            let writers = tables.line.writers().iter().cloned();
            then.extend(writers.filter_map(|session| Some(Then::Tell(session, Input::Window { until: window? }))));
            then
        };
        for then in then {
            self.carry_out(then, message, late);
        }
        shared.keep_line().await;
        true
    }

    fn then(
        &self,
        tables: &mut Tables,
        taken: Taken,
        message: &Inbound,
        late: Option<Millis>,
        now: Millis,
    ) -> Vec<Then> {
        let text = || message.text.clone();
        let wrote = |session, sense| {
            let text = text();
            let input = match late {
                None => Input::Wrote { text, sense },
                Some(at) => Input::WroteBefore { text, sense, at },
            };
            Then::Tell(session, input)
        };
        match taken {
            Taken::Repeated => Vec::new(),
            Taken::Stopped => {
                let sessions = tables.sessions.keys().cloned();
                let told = sessions.map(|session| Then::Tell(session, Input::OptedOut { text: text() }));
                told.chain([Then::Notify(Notice::Stopped)]).collect()
            }
            Taken::Resumed => vec![Then::Notify(Notice::Resumed)],
            Taken::Help => vec![Then::Notify(Notice::Help)],
            Taken::Session(session, For::Reply) => vec![wrote(session, Sense::Reply)],
            Taken::Session(session, For::Aside) => vec![wrote(session, Sense::Aside)],
            Taken::Session(session, For::Quit) => {
                vec![Then::Tell(session, Input::Quit), Then::Notify(Notice::Ended)]
            }
            Taken::Session(session, For::CallMe { tell }) => {
                match tables.line.ring(&session, self.shared.config.most_live_calls, now) {
                    Ok(()) => vec![wrote(session, Sense::CallMe { tell })],
                    Err(why) => vec![wrote(session, Sense::Aside), Then::Notify(Notice::NoRing(why))],
                }
            }
            Taken::Held { tell: true } => vec![Then::Notify(Notice::NoAgent)],
            Taken::Held { tell: false } => Vec::new(),
            Taken::CallMe { .. } => match self.shared.room_to_call_back(tables, now) {
                Ok(session) => vec![Then::CallBack(session)],
                Err(why) => vec![Then::Notify(Notice::NoRing(why))],
            },
        }
    }

    fn carry_out(&self, then: Then, message: &Inbound, late: Option<Millis>) {
        match then {
            Then::Tell(session, input) => {
                let words = matches!(input, Input::Wrote { .. } | Input::WroteBefore { .. });
                if self.tell(&session, input).is_err() && words {
                    self.shared.hold(&message.text, late);
                }
            }
            Then::CallBack(session) => self.call_back(session),
            Then::Notify(notice) => {
                let mark = Mark::read(&format!("notice.{}", message.message.as_str()));
                self.shared.spawn_notice(notice, mark);
            }
        }
    }

    /// Takes what the carrier says of a text of ours.
    pub fn receipt(&self, receipt: Receipt) {
        self.shared.note_receipt(&receipt);
        let session = self.shared.line(|line, _| line.session_of(&receipt.message).cloned());
        if let Some(session) = session {
            let input = Input::Receipt { message: receipt.message, delivery: receipt.delivery };
            // A session that is over has no use for it.
            let _ = self.tell(&session, input);
        }
    }

    /// Recalls what is remembered of the line.
    pub async fn recall(&self) {
        let key = self.shared.config.directory.line_key();
        match self.shared.config.store.line(key).await {
            Ok(Some(snapshot)) => self.shared.line(|line, _| *line = Line::restore(snapshot)),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the store did not say what is remembered of the line"),
        }
    }
}

impl Shared {
    /// Keeps words whose session has just gone for the next one.
    fn hold(&self, text: &PersonText, late: Option<Millis>) {
        let channel = self.messaging().abilities().channel;
        self.line(|line, now| line.hold(Said { text: text.clone(), at: late.unwrap_or(now), channel }));
    }

    /// Writes a notice in the background; the privacy notice is owed until it is through.
    pub(super) fn spawn_notice(self: &std::sync::Arc<Self>, notice: Notice, mark: Mark) {
        let shared = std::sync::Arc::clone(self);
        self.config.tasks.spawn(async move {
            let privacy = matches!(notice, Notice::Privacy(_));
            if let Err(error) = shared.notify(&notice, &mark).await {
                tracing::warn!(%error, "a notice to the person was not sent");
                if privacy {
                    shared.line(|line, _| line.owe_notice());
                }
            }
            if privacy {
                shared.keep_line().await;
            }
        });
    }

    fn room_to_call_back(&self, tables: &mut Tables, now: Millis) -> Result<SessionId, NoRing> {
        if tables.sessions.len() >= self.config.most_sessions {
            return Err(NoRing::Full);
        }
        let id = self.ids.call(now);
        tables.line.ring(&id, self.config.most_live_calls, now)?;
        Ok(id)
    }
}
