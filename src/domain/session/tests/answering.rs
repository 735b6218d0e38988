//! From the pick-up to the conversation: who answered, and whether the media comes.

use crate::domain::carrier::{CallEnd, Verdict};
use crate::domain::media::MediaEvent;
use crate::domain::outcome::{AnsweredBy, Dial};
use crate::domain::session::{CarrierNews, Phase};

use super::scenario::{Scenario, call};

const GREETING: &str = "Nobody can take your call.";

/// The question begins at 200 ms, something is said at 1,500 ms, and the verdict comes at `at`.
fn greeted(verdict: Option<(u64, Verdict)>) -> Scenario {
    let mut scenario = Scenario::connected();
    let mut verdict = verdict;
    let mut go = |scenario: &mut Scenario, to: u64| {
        if let Some((_, verdict)) = verdict.take_if(|(at, _)| *at <= to) {
            scenario.at(to).news(CarrierNews::Machine(verdict));
        }
        scenario.at(to);
    };
    go(&mut scenario, 200);
    scenario.starts(1);
    go(&mut scenario, 1500);
    scenario.says(GREETING);
    for to in (1600..30_000).step_by(100) {
        go(&mut scenario, to);
    }
    scenario
}

#[test]
fn a_machine_that_is_found_out_in_time_is_hung_up_on_and_its_words_are_discarded() {
    for at in [200, 1600, 4000, 5900] {
        let scenario = greeted(Some((at, Verdict::Machine)));
        assert_eq!(scenario.told(1), "NoAnswer", "verdict at {at} ms");
        assert_eq!(scenario.truth(1), "voicemail machine none none null");
        assert_eq!((scenario.hang_ups(), scenario.uncollected().as_str()), (1, ""));
        assert!(scenario.recorded().is_empty(), "a machine's words are not the person's: verdict at {at} ms");
        scenario.check_ended();
    }
}

#[test]
fn a_verdict_that_comes_too_late_or_never_leaves_the_conversation_alone() {
    for (verdict, by) in [
        (Some((6100, Verdict::Machine)), AnsweredBy::Machine),
        (Some((20_000, Verdict::Machine)), AnsweredBy::Machine),
        (Some((20_000, Verdict::Human)), AnsweredBy::Human),
        (None, AnsweredBy::Unknown),
    ] {
        let scenario = greeted(verdict);
        assert_eq!(scenario.told(1), format!("reply: {GREETING}"), "{verdict:?}");
        assert_eq!(scenario.truth(1), "answered unknown none voice null");
        assert_eq!((scenario.session.outcome().dial, scenario.session.outcome().answered_by), (Dial::Answered, by));
        assert_eq!(scenario.hang_ups(), 0);
    }
}

#[test]
fn words_are_held_until_the_verdict_and_no_longer() {
    for (verdict, delivered, by) in [
        (Some((1600, Verdict::Human)), 2100, "human"),
        (Some((4000, Verdict::Human)), 4000, "human"),
        (Some((4000, Verdict::Unknown)), 4000, "unknown"),
        (None, 6000, "unknown"),
    ] {
        let mut scenario = Scenario::connected();
        scenario.starts(1).at(1500).says(GREETING);
        if let Some((at, verdict)) = verdict {
            scenario.at(at - 1);
            assert_eq!((scenario.told(1).as_str(), scenario.uncollected().as_str()), ("nothing yet", ""));
            scenario.at(at).news(CarrierNews::Machine(verdict));
        }
        if scenario.elapsed() < delivered {
            scenario.at(delivered - 1);
            assert_eq!(scenario.told(1), "nothing yet", "{verdict:?}");
        }
        scenario.at(delivered);
        assert_eq!(scenario.told(1), format!("reply: {GREETING}"), "{verdict:?}");
        assert_eq!(scenario.truth(1), format!("answered {by} none voice null"));
        assert_eq!(scenario.recorded(), [GREETING]);
    }
}

#[test]
fn held_words_are_told_to_nobody() {
    let mut scenario = Scenario::connected();
    scenario.starts(1).at(1500).says(GREETING);
    let second = scenario.asks("And?");
    assert_eq!((scenario.told(second).as_str(), scenario.uncollected().as_str()), ("Busy", ""));
}

