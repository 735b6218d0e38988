//! Several requests of several agents in one call.

use crate::domain::carrier::CallEnd;
use crate::domain::outcome::{EndedBy, MessageHeard};
use crate::domain::session::{Input, Phase};
use crate::ids::RequestId;

use super::scenario::{QUESTION, Scenario};

#[test]
fn a_second_question_while_one_waits_is_refused_and_not_said() {
    for mut scenario in [Scenario::dialing(), Scenario::picked_up(), Scenario::asking(), Scenario::asked()] {
        let second = scenario.asks("And?");
        assert_eq!((scenario.told(second).as_str(), scenario.told(1).as_str()), ("Busy", "nothing yet"));
        assert_eq!(scenario.spoken(), [QUESTION]);
    }
}

#[test]
fn a_request_that_ran_out_of_time_makes_room_and_goes_on_waiting() {
    let mut scenario = Scenario::asked();
    scenario.give(Input::OutOfTime { request: RequestId(1) }).give(Input::OutOfTime { request: RequestId(7) });
    let second = scenario.asks("Or tomorrow?");
    let third = scenario.asks("Or never?");
    assert_eq!(scenario.told(third), "Busy", "room for one");
    scenario.at(3000).starts(2).ends(2).says("Tomorrow.").at(4000);
    assert_eq!((scenario.told(1).as_str(), scenario.told(second).as_str()), ("reply: Tomorrow.", "reply: Tomorrow."));
}

#[test]
fn a_statement_and_a_question_are_said_in_turn_and_answered_each() {
    let mut scenario = Scenario::replied();
    scenario.collects(1);
    let statement = scenario.speaks("The build is green.");
    let question = scenario.asks("Ship it?");
    assert_eq!(scenario.session.phase(), Phase::Speaking);
    scenario.at(5000).starts(2).at(9000).ends(2).at(9500).starts(3);
    assert_eq!((scenario.told(statement).as_str(), scenario.told(question).as_str()), ("spoken", "nothing yet"));
    assert_eq!(scenario.truth(statement), "answered human full none null", "its own sound, not the next one's");
    scenario.at(13_000).ends(3).at(14_000).says("Ship it.").at(15_000);
    assert_eq!(scenario.told(question), "reply: Ship it.");
}

#[test]
fn a_reply_is_about_the_question_even_when_something_else_is_being_said() {
    let mut scenario = Scenario::asked();
    let statement = scenario.speaks("By the way, the build is green.");
    scenario.at(3000).starts(2).at(3500);
    let stretch = scenario.begins_to_speak();
    scenario.is_cut(2, 500).at(4000).words(stretch, 3500, "Yes.").at(5000);
    assert_eq!((scenario.told(1).as_str(), scenario.told(statement).as_str()), ("reply: Yes.", "spoken, interrupted"));
    assert_eq!(scenario.truth(1), "answered human full voice null");
    assert_eq!(scenario.truth(statement), "answered human partial none null");
}

#[test]
fn a_call_says_eight_things_in_a_row_and_not_nine() {
    let mut scenario = Scenario::asked();
    let told: Vec<_> = (0..9).map(|_| scenario.speaks("Hear this.")).collect();
    assert_eq!(scenario.told(told[7]), "nothing yet");
    assert_eq!(scenario.told(told[8]), "Busy");
}

#[test]
fn everybody_who_waits_gets_the_reply() {
    let mut scenario = Scenario::asked();
    let others = [scenario.waits(), scenario.waits()];
    scenario.at(3000).says("Yes.").at(4000);
    for request in [1, others[0], others[1]] {
        assert_eq!(scenario.told(request), "reply: Yes.");
    }
    let late = scenario.waits();
    assert_eq!(scenario.told(late), "reply: Yes.", "nobody has collected it yet");
    scenario.collects(others[1]);
    let later = scenario.waits();
    assert_eq!((scenario.told(later).as_str(), scenario.uncollected().as_str()), ("reply: Yes.", "Yes."));
    scenario.collects(later).collects(late).collects(1);
    let last = scenario.waits();
    assert_eq!((scenario.told(last).as_str(), scenario.uncollected().as_str()), ("nothing yet", ""));
    scenario.at(184_000);
    assert_eq!(scenario.told(last), "NoReply");
}

