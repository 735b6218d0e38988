//! What the carrier tells the server about a call.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::faults::Fault;
use super::super::form::{self, Form, set};
use super::super::person::AnsweredBy;
use super::super::post::{CALLS, post, post_event};
use super::super::timeline::{CallState, Callback, What};
use super::super::world::{World, rfc2822};
use super::Call;
use super::dial::{Detection, Wants};

/// Times that Telnyx delivers an event that is not taken. It says so of messages; of calls it says only that it tries again.
const EVENT_TRIES: u64 = 3;
/// Between these; an assumption.
const EVENT_AGAIN: Duration = Duration::from_secs(1);

/// What the server is told, in either carrier's form.
#[derive(Debug)]
pub(super) enum Letter {
    Form(Form),
    Event(Value),
}

impl Call {
    /// The fields every request about this call has.
    pub(super) fn form(&self, world: &World, state: CallState) -> Form {
        let (to, from) = (self.dial.to.reveal(), self.dial.from.reveal());
        let fields = [
            ("CallSid", self.sid.as_str()),
            ("AccountSid", &world.config.account_sid),
            ("From", from),
            ("To", to),
            ("Caller", from),
            ("Called", to),
            ("CallStatus", state.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("Direction", "outbound-api"),
        ];
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Makes a status callback, if the dial asked for it, or tells of it by an event. Does not wait for it: they hold nothing up and may
    /// overtake each other.
    pub(super) fn call_back(self: &Arc<Self>, world: &Arc<World>, name: Callback, more: &[(&str, String)]) {
        let Wants::Callbacks { url: Some(url), kinds } = &self.dial.wants else {
            let sip = more.iter().find(|(field, _)| *field == "SipResponseCode").map(|(_, code)| code.as_str());
            return self.tell(world, name, sip);
        };
        if !kinds.contains(&name) {
            return;
        }
        let (state, sequence) = {
            let mut progress = self.progress();
            progress.sequence += 1;
            (progress.state, progress.sequence - 1)
        };
        // The first callback says `initiated`, which is no state of the resource.
        let mut form = self.form(world, state);
        if name == Callback::Initiated {
            set(&mut form, "CallStatus", "initiated".to_owned());
        }
        let stamps = [
            ("Timestamp", rfc2822(world.now())),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("SequenceNumber", sequence.to_string()),
        ];
        for (field, value) in stamps.iter().chain(more) {
            set(&mut form, field, value.clone());
        }
        self.deliver(world, name, url.clone(), Letter::Form(form));
    }

    /// Makes the verdict's callback at its time, whatever has become of the call by then.
    pub(super) fn judge(self: &Arc<Self>, world: &Arc<World>, detection: &Detection, by: AnsweredBy, after: Duration) {
        let word = verdict(by, detection.message_end);
        let form = [
            ("CallSid", self.sid.clone()),
            ("AccountSid", world.config.account_sid.clone()),
            ("AnsweredBy", word.to_owned()),
            ("MachineDetectionDuration", after.as_millis().to_string()),
        ];
        let form = form::of(form);
        let (call, outer, callback) = (Arc::clone(self), Arc::clone(world), detection.callback.clone());
        world.spawn(async move {
            tokio::time::sleep(after).await;
            call.progress().answered_by = Some(by);
            if let Some(url) = callback {
                call.deliver(&outer, Callback::Verdict, url, Letter::Form(form));
            }
        });
    }

    /// Brings a letter to the server, as soon and as often as the faults will have it.
    pub(super) fn deliver(self: &Arc<Self>, world: &Arc<World>, name: Callback, url: String, letter: Letter) {
        let held_back = name == Callback::Answered && world.faults.strikes(&Fault::CompletedFirst);
        let delay = world.faults.strike(|f| match f {
            Fault::CallbackDelayed { name: n, by } if *n == name => Some(*by),
            _ => None,
        });
        // Telnyx's word that a call was answered is what Twilio's request for instructions is.
        let asks = matches!(letter, Letter::Event(_)) && name == Callback::Answered;
        let twice = world.faults.strikes(&Fault::CallbacksTwice) || asks && world.faults.strikes(&Fault::TwimlTwice);
        let copies = match (world.faults.strikes(&Fault::CallbackTripled(name)), twice) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) => 1,
        };
        let (call, outer) = (Arc::clone(self), Arc::clone(world));
        world.spawn(async move {
            if held_back {
                call.completed.cancelled().await;
            }
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            for _ in 0..copies {
                let answer = match &letter {
                    Letter::Form(form) => post(&outer, &url, form, CALLS).await,
                    Letter::Event(event) => insist(&outer, &url, event.clone()).await,
                };
                let status = answer.map(|(status, _)| status);
                call.note(&outer, What::Callback { name, status });
            }
            if name == Callback::Completed {
                call.completed.cancel();
            }
        });
    }
}

/// Posts an event until it is taken or refused for good: one that got no answer, or an error that may pass, comes again.
async fn insist(world: &World, url: &str, mut event: Value) -> Option<(u16, String)> {
    for attempt in 1.. {
        event["meta"]["attempt"] = attempt.into();
        let answer = post_event(world, url, &event, CALLS).await;
        let passing = answer.as_ref().is_none_or(|(status, _)| matches!(status, 408 | 429 | 500..=599));
        if !passing || attempt == EVENT_TRIES {
            return answer;
        }
        tokio::time::sleep(EVENT_AGAIN).await;
    }
    None
}

/// `AnsweredBy`'s word.
pub(super) fn verdict(by: AnsweredBy, message_end: bool) -> &'static str {
    match by {
        AnsweredBy::Human => "human",
        AnsweredBy::Machine if message_end => "machine_end_beep",
        AnsweredBy::Machine => "machine_start",
        AnsweredBy::Fax => "fax",
        AnsweredBy::Unknown => "unknown",
    }
}
