//! The person's messages: kept when they arrive, given to whom they belong, and done when all of those have kept them.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::mail::Cause;
use super::manager::{Manager, NotStarted};
use super::shared::{Shared, Tables};
use crate::clock::Millis;
use crate::domain::keywords::Keyword;
use crate::domain::line::{For, NoRing, Notice, Taken};
use crate::domain::messaging::{Inbound, Receipt};
use crate::domain::outcome::Channel;
use crate::domain::session::{Input, Said, Sense};
use crate::domain::text::{BadWords, PersonText};
use crate::ids::{EntryId, Mark, MessageId, SessionId};
use crate::metrics::Received as Fate;
use crate::phone_number::PhoneNumber;
use crate::store::{Mail, Received, Write};

/// What a message sets off.
enum Then {
    Tell(SessionId, Input),
    CallBack(SessionId),
    Notify(Notice),
}

impl Then {
    /// Whether whoever gets this settles the message's arrival.
    fn settles(&self) -> bool {
        match self {
            Then::Tell(_, Input::Wrote { .. } | Input::Quit | Input::Earlier(_)) | Then::CallBack(_) => true,
            Then::Tell(..) | Then::Notify(_) => false,
        }
    }
}

impl Manager {
    /// Keeps what a signed webhook brought, where it is of the person's, and gives it a name; the future says whether it would
    /// survive a crash, as far as anything here is to. For anything else as much is done.
    pub fn arrived(
        &self,
        from: &PhoneNumber,
        channel: Channel,
        mail: Mail,
    ) -> (Option<Received>, BoxFuture<'static, bool>) {
        if !self.shared.is_person(from, channel) {
            return (None, self.nothing_arrived());
        }
        let received = self.received(channel, mail, None);
        let kept = self.shared.config.store.commit(vec![Write::Received(Box::new(received.clone()))]);
        (Some(received), kept.map(|kept| kept.is_ok()).boxed())
    }

