//! The process dies, and the session goes on from what was kept.

use crate::domain::messaging::MessagingClass;
use crate::domain::outcome::{Channel, MessageHeard};
use crate::domain::session::{Effect, Input, Phase, Sense};
use crate::domain::text::PersonText;
use crate::ids::{CarrierCallId, MessageId, PostId};

use super::scenario::{QUESTION, Scenario, call, texting};

#[test]
fn a_question_in_writing_stays_open_and_is_not_written_again() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).restarts(5000);
    assert_eq!((scenario.session.phase(), scenario.posts().len()), (Phase::Messaging, 1));
    scenario.at(40_000).writes("Yes.");
    assert_eq!(
        (scenario.told(1).as_str(), scenario.truth(1).as_str()),
        ("reply: Yes.", "busy nobody null whatsapp null")
    );
    scenario.collects(1).run_out();
    scenario.check_ended();
}

#[test]
fn a_text_that_may_have_been_sent_is_looked_for_before_it_is_sent_again() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Well.").collects(1);
    scenario.carrier_is_slow();
    let ask = scenario.asks("Where to?");
    scenario.restarts(1000);
    assert_eq!(scenario.posts()[1..], ["Where to?", "again: Where to?"]);
    scenario.takes(2).writes("To staging.");
    assert_eq!(scenario.told(ask), "reply: To staging.");
}

#[test]
fn a_text_that_waited_for_its_turn_goes_out_as_it_is() {
    let mut scenario = Scenario::unanswered();
    scenario.carrier_is_slow();
    scenario.at(20_000).speaks("One.");
    scenario.speaks("Two.");
    assert_eq!(scenario.posts()[1..], ["One."]);
    scenario.restarts(1000);
    scenario.takes(2);
    assert_eq!(scenario.posts()[2..], ["again: One.", "Two."]);
}

#[test]
fn nobody_is_told_that_no_reply_came_before_what_was_written_meanwhile_is_read() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).restarts(600_000);
    assert_eq!(scenario.told(1), "nothing yet");
    scenario.after(10_000).writes("Yes.");
    assert_eq!(scenario.told(1), "reply: Yes.");
    let mut silent = Scenario::unanswered();
    silent.at(20_000).restarts(600_000).after(30_000);
    assert_eq!((silent.told(1).as_str(), silent.session.phase()), ("NoReply", Phase::Messaging));
}

#[test]
fn a_failed_text_is_tried_as_often_as_without_the_restart() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Well.").collects(1);
    for _ in 0..3 {
        scenario.next_fails(MessagingClass::Transient);
    }
    let say = scenario.speaks("So.");
    scenario.restarts(500);
    scenario.after(20_000);
    assert_eq!(scenario.posts()[1..], ["So.", "So.", "So."]);
    assert!(scenario.told(say).starts_with("Undelivered"), "{}", scenario.told(say));
}

#[test]
fn a_call_is_hung_up_and_whoever_waits_learns_that_it_is_over() {
    for (name, mut scenario, truth) in [
        ("ringing", Scenario::ringing(), "canceled nobody none none crash"),
        ("picked up", Scenario::picked_up(), "answered unknown none none crash"),
        ("asking", Scenario::asking(), "answered human none none crash"),
        ("asked", Scenario::asked(), "answered human full none crash"),
    ] {
        let hung_up = Effect::HangUp { call: call() };
        scenario.restarts(3000);
        assert_eq!(scenario.count(&hung_up), 1, "{name}");
        assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), ("CallEnded", truth), "{name}");
        scenario.run_out();
        scenario.check_ended();
    }
}

#[test]
fn a_call_in_which_the_person_also_wrote_ends_with_the_process_like_any_other() {
    let mut scenario = Scenario::asked_with(texting());
    let at = scenario.now;
    let text = PersonText("One moment.".to_owned());
    scenario.give(Input::Wrote { text, sense: Sense::Aside, at, channel: Channel::WhatsApp });
    scenario.restarts(3000);
    assert_eq!(scenario.told(1), "CallEnded (said: One moment.)");
    assert_eq!((scenario.truth(1).as_str(), scenario.posts().len()), ("answered human full none crash", 0));
    scenario.run_out();
    scenario.check_ended();
}

#[test]
fn who_heard_the_question_before_the_crash_is_not_told_that_we_tried_to_call() {
    let mut scenario = Scenario::unanswered();
    scenario.at(12_000).wants_a_call();
    scenario.at(15_000).picks_up_again().at(16_500).starts(2).at(20_000).ends(2);
    let asked = scenario.session.outcome().message_heard.clone();
    assert_eq!(asked, MessageHeard::Full);
    scenario.restarts(3000);
    assert!(
        scenario.posts().last().is_some_and(|text| text.starts_with("Our call broke off.")),
        "{:?}",
        scenario.posts()
    );
}

