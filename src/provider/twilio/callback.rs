//! Reads the form of `POST /twiml`: a request for TwiML, news of a call's progress, or machine detection's verdict.

use std::time::Duration;

use super::{progress, sid};
use crate::ids::CarrierCallId;
use crate::provider::{CallProgress, Verdict};

/// What a voice webhook says. Webhooks repeat, overtake each other, and a verdict may come after the end of its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callback {
    /// Twilio asks what to do with a call that is up: answer with TwiML.
    Fetch {
        /// Which call.
        call: CarrierCallId,
        /// Somebody calls us, rather than we them.
        inbound: bool,
        /// Who picked up, where machine detection had ended before.
        answered_by: Option<Verdict>,
    },
    /// A call moved on.
    Status {
        /// Which call.
        call: CarrierCallId,
        /// Where it stands.
        progress: CallProgress,
        /// Orders the callbacks of a call, from 0.
        sequence: Option<u64>,
        /// How long it lasted once answered; only when it is over.
        duration: Option<Duration>,
        /// The final SIP answer.
        sip: Option<u16>,
        /// Who picked up, where machine detection had ended before.
        answered_by: Option<Verdict>,
    },
    /// Machine detection ended.
    Machine {
        /// Which call.
        call: CarrierCallId,
        /// What it found.
        verdict: Verdict,
    },
}

/// Why a form is no voice webhook of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCallback {
    /// A field that every such webhook has is not there.
    #[error("the webhook has no {0}")]
    Missing(&'static str),
    /// `AccountSid` names another account.
    #[error("the webhook belongs to another account")]
    ForeignAccount,
    /// `CallSid` is not `CA` and 32 hexadecimal digits.
    #[error("the webhook's CallSid is malformed")]
    BadCallSid,
    /// `CallStatus` has a value that Twilio does not document.
    #[error("the webhook's CallStatus is unknown")]
    UnknownStatus,
}

impl Callback {
    /// Reads a decoded form; fields that are not known are ignored, of repeated ones the first counts.
    ///
    /// # Errors
    /// When the form is not from `account`, or something that its kind always has is missing or malformed.
    pub fn parse(form: &[(String, String)], account: &str) -> Result<Self, BadCallback> {
        let field = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let need = |wanted| field(wanted).ok_or(BadCallback::Missing(wanted));

        if need("AccountSid")? != account {
            return Err(BadCallback::ForeignAccount);
        }
        let call = need("CallSid")?;
        if !sid::is_call(call) {
            return Err(BadCallback::BadCallSid);
        }
        let call = CarrierCallId(call.to_owned());
        let answered_by = field("AnsweredBy").map(verdict);

        if let (Some(verdict), None) = (answered_by, field("CallStatus")) {
            return Ok(Self::Machine { call, verdict });
        }
        if field("CallbackSource").is_none() {
            let inbound = field("Direction") == Some("inbound");
            return Ok(Self::Fetch { call, inbound, answered_by });
        }
        let sip = field("SipResponseCode").and_then(|code| code.parse().ok());
        Ok(Self::Status {
            call,
            progress: progress(need("CallStatus")?, sip).ok_or(BadCallback::UnknownStatus)?,
            sequence: field("SequenceNumber").and_then(|number| number.parse().ok()),
            // `CallDuration` is in seconds; its neighbour `Duration` is in minutes.
            duration: field("CallDuration").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
            sip,
            answered_by,
        })
    }
}

/// `AnsweredBy`: with `MachineDetection=Enable` a machine is `machine_start`, otherwise one of `machine_end_*`.
fn verdict(answered_by: &str) -> Verdict {
    match answered_by {
        "human" => Verdict::Human,
        "fax" => Verdict::Machine,
        other if other.starts_with("machine_") => Verdict::Machine,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests;
