//! Webhooks as Twilio sends them, and what is none.

use super::super::signature;
use super::*;
use crate::provider::CallEnd;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const CALL: &str = "CA0123456789abcdef0123456789ABCDEF";

/// Reads a form that has our account, our call and `rest`.
fn parse(rest: &str) -> Result<Callback, BadCallback> {
    let body = format!("CallSid={CALL}&AccountSid={ACCOUNT}&{rest}");
    Callback::parse(&signature::fields(body.as_bytes()), ACCOUNT)
}

fn call() -> CarrierCallId {
    CarrierCallId(CALL.to_owned())
}

#[test]
fn a_status_callback_tells_all_it_knows() {
    let body = "From=%2B390612345678&To=%2B393331234567&Called=%2B393331234567&Caller=%2B390612345678&\
        CallStatus=no-answer&ApiVersion=2010-04-01&Direction=outbound-api&Duration=0&CallDuration=0&\
        SipResponseCode=487&Timestamp=Fri%2C%2021%20Aug%202026%2009%3A30%3A00%20%2B0000&\
        CallbackSource=call-progress-events&SequenceNumber=2";
    let want = Callback::Status {
        call: call(),
        progress: CallProgress::Over(CallEnd::NoAnswer),
        sequence: Some(2),
        duration: Some(Duration::ZERO),
        sip: Some(487),
        answered_by: None,
    };
    assert_eq!(parse(body), Ok(want));
}

#[test]
fn the_seconds_of_a_call_are_taken_not_its_minutes() {
    let got =
        parse("CallStatus=completed&CallbackSource=call-progress-events&Duration=2&CallDuration=61&AnsweredBy=human");
    let Ok(Callback::Status { progress, duration, sequence, sip, answered_by, .. }) = got else { panic!("{got:?}") };
    assert_eq!(progress, CallProgress::Over(CallEnd::Completed));
    assert_eq!((duration, sequence, sip), (Some(Duration::from_secs(61)), None, None));
    assert_eq!(answered_by, Some(Verdict::Human));
}

#[test]
fn every_status_has_its_meaning() {
    for (status, want) in [
        ("queued", CallProgress::Queued),
        ("initiated", CallProgress::Queued),
        ("ringing", CallProgress::Ringing),
        ("in-progress", CallProgress::Answered),
        ("completed", CallProgress::Over(CallEnd::Completed)),
        ("busy", CallProgress::Over(CallEnd::Busy)),
        ("no-answer", CallProgress::Over(CallEnd::NoAnswer)),
        ("failed", CallProgress::Over(CallEnd::Failed)),
        ("failed&SipResponseCode=404", CallProgress::Over(CallEnd::Failed)),
        ("failed&SipResponseCode=480", CallProgress::Over(CallEnd::NoAnswer)),
        ("canceled", CallProgress::Over(CallEnd::Canceled)),
    ] {
        let got = parse(&format!("CallbackSource=call-progress-events&CallStatus={status}"));
        let Ok(Callback::Status { progress, .. }) = got else { panic!("{status}: {got:?}") };
        assert_eq!(progress, want, "{status}");
    }
}

#[test]
fn a_verdict_without_a_status_is_machine_detection() {
    for (answered_by, want) in [
        ("human", Verdict::Human),
        ("machine_start", Verdict::Machine),
        ("machine_end_beep", Verdict::Machine),
        ("machine_end_silence", Verdict::Machine),
        ("machine_end_other", Verdict::Machine),
        ("fax", Verdict::Machine),
        ("unknown", Verdict::Unknown),
        ("", Verdict::Unknown),
        ("alien", Verdict::Unknown),
    ] {
        let got = parse(&format!("AnsweredBy={answered_by}&MachineDetectionDuration=2300"));
        assert_eq!(got, Ok(Callback::Machine { call: call(), verdict: want }), "{answered_by}");
    }
}

#[test]
fn anything_else_asks_for_twiml() {
    for (rest, inbound, answered_by) in [
        ("CallStatus=in-progress&Direction=outbound-api&Weather=fine", false, None),
        ("CallStatus=in-progress&Direction=outbound-api&AnsweredBy=machine_start", false, Some(Verdict::Machine)),
        ("CallStatus=ringing&Direction=inbound&StirVerstat=TN-Validation-Passed-A", true, None),
        ("", false, None),
    ] {
        assert_eq!(parse(rest), Ok(Callback::Fetch { call: call(), inbound, answered_by }), "{rest}");
    }
}

#[test]
fn what_is_not_ours_or_not_whole_is_refused_by_kind() {
    let sid = format!("CallSid={CALL}");
    let ours = format!("AccountSid={ACCOUNT}");
    for (body, want) in [
        (sid.clone(), BadCallback::Missing("AccountSid")),
        (ours.clone(), BadCallback::Missing("CallSid")),
        (format!("{sid}&AccountSid=AC2"), BadCallback::ForeignAccount),
        (format!("{ours}&CallSid=CA123"), BadCallback::BadCallSid),
        (format!("{ours}&CallSid=CA0123456789abcdef0123456789abcdeg"), BadCallback::BadCallSid),
        (format!("{ours}&CallSid=SM0123456789abcdef0123456789abcdef"), BadCallback::BadCallSid),
        (format!("{ours}&{sid}&CallbackSource=x"), BadCallback::Missing("CallStatus")),
        (format!("{ours}&{sid}&CallbackSource=x&CallStatus=musing"), BadCallback::UnknownStatus),
    ] {
        assert_eq!(Callback::parse(&signature::fields(body.as_bytes()), ACCOUNT), Err(want), "{body}");
    }
}
