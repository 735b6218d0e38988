//! The calls of a session: one as a rule, more where the person asked to be called.

use std::time::Duration;

use crate::clock::Millis;
use crate::ids::CarrierCallId;

/// Names remembered at once: more than the carrier can still have news of.
const MOST_NAMED: usize = 8;

/// The calls of a session, the present one or the last.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    dialed_at: Millis,
    /// The carrier was asked to ring and has not answered that.
    in_the_air: bool,
    /// The person asked for the call.
    asked_for: bool,
    answered_at: Option<Millis>,
    /// When the call, or without one the session, was over.
    ended_at: Option<Millis>,
    /// The talk time of the calls before.
    talked_before: Duration,
    /// The calls the carrier has named, the last one last: news of an earlier one is not about the present one.
    named: Vec<CarrierCallId>,
}

impl Calls {
    pub(super) fn none(now: Millis) -> Self {
        Self {
            dialed_at: now,
            in_the_air: false,
            asked_for: false,
            answered_at: None,
            ended_at: None,
            talked_before: Duration::ZERO,
            named: Vec::new(),
        }
    }

    pub(super) fn dialed(&mut self, now: Millis) {
        self.dialed_at = now;
        self.in_the_air = true;
    }

    /// When the carrier was asked to ring, this time.
    pub(super) fn dialed_at(&self) -> Millis {
        self.dialed_at
    }

    pub(super) fn dial_answered(&mut self) {
        self.in_the_air = false;
    }

    /// Whether the carrier may still answer that it rings.
    pub(super) fn is_in_the_air(&self) -> bool {
        self.in_the_air
    }

    pub(super) fn ask_for(&mut self) {
        self.asked_for = true;
    }

    /// Whether the person asked for the call.
    pub(super) fn was_asked_for(&self) -> bool {
        self.asked_for
    }

    /// The carrier has named a call, and with that said what became of the dial.
    pub(super) fn named(&mut self, call: CarrierCallId) {
        self.in_the_air = false;
        if self.named.len() >= MOST_NAMED {
            self.named.remove(0);
        }
        self.named.push(call);
    }

    /// Whether the carrier has named this call before.
    pub(super) fn knows(&self, call: &CarrierCallId) -> bool {
        self.named.contains(call)
    }

    pub(super) fn answered(&mut self, now: Millis) {
        self.answered_at = Some(now);
    }

    pub(super) fn was_answered(&self) -> bool {
        self.answered_at.is_some()
    }

    /// The call is over, or was before.
    pub(super) fn over(&mut self, now: Millis) {
        self.ended_at.get_or_insert(now);
    }

    /// The call is over for the session, which goes on without it.
    pub(super) fn leave(&mut self, now: Millis) {
        self.over(now);
        self.talked_before = self.talked(now);
        self.answered_at = None;
        self.ended_at = None;
    }

    /// From the pick-up to the end of the call, or to `now` while it runs; all calls together.
    pub(super) fn talked(&self, now: Millis) -> Duration {
        let end = self.ended_at.unwrap_or(now);
        self.talked_before + self.answered_at.map_or(Duration::ZERO, |answered| end.since(answered))
    }
}
