//! Messages of the person's that did not get through as they should: refused for what is in them.

use super::manager::Manager;
use crate::domain::line::Taken;
use crate::domain::session::{Input, Said};
use crate::domain::text::{BadWords, PersonText};
use crate::ids::MessageId;
use crate::phone_number::PhoneNumber;

impl Manager {
    /// Notes that a message by this number was refused. The agent is told where the person's words would have stood; nothing
    /// else comes of it.
    pub async fn refused(&self, from: &PhoneNumber, message: &MessageId, why: BadWords) {
        let shared = &self.shared;
        let Some(messaging) = shared.config.messaging.as_ref() else { return };
        if from != shared.config.directory.person() {
            return;
        }
        let (text, channel) = (PersonText::refused(why), messaging.abilities().channel);
        let (taken, notice) = shared.line(|line, now| {
            let notice = Said { text, at: now, channel };
            (line.take_refused(message, &notice, now), notice)
        });
        if taken == Taken::Repeated {
            return;
        }
        tracing::info!("a message of the person was refused: {why}");
        if let Taken::Session(session, _) = taken
            && self.tell(&session, Input::Earlier(vec![notice.clone()])).is_err()
        {
            shared.line(|line, _| line.hold(notice));
        }
        shared.keep_line().await;
    }
}