#[test]
fn one_may_wait_without_a_question() {
    for mut scenario in [Scenario::ringing(), Scenario::picked_up(), Scenario::asking()] {
        let wait = scenario.waits();
        scenario.over(CallEnd::Completed).run_out();
        assert_eq!(scenario.told(wait), "NoAnswer");
        scenario.check_ended();
    }
    let mut scenario = Scenario::replied();
    scenario.collects(1);
    let wait = scenario.waits();
    scenario.at(100_000).says("By the way.").at(101_000);
    assert_eq!(scenario.told(wait), "reply: By the way.");
}

#[test]
fn a_reply_that_nobody_collects_is_passed_on_and_kept() {
    let mut scenario = Scenario::asked();
    scenario.at(3000).says("Yes.").at(3600);
    assert_eq!(scenario.told(1), "reply: Yes.");
    scenario.at(63_599);
    assert_eq!(scenario.session.phase(), Phase::Connected);
    scenario.at(63_600);
    assert_eq!(scenario.spoken(), [QUESTION, "I will pass that on. Goodbye."]);
    scenario.at(64_600).starts(2).at(69_000);
    assert_eq!(scenario.hang_ups(), 0, "heard to its end");
    assert_eq!(scenario.session.outcome().message_heard, MessageHeard::Full, "our own goodbye is no message");
    scenario.ends(2);
    assert_eq!((scenario.hang_ups(), scenario.uncollected().as_str()), (1, "Yes."));
    assert_eq!(scenario.session.outcome().ended_by.map(EndedBy::as_str), Some("inactivity"));
    let [late, none] = {
        let late = scenario.waits();
        scenario.collects(late);
        [late, scenario.waits()]
    };
    assert_eq!(scenario.told(late), "reply: Yes.");
    assert_eq!(scenario.truth(late), "answered human full voice inactivity");
    assert_eq!(scenario.told(none), "NoActiveCall");
    scenario.check_ended();
}

#[test]
fn an_agent_that_is_there_keeps_the_call() {
    let mut collected = Scenario::replied();
    collected.at(60_000).collects(1).at(120_000);
    assert_eq!(collected.session.phase(), Phase::Connected);

    let mut waiting = Scenario::replied();
    waiting.at(60_000);
    let wait = waiting.waits();
    waiting.collects(wait).at(120_000);
    assert_eq!(waiting.session.phase(), Phase::Connected);

    let mut asking = Scenario::replied();
    asking.at(60_000).asks("Where to?");
    asking.at(120_000);
    assert_eq!(asking.session.phase(), Phase::Speaking);

    // Who collects an older reply has not collected the newer one.
    let mut older = Scenario::replied();
    older.at(10_000).asks("Where to?");
    older.starts(2).ends(2).says("To staging.").at(11_000).collects(1).at(71_000);
    assert_eq!(older.session.phase(), Phase::Ending);
}

#[test]
fn after_the_end_the_words_are_still_there_once() {
    let mut scenario = Scenario::asking();
    scenario.at(1500).says("Yes.").over(CallEnd::Completed);
    assert_eq!((scenario.told(1).as_str(), scenario.uncollected().as_str()), ("reply: Yes.", "Yes."));
    let wait = scenario.waits();
    assert_eq!(scenario.told(wait), "reply: Yes.");
    scenario.collects(wait);
    let (again, ask, say) = (scenario.waits(), scenario.asks("And?"), scenario.speaks("So."));
    for request in [again, ask, say] {
        assert_eq!(scenario.told(request), "NoActiveCall");
    }
    scenario.check_ended();
}

#[test]
fn clients_that_ask_again_and_again_wait_in_a_bounded_number() {
    let mut scenario = Scenario::asked();
    let told: Vec<_> = (0..100).map(|_| scenario.waits()).collect();
    assert_eq!((scenario.told(1).as_str(), scenario.told(told[36]).as_str()), ("nothing yet", "NoReply"));
    scenario.says("Yes.").at(4000);
    assert_eq!((scenario.told(1).as_str(), scenario.told(told[37]).as_str()), ("reply: Yes.", "reply: Yes."));
    assert_eq!(scenario.told(told[99]), "reply: Yes.");
}
