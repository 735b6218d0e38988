//! The verbs in writing: ask, say, wait, end.

use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::{Effect, Input, Phase};
use crate::ids::RequestId;

use super::scenario::{QUESTION, Scenario, texting};

/// Request 1 has its reply "Yes.", collected, at 20,000 ms.
fn replied() -> Scenario {
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Yes.").collects(1);
    assert_eq!(scenario.told(1), "reply: Yes.");
    scenario
}

#[test]
fn a_session_that_begins_with_a_message_rings_nobody() {
    let mut scenario = Scenario::writing();
    assert_eq!((scenario.posts(), scenario.session.phase()), (vec![QUESTION.to_owned()], Phase::Messaging));
    assert!(!scenario.session.is_on_phone());
    scenario.at(60_000).writes("Yes.");
    assert_eq!(
        (scenario.told(1).as_str(), scenario.truth(1).as_str()),
        ("reply: Yes.", "not-dialed nobody null whatsapp null")
    );
    scenario.run_out();
    assert_eq!(scenario.count(&Effect::Dial), 0);
    scenario.check_ended();
}

#[test]
fn a_question_is_written_and_its_reply_is_the_answer() {
    let mut scenario = replied();
    let ask = scenario.asks("Where to?");
    assert_eq!((scenario.posts()[1].as_str(), scenario.told(ask).as_str()), ("Where to?", "nothing yet"));
    scenario.after(5000).writes("To staging.");
    assert_eq!(
        (scenario.told(ask).as_str(), scenario.truth(ask).as_str()),
        ("reply: To staging.", "busy nobody null whatsapp null")
    );
    assert_eq!(scenario.recorded(), ["Yes.", "To staging."]);
}

#[test]
fn nothing_of_a_session_that_writes_is_spoken() {
    let mut scenario = replied();
    let spoken = scenario.spoken().len();
    scenario.asks("Where to?");
    scenario.speaks("So.");
    scenario.writes("There.").leaves();
    assert_eq!(scenario.spoken().len(), spoken);
}

#[test]
fn a_second_question_while_one_waits_is_refused_and_not_written() {
    let mut scenario = Scenario::unanswered();
    let second = scenario.asks("And?");
    assert_eq!((scenario.told(second).as_str(), scenario.posts().len()), ("Busy", 1));
    scenario.give(Input::OutOfTime { request: RequestId(1) });
    let third = scenario.asks("Or tomorrow?");
    scenario.after(1000).writes("Tomorrow.");
    assert_eq!((scenario.told(1).as_str(), scenario.told(third).as_str()), ("reply: Tomorrow.", "reply: Tomorrow."));
}

#[test]
fn a_statement_is_said_when_the_carrier_has_taken_it() {
    let mut scenario = replied();
    scenario.carrier_is_slow();
    let statements = [scenario.speaks("The build is green."), scenario.speaks("The tests are, too.")];
    assert_eq!((scenario.posts().len(), scenario.told(statements[0]).as_str()), (2, "nothing yet"));
    scenario.takes(2);
    assert_eq!(
        (scenario.told(statements[0]).as_str(), scenario.told(statements[1]).as_str()),
        ("spoken", "nothing yet")
    );
    scenario.takes(3);
    assert_eq!(scenario.told(statements[1]), "spoken");
    assert_eq!(scenario.truth(statements[1]), "busy nobody null none null");
}

#[test]
fn eight_texts_may_wait_and_not_nine() {
    let mut scenario = replied();
    scenario.carrier_is_slow();
    let told: Vec<_> = (0..9).map(|_| scenario.speaks("Read this.")).collect();
    assert_eq!((scenario.told(told[7]).as_str(), scenario.told(told[8]).as_str()), ("nothing yet", "Busy"));
}

