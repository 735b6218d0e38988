//! From the dial to the pick-up.

use crate::domain::carrier::{CallEnd, CallProgress, ErrorClass, ProviderError};
use crate::domain::session::{CarrierNews, Effect, Input, Phase};
use crate::ids::CarrierCallId;

use super::scenario::{Scenario, call, error};

#[test]
fn a_call_that_nobody_takes_is_over_and_says_how_it_went() {
    for (end, truth) in [
        (CallEnd::NoAnswer, "no-answer nobody none none null"),
        (CallEnd::Busy, "busy nobody none none null"),
        (CallEnd::Failed, "failed nobody none none null"),
        (CallEnd::Canceled, "canceled nobody none none null"),
        // Picked up and hung up before we learned of either.
        (CallEnd::Completed, "answered unknown none none person"),
    ] {
        for mut scenario in [Scenario::dialing(), Scenario::ringing()] {
            scenario.at(9000).over(end);
            assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), ("NoAnswer", truth), "{end:?}");
            assert_eq!(scenario.hang_ups(), 0, "{end:?}: nothing is left to hang up");
            scenario.check_ended();
        }
    }
}

#[test]
fn a_dial_that_the_carrier_refuses_is_no_missed_call() {
    for class in [ErrorClass::Refused, ErrorClass::Busy] {
        let mut scenario = Scenario::dialing();
        scenario.at(300).give(Input::Dialed(Err(error(class, "21215"))));
        assert_eq!(scenario.told(1), "Carrier 21215", "{class:?}");
        assert_eq!(scenario.truth(1), "failed nobody none none carrier");
        assert_eq!(scenario.searches(), 0);
        scenario.check_ended();
    }
}

#[test]
fn a_dial_with_unknown_result_is_looked_for_and_goes_on_where_it_is_found() {
    for (progress, phase) in [
        (CallProgress::Queued, Phase::Ringing),
        (CallProgress::Ringing, Phase::Ringing),
        (CallProgress::Answered, Phase::Answered),
        (CallProgress::Over(CallEnd::NoAnswer), Phase::Ended),
    ] {
        for misses in 0..=4 {
            let mut scenario = Scenario::dialing();
            scenario.at(9000).give(Input::Dialed(Err(error(ErrorClass::Unknown, "500"))));
            for miss in 0..=misses {
                while scenario.searches() == miss {
                    scenario.after(500);
                }
                let found = if miss == misses { Some((call(), progress)) } else { None };
                scenario.give(Input::Found(Ok(found)));
            }
            assert_eq!(scenario.session.phase(), phase, "{progress:?} after {misses} misses");
            assert_eq!(scenario.effects.iter().filter(|e| matches!(e, super::super::Effect::Dial)).count(), 1);
        }
    }
}

#[test]
fn a_dial_that_was_never_placed_has_reached_nobody() {
    for (lost, told) in [
        (Some(error(ErrorClass::Unknown, "20500")), "Carrier 20500"),
        (Some(ProviderError { code: None, ..error(ErrorClass::Unknown, "") }), "Carrier without code"),
        (None, "Carrier without code"),
    ] {
        let mut scenario = Scenario::dialing();
        let answered = lost.is_some();
        if let Some(lost) = lost {
            scenario.give(Input::Dialed(Err(lost)));
        }
        for searches in 1..=5 {
            while scenario.searches() < searches {
                scenario.after(500);
            }
            assert_eq!(scenario.told(1), "nothing yet");
            scenario.give(Input::Found(Ok(None)));
        }
        assert_eq!(scenario.told(1), told);
        let took = scenario.elapsed() - if answered { 0 } else { 14_000 };
        assert!((24_000..30_000).contains(&took), "the carrier's list had time to catch up: {took} ms");
        scenario.check_ended();
    }
}

#[test]
fn when_nobody_can_say_whether_it_rang_it_is_neither_repeated_nor_called_refused() {
    for answered in [true, false] {
        let mut scenario = Scenario::dialing();
        scenario.give(Input::Dialed(Err(error(ErrorClass::Unknown, "500"))));
        for searches in 1..=5 {
            while scenario.searches() < searches {
                scenario.after(500);
            }
            if answered {
                scenario.give(Input::Found(Err(error(ErrorClass::Unknown, "500"))));
            }
        }
        scenario.run_out();
        assert_eq!(scenario.told(1), "NoAnswer");
        assert_eq!(scenario.truth(1), "failed nobody none none carrier");
        assert!(scenario.elapsed() <= 90_000, "{} ms", scenario.elapsed());
        scenario.check_ended();
    }
}

#[test]
fn a_webhook_settles_a_dial_before_any_search() {
    for (news, phase) in [
        (CarrierNews::Queued, Phase::Ringing),
        (CarrierNews::Ringing, Phase::Ringing),
        (CarrierNews::Answered, Phase::Answered),
    ] {
        for lost in [true, false] {
            let mut scenario = Scenario::dialing();
            if lost {
                scenario.give(Input::Dialed(Err(error(ErrorClass::Unknown, "500"))));
            }
            scenario.at(500).news(news);
            // The dial's own answer comes late, or was a refusal of something else.
            scenario.give(Input::Dialed(Ok(call()))).give(Input::Dialed(Err(error(ErrorClass::Refused, "21215"))));
            assert_eq!((scenario.session.phase(), scenario.searches()), (phase, 0), "{news:?}");
            assert_eq!(scenario.session.live_call(), Some(&call()));
        }
    }
}

