//! Texts of several parts, and templates that do not hold them.

use crate::clock::Millis;
use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::{Input, Limits, Phase, Texting};

use super::scenario::{QUESTION, Scenario, texting};

/// Texts have at most 20 characters.
fn short() -> Limits {
    let limits = texting();
    Limits { texting: limits.texting.map(|texting| Texting { longest: 20, ..texting }), ..limits }
}

/// Of three parts, asked with a slow carrier; the reply to the first question is collected.
fn asking() -> (Scenario, u64) {
    let mut scenario = Scenario::writing_with(short(), Form::Free, |_| {});
    scenario.writes("Yes.").collects(1);
    assert_eq!(scenario.posts().len(), 2, "{QUESTION} has two parts");
    scenario.carrier_is_slow();
    let ask = scenario.asks("The first sentence. The second one. And the third?");
    (scenario, ask)
}

fn window(scenario: &mut Scenario) -> &mut Scenario {
    scenario.give(Input::Window { until: Millis(1_000_000 + 24 * 3_600_000) })
}

#[test]
fn the_parts_of_a_long_text_follow_each_other() {
    let (mut scenario, ask) = asking();
    assert_eq!(scenario.posts()[2..], ["The first sentence."]);
    scenario.takes(3);
    assert_eq!(scenario.posts()[3..], ["The second one."]);
    scenario.takes(4).takes(5);
    assert_eq!(scenario.posts()[4..], ["And the third?"]);
    scenario.writes("Yes.");
    assert_eq!(scenario.told(ask), "reply: Yes.");
}

#[test]
fn a_long_statement_is_said_when_its_last_part_is() {
    let (mut scenario, _) = asking();
    let statement = scenario.speaks("The first sentence. And the second.");
    scenario.takes(3).takes(4).takes(5).takes(6);
    assert_eq!(scenario.told(statement), "nothing yet");
    scenario.takes(7);
    assert_eq!(scenario.told(statement), "spoken");
}

#[test]
fn who_answers_the_beginning_of_a_question_gets_no_more_of_it() {
    let (mut scenario, ask) = asking();
    scenario.takes(3).writes("Yes.");
    assert_eq!(scenario.told(ask), "reply: Yes.");
    scenario.takes(4).run_out();
    assert_eq!(scenario.posts().len(), 4);
    scenario.check_ended();
}

#[test]
fn a_part_in_trouble_holds_the_rest_and_one_that_fails_takes_it_along() {
    let (mut scenario, ask) = asking();
    let statement = scenario.speaks("So.");
    scenario.takes(3).takes_not(4, MessagingClass::Transient).after(1999);
    assert_eq!(scenario.posts().len(), 4);
    scenario.after(1);
    assert_eq!(scenario.posts()[4], "The second one.");
    scenario.takes_not(4, MessagingClass::Permanent);
    assert_eq!((scenario.told(ask).as_str(), scenario.posts()[5].as_str()), ("Undelivered Permanent, open", "So."));
    scenario.takes(6);
    assert_eq!(scenario.told(statement), "spoken");
}

#[test]
fn what_a_closed_window_leaves_of_a_long_text_is_one_template() {
    // At the second part, as the answer to its sending.
    let (mut at_once, ask) = asking();
    at_once.takes(3).arrives(3).takes_not(4, MessagingClass::Window);
    assert_eq!(at_once.posts()[4..], ["template: The second one. And the third?"]);
    at_once.takes(6).writes("Yes.");
    assert_eq!(at_once.told(ask), "reply: Yes.");

    // By receipt, when all are out; the others' receipts follow, in any order.
    let (mut later, ask) = asking();
    later.takes(3).takes(4).takes(5);
    later.after(1000).arrives_not(4, MessagingClass::Window);
    assert_eq!(later.posts()[5..], ["template: The first sentence. The second one. And the third?"]);
    later.arrives_not(5, MessagingClass::Window).arrives_not(3, MessagingClass::Window).takes(6);
    assert_eq!((later.posts().len(), later.told(ask).as_str()), (6, "nothing yet"));
    later.writes("Yes.");
    assert_eq!(later.told(ask), "reply: Yes.");

    // By receipt, while the rest is on its way or waits.
    let (mut between, ask) = asking();
    between.takes(3).arrives_not(3, MessagingClass::Window).takes(4);
    assert_eq!(between.posts()[4..], ["template: The first sentence. The second one. And the third?"]);
    between.arrives_not(4, MessagingClass::Window).takes(6).writes("Yes.");
    assert_eq!((between.posts().len(), between.told(ask).as_str()), (5, "reply: Yes."));
}

#[test]
fn a_first_contact_goes_as_a_template_and_what_follows_as_it_may() {
    let mut scenario = Scenario::writing_with(texting(), Form::Template, |_| {});
    assert_eq!(scenario.posts(), [format!("template: {QUESTION}")]);
    scenario.writes("Yes.").collects(1);
    scenario.speaks("Thanks.");
    assert_eq!(scenario.posts()[1], "Thanks.");
}

#[test]
fn what_a_template_has_no_room_for_follows_when_the_person_has_written() {
    let sentence = format!("{}. ", "word ".repeat(19).trim());
    let long = sentence.repeat(15);
    let mut scenario = Scenario::unanswered();
    scenario.at(10_000).writes("Yes.").collects(1).next_fails(MessagingClass::Window);
    let ask = scenario.asks(&long);
    let template = &scenario.posts()[2];
    let kept = template.strip_prefix("template: ").expect("the window is closed");
    assert!((800..=900).contains(&kept.chars().count()), "{}", kept.chars().count());
    scenario.at(30_000);
    assert_eq!(scenario.posts().len(), 3, "nothing else would arrive");
    scenario.writes("Go on?");
    assert_eq!(scenario.told(ask), "reply: Go on?");
    window(&mut scenario);
    let rest = scenario.posts()[3].clone();
    assert_eq!(format!("{kept} {rest}"), long.trim());
    window(&mut scenario).run_out();
    assert_eq!(scenario.posts().len(), 4, "once");
    scenario.check_ended();
}

#[test]
fn what_a_template_had_no_room_for_follows_a_call_that_failed_too() {
    let mut scenario = Scenario::unanswered();
    scenario.at(10_000).writes("Yes.").collects(1).next_fails(MessagingClass::Window);
    scenario.asks(&"Word. ".repeat(200));
    scenario.at(20_000).wants_a_call();
    window(&mut scenario);
    assert_eq!((scenario.posts().len(), scenario.session.phase()), (3, Phase::Dialing));
    scenario.at(30_000).over(crate::domain::carrier::CallEnd::Completed);
    assert_eq!(scenario.session.phase(), Phase::Dialing, "news of the first call");
    scenario.rings_again().at(80_000);
    assert_eq!(scenario.posts().len(), 5, "the notice, and the rest: {:?}", scenario.posts());
}