#[test]
fn the_session_ends_when_the_goodbye_is_written() {
    let mut scenario = Scenario::unanswered();
    let wait = scenario.waits();
    scenario.carrier_is_slow();
    let statement = scenario.speaks("On its way.");
    let dropped = scenario.speaks("Not sent yet.");
    let ends = [scenario.leaves(), scenario.leaves()];
    for request in [1, wait, statement, dropped] {
        assert_eq!(scenario.told(request), "CallEnded");
    }
    assert_eq!((scenario.session.phase(), scenario.posts().len()), (Phase::Ending, 2), "one at a time");
    let late = [scenario.asks("And?"), scenario.speaks("So.")];
    scenario.takes(2);
    assert_eq!(scenario.posts()[2], "Goodbye then.");
    scenario.writes("Wait!").takes(4);
    assert_eq!(scenario.told(ends[0]), "ended after 0");
    assert_eq!(scenario.truth(ends[1]), "busy nobody null none agent");
    assert_eq!((scenario.told(late[0]).as_str(), scenario.told(late[1]).as_str()), ("CallEnded", "CallEnded"));
    assert_eq!(scenario.uncollected(), "Wait!");
    assert!(!scenario.wants_the_floor());
    let (late, none) = (scenario.waits(), scenario.leaves());
    assert_eq!((scenario.told(late).as_str(), scenario.told(none).as_str()), ("reply: Wait!", "ended after 0"));
    scenario.check_ended();
}

#[test]
fn a_goodbye_that_does_not_get_through_ends_the_session_all_the_same() {
    let mut never_answered = replied();
    never_answered.carrier_is_slow().leaves();
    never_answered.after(39_999);
    assert_eq!(never_answered.session.phase(), Phase::Ending);
    never_answered.after(1).takes(2);
    let mut refused = replied();
    refused.next_fails(MessagingClass::Permanent).leaves();
    let mut in_trouble = replied();
    for _ in 0..3 {
        in_trouble.next_fails(MessagingClass::Transient);
    }
    in_trouble.leaves();
    in_trouble.after(6000);
    let mut stopped = replied();
    stopped.carrier_is_slow().leaves();
    stopped.give(Input::Shutdown).after(4000);
    for scenario in [never_answered, refused, in_trouble, stopped] {
        assert_eq!(scenario.told(2).split(' ').next(), Some("ended"));
        scenario.check_ended();
    }
}

#[test]
fn everybody_who_waits_gets_the_reply_and_it_stays_until_it_is_collected() {
    let mut scenario = Scenario::unanswered();
    let wait = scenario.waits();
    scenario.at(20_000).writes("Yes.");
    assert_eq!((scenario.told(1).as_str(), scenario.told(wait).as_str()), ("reply: Yes.", "reply: Yes."));
    let late = scenario.waits();
    assert_eq!(scenario.told(late), "reply: Yes.", "nobody has collected it yet");
    scenario.collects(late).collects(1).collects(wait);
    let last = scenario.waits();
    assert_eq!((scenario.told(last).as_str(), scenario.uncollected().as_str()), ("nothing yet", ""));
    scenario.after(1000).writes("By the way.");
    assert_eq!(scenario.told(last), "reply: By the way.");
}

#[test]
fn a_reply_that_comes_after_the_request_gave_up_is_kept() {
    let mut scenario = Scenario::unanswered();
    scenario.at(188_999);
    assert_eq!(scenario.told(1), "nothing yet");
    scenario.at(189_000);
    assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), ("NoReply", "busy nobody null none null"));
    scenario.at(3_600_000).writes("Yes.");
    assert_eq!(scenario.uncollected(), "Yes.");
    let mut ended = scenario.clone();
    for scenario in [&mut scenario, ended.run_out()] {
        let wait = scenario.waits();
        assert_eq!(scenario.told(wait), "reply: Yes.");
        scenario.collects(wait);
        assert_eq!(scenario.uncollected(), "");
    }
    ended.check_ended();
    let next = scenario.asks("Where to?");
    scenario.writes("To staging.");
    assert_eq!(scenario.told(next), "reply: To staging.", "what was collected is not told again");
}

#[test]
fn waiting_in_writing_is_given_up_in_time() {
    let mut scenario = replied();
    let wait = scenario.waits();
    scenario.at(199_999);
    assert_eq!(scenario.told(wait), "nothing yet");
    scenario.at(200_000);
    assert_eq!((scenario.told(wait).as_str(), scenario.session.phase()), ("NoReply", Phase::Messaging));
}

