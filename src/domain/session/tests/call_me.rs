//! "Call me": the session rings again, and goes on by voice or in writing.

use crate::domain::carrier::{CallEnd, ErrorClass, Verdict};
use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::{CarrierNews, Effect, Input, Phase, Sense};

use super::scenario::{QUESTION, Scenario, error, texting};

type Way = Box<dyn Fn(&mut Scenario)>;

const NOTICE: &str = "I tried to call you, but did not reach you. You can answer here.";

/// Request 1 was written at 9,000 ms; the person wants a call at 12,000 ms.
fn ringing_back() -> Scenario {
    let mut scenario = Scenario::unanswered();
    scenario.at(12_000).wants_a_call();
    scenario
}

#[test]
fn the_session_rings_again_asks_again_and_the_waiting_request_gets_the_spoken_answer() {
    let mut scenario = ringing_back();
    assert_eq!((scenario.session.phase(), scenario.count(&Effect::Dial)), (Phase::Dialing, 2));
    assert_eq!((scenario.spoken(), scenario.posts().len()), (vec![QUESTION, QUESTION], 1));
    scenario.at(15_000).picks_up_again().at(16_500).starts(2).at(20_000).ends(2);
    assert_eq!((scenario.session.phase(), scenario.told(1).as_str()), (Phase::Listening, "nothing yet"));
    scenario.at(21_000).says("Yes.").at(22_000);
    assert_eq!(
        (scenario.told(1).as_str(), scenario.truth(1).as_str()),
        ("reply: Yes.", "answered human full voice null")
    );
    assert_eq!(scenario.recorded(), ["Call me", "Yes."]);
    assert!(!scenario.wants_the_floor(), "nothing is asked in writing");
    // And goes on by voice.
    let ask = scenario.collects(1).asks("Where to?");
    scenario.starts(3).ends(3).says("To staging.").after(1000);
    assert_eq!((scenario.told(ask).as_str(), scenario.posts().len()), ("reply: To staging.", 1));
    let end = scenario.leaves();
    scenario.after(5000).ends(4);
    assert_eq!((scenario.hang_ups(), scenario.told(end)), (1, "ended after 13000".to_owned()));
    scenario.check_ended();
}

#[test]
fn a_call_that_fails_too_leads_back_to_writing_with_one_notice() {
    let picked_up = |it: &mut Scenario| _ = it.rings_again().second(CarrierNews::Answered);
    let over = |end| move |it: &mut Scenario| _ = it.rings_again().second(CarrierNews::Over(end));
    let ways: Vec<(&str, Way)> = vec![
        ("refused nobody", Box::new(|it| _ = it.give(Input::Dialed(Err(error(ErrorClass::Refused, "21215")))))),
        ("refused nobody", Box::new(|it| _ = it.give(Input::Dialed(Err(error(ErrorClass::Busy, "429")))))),
        ("no-answer nobody", Box::new(over(CallEnd::NoAnswer))),
        ("busy nobody", Box::new(over(CallEnd::Busy))),
        ("failed nobody", Box::new(over(CallEnd::Failed))),
        ("canceled nobody", Box::new(over(CallEnd::Canceled))),
        ("no-answer nobody", Box::new(|it| _ = it.rings_again().after(37_000))),
        (
            "answered unknown",
            Box::new(move |it| {
                picked_up(it);
                it.second(CarrierNews::Over(CallEnd::Completed));
            }),
        ),
        ("voicemail machine", Box::new(|it| _ = it.rings_again().second(CarrierNews::Machine(Verdict::Machine)))),
        (
            "failed unknown",
            Box::new(move |it| {
                picked_up(it);
                it.after(10_000);
            }),
        ),
        (
            "answered human",
            Box::new(|it| {
                it.picks_up_again().after(1000).media(MediaEvent::MediaGone(MediaLoss::Stopped)).after(2000);
            }),
        ),
        ("canceled nobody", Box::new(|it| _ = it.rings_again().fails(2, 0))),
    ];
    for (dial, happens) in ways {
        let mut scenario = ringing_back();
        scenario.after(500);
        happens(&mut scenario);
        assert_eq!((scenario.session.phase(), scenario.told(1).as_str()), (Phase::Messaging, "nothing yet"), "{dial}");
        assert_eq!(scenario.posts()[1..], [NOTICE], "{dial}");
        assert!(!scenario.session.is_on_phone());
        let mut again = scenario.clone();
        scenario.after(60_000).writes("Yes.");
        assert_eq!(scenario.told(1), "reply: Yes.");
        assert_eq!(scenario.truth(1), format!("{} null whatsapp null", dial.replace("refused", "failed")));
        // Once more, by the same way.
        again.after(1000).wants_a_call();
        assert_eq!((again.session.phase(), again.count(&Effect::Dial)), (Phase::Dialing, 3));
        again.give(Input::Dialed(Err(error(ErrorClass::Refused, "21215"))));
        assert_eq!(again.posts()[1..], [NOTICE, NOTICE]);
        for mut scenario in [scenario, again] {
            scenario.run_out();
            scenario.check_ended();
        }
    }
}

