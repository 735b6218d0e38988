//! Calls that the person asked for while no agent waits: a message is taken.

use crate::domain::carrier::{CallEnd, ErrorClass};
use crate::domain::session::{CarrierNews, Effect, Input, Phase, Said};
use crate::domain::text::PersonText;

use super::scenario::{QUESTION, Scenario, error};

const PROMPT: &str = "You asked me to call. What shall I pass on?";
const GOODBYE: &str = "I will pass that on. Goodbye.";
const NOTICE: &str = "I tried to call you, but did not reach you. You can answer here.";

/// The person has heard the prompt, the `n`-th utterance, at 10,000 ms.
fn prompted(mut scenario: Scenario, n: u64) -> Scenario {
    scenario.at(5000).picks_up_again().at(6000).starts(n).at(10_000).ends(n);
    scenario
}

#[test]
fn a_message_is_taken_passed_on_and_kept() {
    let mut scenario = prompted(Scenario::called_back(), 1);
    assert_eq!((scenario.spoken(), scenario.count(&Effect::Dial)), (vec![PROMPT], 1));
    scenario.at(12_000).says("Deploy it.").at(14_000).says("But not today.").at(17_999);
    assert_eq!(scenario.spoken().len(), 1, "there may be more");
    scenario.at(18_000);
    assert_eq!(scenario.spoken()[1..], [GOODBYE]);
    scenario.at(19_000).starts(2).ends(2);
    assert_eq!((scenario.hang_ups(), scenario.uncollected().as_str()), (1, "Deploy it. / But not today."));
    assert_eq!(scenario.posts().len(), 0);
    scenario.check_ended();
}

#[test]
fn an_agents_session_that_nobody_waits_in_takes_one_too() {
    let mut scenario = Scenario::unanswered();
    scenario.at(9500).writes("Yes.").collects(1).wants_a_call();
    scenario.picks_up_again().after(1000).starts(2).after(3000).ends(2).after(1000).says("And ship it.").after(4000);
    assert_eq!(scenario.spoken()[1..], [PROMPT, GOODBYE]);
    scenario.ends(3);
    let wait = scenario.waits();
    assert_eq!(scenario.told(wait), "reply: And ship it.");
    scenario.check_ended();
}

#[test]
fn a_question_that_is_still_open_is_asked_instead_and_its_answer_kept() {
    let mut scenario = Scenario::unanswered();
    scenario.at(200_000).wants_a_call().picks_up_again().after(1500).starts(2).after(3000).ends(2);
    assert_eq!(scenario.spoken(), [QUESTION, QUESTION]);
    scenario.after(1000).says("Yes.").after(10_000);
    assert_eq!(scenario.uncollected(), "Yes.");
    let wait = scenario.waits();
    assert_eq!(scenario.told(wait), "reply: Yes.");
}

#[test]
fn the_person_has_time_to_begin_and_is_not_cut_short() {
    // Silence after the prompt.
    let mut silent = prompted(Scenario::called_back(), 1);
    silent.at(69_999);
    assert_eq!(silent.spoken().len(), 1);
    silent.at(70_000);
    assert_eq!(silent.spoken()[1..], ["I have to go now. Goodbye."]);

    // A greeting before the prompt is no message, ...
    let mut greeting = Scenario::called_back();
    greeting.at(5000).picks_up_again().at(5500).says("Hello?").at(12_000);
    assert_eq!(greeting.spoken().len(), 1, "the prompt took its time");
    greeting.starts(1).at(16_000).ends(1).at(75_999);
    assert_eq!(greeting.spoken().len(), 1);

    // ... nor is what was written before.
    let mut wrote = Scenario::called_back();
    let text = PersonText("Call me at nine".to_owned());
    let at = crate::clock::Millis(1_000_000);
    let channel = crate::domain::outcome::Channel::WhatsApp;
    wrote.give(Input::Earlier(vec![Said { text, at, channel }]));
    let mut wrote = prompted(wrote, 1);
    wrote.at(69_999);
    assert_eq!(wrote.spoken().len(), 1);
    wrote.says("Deploy it.").after(4000).ends(2);
    assert_eq!(wrote.uncollected(), "Call me at nine / Deploy it.");

    // Words over the prompt are one; somebody who speaks is heard out.
    let mut over = Scenario::called_back();
    over.at(5000).picks_up_again().at(5500).starts(1).at(7000);
    let stretch = over.begins_to_speak();
    over.is_cut(1, 1500).at(60_000).words(stretch, 7000, "Deploy it.").at(63_999);
    assert_eq!(over.spoken().len(), 1);
    over.at(64_000);
    assert_eq!(over.spoken()[1..], [GOODBYE]);
}