#[test]
fn what_was_written_before_the_question_was_on_its_way_does_not_answer_it() {
    let mut scenario = replied();
    scenario.floor_is_taken();
    let ask = scenario.asks("Where to?");
    scenario.after(1000).writes("By the way.");
    assert_eq!(scenario.told(ask), "nothing yet");
    scenario.after(1000).gets_the_floor().writes("To staging.");
    assert_eq!(scenario.told(ask), "reply: To staging. (earlier: By the way.)");
}

#[test]
fn an_answer_to_an_older_question_is_none_to_the_newer_one_that_still_waits() {
    let mut scenario = Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken());
    scenario.give(Input::OutOfTime { request: RequestId(1) });
    let newer = scenario.asks("Or where to?");
    scenario.carrier_is_slow().after(1000).gets_the_floor();
    assert_eq!(scenario.posts(), [QUESTION]);
    scenario.after(1000).writes("Yes.");
    assert_eq!((scenario.told(1).as_str(), scenario.told(newer).as_str()), ("nothing yet", "nothing yet"));
    scenario.after(500).takes(1).after(1000).writes("To staging.");
    assert_eq!(scenario.posts(), [QUESTION, "Or where to?"]);
    for request in [1, newer] {
        assert_eq!(scenario.told(request), "reply: To staging. (earlier: Yes.)");
    }
}

#[test]
fn a_server_that_stops_and_keeps_nothing_leaves_the_person_alone_and_says_that_it_is_over() {
    let mut scenario = Scenario::unanswered();
    let wait = scenario.waits();
    scenario.carrier_is_slow();
    let statement = scenario.speaks("The build is green.");
    scenario.give(Input::Shutdown);
    for request in [1, wait, statement] {
        assert_eq!(scenario.told(request), "CallEnded");
    }
    assert_eq!(scenario.posts().len(), 2);
    assert_eq!(scenario.ended_by(), "shutdown");
    scenario.check_ended();
}

#[test]
fn a_question_that_was_never_written_ends_without_a_goodbye_and_may_be_asked_again_after_a_stop() {
    let queued = || Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken());
    let mut left = queued();
    let end = left.after(1000).leaves();
    assert_eq!((left.told(1).as_str(), left.told(end).as_str(), left.posts().len()), ("CallEnded", "ended after 0", 0));
    left.check_ended();
    let mut stopped = queued();
    stopped.give(Input::Shutdown);
    assert_eq!((stopped.told(1).as_str(), stopped.posts().len()), ("Stopping", 0));
}

#[test]
fn the_persons_word_ends_the_session() {
    let mut scenario = Scenario::unanswered();
    let wait = scenario.waits();
    scenario.carrier_is_slow();
    let statement = scenario.speaks("The build is green.");
    scenario.give(Input::Quit);
    for request in [1, wait, statement] {
        assert_eq!(scenario.told(request), "CallEnded");
        assert_eq!(scenario.truth(request), "busy nobody null none person");
    }
    scenario.takes(2).give(Input::Quit).check_ended();
}

#[test]
fn the_persons_word_ends_a_call_too_and_nothing_is_written_after_it() {
    let mut speaking = Scenario::asked_with(texting());
    speaking.begins_to_speak();
    for mut scenario in [
        Scenario::dialing_with(texting()),
        Scenario::ringing_with(texting()),
        Scenario::picked_up_with(texting()),
        Scenario::connected_with(texting()),
        Scenario::asked_with(texting()),
        speaking,
    ] {
        scenario.give(Input::Quit);
        assert!(scenario.truth(1).ends_with("none person"), "{}", scenario.truth(1));
        scenario.give(Input::Dialed(Ok(super::scenario::call()))).run_out();
        assert_eq!((scenario.told(1).as_str(), scenario.hang_ups(), scenario.posts().len()), ("CallEnded", 1, 0));
        scenario.check_ended();
    }
}
