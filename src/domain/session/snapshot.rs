//! What of a session outlives the process: a plain value, from which the session goes on.
//!
//! A session in messaging goes on where it was: its open question, its deadlines, the requests that wait. A phone call does
//! not outlive the process: whatever is left of it at the carrier is hung up, and the session ends, or goes on in writing
//! where it was there before.

use std::time::Duration;

use crate::clock::Millis;
use crate::domain::deadlines::Deadlines;
use crate::domain::outcome::{Dial, EndedBy, MessageHeard, Outcome};
use crate::ids::CarrierCallId;

use super::{Chat, Effect, Ending, Failure, Hanging, Limits, Session, State, Timer, Turns};

pub use super::calls::Calls;
pub use super::chat::{ChatSnapshot, Post, Sent};
pub use super::state::Timer as Deadline;
pub use super::turns::{Asking, Heard, Purpose, Question, TurnsSnapshot};

/// What was written while the process was down is read first; nothing is given up for lack of it before this is over.
const CATCH_UP: Duration = Duration::from_secs(20);
/// A dial that was not answered before the process ended is looked for until the carrier's list has caught up.
const LOOK_FOR: Duration = Duration::from_secs(30);
/// Wait between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Where it stands.
    pub stage: Stage,
    /// When it began.
    pub began_at: Millis,
    /// What happened so far.
    pub outcome: Outcome,
    /// Its calls.
    pub calls: Calls,
    /// What was asked and said.
    pub turns: TurnsSnapshot,
    /// What was written.
    pub chat: ChatSnapshot,
    /// When it wants to be woken, and why; empty for a call.
    pub deadlines: Vec<(Deadline, Millis)>,
}

/// Where a kept session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On the phone, from the dial to the hang-up.
    Voice {
        /// The call, once the carrier has named it.
        call: Option<CarrierCallId>,
    },
    /// In messaging.
    Messaging {
        /// A call that is still to be hung up.
        hanging: Option<CarrierCallId>,
    },
    /// The goodbye is being written.
    Parting {
        /// A call that is still to be hung up.
        hanging: Option<CarrierCallId>,
    },
}

impl Session {
    /// What is to be kept of the session; nothing once it has ended.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let name = |hanging: &Option<Hanging>| hanging.as_ref().map(|hanging| hanging.call.clone());
        let stage = match &self.state {
            State::Ended => return None,
            State::Messaging { hanging } => Stage::Messaging { hanging: name(hanging) },
            State::Ending(Ending::Parting { hanging }) => Stage::Parting { hanging: name(hanging) },
            _ => Stage::Voice { call: self.known_call().cloned() },
        };
        let lasts = !matches!(stage, Stage::Voice { .. });
        Some(Snapshot {
            stage,
            began_at: self.began_at,
            outcome: self.outcome.clone(),
            calls: self.calls.clone(),
            turns: self.turns.snapshot(),
            chat: self.chat.snapshot(),
            deadlines: if lasts { self.deadlines.armed().to_vec() } else { Vec::new() },
        })
    }

    /// The session as it was kept at `kept_at`. What it asks for first is in its effects.
    pub fn restore(kept: Snapshot, kept_at: Millis, limits: Limits, now: Millis) -> Self {
        let (turns, saying) = Turns::restore(kept.turns);
        let sms = limits.texting.is_some_and(|texting| texting.sms);
        let mut session = Self {
            limits,
            state: State::Messaging { hanging: None },
            turns,
            chat: Chat::restore(kept.chat, sms),
            outcome: kept.outcome,
            calls: kept.calls,
            began_at: kept.began_at,
            looks_until: now + LOOK_FOR,
            hurried: false,
            deadlines: Deadlines::default(),
            effects: std::collections::VecDeque::new(),
        };
        match kept.stage {
            // Messaging was switched off meanwhile.
            Stage::Messaging { hanging } | Stage::Parting { hanging } if session.limits.texting.is_none() => {
                session.crashed(hanging, now);
            }
            Stage::Messaging { hanging } => session.go_on_writing(hanging, kept.deadlines, now),
            Stage::Parting { hanging } => {
                session.go_on_writing(hanging, kept.deadlines, now);
                if let State::Messaging { hanging } = session.state {
                    session.state = State::Ending(Ending::Parting { hanging });
                }
            }
            Stage::Voice { call } => {
                session.calls.over(kept_at);
                session.turns.reached =
                    matches!(session.outcome.message_heard, MessageHeard::Full | MessageHeard::Partial(_));
                for request in saying {
                    session.fail(request, Failure::CallEnded);
                }
                let writes = session.chat.has_reached() && session.limits.texting.is_some();
                // One that was on its way out goes out.
                if writes && session.turns.leaving.is_empty() && session.outcome.ended_by.is_none() {
                    session.write_instead(call, now);
                } else {
                    session.crashed(call, now);
                }
            }
        }
        session.tend(now);
        session
    }

    fn go_on_writing(&mut self, hanging: Option<CarrierCallId>, deadlines: Vec<(Timer, Millis)>, now: Millis) {
        for (timer, at) in deadlines {
            let at = match timer {
                Timer::Reply | Timer::Grace | Timer::Extension | Timer::Inactivity | Timer::OpenQuestion => {
                    at.max(now + CATCH_UP)
                }
                _ => at,
            };
            self.deadlines.set(timer, at);
        }
        let hanging = hanging.map(|call| self.hanging_up(call, now));
        self.state = State::Messaging { hanging };
        self.look_for_a_lost_dial(now);
    }

    /// The call that the person had asked for broke off; what it was for goes on in writing.
    fn write_instead(&mut self, call: Option<CarrierCallId>, now: Millis) {
        self.fall_back(call, now);
        self.look_for_a_lost_dial(now);
    }

    /// The call ended with the process.
    fn crashed(&mut self, call: Option<CarrierCallId>, now: Millis) {
        self.outcome.ended_by.get_or_insert(EndedBy::Crash);
        if self.outcome.dial == Dial::NotDialed {
            self.outcome.dial = if self.calls.was_answered() { Dial::Answered } else { Dial::Canceled };
        }
        self.state = State::Ending(Ending::Unplaced { looked: 0 });
        self.record_words();
        self.settle_asking(&Failure::CallEnded, now);
        match call {
            Some(call) => self.hang_up(call, now),
            None if self.calls.is_in_the_air() => self.look_for_the_call(now),
            None => self.ended(now),
        }
    }

    /// Whoever was to answer the dial is gone.
    pub(super) fn look_for_a_lost_dial(&mut self, now: Millis) {
        if !self.calls.is_in_the_air() {
            return;
        }
        if now > self.looks_until {
            return self.calls.dial_answered();
        }
        self.deadlines.set(Timer::Settle, now + LOOK_AGAIN);
        self.effects.push_back(Effect::FindCall { since: self.calls.dialed_at() });
    }
}