#[test]
fn a_verdict_may_come_before_the_news_of_the_pick_up() {
    let mut machine = Scenario::ringing();
    machine.news(CarrierNews::Machine(Verdict::Machine)).news(CarrierNews::Answered);
    assert_eq!((machine.told(1).as_str(), machine.hang_ups()), ("NoAnswer", 1));
    machine.check_ended();

    let mut human = Scenario::ringing();
    human.news(CarrierNews::Machine(Verdict::Human)).news(CarrierNews::Answered);
    assert_eq!(human.session.outcome().answered_by, AnsweredBy::Human);
    assert!(human.session.wants_media(&call()));
}

#[test]
fn a_verdict_after_the_hang_up_still_says_whose_words_they_were() {
    for (verdict, told, truth, settled) in [
        (Some(Verdict::Machine), "NoAnswer", "voicemail machine none none null", 4000),
        (Some(Verdict::Human), "reply: Yes.", "answered human none voice person", 4000),
        (None, "reply: Yes.", "answered unknown none voice person", 6000),
    ] {
        let mut scenario = Scenario::connected();
        scenario.starts(1).at(1500).says("Yes.").at(2000).over(CallEnd::Completed).at(3900);
        assert_eq!(scenario.told(1), "nothing yet", "{verdict:?}");
        if let Some(verdict) = verdict {
            scenario.at(4000).news(CarrierNews::Machine(verdict));
        }
        scenario.at(settled);
        assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), (told, truth));
        assert_eq!(scenario.session.talked(crate::clock::Millis(0)).as_millis(), 2000, "until the hang-up");
        scenario.news(CarrierNews::Machine(Verdict::Machine)).check_ended();
    }
}

#[test]
fn what_a_machine_goes_on_to_say_is_nobodys_words() {
    let mut scenario = Scenario::connected();
    scenario.obliging = false;
    scenario.starts(1).at(1500);
    let stretch = scenario.begins_to_speak();
    scenario.at(2000).news(CarrierNews::Machine(Verdict::Machine));
    scenario.at(2500).words(stretch, 1500, GREETING).says("After the tone.");
    assert_eq!(scenario.uncollected(), "");
    assert!(scenario.recorded().is_empty());
}

#[test]
fn answered_without_media_within_ten_seconds_is_failed() {
    let mut scenario = Scenario::picked_up();
    scenario.at(9900);
    assert_eq!(scenario.session.phase(), Phase::Answered);
    scenario.at(10_000).media(MediaEvent::Connected);
    assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), ("NoAnswer", 1));
    assert_eq!(scenario.truth(1), "failed unknown none none carrier");
    scenario.check_ended();
}

#[test]
fn a_hello_is_no_reply() {
    for (end_of_first, hello, counts) in [
        (None, 0, false),
        (None, 999, false),
        (None, 1000, true),
        // The guard ends with the first utterance.
        (Some(600), 599, false),
        (Some(600), 600, true),
    ] {
        let mut scenario = Scenario::connected();
        scenario.news(CarrierNews::Machine(Verdict::Human)).starts(1);
        if let Some(end) = end_of_first.filter(|end| *end <= hello) {
            scenario.at(end).ends(1);
        }
        scenario.at(hello).says("Hello?").at(5000);
        let told = if counts { "reply: Hello?" } else { "nothing yet" };
        assert_eq!(scenario.told(1), told, "at {hello} ms, first utterance until {end_of_first:?}");
        if !counts {
            scenario.says("Yes.").at(6000);
            assert_eq!(scenario.told(1), "reply: Yes. (earlier: Hello?)");
        }
    }
    // An utterance that was never heard ends no guard.
    let mut unheard = Scenario::connected();
    unheard.news(CarrierNews::Machine(Verdict::Human)).speaks("The build is green.");
    unheard.starts(1).at(300).fails(2, 0).at(500).says("Hello?").at(5000);
    assert_eq!(unheard.told(1), "nothing yet");
}
