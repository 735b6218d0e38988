//! Messages of the person's that did not get through as they should, turned away at the door or written while no process was
//! there: read back from the carrier.

use std::time::Duration;

use super::manager::Manager;
use super::shared::Shared;
use crate::clock::Millis;
use crate::domain::messaging::{Author, Inbound, MessagingError, PastMessage};
use crate::domain::outcome::Channel;
use crate::ids::ConversationId;
use crate::phone_number::PhoneNumber;
use crate::store::Mail;

/// The soonest that is read back: the person may still be writing, and each reading is a request to the carrier.
const SOONEST: Duration = Duration::from_secs(5);
/// Waits between tries to read.
const READ_AGAIN: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(2), Duration::from_mins(10)];
/// How far the carrier's clock may be behind ours, and how long its webhook may take. What was taken within this time is
/// known by its id.
const SLACK: Duration = Duration::from_mins(2);

/// What is to be read back.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    /// Since when.
    since: Millis,
    /// Where.
    conversation: Option<ConversationId>,
    /// More was turned away after the reading began.
    more: Option<Millis>,
}

impl Missed {
    /// Whatever was written since then, in this conversation and by SMS.
    pub(super) fn anything_since(since: Millis, conversation: Option<ConversationId>) -> Self {
        Self { since, conversation, more: None }
    }

    /// The reading begins that early, or begins anew where it has begun already.
    pub(super) fn go_back_to(&mut self, since: Millis, conversation: Option<ConversationId>) {
        self.since = self.since.min(since);
        self.more = Some(self.more.map_or(since, |more| more.min(since)));
        self.conversation = self.conversation.take().or(conversation);
    }
}

impl Manager {
    /// Notes that a message by this number was turned away, in this conversation where it named one. After `wait`, when
    /// others of its kind would be let in again, the conversation is read once, and what never reached us is taken.
    pub fn missed(&self, from: &PhoneNumber, conversation: Option<&ConversationId>, wait: Duration) {
        let shared = &self.shared;
        // Where nothing can be read back, the carrier brings it again or nobody does.
        if from != shared.config.directory.person() || !(shared.reads_back() || shared.reads_sms_back()) {
            return;
        }
        let now = shared.config.clock.now();
        let mut tables = shared.lock();
        if let Some(missed) = &mut tables.missed {
            missed.more.get_or_insert(now);
            missed.conversation = missed.conversation.take().or_else(|| conversation.cloned());
            return;
        }
        tables.missed = Some(Missed { since: now, conversation: conversation.cloned(), more: None });
        drop(tables);
        let manager = self.clone();
        shared.config.tasks.spawn(async move {
            let reading = async {
                tokio::time::sleep(wait.max(SOONEST)).await;
                manager.read_back().await;
            };
            manager.shared.closing.run_until_cancelled(reading).await;
        });
    }

    /// Reads until nothing more was turned away meanwhile.
    pub(super) async fn read_back(&self) {
        let mut waits = READ_AGAIN.into_iter();
        loop {
            let Some(missed) = self.shared.begin_reading() else { return };
            let (found, read) = self.shared.read(&missed).await;
            self.take_up(found, &missed);
            let wait = match read {
                Ok(()) => {
                    if self.shared.nothing_more() {
                        return;
                    }
                    waits = READ_AGAIN.into_iter();
                    Some(SOONEST)
                }
                Err(error) => {
                    tracing::warn!(%error, "what was turned away could not be read back");
                    waits.next().filter(|_| error.class.is_transient())
                }
            };
            let Some(wait) = wait else {
                self.shared.lock().missed = None;
                return;
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes what never reached us, oldest first.
    fn take_up(&self, mut found: Vec<(Channel, PastMessage)>, missed: &Missed) {
        let conversation = self.shared.place_of(missed);
        // What was written before that was not for us.
        let (by_sms, here) = self.shared.read_line(|line, _| {
            let here = line.conversation_since().filter(|_| line.conversation() == conversation.as_ref());
            (line.sms_since().unwrap_or(missed.since), here.unwrap_or(missed.since))
        });
        let mut taken = 0;
        found.sort_by_key(|(_, past)| past.at);
        for (channel, PastMessage { message, author, at }) in found {
            let Author::Person(text) = author else { continue };
            let since = missed.since.max(if channel == Channel::Sms { by_sms } else { here });
            if at + SLACK < since {
                continue;
            }
            let conversation = conversation.clone().filter(|_| channel == Channel::WhatsApp);
            let message = Inbound { message, conversation, quotes: None, text };
            // The carrier's clock may be ahead of ours, but nobody has written in the future.
            let at = at.min(self.shared.config.clock.now());
            taken += usize::from(self.take(self.received(channel, Mail::Message(message), Some(at))));
        }
        if taken > 0 {
            tracing::info!(messages = taken, "{taken} messages that had not reached us were read back");
        }
    }
}

impl Shared {
    /// What is turned away from here on may not be in what is read.
    fn begin_reading(&self) -> Option<Missed> {
        let mut tables = self.lock();
        let missed = tables.missed.as_mut()?;
        missed.more = None;
        Some(missed.clone())
    }

    /// Whether all that was turned away has been read; else what is left begins later.
    fn nothing_more(&self) -> bool {
        let mut tables = self.lock();
        match tables.missed.as_mut().and_then(|missed| missed.more.map(|more| (missed, more))) {
            Some((missed, more)) => {
                missed.since = more;
                false
            }
            None => {
                tables.missed = None;
                true
            }
        }
    }

    /// Where it was written: as the webhook said, else where the person writes.
    fn place_of(&self, missed: &Missed) -> Option<ConversationId> {
        missed.conversation.clone().or_else(|| self.read_line(|line, _| line.conversation().cloned()))
    }

    /// What can be read, and what cannot: one way may fail while the other is open.
    async fn read(&self, missed: &Missed) -> (Vec<(Channel, PastMessage)>, Result<(), MessagingError>) {
        let with = self.config.directory.person();
        let mut lists = Vec::new();
        // What came on WhatsApp outside of any conversation is in no list.
        if let Some(conversation) = self.place_of(missed).filter(|_| self.reads_back()) {
            lists.push((Channel::WhatsApp, self.messaging().latest(&conversation, with).await));
        }
        if let Some(sms) = self.config.sms.as_ref().filter(|_| self.reads_sms_back()) {
            lists.push((Channel::Sms, sms.latest(with).await));
        }
        let (mut found, mut read) = (Vec::new(), Ok(()));
        for (channel, latest) in lists {
            match latest {
                // The newest comes first.
                Ok(latest) => found.extend(latest.into_iter().rev().map(|past| (channel, past))),
                // One that may pass is worth another try, whatever the other is.
                Err(error) if read.is_ok() || error.class.is_transient() => read = Err(error),
                Err(_) => {}
            }
        }
        (found, read)
    }
}
