//! What an inbound message is, and whose.

use std::time::Duration;

use super::{Line, TELL_AGAIN};
use crate::clock::Millis;
use crate::domain::keywords::Keyword;
use crate::domain::messaging::Inbound;
use crate::domain::outcome::Channel;
use crate::domain::session::Said;
use crate::ids::{MessageId, SessionId};

/// What became of an inbound message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It came before: nothing.
    Repeated,
    /// The person wants no messages from now on: every session that writes learns it, and the person gets the one
    /// confirmation.
    Stopped,
    /// The person wants messages again, and gets a confirmation.
    Resumed,
    /// The person asks what this is.
    Help,
    /// It is for this session.
    Session(SessionId, For),
    /// Nobody is there to take it: it waits on the line. `tell` when the person should know.
    Held {
        /// The person has not been told within the hour.
        tell: bool,
    },
    /// The person wants to be called, and no session is there.
    CallMe {
        /// The message says more than that: it waits on the line.
        tell: bool,
    },
}

/// What a session is to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Take it as a reply.
    Reply,
    /// Take it as earlier words: the session talks by voice and did not ask here.
    Aside,
    /// Ring.
    CallMe {
        /// The message says more than that.
        tell: bool,
    },
    /// End.
    Quit,
}

/// How long after it was written a wish to be called still rings: as long as a block for too many messages and its reading
/// back may take. After that the person is elsewhere, or asleep.
const RINGS_FOR: Duration = Duration::from_mins(10);

impl Line {
    /// Takes a message of the person's that comes as it is written.
    #[cfg(test)]
    pub fn take_message(&mut self, message: &Inbound, keyword: Keyword, channel: Channel, now: Millis) -> Taken {
        self.take_late(message, keyword, channel, now, now)
    }

    /// Takes a message of the person's, `keyword` being what its words ask for. It was written at `at`, and may have come to
    /// our knowledge only now.
    pub fn take_late(
        &mut self,
        message: &Inbound,
        keyword: Keyword,
        channel: Channel,
        at: Millis,
        now: Millis,
    ) -> Taken {
        let repeated = match channel {
            // It comes one way only.
            Channel::Sms => self.seen.note_name(&message.message),
            Channel::WhatsApp | Channel::Voice => self.seen.note(&message.message, &message.text, at),
        };
        if repeated {
            return Taken::Repeated;
        }
        match channel {
            // It opens no window.
            Channel::Sms => self.writes_sms(at),
            Channel::WhatsApp | Channel::Voice => self.was_written_at(at),
        }
        if let Some(conversation) = &message.conversation {
            self.adopt(conversation.clone(), at);
        }
        match keyword {
            Keyword::Stop if self.opted_out.is_none() => {
                self.opted_out = Some(now);
                Taken::Stopped
            }
            Keyword::Start | Keyword::Yes if self.opted_out.is_some() => {
                self.opted_out = None;
                Taken::Resumed
            }
            Keyword::Help if self.opted_out.is_none() => Taken::Help,
            Keyword::Call { more } if rings(at, now) => match self.whose(message.quotes.as_ref()) {
                Some((session, _)) => Taken::Session(session, For::CallMe { tell: more }),
                None => {
                    if more {
                        self.keep(message, channel, at);
                    }
                    Taken::CallMe { tell: more }
                }
            },
            Keyword::End => match self.whose(message.quotes.as_ref()) {
                // It was not written about a session that had not written before it.
                Some((session, what)) if at < now && !self.texts.has_written(&session, at) => {
                    Taken::Session(session, what)
                }
                Some((session, _)) => Taken::Session(session, For::Quit),
                None => self.held(message, channel, at, now),
            },
            Keyword::Stop | Keyword::Start | Keyword::Yes | Keyword::Help | Keyword::Call { .. } | Keyword::None => {
                match self.whose(message.quotes.as_ref()) {
                    Some((session, what)) => Taken::Session(session, what),
                    None => self.held(message, channel, at, now),
                }
            }
        }
    }

    /// What was decided by an earlier process, and was not done: a ring that is late by now is none any more.
    pub fn take_again(
        &mut self,
        decided: Taken,
        message: &Inbound,
        channel: Channel,
        at: Millis,
        now: Millis,
    ) -> Taken {
        if rings(at, now) {
            return decided;
        }
        match decided {
            Taken::Session(session, For::CallMe { .. }) => Taken::Session(session, For::Aside),
            // These words were kept then.
            Taken::CallMe { tell: true } => Taken::Held { tell: false },
            Taken::CallMe { tell: false } => self.held(message, channel, at, now),
            Taken::Repeated
            | Taken::Stopped
            | Taken::Resumed
            | Taken::Help
            | Taken::Session(_, For::Reply | For::Aside | For::Quit)
            | Taken::Held { .. } => decided,
        }
    }

    /// Takes a message of the person's that is not to be read; `notice` tells of it. It opens no window, asks for nothing
    /// and is no reply.
    pub fn take_refused(&mut self, message: &MessageId, notice: &Said, now: Millis) -> Taken {
        if self.refused.note(message, &notice.text, now) {
            return Taken::Repeated;
        }
        if let Some((session, _)) = self.whose(None) {
            return Taken::Session(session, For::Aside);
        }
        self.hold(notice.clone());
        Taken::Held { tell: false }
    }

    /// The session a message belongs to: the one it quotes, else the one with the floor, else the one that wrote last, else
    /// the one that talks.
    fn whose(&self, quotes: Option<&MessageId>) -> Option<(SessionId, For)> {
        let quoted = quotes.and_then(|quoted| self.texts.session_of(quoted));
        let asked = quoted.or_else(|| self.floor.holder()).or_else(|| self.texts.last_writer());
        let talking = || self.live.last().map(|session| (session.clone(), For::Aside));
        asked.map(|session| (session.clone(), For::Reply)).or_else(talking)
    }

    fn held(&mut self, message: &Inbound, channel: Channel, at: Millis, now: Millis) -> Taken {
        self.keep(message, channel, at);
        let tell = self.opted_out.is_none() && self.told.is_none_or(|at| now.since(at) >= TELL_AGAIN);
        if tell {
            self.told = Some(now);
        }
        Taken::Held { tell }
    }

    fn keep(&mut self, message: &Inbound, channel: Channel, at: Millis) {
        self.hold(Said { text: message.text.clone(), at, channel });
    }
}

fn rings(at: Millis, now: Millis) -> bool {
    now.since(at) < RINGS_FOR
}
