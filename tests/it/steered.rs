//! A person who is not acted by a script but steered, as the demo's page does.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{CallState, NotNow, Script, Side, Sound, What};
use rstest::rstest;

use crate::world::World;

const QUESTION: &str = "The tests are green. Shall I deploy?";
const PLAN: &str =
    "I will deploy to every server in the European region, one after the other, and call you at the end.";

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_steered_person_answers_interrupts_without_a_word_and_hangs_up(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::steered());
    let phone = world.emulator.phone();
    let mut heard = phone.listen();
    assert_eq!(phone.hang_up(), Err(NotNow::NoCall));

    let answers = async {
        world.event(|what| *what == What::State(CallState::Ringing)).await;
        assert_eq!(phone.say("Hello?").await, Err(NotNow::NoCall), "the line is not open yet");
        phone.pick_up().expect("it rings");
        world.event(|what| *what == What::AgentQuiet).await;
        phone.say("Yes, deploy it.").await.expect("the line is open");
    };
    let (call, ()) = tokio::join!(world.call(QUESTION), answers);
    assert_eq!(call.body["response"], "Yes, deploy it.", "{call:?}\n{}", world.emulator.timeline());
    let id = call.call_id();

    let mut bytes = 0;
    while let Ok(sound) = heard.try_recv() {
        match sound {
            Sound::Frame { ulaw, .. } => bytes += ulaw.len(),
            Sound::Cut { .. } => panic!("nothing was cut yet"),
        }
    }
    assert_eq!(bytes, world.last_call().segments[0].audio.len(), "who listens in hears what the phone plays");

    let from = world.emulator.timeline().events().len();
    let interrupts = async {
        let played = |what: &What| matches!(what, What::MarkReturned { played: true, .. });
        world.emulator.wait_from(from, |event| played(&event.what)).await.expect("a second of the plan is heard");
        phone.hesitate().await.expect("the line is open");
        world.event(|what| matches!(what, What::Cleared { .. })).await;
        assert_eq!(phone.press('a'), Err(NotNow::NoSuchKey));
        phone.press('5').expect("the line is open");
        phone.say("Only the first one.").await.expect("the line is open");
    };
    let (plan, ()) = tokio::join!(world.say("continue", &id, PLAN), interrupts);
    assert_eq!(plan.body["response"], "Only the first one.", "{plan:?}\n{}", world.emulator.timeline());
    assert_eq!((&plan.body["interrupted"], plan.at("/outcome/messageHeard")), (&true.into(), "partial".into()));
    assert!(std::iter::from_fn(|| heard.try_recv().ok()).any(|sound| sound == Sound::Cut { call: 1 }));

    phone.hang_up().expect("the line is open");
    world.settled().await;
    assert_eq!(world.last_call().ended_by, Some(Side::Person));
    assert_eq!(phone.pick_up(), Err(NotNow::DoesNotRing));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_steered_phone_can_be_declined_or_rings_out(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::steered());
    let declines = async {
        world.event(|what| *what == What::State(CallState::Ringing)).await;
        world.emulator.phone().decline().expect("it rings");
    };
    let (declined, ()) = tokio::join!(world.call(QUESTION), declines);
    assert_eq!((declined.status, declined.body["code"].as_str()), (408, Some("no_answer")), "{declined:?}");
    assert_eq!(world.last_call().ended_by, Some(Side::Person));
    let missed = world.call("Is anybody there?").await;
    assert_eq!((missed.status, missed.body["code"].as_str()), (408, Some("no_answer")), "{missed:?}");
    assert_eq!(world.last_call().ended_by, Some(Side::Carrier));
    world.settled().await;
}