#[test]
fn somebody_who_hears_the_question_and_hangs_up_has_ended_it() {
    let mut scenario = ringing_back();
    scenario.picks_up_again().after(100).starts(2).after(3000).ends(2).second(CarrierNews::Over(CallEnd::Completed));
    assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("CallEnded", 1));
    assert_eq!(scenario.truth(1), "answered human full none person");
    scenario.check_ended();
}

#[test]
fn somebody_who_answered_before_in_writing_can_decline_the_call_all_the_same() {
    let mut scenario = Scenario::unanswered();
    scenario.at(10_000).writes("Yes.").collects(1);
    let ask = scenario.asks("Where to?");
    scenario.at(12_000).wants_a_call().picks_up_again().after(1000).second(CarrierNews::Over(CallEnd::Completed));
    assert_eq!((scenario.session.phase(), scenario.told(ask).as_str()), (Phase::Messaging, "nothing yet"));
    assert_eq!(scenario.posts()[2..], [NOTICE]);
}

#[test]
fn what_is_said_of_the_first_call_is_not_about_the_second() {
    for mut scenario in [
        ringing_back(),
        {
            let mut ringing = ringing_back();
            ringing.rings_again();
            ringing
        },
        {
            let mut talking = ringing_back();
            talking.picks_up_again();
            talking
        },
    ] {
        let before = format!("{:?}", scenario.session);
        for news in [
            CarrierNews::Ringing,
            CarrierNews::Answered,
            CarrierNews::Machine(Verdict::Machine),
            CarrierNews::Over(CallEnd::Completed),
        ] {
            scenario.news(news);
        }
        scenario.ends(1).hung_up(Ok(()));
        assert_eq!(format!("{:?}", scenario.session), before);
        assert_eq!(scenario.hang_ups(), 0);
    }
}

#[test]
fn what_comes_late_of_the_second_call_changes_nothing() {
    let mut scenario = ringing_back();
    scenario.rings_again().second(CarrierNews::Over(CallEnd::Busy));
    let (before, effects) = (format!("{:?}", scenario.session), scenario.effects.len());
    for event in [MediaEvent::Connected, MediaEvent::MediaGone(MediaLoss::Stopped), MediaEvent::Drained] {
        scenario.media(event);
    }
    scenario.starts(2).ends(2).fails(2, 0).second(CarrierNews::Ringing).second(CarrierNews::Answered);
    scenario.second(CarrierNews::Over(CallEnd::Completed)).give(Input::Dialed(Ok(super::scenario::call())));
    assert_eq!((format!("{:?}", scenario.session), scenario.effects.len()), (before, effects));
}

