//! The line: what belongs to the person rather than to a session. Which sessions hold a live call, the conversation and its
//! window, whose question may be answered, what the person stopped, and whose words an inbound message is.
//!
//! Every method is one decision at one moment; nothing here waits, and nothing needs to be woken.

mod floor;
mod inbound;
mod kept;
mod notice;
mod seen;
mod texts;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use inbound::{For, Taken};
pub use kept::Snapshot;
pub use notice::{NoRing, Notice};
pub use seen::{Twin, Way};
pub use texts::Name;

use crate::clock::Millis;
use crate::domain::messaging::{Contact, Window};
use crate::domain::outcome::Channel;
use crate::domain::session::Said;
use crate::ids::{ConversationId, MessageId, SessionId};
use floor::Floor;
use notice::Told;
use seen::Seen;
use texts::Texts;

/// How long free-form texts arrive after the person's own message.
pub const WINDOW: Duration = Duration::from_hours(24);
/// How often the person may make the phone ring by a message within [`RING_SPAN`].
const MOST_RINGS: usize = 3;
/// See [`MOST_RINGS`].
const RING_SPAN: Duration = Duration::from_mins(10);
/// How long words wait on the line for the next session.
const HOLD: Duration = Duration::from_hours(24);
/// Words that wait on the line at once; beyond it the oldest go.
const MOST_HELD: usize = 100;
/// How often the person is told that no agent is waiting.
const TELL_AGAIN: Duration = Duration::from_hours(1);

/// One person's line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    live: Vec<SessionId>,
    /// When the person made the phone ring by a message, newest last.
    rings: VecDeque<Millis>,
    conversation: Option<ConversationId>,
    /// Since when we know that conversation: what is older is not for us.
    since: Option<Millis>,
    /// Since when texts go by SMS: what came that way before was not for us.
    sms_since: Option<Millis>,
    window: WindowState,
    /// Since when the person wants no messages.
    opted_out: Option<Millis>,
    /// The privacy notice was sent on WhatsApp.
    noticed: bool,
    /// The same by SMS.
    noticed_by_sms: bool,
    floor: Floor,
    texts: Texts,
    seen: Seen,
    /// Messages that were refused, and told of.
    refused: Seen,
    /// What the person wrote while nobody was there to take it, oldest first.
    held: VecDeque<Said>,
    /// When the person was last told that nobody waits.
    told: Option<Millis>,
    notices: Told,
}

/// What is known of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowState {
    /// The person has not written since we know them.
    #[default]
    Unknown,
    /// The person last wrote then.
    Wrote(Millis),
    /// The carrier says that it was closed to a text sent then.
    Closed(Millis),
}

impl Line {
    /// Whether nothing on the line is any session's: no call, no turn to ask, no text that could be answered.
    pub fn is_idle(&self) -> bool {
        self.live.is_empty() && self.floor.holder().is_none() && self.texts.is_empty()
    }

    /// A session is over, or gone: nothing on the line is its any more. Gives the session that gets the floor.
    pub fn forget(&mut self, session: &SessionId) -> Option<SessionId> {
        self.release(session);
        self.texts.forget(session);
        self.yield_floor(session)
    }
}

/// The phone.
impl Line {
    /// Takes the line for a call, when fewer than `most` are live.
    ///
    /// # Errors
    /// With the session that holds the line.
    pub fn take(&mut self, session: &SessionId, most: usize) -> Result<(), SessionId> {
        self.has_room(most).map_err(Clone::clone)?;
        self.live.push(session.clone());
        Ok(())
    }

    /// Whether fewer than `most` calls are live.
    ///
    /// # Errors
    /// With the session that holds the line.
    pub fn has_room(&self, most: usize) -> Result<(), &SessionId> {
        match self.live.last() {
            Some(holder) if self.live.len() >= most.max(1) => Err(holder),
            _ => Ok(()),
        }
    }

    /// Takes the line for a call that the person asked for in a message.
    ///
    /// # Errors
    /// When the person is on the phone, or has asked too often.
    pub fn ring(&mut self, session: &SessionId, most: usize, now: Millis) -> Result<(), NoRing> {
        while self.rings.front().is_some_and(|at| now.since(*at) >= RING_SPAN) {
            self.rings.pop_front();
        }
        if self.live.contains(session) || self.has_room(most).is_err() {
            return Err(NoRing::OnThePhone);
        }
        if self.rings.len() >= MOST_RINGS {
            return Err(NoRing::TooOften);
        }
        self.rings.push_back(now);
        self.live.push(session.clone());
        Ok(())
    }

    /// Gives the line back; giving back what was not taken changes nothing.
    pub fn release(&mut self, session: &SessionId) {
        self.live.retain(|live| live != session);
    }
}

/// The floor: the one session whose question in messaging is open and awaited.
impl Line {
    /// Asks for the floor; `true` when it is the session's now, else it waits its turn.
    pub fn claim_floor(&mut self, session: &SessionId) -> bool {
        self.floor.claim(session)
    }

    /// Whether the session has the floor.
    pub fn has_floor(&self, session: &SessionId) -> bool {
        self.floor.holder() == Some(session)
    }

    /// Gives the floor back, or the place in its queue. Gives the session whose turn it is.
    pub fn yield_floor(&mut self, session: &SessionId) -> Option<SessionId> {
        self.floor.give_back(session)
    }
}

