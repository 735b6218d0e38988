//! What the server itself writes to the person: short, the same for everybody, and not without end.

use std::collections::VecDeque;
use std::time::Duration;

use super::RING_SPAN;
use crate::clock::Millis;

/// Notices that the person's messages can bring about within [`SPAN`]: each costs money, and no person reads more.
const MOST: usize = 20;
/// See [`MOST`].
const SPAN: Duration = Duration::from_hours(1);
/// How often the same is said within [`RING_SPAN`]: by then it stands a few lines above in the chat.
const MOST_ALIKE: usize = 3;

/// Why the phone does not ring for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRing {
    /// The person is on the phone with us, or their phone rings.
    OnThePhone,
    /// Too many calls were asked for.
    TooOften,
    /// As many sessions as there may be.
    Full,
}

/// Something the server tells the person on its own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nobody is there to take the message now.
    NoAgent,
    /// Messages have stopped.
    Stopped,
    /// Messages go on.
    Resumed,
    /// What can be written here.
    Help,
    /// The session was ended by the person's word.
    Ended,
    /// The phone does not ring, and why.
    NoRing(NoRing),
    /// The operator's privacy notice.
    Privacy(String),
}

impl Notice {
    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Notice::NoAgent => "No agent is waiting right now. I keep your message for the next one.",
            Notice::Stopped => "You will get no more messages. Write \"start\" to get them again.",
            Notice::Resumed => "You will get messages again. Write \"stop\" to end them.",
            Notice::Help => {
                "An AI agent that works for you writes here when you do not answer its call. Just answer; write \"call \
                 me\" to be called, \"end\" to end the conversation, \"stop\" to get no more messages."
            }
            Notice::Ended => "This conversation is ended.",
            Notice::NoRing(NoRing::OnThePhone) => "We are on the phone already.",
            Notice::NoRing(NoRing::TooOften) => {
                "I have called you several times already. Please answer here, or ask again in ten minutes."
            }
            Notice::NoRing(NoRing::Full) => {
                "I cannot call just now. Please answer here, or ask again in a few minutes."
            }
            Notice::Privacy(text) => text,
        }
    }

    /// Whether it is sent although the person wants no messages.
    pub fn is_confirmation(&self) -> bool {
        matches!(self, Notice::Stopped)
    }
}

impl Notice {
    /// How often the same may be said within [`RING_SPAN`].
    fn most(&self) -> usize {
        match self {
            // It says when to ask again.
            Notice::NoRing(NoRing::TooOften) => 1,
            Notice::Help | Notice::NoRing(NoRing::OnThePhone | NoRing::Full) => MOST_ALIKE,
            // Each tells of a change, but for the first, which has an interval of its own.
            Notice::NoAgent | Notice::Stopped | Notice::Resumed | Notice::Ended | Notice::Privacy(_) => MOST,
        }
    }
}

/// What the person was told lately because of their own messages, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(VecDeque<(Notice, Millis)>);

impl Told {
    /// Whether this may be said now; asking counts as saying it.
    pub(super) fn may_tell(&mut self, notice: &Notice, now: Millis) -> bool {
        while self.0.front().is_some_and(|(_, at)| now.since(*at) >= SPAN) {
            self.0.pop_front();
        }
        let alike = self.0.iter().filter(|(other, at)| other == notice && now.since(*at) < RING_SPAN).count();
        let may = alike < notice.most() && self.0.len() < MOST;
        if may {
            self.0.push_back((notice.clone(), now));
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_brings_about_is_said_only_so_often_in_its_time() {
        for (notice, most) in [
            (Notice::Help, 3),
            (Notice::NoRing(NoRing::TooOften), 1),
            (Notice::NoRing(NoRing::OnThePhone), 3),
            (Notice::NoRing(NoRing::Full), 3),
        ] {
            let mut told = Told::default();
            let said: Vec<u64> = (0..1200).filter(|second| told.may_tell(&notice, Millis(second * 1000))).collect();
            let want: Vec<u64> = (0..most).chain(600..600 + most).collect();
            assert_eq!(said, want, "{notice:?}");
            assert!(told.may_tell(&Notice::Resumed, Millis(1_200_000)), "others are not concerned");
        }
    }

    #[test]
    fn nothing_is_said_without_end() {
        let mut told = Told::default();
        let mut tell = |minute: u64| {
            let change = if minute.is_multiple_of(2) { Notice::Stopped } else { Notice::Resumed };
            told.may_tell(&change, Millis(minute * 60_000))
        };
        let said: Vec<u64> = (0..90).filter(|minute| tell(*minute)).collect();
        assert_eq!(said, [(0..20).collect::<Vec<_>>(), (60..80).collect()].concat());
    }
}