#[test]
fn hanging_up_ends_the_message() {
    let mut scenario = prompted(Scenario::called_back(), 1);
    scenario.at(12_000).says("Deploy it.").second(CarrierNews::Over(CallEnd::Completed));
    assert_eq!((scenario.uncollected().as_str(), scenario.hang_ups()), ("Deploy it.", 0));
    scenario.check_ended();
}

#[test]
fn a_call_that_does_not_come_about_is_told_in_one_text() {
    let ways: [fn(&mut Scenario); 4] = [
        |it| _ = it.give(Input::Dialed(Err(error(ErrorClass::Refused, "21215")))),
        |it| _ = it.rings_again().second(CarrierNews::Over(CallEnd::Busy)),
        |it| _ = it.rings_again().second(CarrierNews::Answered).second(CarrierNews::Over(CallEnd::Completed)),
        // No voice for the prompt.
        |it| _ = it.rings_again().fails(1, 0),
    ];
    for way in ways {
        let mut scenario = Scenario::called_back();
        scenario.at(1000);
        way(&mut scenario);
        assert_eq!((scenario.posts(), scenario.session.phase()), (vec![NOTICE.to_owned()], Phase::Messaging));
        scenario.writes("Deploy it.").run_out();
        assert_eq!(scenario.uncollected(), "Deploy it.");
        scenario.check_ended();
    }
}

#[test]
fn an_agent_that_comes_while_the_message_is_taken_talks_with_the_person() {
    let mut asking = prompted(Scenario::called_back(), 1);
    let ask = asking.asks(QUESTION);
    asking.at(11_000).starts(2).at(14_000).ends(2).at(15_000).says("Yes.").at(16_000);
    assert_eq!((asking.told(ask).as_str(), asking.spoken().len()), ("reply: Yes.", 2));
    asking.collects(ask).at(100_000);
    assert_eq!(asking.session.phase(), Phase::Connected);

    let mut waiting = prompted(Scenario::called_back(), 1);
    let wait = waiting.waits();
    waiting.at(15_000).says("Deploy it.").at(16_000);
    assert_eq!((waiting.told(wait).as_str(), waiting.spoken().len()), ("reply: Deploy it.", 1));

    // Who only says something leaves the message to be taken.
    let mut telling = prompted(Scenario::called_back(), 1);
    let statement = telling.speaks("The build is green.");
    telling.starts(2).at(14_000).ends(2);
    assert_eq!(telling.told(statement), "spoken");
    telling.at(15_000).says("Deploy it.").at(19_000);
    assert_eq!(telling.spoken()[2..], [GOODBYE]);
}

#[test]
fn a_request_that_only_waits_has_its_time_in_such_a_call() {
    let mut scenario = Scenario::unanswered();
    scenario.at(9500).writes("Yes.").collects(1);
    let wait = scenario.waits();
    scenario.wants_a_call().picks_up_again().after(1000).starts(2).at(20_000).ends(2);
    let mut answered = scenario.clone();
    answered.at(30_000).says("Deploy it.").at(31_000);
    assert_eq!((answered.told(wait).as_str(), answered.spoken().len()), ("reply: Deploy it.", 2));
    scenario.at(199_999);
    assert_eq!(scenario.told(wait), "nothing yet");
    scenario.at(200_000);
    assert_eq!(scenario.told(wait), "NoReply");
}