/// What is sent.
impl Line {
    /// The conversation, where there is one.
    pub fn conversation(&self) -> Option<&ConversationId> {
        self.conversation.as_ref()
    }

    /// Texts go to this conversation from now on; what was written in it since then is for us.
    pub fn adopt(&mut self, conversation: ConversationId, since: Millis) {
        if self.conversation.as_ref() != Some(&conversation) {
            self.since = Some(since);
            self.conversation = Some(conversation);
        }
    }

    /// Since when the conversation is known: what was written in it from then on is for us.
    pub fn conversation_since(&self) -> Option<Millis> {
        self.since
    }

    /// SMS is switched on, or something goes or came that way.
    pub fn writes_sms(&mut self, now: Millis) {
        self.sms_since.get_or_insert(now);
    }

    /// SMS is switched off: what comes that way from now on is not for us.
    pub fn leaves_sms(&mut self) {
        self.sms_since = None;
    }

    /// Since when what comes by SMS is for us, where that is known.
    pub fn sms_since(&self) -> Option<Millis> {
        self.sms_since
    }

    /// The conversation is closed or gone.
    pub fn lose_conversation(&mut self, conversation: &ConversationId) {
        self.conversation = self.conversation.take().filter(|ours| ours != conversation);
    }

    /// Whether the person wants no messages.
    pub fn is_opted_out(&self) -> bool {
        self.opted_out.is_some()
    }

    /// Whether a free-form text may be tried; an unknown window is.
    pub fn may_write_freely(&self, now: Millis) -> bool {
        match self.window {
            WindowState::Unknown => true,
            WindowState::Wrote(at) => now < at + WINDOW,
            WindowState::Closed(_) => false,
        }
    }

    /// The carrier refused a free-form text sent at `since`: the window is closed, unless the person has written after it.
    pub fn window_was_closed(&mut self, since: Millis) {
        if !matches!(self.window, WindowState::Wrote(at) | WindowState::Closed(at) if at > since) {
            self.window = WindowState::Closed(since);
        }
    }

    /// The same, learned from what became of a text of ours.
    pub fn window_was_closed_for(&mut self, message: &MessageId) {
        if let Some(sent_at) = self.texts.sent_at(message) {
            self.window_was_closed(sent_at);
        }
    }

    /// The person wrote then, says the carrier's list.
    pub fn was_written_at(&mut self, at: Millis) {
        let news = match self.window {
            WindowState::Unknown => true,
            WindowState::Wrote(before) => at > before,
            // What is written in the very millisecond comes after the refusal that we know of.
            WindowState::Closed(since) => at >= since,
        };
        if news {
            self.window = WindowState::Wrote(at);
        }
    }

    /// When the window closes, where that is known.
    pub fn window_until(&self) -> Option<Millis> {
        if let WindowState::Wrote(at) = self.window { Some(at + WINDOW) } else { None }
    }

    /// Whether nothing is known of the window.
    pub fn is_window_unknown(&self) -> bool {
        self.window == WindowState::Unknown
    }

    /// How the person is reached at this moment.
    pub fn contact(&self, now: Millis) -> Contact {
        let window = self.window_until().map(|until| Window { until, left: until.since(now) });
        Contact { conversation: self.conversation.clone(), window }
    }

    /// The carrier has taken a text of this session's.
    pub fn sent(&mut self, session: &SessionId, message: MessageId, now: Millis) {
        self.texts.sent(session, message, now);
    }

    /// A text of this session's was not sent; while the session runs, the person's words are its all the same.
    pub fn tried(&mut self, session: &SessionId) {
        self.texts.tried(session);
    }

    /// A text has another name on its channel, which quotes use.
    pub fn also_named(&mut self, message: &MessageId, channel_message: MessageId) {
        self.texts.also_named(message, channel_message);
    }

    /// The sessions that have written or tried to, the last one last.
    pub fn writers(&self) -> &[SessionId] {
        self.texts.writers()
    }

    /// Whose text this is.
    pub fn session_of(&self, message: &MessageId) -> Option<&SessionId> {
        self.texts.session_of(message)
    }

    /// Whether a message of the person's may bring this notice about now; asking counts as sending.
    pub fn may_tell(&mut self, notice: &Notice, now: Millis) -> bool {
        self.notices.may_tell(notice, now)
    }

    /// Whether the privacy notice is still to be sent on this channel; asking counts as sending.
    pub fn take_notice(&mut self, channel: Channel) -> bool {
        !std::mem::replace(self.noticed(channel), true)
    }

    /// The privacy notice was not sent after all.
    pub fn owe_notice(&mut self, channel: Channel) {
        *self.noticed(channel) = false;
    }

    fn noticed(&mut self, channel: Channel) -> &mut bool {
        if channel == Channel::Sms { &mut self.noticed_by_sms } else { &mut self.noticed }
    }
}

/// What waits for the next session.
impl Line {
    /// Keeps words for the next session.
    pub fn hold(&mut self, said: Said) {
        if self.held.len() >= MOST_HELD {
            self.held.pop_front();
        }
        self.held.push_back(said);
    }

    /// Gives the words that wait to a session that begins, unless they are too old.
    pub fn take_held(&mut self, now: Millis) -> Vec<Said> {
        self.held.drain(..).filter(|said| now.since(said.at) <= HOLD).collect()
    }
}
