//! What the server itself writes to the person: short, the same for everybody, and not without end.

use std::collections::VecDeque;
use std::time::Duration;

use super::RING_SPAN;
use crate::clock::Millis;

/// Notices that the person's messages can bring about within [`SPAN`]: each costs money, and no person reads more.
const MOST: usize = 20;
/// See [`MOST`].
const SPAN: Duration = Duration::from_hours(1);
/// What stands a few lines above in the chat is not said again.
const HELP_AGAIN: Duration = Duration::from_mins(10);
/// The phone may be free, and a session, by then.
const NO_RING_AGAIN: Duration = Duration::from_mins(1);

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
    /// How long the same is not said again.
    fn again(&self) -> Duration {
        match self {
            Notice::Help => HELP_AGAIN,
            // It says so itself.
            Notice::NoRing(NoRing::TooOften) => RING_SPAN,
            Notice::NoRing(NoRing::OnThePhone | NoRing::Full) => NO_RING_AGAIN,
            // Each tells of a change, but for the first, which has an interval of its own.
            Notice::NoAgent | Notice::Stopped | Notice::Resumed | Notice::Ended | Notice::Privacy(_) => Duration::ZERO,
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
        let said = self.0.iter().any(|(other, at)| other == notice && now.since(*at) < notice.again());
        let may = !said && self.0.len() < MOST;
        if may {
            self.0.push_back((notice.clone(), now));
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for this every second for ten minutes; the seconds in which it is said.
    fn said(told: &mut Told, notice: &Notice) -> Vec<u64> {
        (0..600).filter(|second| told.may_tell(notice, Millis(second * 1000))).collect()
    }

    #[test]
    fn what_a_message_brings_about_is_said_once_in_its_time() {
        for (notice, want) in [
            (Notice::Help, vec![0]),
            (Notice::NoRing(NoRing::TooOften), vec![0]),
            (Notice::NoRing(NoRing::OnThePhone), (0..600).step_by(60).collect()),
            (Notice::NoRing(NoRing::Full), (0..600).step_by(60).collect()),
        ] {
            assert_eq!(said(&mut Told::default(), &notice), want, "{notice:?}");
        }
        let mut told = Told::default();
        assert!(told.may_tell(&Notice::Help, Millis(0)) && told.may_tell(&Notice::Resumed, Millis(0)));
        assert!(!told.may_tell(&Notice::Help, Millis(599_999)) && told.may_tell(&Notice::Help, Millis(600_000)));
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