    /// Does for nothing what is done for a message.
    pub fn nothing_arrived(&self) -> BoxFuture<'static, bool> {
        self.shared.config.store.commit(vec![Write::Nothing]).map(|kept| kept.is_ok()).boxed()
    }

    /// A message that arrived is not taken after all: it will be read back.
    pub fn turned_back(&self, received: &Received) {
        drop(self.shared.config.store.commit(vec![Write::Done(received.entry)]));
    }

    pub(super) fn received(&self, channel: Channel, mail: Mail, late: Option<Millis>) -> Received {
        let (entry, at) = (EntryId(self.shared.next_name()), self.shared.config.clock.now());
        Received { entry, at, late, channel, mail, decided: None }
    }

    /// Takes a message of the person's. False when it came before.
    pub fn take(&self, received: Received) -> bool {
        let entry = received.entry;
        let again = received.decided.is_some();
        let (then, received, kept) = {
            let mut tables = self.shared.lock();
            let Some((received, then)) = self.decide(&mut tables, received) else {
                drop(self.shared.keep(&mut tables, vec![Write::Done(entry)]));
                return false;
            };
            if !again {
                let refused = matches!(received.mail, Mail::Refused(..));
                self.shared.config.metrics.received(if refused { Fate::Refused } else { Fate::Taken });
            }
            let id = received.mail.id().clone();
            let seen = Write::Seen(self.shared.config.directory.line_key().clone(), id, received.at);
            let awaited = then.iter().any(|then| then.settles() || matches!(then, Then::Notify(_)));
            let last = if awaited { Write::Received(Box::new(received.clone())) } else { Write::Done(entry) };
            let kept = self.shared.keep(&mut tables, vec![seen, last]).shared();
            (then, received, kept)
        };
        let mut settled = then.iter().any(Then::settles);
        for then in then {
            // A notice settles what nobody else does.
            let by_notice = matches!(then, Then::Notify(_)) && !std::mem::replace(&mut settled, true);
            let by_itself = then.settles();
            let entry = (by_notice || by_itself).then_some(entry);
            self.carry_out(then, &received, Cause { entry, again, kept: kept.clone() });
        }
        true
    }

    /// What the line makes of a message, and what that sets off. Nothing when it came before.
    fn decide(&self, tables: &mut Tables, mut received: Received) -> Option<(Received, Vec<Then>)> {
        let shared = &self.shared;
        let now = shared.config.clock.now();
        let channel = received.channel;
        let decided = received.decided.take();
        let taken = match (decided, &received.mail) {
            (Some(decided), Mail::Message(message)) => {
                tables.line.take_again(decided, message, channel, received.written_at(), now)
            }
            (Some(decided), Mail::Refused(..)) => decided,
            (None, Mail::Message(message)) => {
                let text = message.text.as_str();
                let keyword = shared.carriers_word(channel, text).unwrap_or_else(|| shared.config.keywords.read(text));
                tables.line.take_late(message, keyword, channel, received.written_at(), now)
            }
            (None, Mail::Refused(message, why)) => {
                tracing::info!("a message of the person was refused: {why}");
                tables.line.take_refused(message, &refusal(*why, &received), now)
            }
        };
        if taken == Taken::Repeated {
            return None;
        }
        received.decided = Some(taken.clone());
        let then = match &received.mail {
            Mail::Message(message) => self.after_message(tables, taken, message, &received, now),
            Mail::Refused(_, why) => match taken {
                Taken::Session(session, _) => {
                    vec![Then::Tell(session, Input::Earlier(vec![refusal(*why, &received)]))]
                }
                _ => Vec::new(),
            },
        };
        Some((received, then))
    }

    fn after_message(
        &self,
        tables: &mut Tables,
        taken: Taken,
        message: &Inbound,
        received: &Received,
        now: Millis,
    ) -> Vec<Then> {
        let channel = received.channel;
        let said = Said { text: message.text.clone(), at: received.written_at(), channel };
        let mut then = self.then(tables, taken, &said, now);
        // What the carrier minds, it answers.
        let is_answered = self.shared.carriers_word(channel, message.text.as_str()).is_some();
        then.retain(|then| match then {
            Then::Notify(Notice::Stopped | Notice::Resumed | Notice::Help) if is_answered => false,
            Then::Notify(notice) => tables.line.may_tell(notice, now),
            Then::Tell(..) | Then::CallBack(_) => true,
        });
        if channel == Channel::Sms {
            return then;
        }
        let window = tables.line.window_until();
        let writers = tables.line.writers().iter().cloned();
        then.extend(writers.filter_map(|session| Some(Then::Tell(session, Input::Window { until: window? }))));
        then
    }

    fn then(&self, tables: &mut Tables, taken: Taken, said: &Said, now: Millis) -> Vec<Then> {
        let Said { text, at, channel } = said.clone();
        let wrote = |session, sense| Then::Tell(session, Input::Wrote { text: text.clone(), sense, at, channel });
        match taken {
            Taken::Repeated => Vec::new(),
            Taken::Stopped => {
                let sessions = tables.sessions.keys().cloned();
                let told = sessions.map(|session| Then::Tell(session, Input::OptedOut { text: text.clone(), channel }));
                told.chain([Then::Notify(Notice::Stopped)]).collect()
            }
            Taken::Resumed => vec![Then::Notify(Notice::Resumed)],
            Taken::Help => vec![Then::Notify(Notice::Help)],
            Taken::Session(session, For::Reply) => vec![wrote(session, Sense::Reply)],
            Taken::Session(session, For::Aside) => vec![wrote(session, Sense::Aside)],
            Taken::Session(session, For::Quit) => {
                vec![Then::Tell(session, Input::Quit), Then::Notify(Notice::Ended)]
            }
            // It is over: the words go to the line.
            Taken::Session(session, For::CallMe { .. }) if !tables.sessions.contains_key(&session) => {
                vec![wrote(session, Sense::Aside)]
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

    fn carry_out(&self, then: Then, received: &Received, cause: Cause) {
        match (then, cause.entry) {
            (Then::Tell(session, input), Some(entry)) => {
                let rings = matches!(input, Input::Wrote { sense: Sense::CallMe { .. }, .. });
                // A session that waits for the next process gets it there.
                if self.entrust(&session, input, entry).is_err() && !self.suspends(&session) {
                    if rings {
                        // It was taken for a ring that will not be.
                        self.shared.line(|line, _| line.release(&session));
                    }
                    self.hold(received, entry);
                }
            }
            // A session that is over has no use for it.
            (Then::Tell(session, input), None) => {
                let _ = self.tell(&session, input);
            }
            (Then::CallBack(session), _) => self.ring_back(session, received, cause),
            (Then::Notify(notice), _) => {
                let mark = notice_mark(received.mail.id());
                self.shared.spawn_notice(notice, received.channel, mark, Some(cause));
            }
        }
    }

    /// Begins the call that the person asked for; where there is no room for it any more a text says so.
    pub(super) fn ring_back(&self, session: SessionId, received: &Received, cause: Cause) {
        // A server that stops leaves it to the next.
        if let Ok(()) | Err(NotStarted::Closing) = self.call_back(session, received.entry) {
            return;
        }
        let notice = Notice::NoRing(NoRing::Full);
        if self.shared.line(|line, now| line.may_tell(&notice, now)) {
            let mark = notice_mark(received.mail.id());
            self.shared.spawn_notice(notice, received.channel, mark, Some(cause));
        } else if let Some(entry) = cause.entry {
            drop(self.shared.config.store.commit(vec![Write::Done(entry)]));
        }
    }

    /// Keeps words whose session has just gone for the next one.
    fn hold(&self, received: &Received, entry: EntryId) {
        let shared = &self.shared;
        let said = match &received.mail {
            Mail::Message(message) => {
                Said { text: message.text.clone(), at: received.written_at(), channel: received.channel }
            }
            Mail::Refused(_, why) => refusal(*why, received),
        };
        let mut tables = shared.lock();
        tables.line.hold(said);
        drop(shared.keep(&mut tables, vec![Write::Done(entry)]));
    }

    /// Takes what the carrier says of a text of ours.
    pub fn receipt(&self, receipt: Receipt) {
        self.shared.note_receipt(&receipt);
        let session = self.shared.read_line(|line, _| line.session_of(&receipt.message).cloned());
        if let Some(session) = session {
            let input = Input::Receipt { message: receipt.message, delivery: receipt.delivery };
            // A session that is over has no use for it.
            let _ = self.tell(&session, input);
        }
    }
}

fn refusal(why: BadWords, received: &Received) -> Said {
    Said { text: PersonText::refused(why), at: received.written_at(), channel: received.channel }
}

fn notice_mark(message: &MessageId) -> Mark {
    Mark::read(&format!("notice.{}", message.as_str()))
}

impl Shared {
    /// Whether there is messaging on this channel, and this is whom it is with.
    pub(super) fn is_person(&self, number: &PhoneNumber, channel: Channel) -> bool {
        let is_on = match channel {
            Channel::WhatsApp => self.config.messaging.is_some(),
            Channel::Sms => self.config.sms.is_some(),
            Channel::Voice => false,
        };
        is_on && number == self.config.directory.person()
    }

    /// What the carrier itself took a text for, whose own rules come before ours.
    fn carriers_word(&self, channel: Channel, text: &str) -> Option<Keyword> {
        let sms = self.config.sms.as_ref().filter(|_| channel == Channel::Sms)?;
        sms.abilities().words.read(text)
    }

    fn room_to_call_back(self: &Arc<Self>, tables: &mut Tables, now: Millis) -> Result<SessionId, NoRing> {
        if tables.sessions.len() >= self.config.most_sessions {
            return Err(NoRing::Full);
        }
        let id = self.ids.call(now);
        tables.line.ring(&id, self.config.most_live_calls, now)?;
        Ok(id)
    }
}
