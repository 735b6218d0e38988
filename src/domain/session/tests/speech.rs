//! When the speech provider fails.

use crate::domain::carrier::{CallEnd, ErrorClass};
use crate::domain::media::MediaEvent;
use crate::domain::session::{Input, Phase};

use super::scenario::{Scenario, call, error};

#[test]
fn a_question_that_cannot_be_said_at_all_ends_a_call_that_has_nothing_else_to_say() {
    for (mut scenario, truth) in [
        (Scenario::ringing(), "canceled nobody none none carrier"),
        (Scenario::picked_up(), "answered unknown none none carrier"),
        (Scenario::connected(), "answered unknown none none carrier"),
    ] {
        scenario.fails(1, 0);
        assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), ("Speech model_not_found", truth));
        assert_eq!(scenario.hang_ups(), 1);
        scenario.check_ended();
    }
    let mut unplaced = Scenario::dialing();
    unplaced.fails(1, 0);
    assert_eq!((unplaced.told(1).as_str(), unplaced.hang_ups()), ("Speech model_not_found", 0));
    unplaced.give(Input::Dialed(Ok(call())));
    assert_eq!(unplaced.hang_ups(), 1);
    unplaced.check_ended();
}

#[test]
fn a_call_that_has_something_else_to_say_goes_on_without_the_question() {
    let mut scenario = Scenario::ringing();
    let second = scenario.speaks("The build is green.");
    scenario.fails(1, 0);
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("Speech model_not_found", Phase::Ringing));
    assert_eq!(scenario.told(second), "nothing yet");

    let mut mute = Scenario::ringing();
    let second = mute.speaks("The build is green.");
    mute.fails(2, 0).fails(1, 0);
    assert_eq!(
        (mute.told(1).as_str(), mute.told(second).as_str()),
        ("Speech model_not_found", "Speech model_not_found")
    );
    assert_eq!(mute.hang_ups(), 1, "nothing is left to say");
    mute.check_ended();
}

#[test]
fn a_later_question_that_cannot_be_said_leaves_the_call_open() {
    let mut scenario = Scenario::replied();
    let second = scenario.asks("Where to?");
    scenario.fails(2, 0);
    assert_eq!(scenario.told(second), "Speech model_not_found (said: Yes.)");
    assert_eq!(scenario.truth(second), "answered human none none null");
    assert_eq!((scenario.session.phase(), scenario.hang_ups()), (Phase::Connected, 0));
    let third = scenario.asks("Where to?");
    scenario.starts(3).ends(3).says("To staging.").after(1000);
    assert_eq!(scenario.told(third), "reply: To staging. (earlier: Yes.)");
}

#[test]
fn a_question_that_broke_off_is_asked_as_far_as_it_got() {
    let mut scenario = Scenario::asking();
    scenario.at(3000).fails(1, 2000);
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("nothing yet", Phase::Listening));
    scenario.at(4000).says("What?").at(5000);
    assert_eq!(
        (scenario.told(1).as_str(), scenario.truth(1).as_str()),
        ("reply: What?", "answered human partial voice null")
    );
}

#[test]
fn a_statement_that_cannot_be_said_fails_alone() {
    let mut scenario = Scenario::asked();
    let statement = scenario.speaks("By the way.");
    scenario.fails(2, 0);
    assert_eq!(scenario.told(statement), "Speech model_not_found");
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("nothing yet", Phase::Listening));
}

#[test]
fn a_goodbye_that_cannot_be_said_is_no_reason_to_stay() {
    let mut scenario = Scenario::replied();
    let end = scenario.leaves();
    scenario.at(5000).fails(2, 0);
    assert_eq!((scenario.told(end).as_str(), scenario.hang_ups()), ("ended after 5000", 1));
    scenario.check_ended();
}

#[test]
fn without_ears_a_call_ends_and_keeps_what_was_heard() {
    let gone = || MediaEvent::HearingFailed(error(ErrorClass::Refused, "invalid_model"));
    for (mut scenario, told) in [
        (Scenario::ringing(), "Speech invalid_model"),
        (Scenario::connected(), "Speech invalid_model"),
        (Scenario::asking(), "Speech invalid_model"),
        (Scenario::asked(), "Speech invalid_model"),
    ] {
        scenario.media(gone());
        assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), (told, 1));
        assert!(scenario.truth(1).ends_with("none carrier"));
        scenario.check_ended();
    }
    let mut answered = Scenario::asked();
    answered.says("Yes.").media(gone());
    assert_eq!(answered.told(1), "reply: Yes.", "what was understood is a reply");
    answered.check_ended();

    let mut leaving = Scenario::replied();
    let end = leaving.leaves();
    leaving.media(gone()).over(CallEnd::Completed);
    assert_eq!(leaving.told(end), "ended after 4000");
    leaving.check_ended();
}