#[test]
fn a_dial_that_is_never_answered_at_all_is_looked_for_too() {
    let mut scenario = Scenario::dialing();
    scenario.at(20_000);
    assert_eq!(scenario.searches(), 1);
    scenario.give(Input::Found(Ok(Some((call(), CallProgress::Ringing)))));
    assert_eq!(scenario.session.phase(), Phase::Ringing);
}

#[test]
fn ringing_that_the_carrier_never_ends_is_ended_by_us() {
    let mut scenario = Scenario::ringing();
    scenario.at(36_900);
    assert_eq!(scenario.session.phase(), Phase::Ringing);
    scenario.at(37_000);
    assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), ("NoAnswer", 1));
    assert_eq!(scenario.truth(1), "no-answer nobody none none null");
    scenario.check_ended();
}

#[test]
fn a_call_given_up_before_it_had_a_name_is_hung_up_as_soon_as_it_has_one() {
    let unknown = || Input::Dialed(Err(error(ErrorClass::Unknown, "500")));
    let found = |call| Input::Found(Ok(call));
    let webhook = |news| Input::Carrier { call: call(), news };
    for (inputs, hang_ups) in [
        (vec![Input::Dialed(Ok(call()))], 1),
        (vec![Input::Dialed(Err(error(ErrorClass::Refused, "21215")))], 0),
        (vec![unknown(), found(Some((call(), CallProgress::Ringing)))], 1),
        (vec![unknown(), found(Some((call(), CallProgress::Answered)))], 1),
        (vec![unknown(), found(Some((call(), CallProgress::Over(CallEnd::Busy))))], 0),
        (vec![unknown(), found(None)], 0),
        (vec![webhook(CarrierNews::Ringing)], 1),
        (vec![webhook(CarrierNews::Answered), webhook(CarrierNews::Answered)], 1),
        (vec![webhook(CarrierNews::Over(CallEnd::Failed))], 0),
        (vec![unknown()], 0),
        (vec![], 0),
    ] {
        for shutdown in [true, false] {
            let mut scenario = Scenario::dialing();
            if shutdown {
                scenario.give(Input::Shutdown);
            } else {
                scenario.leaves();
            }
            assert_eq!(scenario.told(1), "CallEnded");
            assert_eq!(scenario.truth(1).ends_with("agent"), !shutdown);
            for input in &inputs {
                scenario.after(3000).give(input.clone());
            }
            scenario.run_out();
            assert_eq!(scenario.hang_ups(), hang_ups, "{inputs:?}");
            assert!(scenario.elapsed() < 120_000);
            scenario.check_ended();
        }
    }
}

#[test]
fn a_dial_whose_result_was_being_looked_for_is_still_looked_for_after_the_end() {
    let mut scenario = Scenario::dialing();
    scenario.give(Input::Dialed(Err(error(ErrorClass::Unknown, "500"))));
    scenario.leaves();
    scenario.at(1000);
    assert_eq!(scenario.searches(), 1, "it may be ringing");
}

#[test]
fn webhooks_come_three_times_and_about_other_calls_and_change_nothing_more() {
    let mut scenario = Scenario::ringing();
    let stranger = CarrierCallId("CA2".to_owned());
    for news in [CarrierNews::Queued, CarrierNews::Ringing, CarrierNews::Answered] {
        for _ in 0..3 {
            scenario.give(Input::Carrier { call: stranger.clone(), news: CarrierNews::Over(CallEnd::Busy) });
            scenario.news(news);
        }
    }
    scenario.news(CarrierNews::Ringing).news(CarrierNews::Queued);
    assert_eq!(scenario.session.phase(), Phase::Answered);
    for _ in 0..3 {
        scenario.over(CallEnd::Completed);
    }
    scenario.check_ended();
}

#[test]
fn completed_before_in_progress_is_an_end_and_nothing_begins_after_it() {
    let mut scenario = Scenario::ringing();
    scenario.over(CallEnd::Completed).news(CarrierNews::Answered).media(crate::domain::media::MediaEvent::Connected);
    assert_eq!(scenario.told(1), "NoAnswer");
    assert!(!scenario.session.wants_media(&call()));
    scenario.check_ended();
}

#[test]
fn what_becomes_of_another_calls_hang_up_is_not_said_of_the_sessions_own() {
    let mut scenario = Scenario::picked_up();
    scenario.obliging = false;
    let stranger = CarrierCallId("CA2".to_owned());
    scenario.give(Input::Dialed(Ok(stranger.clone())));
    assert_eq!(scenario.effects.last(), Some(&Effect::HangUp { call: stranger.clone() }), "nobody would talk in it");
    let mut scenario = Scenario::picked_up();
    scenario.obliging = false;
    scenario.leaves();
    for result in [Ok(()), Err(error(ErrorClass::Refused, "20404")), Err(error(ErrorClass::Busy, "429"))] {
        scenario.give(Input::HangUpAnswered { call: stranger.clone(), result });
        assert_eq!((scenario.session.phase(), scenario.hang_ups()), (Phase::Ending, 1));
    }
    scenario.hung_up(Ok(())).check_ended();
}
