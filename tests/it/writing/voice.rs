//! Somebody who picks up is not written to.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{RestVerb, Script, What};
use rstest::rstest;
use serde_json::json;

use super::QUESTION;
use crate::world::World;

const TEXTING: [RestVerb; 5] = [
    RestVerb::FindConversations,
    RestVerb::CreateConversation,
    RestVerb::AddParticipant,
    RestVerb::SendMessage,
    RestVerb::ListMessages,
];

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_answers_by_voice_is_not_written_to_and_nothing_of_messaging_is_told(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    world.person(Script::converses(["Yes, deploy it now please.", "The first one."]));
    let answer = world.call(QUESTION).await;
    let id = answer.call_id();
    assert_eq!(
        (answer.status, answer.at("/response")),
        (200, json!("Yes, deploy it now please.")),
        "{answer:?}\n{}",
        world.emulator.timeline()
    );
    let outcome = json!({ "dial": "answered", "answeredBy": "human", "messageHeard": "full", "replyChannel": "voice", "endedBy": null });
    assert_eq!(answer.body["outcome"], outcome);
    let next = world.say("continue", &id, "Which server first?").await;
    assert_eq!(next.at("/response"), "The first one.", "{next:?}");
    let spoken = world.say("speak", &id, "I begin with it.").await;
    let look = world.look(&id).await;
    let end = world.say("end", &id, "Thank you. Goodbye.").await;
    assert_eq!((spoken.status, end.status), (200, 200), "{spoken:?} {end:?}");
    world.settled().await;
    for told in [&answer, &next] {
        assert_eq!(told.at("/contactMode"), "voice", "{told:?}");
    }
    for told in [&answer, &next, &spoken, &look, &end, &world.look(&id).await] {
        for field in ["conversationSid", "whatsappSessionExpiry", "whatsappSessionWindow"] {
            assert_eq!(told.body.get(field), None, "{told:?}");
        }
    }
    let history = world.get("/api/history").await;
    assert_eq!(history.at("/conversations/0/contactMode"), "voice", "{history:?}");
    assert_eq!(history.at("/conversations/0/metadata/conversationSid"), json!(null), "{history:?}");
    assert_eq!((world.emulator.chat().shown(), world.emulator.conversations()), (vec![], vec![]));
    let texting = |what: &What| matches!(what, What::Rest { verb, .. } if TEXTING.iter().any(|v| v.as_str() == *verb));
    assert_eq!(world.emulator.timeline().count(texting), 0, "{}", world.emulator.timeline());
}