#[test]
fn a_search_for_the_second_dial_does_not_find_the_first() {
    use crate::domain::carrier::CallProgress;
    let mut scenario = ringing_back();
    scenario.give(Input::Dialed(Err(error(ErrorClass::Unknown, "500")))).after(1000);
    let first = (super::scenario::call(), CallProgress::Over(CallEnd::Busy));
    for searches in 1..=5 {
        while scenario.searches() < searches {
            scenario.after(500);
        }
        assert_eq!(scenario.session.phase(), Phase::Dialing);
        scenario.give(Input::Found(Ok(Some(first.clone()))));
    }
    assert_eq!((scenario.session.phase(), scenario.posts()[1].as_str()), (Phase::Messaging, NOTICE));
}

#[test]
fn a_typed_answer_while_it_rings_is_the_reply_and_ends_the_ringing() {
    for named in [true, false] {
        for waits in [true, false] {
            let mut scenario = Scenario::unanswered();
            scenario.at(if waits { 12_000 } else { 200_000 }).wants_a_call();
            let statement = scenario.speaks("The build is green.");
            if named {
                scenario.rings_again();
            }
            scenario.after(1000).writes("Yes.");
            assert_eq!((scenario.session.phase(), scenario.spoken().len()), (Phase::Messaging, 3));
            let truth = "canceled nobody null whatsapp null";
            if waits {
                assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), ("reply: Yes.", truth));
            } else {
                let wait = scenario.waits();
                assert_eq!((scenario.told(wait).as_str(), scenario.truth(wait).as_str()), ("reply: Yes.", truth));
            }
            assert_eq!(
                (scenario.told(statement).as_str(), scenario.posts()[1].as_str()),
                ("spoken", "The build is green.")
            );
            if !named {
                assert!(scenario.session.is_on_phone());
                scenario.rings_again();
            }
            assert_eq!((scenario.hang_ups(), scenario.session.is_on_phone()), (1, false));
            scenario.run_out();
            scenario.check_ended();
        }
    }
}

#[test]
fn a_typed_answer_in_the_call_is_the_reply_too() {
    let mut scenario = ringing_back();
    scenario.picks_up_again().after(100).starts(2).after(2000).writes("Yes.");
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("reply: Yes.", Phase::Speaking));
    assert!(scenario.truth(1).ends_with("whatsapp null"));
    scenario.collects(1).ends(2);
    let ask = scenario.asks("Where to?");
    scenario.writes("A typed aside.").starts(3).ends(3).says("To staging.").after(1000);
    assert_eq!(scenario.told(ask), "reply: To staging. (earlier: A typed aside.)");
}

#[test]
fn what_else_a_request_to_be_called_says_is_told_to_the_agent() {
    let mut scenario = Scenario::unanswered();
    scenario.at(12_000).writes_as("Call me at nine", Sense::CallMe { tell: true });
    assert_eq!((scenario.session.phase(), scenario.told(1).as_str()), (Phase::Dialing, "nothing yet"));
    scenario.picks_up_again().after(1500).starts(2).ends(2).says("Yes.").after(1000);
    assert_eq!(scenario.told(1), "reply: Yes. (earlier: Call me at nine)");
    assert_eq!(scenario.recorded(), ["Call me at nine", "Yes."]);
}

#[test]
fn nobody_is_rung_twice_for_it() {
    let mut hanging = Scenario::ringing_with(texting());
    hanging.obliging = false;
    hanging.at(37_000);
    let mut in_the_air = Scenario::dialing_with(texting());
    in_the_air.fails(1, 0);
    let mut ended = Scenario::unanswered();
    ended.give(Input::Quit);
    let mut leaving = Scenario::unanswered();
    leaving.carrier_is_slow().leaves();
    let mut ringing = ringing_back();
    ringing.rings_again();
    let mut talking = ringing_back();
    talking.picks_up_again();
    for mut scenario in [hanging, in_the_air, ended, leaving, ringing_back(), ringing, talking] {
        let dials = scenario.count(&Effect::Dial);
        scenario.wants_a_call().writes_as("Call me now, please", Sense::CallMe { tell: true });
        assert_eq!(scenario.count(&Effect::Dial), dials, "{:?}", scenario.session.phase());
        assert_eq!(scenario.uncollected(), "Call me now, please", "what it says is not lost");
    }
}

