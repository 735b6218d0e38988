//! Words that come right when a timer runs out: delivered or kept, never lost.

use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::{CarrierNews, Input};

use super::scenario::{Scenario, texting};

/// Every timer that can be running when the person writes: its name, a scenario in which it runs out next, and when.
fn timers() -> Vec<(&'static str, Scenario, u64)> {
    let mut replied = Scenario::unanswered();
    replied.at(20_000).writes("Well.").collects(1);
    let mut hanging = Scenario::ringing_with(texting());
    hanging.obliging = false;
    hanging.at(37_000);
    let mut hanging_again = hanging.clone();
    hanging_again.at(52_000);
    let mut leaving = Scenario::unanswered();
    leaving.carrier_is_slow().at(10_000).leaves();
    let mut receipt = Scenario::unanswered();
    receipt.at(14_000);
    let mut window = Scenario::unanswered();
    window.at(200_000).give(Input::Window { until: crate::clock::Millis(1_000_000 + 4_000_000) });
    let mut calling = Scenario::unanswered();
    calling.at(12_000).wants_a_call();
    let mut ringing = calling.clone();
    ringing.rings_again();
    let mut answered = ringing.clone();
    answered.second(CarrierNews::Answered);
    let mut connected = Scenario::unanswered();
    connected.at(12_000).wants_a_call().picks_up_again().starts(2).ends(2);
    let in_trouble = Scenario::writing_with(texting(), Form::Free, |it| _ = it.next_fails(MessagingClass::Transient));
    let mut collecting = connected.clone();
    collecting.at(13_500).says("Well.").at(14_500);
    vec![
        ("the reply", Scenario::unanswered(), 189_000),
        ("the open question", Scenario::unanswered(), 24 * 3_600_000 + 9000),
        ("the silence", replied, 440_000),
        ("the next try", in_trouble, 2000),
        ("the first look for a receipt", Scenario::unanswered(), 14_000),
        ("the second look for a receipt", receipt, 24_000),
        ("the hang-up", hanging, 52_000),
        ("the second hang-up", hanging_again, 67_000),
        ("the goodbye", leaving, 50_000),
        ("the window", window, 400_000),
        ("the search for the second dial", calling, 27_000),
        ("the ringing", ringing, 49_000),
        ("the verdict on the second call", answered.clone(), 18_000),
        ("the media of the second call", answered, 22_000),
        ("the reply in the second call", connected, 192_000),
        ("the collecting in the second call", collecting, 74_100),
    ]
}

#[test]
fn words_at_the_moment_of_any_timer_are_delivered_or_kept_and_the_session_ends_once() {
    for (timer, scenario, due) in timers() {
        let mut armed = scenario.clone();
        assert_eq!(armed.at(due - 1).session.next_deadline().map(|at| at.0), Some(1_000_000 + due), "{timer}");
        for moment in ["before", "first", "at", "after"] {
            let mut scenario = scenario.clone();
            match moment {
                "before" => scenario.at(due - 1),
                "first" => scenario.at(due - 1).at_once(due),
                "at" => scenario.at(due),
                _ => scenario.at(due + 1),
            };
            scenario.writes("Yes.").at(due + 1);
            let delivered = scenario.answers(1).iter().any(|_| scenario.told(1).contains("Yes."));
            assert!(delivered || scenario.uncollected().contains("Yes."), "{timer}, {moment}");
            let second = scenario.waits();
            scenario.collects(1).run_out();
            if !delivered {
                assert!(scenario.told(second).contains("Yes."), "{timer}, {moment}: {}", scenario.told(second));
            }
            scenario.check_ended();
        }
    }
}

#[test]
fn whoever_still_waits_gets_what_comes_before_the_time_is_up_or_with_it() {
    for (moment, told) in [("before", "reply: Yes."), ("first", "reply: Yes."), ("at", "NoReply"), ("after", "NoReply")]
    {
        let mut scenario = Scenario::unanswered();
        match moment {
            "before" => scenario.at(188_999),
            "first" => scenario.at(188_999).at_once(189_000),
            "at" => scenario.at(189_000),
            _ => scenario.at(189_001),
        };
        scenario.writes("Yes.").after(0);
        assert_eq!(scenario.told(1), told, "{moment}");
    }
}

#[test]
fn two_timers_of_one_moment_do_both() {
    // The last look for a receipt, the reply's time and the session's silence.
    let mut scenario = Scenario::unanswered();
    scenario.at(20_000).writes("Yes.").collects(1);
    scenario.at(440_000 - 15_000);
    scenario.speaks("So.");
    scenario.carrier_is_slow().at(441_000);
    assert_eq!(scenario.inspected(), ["IM1", "IM2", "IM2"]);
    let mut all_late = Scenario::unanswered();
    let wait = all_late.waits();
    all_late.at_once(25 * 3_600_000).at(25 * 3_600_000);
    assert_eq!((all_late.told(1).as_str(), all_late.told(wait).as_str()), ("NoReply", "NoReply"));
    all_late.check_ended();
}
