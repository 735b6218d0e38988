//! Webhooks: repeated, late, out of order, about nothing, and forged.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Callback, Fault, Script, Times};
use rstest::rstest;
use serde_json::json;

use crate::webhook::{account, fetch_form, signature};
use crate::world::World;

const REPLY: &str = "Yes, deploy it now please.";
const NOBODYS: &str = "CA00000000000000000000000000000000";

#[rstest]
#[tokio::test(start_paused = true)]
async fn repeats_delays_and_disorder_leave_a_conversation_as_it_is(#[values(Twilio, Telnyx)] on: Telephony) {
    let delayed = |name, seconds| Fault::CallbackDelayed { name, by: Duration::from_secs(seconds) };
    for faults in [
        vec![Fault::CallbackTripled(Callback::Initiated), Fault::CallbackTripled(Callback::Ringing)],
        vec![Fault::CallbackTripled(Callback::Answered), Fault::CallbackTripled(Callback::Verdict)],
        vec![Fault::CallbackTripled(Callback::Completed)],
        vec![Fault::CompletedFirst],
        vec![delayed(Callback::Initiated, 5), delayed(Callback::Ringing, 5), delayed(Callback::Answered, 2)],
        vec![delayed(Callback::Ringing, 120), delayed(Callback::Answered, 60)],
        vec![delayed(Callback::Completed, 30)],
        vec![Fault::TwimlTwice],
    ] {
        // At Telnyx nothing else tells of the answer: until it comes there is nothing to talk by.
        if on == Telnyx && (faults == [Fault::CompletedFirst] || faults.contains(&delayed(Callback::Answered, 60))) {
            continue;
        }
        let world = World::on(on).await;
        world.person(Script::converses([REPLY]));
        for fault in &faults {
            world.emulator.faults().add(fault.clone(), Times::Always);
        }
        let answer = world.call("Shall I deploy?").await;
        let timeline = world.emulator.timeline();
        assert_eq!(
            (answer.status, &answer.body["response"]),
            (200, &json!(REPLY)),
            "{faults:?}: {answer:?}\n{timeline}"
        );
        assert_eq!(answer.at("/outcome/answeredBy"), "human", "{faults:?}: {answer:?}");
        let id = answer.call_id();
        let end = world.say("end", &id, "Goodbye.").await;
        assert_eq!((end.status, end.at("/outcome/endedBy")), (200, json!("agent")), "{faults:?}: {end:?}");
        tokio::time::sleep(Duration::from_mins(3)).await;
        world.settled().await;
        assert_eq!(world.look(&id).await.at("/outcome/endedBy"), "agent", "{faults:?}");
        let call = &world.emulator.calls()[0];
        assert_eq!((world.asked_for("dial"), call.streams), (1, 1), "{faults:?}\n{}", world.emulator.timeline());
        assert_eq!(call.heard_text(), "Shall I deploy? Goodbye.", "{faults:?}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_is_over_before_it_was_answered_is_over(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers().hang_up());
    world.emulator.faults().add(Fault::CompletedFirst, Times::Once);
    let answer = world.call("Shall I deploy?").await;
    assert_eq!((answer.status, answer.at("/outcome/endedBy")), (408, json!("person")), "{answer:?}");
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_what_to_do_with_a_call_is_told_by_what_the_call_is() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let id = world.call("Shall I deploy?").await.call_id();
    let (ours, call) = (account(), world.emulator.calls()[0].sid.clone());
    let by_name = format!("/twiml?s={id}");
    let inbound = [("Direction", "inbound"), ("CallStatus", "ringing")];
    for (path, call, more, verb) in [
        (by_name.as_str(), call.as_str(), &[][..], "<Stream"),
        // Without `s` the call's own name decides; a name that is none is as good as none.
        ("/twiml", &call, &[], "<Stream"),
        ("/twiml?s=", &call, &[], "<Stream"),
        ("/twiml?s=call-0", &call, &[], "<Stream"),
        ("/twiml", NOBODYS, &[], "<Hangup/>"),
        ("/twiml?s=call-99-1790000000000", NOBODYS, &[], "<Hangup/>"),
        ("/twiml?s=call-99-1790000000000", &call, &[], "<Hangup/>"),
        // Our session, but not its call.
        (&by_name, NOBODYS, &[], "<Hangup/>"),
        ("/twiml", NOBODYS, &inbound, "<Reject/>"),
        (&by_name, NOBODYS, &inbound, "<Reject/>"),
    ] {
        let (status, document) = world.signed(path, &fetch_form(&ours, call, more)).await;
        assert_eq!(status, 200, "{path} {more:?}");
        assert!(document.contains(verb), "{path} {call} {more:?}: {document}");
    }
    assert_eq!(world.look(&id).await.at("/state"), "connected");
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
    for path in [by_name.as_str(), "/twiml"] {
        let (status, document) = world.signed(path, &fetch_form(&ours, &call, &[])).await;
        assert!(status == 200 && document.contains("<Hangup/>"), "an ended session, {path}: {document}");
    }
    for status in ["completed", "ringing", "in-progress"] {
        let form = fetch_form(&ours, &call, &[("CallStatus", status), ("CallbackSource", "call-progress-events")]);
        assert_eq!(world.signed(&by_name, &form).await, (204, String::new()), "{status}");
    }
    assert_eq!(world.look(&id).await.at("/outcome/endedBy"), "agent");
}

#[tokio::test(start_paused = true)]
async fn what_the_carrier_did_not_sign_is_refused_without_a_word_and_changes_nothing() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let forging = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let id = world.newest().await;
        let (path, ours, call) = (format!("/twiml?s={id}"), account(), world.emulator.calls()[0].sid.clone());
        let over = [("CallStatus", "completed"), ("CallbackSource", "call-progress-events")];
        let form = fetch_form(&ours, &call, &over);
        let good = signature(&path, &form);
        let (of_path, of_form) = (signature("/twiml", &form), signature(&path, &form[1..]));
        let flipped = if good.starts_with('A') { good.replacen('A', "B", 1) } else { format!("A{}", &good[1..]) };
        for (what, signatures) in [
            ("none", &[][..]),
            ("empty", &[""]),
            ("wrong", &[flipped.as_str()]),
            ("cut", &[&good[..27]]),
            ("twice", &[&good, &good]),
            ("a wrong one beside", &[&good, "x"]),
            ("another path's", &[&of_path]),
            ("another form's", &[&of_form]),
        ] {
            let answer = world.webhook(&path, &form, signatures).await;
            assert_eq!(answer, (401, String::new()), "{what}");
        }
        // Signed, but another account's: some other customer of the carrier.
        let foreign = fetch_form("AC00000000000000000000000000000000", &call, &over);
        assert_eq!(world.signed(&path, &foreign).await, (400, String::new()));
        assert_eq!(world.look(&id).await.at("/state"), "ringing", "nothing has changed");
        id
    };
    let (answer, id) = tokio::join!(world.call("Shall I deploy?"), forging);
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}");
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
}