#[test]
fn a_reply_that_was_heard_before_the_crash_is_given_after_it() {
    let mut scenario = Scenario::asked();
    scenario.at(3000).says("Yes.").restarts(3000);
    assert_eq!(scenario.told(1), "reply: Yes.");
    scenario.run_out();
    scenario.check_ended();
}

#[test]
fn a_dial_that_nobody_answered_for_is_looked_for_and_hung_up_and_never_repeated() {
    let mut scenario = Scenario::dialing();
    scenario.restarts(2000);
    let looks = |scenario: &Scenario| {
        scenario.effects.iter().filter(|effect| matches!(effect, Effect::FindCall { .. })).count()
    };
    assert_eq!(looks(&scenario), 1);
    let found = crate::domain::carrier::CallProgress::Ringing;
    scenario.give(Input::Found(Ok(Some((call(), found)))));
    assert_eq!((scenario.count(&Effect::HangUp { call: call() }), scenario.count(&Effect::Dial)), (1, 1));
    scenario.run_out();
    scenario.check_ended();
    let mut lost = Scenario::dialing();
    lost.restarts(2000).run_out();
    assert_eq!(lost.count(&Effect::Dial), 1);
    assert!(looks(&lost) > 3, "the carrier's list may be late");
    lost.check_ended();
}

#[test]
fn a_call_that_the_person_asked_for_goes_on_in_writing() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).wants_a_call().picks_up_again();
    scenario.at(25_000).restarts(3000);
    let second = Effect::HangUp { call: CarrierCallId("CA2".to_owned()) };
    assert_eq!((scenario.count(&second), scenario.session.phase()), (1, Phase::Messaging));
    assert_eq!(scenario.told(1), "nothing yet");
    scenario.writes("Yes.");
    assert_eq!(scenario.told(1), "reply: Yes.");
}

#[test]
fn a_dial_that_the_person_asked_for_and_that_was_lost_is_hung_up_when_it_is_found() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).wants_a_call().restarts(2000);
    let second = CarrierCallId("CA2".to_owned());
    assert!(scenario.session.is_on_phone(), "it may ring");
    scenario.give(Input::Found(Ok(None))).after(5000);
    let found = crate::domain::carrier::CallProgress::Ringing;
    scenario.give(Input::Found(Ok(Some((second.clone(), found)))));
    assert_eq!(scenario.count(&Effect::HangUp { call: second }), 1);
    assert!(!scenario.session.is_on_phone());
    let mut none = Scenario::unanswered();
    none.at(20_000).wants_a_call().restarts(2000);
    for _ in 0..8 {
        none.give(Input::Found(Ok(None))).after(5000);
    }
    assert!(!none.session.is_on_phone(), "it never rang");
}

#[test]
fn a_goodbye_that_was_on_its_way_is_said_once() {
    let mut scenario = Scenario::unanswered();
    scenario.carrier_is_slow().at(20_000);
    let end = scenario.leaves();
    scenario.restarts(1000);
    assert_eq!(scenario.posts()[1..], ["Goodbye then.", "again: Goodbye then."]);
    scenario.give(Input::Posted { post: PostId(2), result: Ok(MessageId("IM2".to_owned())) });
    assert_eq!(scenario.told(end), "ended after 0");
    scenario.check_ended();
}

#[test]
fn what_was_kept_is_what_is_kept_of_the_restored_session() {
    let mut scenario = Scenario::writing();
    scenario.at(10_000).writes("Well.").collects(1);
    scenario.asks(QUESTION);
    let kept = scenario.session.snapshot();
    scenario.restarts(0);
    assert_eq!(scenario.session.snapshot(), kept);
}

#[test]
fn a_call_on_its_way_out_is_not_taken_up_in_writing() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).wants_a_call().picks_up_again();
    scenario.obliging = false;
    scenario.at(25_000).give(Input::Quit);
    let posts = scenario.posts().len();
    scenario.restarts(3000).hung_up(Ok(()));
    assert_eq!((scenario.session.phase(), scenario.posts().len()), (Phase::Ended, posts));
    scenario.check_ended();
}

#[test]
fn a_session_whose_messaging_was_switched_off_meanwhile_is_over() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).without_texts().restarts(3000);
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("CallEnded", Phase::Ended));
    scenario.check_ended();
}