#[test]
fn a_call_that_is_over_makes_room_for_one_that_is_asked_for() {
    let mut scenario = Scenario::ringing_with(texting());
    scenario.obliging = false;
    scenario.at(37_000).hung_up(Ok(())).wants_a_call();
    assert_eq!(scenario.count(&Effect::Dial), 2);
}

#[test]
fn a_question_that_was_not_sent_yet_is_sent_once_when_the_call_fails_too() {
    let ways: [fn(&mut Scenario); 4] = [
        // It waits for the floor.
        |it| _ = it.floor_is_taken(),
        // It is on its way.
        |it| _ = it.carrier_is_slow(),
        // It is to be tried again.
        |it| _ = it.next_fails(MessagingClass::Transient),
        |it| _ = it.next_fails(MessagingClass::Unknown),
    ];
    for (n, way) in ways.into_iter().enumerate() {
        let mut scenario = Scenario::writing_with(texting(), Form::Free, way);
        scenario.at(1000).wants_a_call().second(CarrierNews::Ringing);
        assert_eq!(scenario.session.phase(), Phase::Ringing);
        scenario.at(9000).second(CarrierNews::Over(CallEnd::Busy));
        if n == 1 {
            scenario.takes(1);
        }
        scenario.gets_the_floor().at(20_000);
        let posts = scenario.posts();
        let again = posts.iter().filter(|post| post.contains(QUESTION)).count();
        let tries = usize::from(n >= 2) + 1;
        assert_eq!((again, posts.len()), (tries, tries + 1), "{n}: {posts:?}");
        assert_eq!(posts.iter().any(|post| post.contains("again: ")), n == 3, "{n}: {posts:?}");
        scenario.takes(2).writes("Yes.");
        assert_eq!(scenario.told(1), "reply: Yes.", "{n}");
        scenario.run_out();
        scenario.check_ended();
    }
}

#[test]
fn a_sending_without_a_known_result_is_looked_for_also_after_the_call() {
    let mut scenario = Scenario::writing_with(texting(), Form::Free, |it| _ = it.carrier_is_slow());
    scenario.at(1000).wants_a_call().takes_not(1, MessagingClass::Unknown).rings_again();
    scenario.second(CarrierNews::Over(CallEnd::Busy));
    assert_eq!(scenario.posts()[1], format!("again: {QUESTION}"));
}

#[test]
fn what_waits_to_be_sent_when_the_call_ends_the_session_is_answered() {
    let mut scenario = Scenario::unanswered();
    scenario.at(10_000).writes("Yes.").collects(1).next_fails(MessagingClass::Transient);
    let statement = scenario.speaks("So.");
    scenario.wants_a_call().picks_up_again().after(1000).starts(2).ends(2).after(3000);
    assert_eq!(scenario.told(statement), "nothing yet");
    scenario.second(CarrierNews::Over(CallEnd::Completed)).run_out();
    assert_eq!(scenario.told(statement), "CallEnded");
    scenario.check_ended();
}

#[test]
fn a_call_that_was_asked_for_can_be_left_like_any_other() {
    for how in 0..4 {
        let mut scenario = ringing_back();
        scenario.rings_again();
        let (told, by) = match how {
            0 => {
                scenario.leaves();
                ("CallEnded", "agent")
            }
            1 => {
                scenario.give(Input::Shutdown);
                ("CallEnded", "shutdown")
            }
            2 => {
                scenario.give(Input::Quit);
                ("CallEnded", "person")
            }
            _ => {
                scenario.line_is_opted_out().stops_messages().second(CarrierNews::Over(CallEnd::NoAnswer));
                ("OptedOut (said: Stop)", "opt-out")
            }
        };
        assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), (told, usize::from(how < 3)));
        assert!(scenario.truth(1).ends_with(by), "{}", scenario.truth(1));
        scenario.check_ended();
    }
}
