//! Whole calls over real sockets, in virtual time.

use callme::emulator::Script;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use rstest::rstest;
use serde_json::json;

use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_question_is_rung_heard_and_answered(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes, deploy it now please."]));
    let answer = world.call("The tests are green. Shall I deploy?").await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
    assert_eq!(answer.body["response"], "Yes, deploy it now please.", "{answer:?}\n{}", world.emulator.timeline());
    assert_eq!(
        answer.body["outcome"],
        json!({ "dial": "answered", "answeredBy": "human", "messageHeard": "full", "replyChannel": "voice", "endedBy": null })
    );
    let id = answer.call_id();
    let end = world.say("end", &id, "Thank you. Goodbye.").await;
    assert_eq!(end.status, 200, "{end:?}\n{}", world.emulator.timeline());
    world.settled().await;
}
