//! The floor, and how long a session that writes stays: the queue, the silence, the question that stays open.

use std::time::Duration;

use crate::domain::messaging::Form;
use crate::domain::session::{Effect, Input, Limits, Phase};

use super::scenario::{QUESTION, Scenario, texting};

const HOUR: u64 = 3_600_000;

#[test]
fn a_question_waits_for_the_floor_while_its_clock_runs_and_is_written_when_its_turn_comes() {
    let mut scenario = Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken());
    assert_eq!((scenario.posts().len(), scenario.wants_the_floor()), (0, true));
    let mut in_time = scenario.clone();
    in_time.at(100_000).gets_the_floor().at(101_000).writes("Yes.");
    assert_eq!((in_time.posts(), in_time.told(1)), (vec![QUESTION.to_owned()], "reply: Yes.".to_owned()));
    assert!(!in_time.wants_the_floor());

    scenario.at(180_000);
    assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("Queued", 0));
    assert!(scenario.wants_the_floor(), "what was asked stays asked");
    scenario.at(HOUR).gets_the_floor();
    assert_eq!(scenario.posts(), [QUESTION]);
    assert!(!scenario.wants_the_floor(), "nobody waits for the reply");
    scenario.at(HOUR + 1000).writes("Yes.");
    let wait = scenario.waits();
    assert_eq!(scenario.told(wait), "reply: Yes.");
}

#[test]
fn a_question_whose_turn_never_comes_does_not_keep_the_session_for_ever() {
    let mut scenario = Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken());
    scenario.at(24 * HOUR - 1);
    assert_eq!(scenario.session.phase(), Phase::Messaging);
    scenario.run_out();
    assert_eq!((scenario.elapsed(), scenario.posts().len()), (24 * HOUR, 0));
    scenario.check_ended();
}

#[test]
fn what_needs_no_answer_passes_a_question_that_waits_for_the_floor() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Yes.").collects(1);
    scenario.floor_is_taken();
    let (ask, statement) = (scenario.asks("Where to?"), scenario.speaks("The build is green."));
    assert_eq!((scenario.posts().len(), scenario.told(statement).as_str()), (2, "spoken"));
    scenario.gets_the_floor();
    assert_eq!((scenario.posts()[2].as_str(), scenario.told(ask).as_str()), ("Where to?", "nothing yet"));
}

#[test]
fn a_question_with_the_floor_goes_in_its_order() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Yes.").collects(1);
    scenario.asks("Where to?");
    scenario.speaks("The build is green.");
    assert_eq!(scenario.posts()[1..], ["Where to?", "The build is green."]);
}

#[test]
fn the_floor_is_claimed_while_somebody_waits_and_given_back_after() {
    let mut scenario = Scenario::unanswered();
    assert!(scenario.wants_the_floor());
    scenario.at(189_000);
    assert_eq!((scenario.told(1).as_str(), scenario.wants_the_floor()), ("NoReply", false));
    let wait = scenario.waits();
    assert!(scenario.wants_the_floor());
    scenario.writes("Yes.");
    assert_eq!((scenario.told(wait).as_str(), scenario.wants_the_floor()), ("reply: Yes.", false));
    scenario.speaks("So.");
    assert_eq!(scenario.count(&Effect::Claim), 2, "nobody answers a statement");
    scenario.asks("And?");
    assert!(scenario.wants_the_floor());
    scenario.run_out();
    assert!(!scenario.wants_the_floor(), "an ended session wants nothing");
}

#[test]
fn a_grant_that_nobody_waits_for_any_more_changes_nothing() {
    let mut scenario = Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken());
    scenario.leaves();
    let posts = scenario.posts().len();
    scenario.give(Input::Floor).give(Input::FloorTaken);
    assert_eq!(scenario.posts().len(), posts);
    scenario.check_ended();
}

#[test]
fn silence_ends_a_session_that_asks_nothing_and_every_message_either_way_puts_that_off() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Yes.").collects(1);
    scenario.after(400_000).writes("By the way.");
    scenario.after(400_000).speaks("Thanks.");
    scenario.after(400_000).asks("And?");
    scenario.writes("No.").after(419_999);
    assert_eq!((scenario.session.phase(), scenario.elapsed()), (Phase::Messaging, 1_639_999));
    scenario.after(1);
    assert_eq!(scenario.ended_by(), "inactivity");
    scenario.collects(2).check_ended();
}

#[test]
fn a_text_that_waits_to_be_sent_keeps_the_session() {
    for question in [true, false] {
        let mut scenario = Scenario::unanswered();
        scenario.at(20_000).writes("Yes.").collects(1);
        scenario.carrier_is_slow().at(439_000);
        if question {
            scenario.asks("And?")
        } else {
            scenario.speaks("So.")
        };
        scenario.after(10_000);
        assert_eq!(scenario.session.phase(), Phase::Messaging, "the silence was over");
        scenario.takes(2).after(400_000);
        assert_eq!(scenario.session.phase(), Phase::Messaging);
    }
}

#[test]
fn a_question_stays_open_for_24_hours_and_a_newer_one_for_its_own() {
    let mut scenario = Scenario::unanswered();
    scenario.at(20 * HOUR);
    assert_eq!(scenario.session.phase(), Phase::Messaging);
    let mut newer = scenario.clone();
    scenario.at(24 * HOUR + 8999);
    assert_eq!(scenario.session.phase(), Phase::Messaging);
    scenario.at(24 * HOUR + 9000).check_ended();

    newer.asks("And?");
    newer.at(44 * HOUR - 1);
    assert_eq!(newer.session.phase(), Phase::Messaging);
    newer.at(44 * HOUR).check_ended();
}

#[test]
fn how_long_a_question_stays_open_can_be_set() {
    let limits = Limits { open_question: Duration::from_hours(2), ..texting() };
    let mut scenario = Scenario::writing_with(limits, Form::Free, |_| {});
    scenario.at(2 * HOUR - 1);
    assert_eq!(scenario.session.phase(), Phase::Messaging);
    scenario.at(2 * HOUR).check_ended();
}

#[test]
fn the_closing_of_the_window_is_announced_an_hour_before_to_whoever_waits() {
    for waits in [true, false] {
        let limits = Limits { reply: Duration::from_hours(48), ..texting() };
        let mut scenario = Scenario::writing_with(limits, Form::Free, |_| {});
        let until = crate::clock::Millis(1_000_000) + Duration::from_hours(20);
        scenario.give(Input::Window { until });
        if !waits {
            scenario.writes("Yes.");
            scenario.asks("And?");
            scenario.writes("No.");
        }
        scenario.at(19 * HOUR - 1);
        assert_eq!(scenario.count(&Effect::WindowCloses), 0);
        scenario.at(19 * HOUR);
        assert_eq!(scenario.count(&Effect::WindowCloses), usize::from(waits));
        scenario.at(21 * HOUR);
        assert_eq!((scenario.told(1) == "nothing yet", scenario.session.phase() == Phase::Messaging), (waits, waits));
    }
}
