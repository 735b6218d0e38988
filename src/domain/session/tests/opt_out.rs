//! "Stop": nothing more is written, and whoever waits learns why.

use crate::domain::carrier::CallEnd;
use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::{CarrierNews, Phase};

use super::scenario::{QUESTION, Scenario, texting};

#[test]
fn whoever_waits_is_told_with_the_persons_words_and_the_session_is_over() {
    let mut scenario = Scenario::unanswered();
    let wait = scenario.waits();
    scenario.carrier_is_slow();
    let statements = [scenario.speaks("On its way."), scenario.speaks("Not sent yet.")];
    scenario.at(20_000).stops_messages();
    for request in [1, wait, statements[0], statements[1]] {
        assert_eq!(scenario.told(request), "OptedOut (said: Stop)");
        assert_eq!(scenario.truth(request), "busy nobody null none opt-out");
    }
    assert_eq!((scenario.posts().len(), scenario.recorded()), (2, vec!["Stop"]));
    scenario.takes(2).takes(3).arrives(1);
    assert_eq!(scenario.posts().len(), 2);
    scenario.check_ended();
    let (late, none) = (scenario.waits(), scenario.asks("Really?"));
    assert_eq!(
        (scenario.told(late).as_str(), scenario.told(none).as_str()),
        ("reply: Stop", "NoActiveCall (said: Stop)")
    );
}

#[test]
fn whatever_a_session_waits_for_in_writing_ends_with_it() {
    let floor = Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken());
    let on_its_way = Scenario::writing_with(texting(), Form::Free, |it| _ = it.carrier_is_slow());
    let in_trouble = Scenario::writing_with(texting(), Form::Free, |it| _ = it.next_fails(MessagingClass::Transient));
    let mut gave_up = Scenario::writing();
    gave_up.at(200_000);
    for mut scenario in [floor, on_its_way, in_trouble, gave_up] {
        let posts = scenario.posts().len();
        scenario.stops_messages().gets_the_floor().takes(1).run_out();
        assert_eq!(scenario.posts().len(), posts);
        assert_eq!((scenario.ended_by(), scenario.uncollected().as_str()), ("opt-out", "Stop"));
        scenario.check_ended();
    }
}

#[test]
fn a_goodbye_that_is_being_written_is_not_tried_again() {
    for tries in [true, false] {
        let mut scenario = Scenario::unanswered();
        if tries {
            scenario.next_fails(MessagingClass::Transient)
        } else {
            scenario.carrier_is_slow()
        };
        scenario.leaves();
        assert_eq!(scenario.session.phase(), Phase::Ending);
        scenario.stops_messages();
        assert_eq!((scenario.posts().len(), scenario.told(2).as_str()), (2, "ended after 0"));
        scenario.check_ended();
    }
}

#[test]
fn a_call_that_still_has_to_be_hung_up_is() {
    let mut scenario = Scenario::ringing_with(texting());
    scenario.obliging = false;
    scenario.at(37_000).stops_messages();
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("OptedOut (said: Stop)", Phase::Ending));
    scenario.hung_up(Ok(())).check_ended();
}

#[test]
fn a_call_goes_on_and_its_answer_counts() {
    let mut scenario = Scenario::asked_with(texting());
    scenario.stops_messages();
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("nothing yet", Phase::Listening));
    scenario.after(1000).says("Yes.").after(1000);
    assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("reply: Yes. (earlier: Stop)", 0));
}

#[test]
fn an_unanswered_call_to_somebody_who_stopped_messages_says_so() {
    let mut scenario = Scenario::ringing_with(texting());
    let statement = scenario.speaks("The build is green.");
    scenario.line_is_opted_out().at(9000).over(CallEnd::NoAnswer);
    for request in [1, statement] {
        assert_eq!(scenario.told(request), "OptedOut");
        assert_eq!(scenario.truth(request), "no-answer nobody null none opt-out");
    }
    assert_eq!(scenario.posts().len(), 1, "the line refused the one it was given");
    scenario.check_ended();

    // The same while it rings.
    let mut scenario = Scenario::ringing_with(texting());
    scenario.stops_messages().line_is_opted_out().at(9000).over(CallEnd::NoAnswer);
    assert_eq!(scenario.told(1), "OptedOut (said: Stop)");
    scenario.check_ended();
}

#[test]
fn a_message_to_somebody_who_stopped_messages_is_refused() {
    let mut by_the_line = Scenario::writing_with(texting(), Form::Free, |it| _ = it.line_is_opted_out());
    let mut by_the_carrier =
        Scenario::writing_with(texting(), Form::Free, |it| _ = it.next_fails(MessagingClass::OptedOut));
    for scenario in [&mut by_the_line, &mut by_the_carrier] {
        assert_eq!((scenario.told(1).as_str(), scenario.posts()), ("OptedOut", vec![QUESTION.to_owned()]));
        assert_eq!(scenario.truth(1), "not-dialed nobody null none opt-out");
        scenario.check_ended();
    }
}

#[test]
fn a_refusal_that_comes_while_the_phone_rings_leaves_it_ringing() {
    let mut scenario = Scenario::unanswered();
    scenario.at(10_000).writes("Yes.").collects(1).carrier_is_slow();
    let statement = scenario.speaks("So.");
    scenario.wants_a_call().takes_not(2, MessagingClass::OptedOut).rings_again();
    assert_eq!(scenario.session.phase(), Phase::Ringing);
    scenario.line_is_opted_out().second(CarrierNews::Over(CallEnd::Busy));
    assert_eq!(scenario.told(statement), "OptedOut");
    scenario.check_ended();
}

#[test]
fn words_from_after_the_end_are_kept() {
    let mut scenario = Scenario::unanswered();
    scenario.stops_messages().stops_messages().writes("No, go on.");
    assert_eq!(scenario.uncollected(), "Stop / Stop / No, go on.");
    scenario.check_ended();
}
