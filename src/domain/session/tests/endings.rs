//! The ways out of a call.

use std::time::Duration;

use crate::domain::carrier::{CallEnd, ErrorClass, Verdict};
use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::outcome::EndedBy;
use crate::domain::session::{CarrierNews, Effect, Input, Limits, Phase};

use super::scenario::{Scenario, error};

/// How the person gets out of a call: the carrier says so, or only its media does.
fn hangs_up(scenario: &mut Scenario, by_media: bool) {
    if by_media {
        scenario.media(MediaEvent::MediaGone(MediaLoss::Stopped)).after(2000);
    } else {
        scenario.over(CallEnd::Completed);
    }
}

#[test]
fn hanging_up_before_anything_was_heard_is_declining() {
    for (mut scenario, media) in
        [(Scenario::picked_up(), false), (Scenario::connected(), true), (Scenario::asking(), true)]
    {
        let by_media = if media { vec![false, true] } else { vec![false] };
        let statement = scenario.speaks("The build is green.");
        for by_media in by_media {
            let mut scenario = scenario.clone();
            hangs_up(&mut scenario, by_media);
            assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), ("NoAnswer", usize::from(by_media)));
            assert!(scenario.truth(1).ends_with("none none person"), "{}", scenario.truth(1));
            assert_ne!(scenario.told(statement), "nothing yet");
            scenario.check_ended();
        }
    }
}

#[test]
fn a_hello_and_a_hang_up_is_declining_too_and_the_hello_is_told() {
    let mut scenario = Scenario::connected();
    scenario.news(CarrierNews::Machine(Verdict::Human)).at(500).says("Hello?").at(1500).over(CallEnd::Completed);
    assert_eq!(scenario.told(1), "NoAnswer (said: Hello?)");
    assert_eq!(scenario.uncollected(), "Hello?");
    scenario.check_ended();
}

#[test]
fn hanging_up_later_still_collects_what_was_said() {
    for by_media in [false, true] {
        // While the agent speaks.
        let mut speaking = Scenario::asking();
        speaking.at(1500).progresses(1, 1000);
        hangs_up(&mut speaking, by_media);
        assert_eq!(
            (speaking.told(1).as_str(), speaking.truth(1).as_str()),
            ("CallEnded", "answered human partial none person")
        );
        speaking.check_ended();

        // While we listen.
        let mut listening = Scenario::asked();
        hangs_up(&mut listening, by_media);
        assert_eq!(
            (listening.told(1).as_str(), listening.truth(1).as_str()),
            ("CallEnded", "answered human full none person")
        );
        listening.check_ended();

        // Right after the last word; the pause may tell before the carrier does.
        let mut replying = Scenario::asked();
        replying.at(3000).says("Yes.");
        hangs_up(&mut replying, by_media);
        let by = if by_media { "null" } else { "person" };
        assert_eq!(
            (replying.told(1), replying.truth(1)),
            ("reply: Yes.".into(), format!("answered human full voice {by}"))
        );
        replying.check_ended();
    }
}

#[test]
fn the_last_words_are_awaited_for_three_seconds() {
    for (words_at, told) in [(2900, "reply: Yes."), (3100, "CallEnded")] {
        let mut scenario = Scenario::asked();
        scenario.obliging = false;
        let stretch = scenario.begins_to_speak();
        scenario.over(CallEnd::Completed).after(words_at).words(stretch, 2500, "Yes.").run_out();
        assert_eq!((scenario.told(1).as_str(), scenario.uncollected().as_str()), (told, "Yes."), "{words_at} ms");
        assert_eq!(scenario.hang_ups(), 0);
        scenario.check_ended();
    }
    let mut drained = Scenario::asked();
    drained.obliging = false;
    let stretch = drained.begins_to_speak();
    drained.over(CallEnd::Completed).after(500).words(stretch, 2500, "Yes.").media(MediaEvent::Drained);
    assert_eq!((drained.told(1).as_str(), drained.elapsed()), ("reply: Yes.", 2500), "no longer than needed");
}

#[test]
fn hanging_up_in_the_goodbye_ends_it() {
    for speaks in [false, true] {
        let mut scenario = Scenario::replied();
        scenario.collects(1).obliging = false;
        let end = scenario.leaves();
        scenario.at(5000).starts(2);
        if speaks {
            let stretch = scenario.begins_to_speak();
            scenario.over(CallEnd::Completed).after(1000).words(stretch, 5000, "Bye.");
        } else {
            scenario.over(CallEnd::Completed);
        }
        scenario.media(MediaEvent::Drained);
        assert_eq!(
            (scenario.told(end).as_str(), scenario.truth(end).as_str()),
            ("ended after 5000", "answered human none none agent")
        );
        assert_eq!((scenario.uncollected().as_str(), scenario.hang_ups()), (if speaks { "Bye." } else { "" }, 0));
        scenario.check_ended();
    }
}

#[test]
fn the_agents_end_is_always_accepted() {
    // The state, what request 1 is told, and after how long the call is hung up.
    for (mut scenario, told, truth) in [
        (Scenario::ringing(), "CallEnded", "canceled nobody none none agent"),
        (Scenario::picked_up(), "CallEnded", "answered unknown none none agent"),
    ] {
        let end = scenario.leaves();
        assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), (told, truth));
        assert_eq!((scenario.told(end).as_str(), scenario.hang_ups()), ("ended after 0", 1));
        scenario.check_ended();
    }
    for mut scenario in [Scenario::connected(), Scenario::asking(), Scenario::asked(), Scenario::replied()] {
        let waiting = scenario.told(1) == "nothing yet";
        let end = scenario.leaves();
        assert!(!waiting || scenario.told(1) == "CallEnded", "whoever waits is cut off");
        assert_eq!((scenario.session.phase(), scenario.hang_ups()), (Phase::Ending, 0), "the goodbye is heard first");
        let twice = scenario.leaves();
        scenario.after(3000).starts(2).after(2000).ends(2);
        let talked = format!("ended after {}", scenario.elapsed());
        assert_eq!((scenario.told(end), scenario.told(twice)), (talked.clone(), talked.clone()));
        assert!(scenario.truth(end).ends_with("full none agent"), "the goodbye was the last message");
        let late = scenario.after(9000).leaves();
        assert_eq!((scenario.told(late), scenario.hang_ups()), (talked, 1), "the stored duration");
        scenario.check_ended();
    }
}

#[test]
fn what_is_being_said_is_said_before_the_goodbye_unless_somebody_waits() {
    let mut alone = Scenario::replied();
    let statement = alone.speaks("The build is green.");
    let end = alone.leaves();
    alone.at(8000).ends(2);
    assert_eq!((alone.told(statement).as_str(), alone.told(end).as_str()), ("spoken", "nothing yet"));
    alone.at(9000).ends(3);
    assert_eq!(alone.told(end), "ended after 9000");

    let mut waiting = Scenario::asked();
    let statement = waiting.speaks("The build is green.");
    waiting.leaves();
    assert_eq!((waiting.told(1).as_str(), waiting.told(statement).as_str()), ("CallEnded", "CallEnded"));
}

#[test]
fn an_end_cuts_off_whoever_waits_and_keeps_what_was_said() {
    let mut scenario = Scenario::asked();
    scenario.at(3000).says("Yes.");
    scenario.leaves();
    assert_eq!(
        (scenario.told(1).as_str(), scenario.truth(1).as_str()),
        ("CallEnded (said: Yes.)", "answered human full none agent")
    );
    let wait = scenario.waits();
    scenario.at(5000).ends(2);
    assert_eq!(scenario.told(wait), "reply: Yes.");
    scenario.check_ended();
}

#[test]
fn an_end_while_the_media_is_lost_cuts_off_whoever_waits_too() {
    for speaks in [false, true] {
        let mut scenario = Scenario::asked();
        scenario.says("Yes.");
        if speaks {
            scenario.begins_to_speak();
        }
        scenario.media(MediaEvent::MediaGone(MediaLoss::Broken));
        let end = scenario.leaves();
        assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), ("CallEnded (said: Yes.)", 1));
        assert_eq!((scenario.told(end).as_str(), scenario.uncollected().as_str()), ("ended after 2000", "Yes."));
        scenario.check_ended();
    }
}

#[test]
fn a_goodbye_that_never_ends_is_not_waited_for() {
    let mut scenario = Scenario::replied();
    let end = scenario.leaves();
    scenario.at(4000 + 15_000);
    assert_eq!(scenario.told(end), "nothing yet");
    scenario.at(4000 + 17_000);
    assert_eq!((scenario.hang_ups(), scenario.told(end).starts_with("ended")), (1, true));
    scenario.check_ended();
}

#[test]
fn a_call_that_failed_in_the_middle_was_not_hung_up_by_the_person() {
    let mut scenario = Scenario::asked();
    scenario.says("Yes.").over(CallEnd::Failed);
    assert_eq!(
        (scenario.told(1).as_str(), scenario.truth(1).as_str()),
        ("reply: Yes.", "answered human full voice carrier")
    );
    scenario.check_ended();
}

#[test]
fn silence_ends_a_call_and_every_word_puts_that_off() {
    let mut silent = Scenario::replied();
    silent.collects(1).at(3000 + 420_000 - 1);
    assert_eq!(silent.session.phase(), Phase::Connected);
    silent.at(3000 + 420_000);
    assert_eq!(silent.session.outcome().ended_by.map(EndedBy::as_str), Some("inactivity"));
    assert_eq!(silent.hang_ups(), 1);
    silent.check_ended();

    let acts: [fn(&mut Scenario); 5] = [
        |scenario| _ = scenario.says("Hm."),
        |scenario| _ = scenario.begins_to_speak(),
        |scenario| _ = scenario.speaks("Still there?"),
        |scenario| _ = scenario.progresses(2, 1000),
        |scenario| _ = scenario.ends(2),
    ];
    for (n, act) in acts.iter().enumerate() {
        let mut scenario = Scenario::replied();
        scenario.collects(1).speaks("A long story.");
        scenario.at(300_000);
        act(&mut scenario);
        scenario.at(719_999);
        assert_eq!(scenario.hang_ups(), 0, "act {n}");
        scenario.at(720_000);
        assert_eq!(scenario.hang_ups(), 1, "act {n}");
    }
}

#[test]
fn a_call_has_a_maximum_length_in_whatever_state() {
    let limits = || Limits { longest: Duration::from_mins(1), ..Limits::default() };
    for (words, told, heard) in [(None, "CallEnded", "none"), (Some("Yes."), "reply: Yes.", "voice")] {
        let mut scenario = Scenario::dialing_with(limits());
        scenario.news(CarrierNews::Machine(Verdict::Human)).media(MediaEvent::Connected);
        scenario.starts(1).at(2000).ends(1).at(59_800);
        if let Some(words) = words {
            scenario.says(words);
        }
        scenario.at(60_000);
        assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), (told, 1));
        assert_eq!(scenario.truth(1), format!("answered human full {heard} max-length"));
        scenario.check_ended();
    }
    // Somebody who is speaking is heard out, for three seconds; where nobody is, there is nothing to wait for.
    for (speaks, hung_up) in [(false, 60_000), (true, 63_000)] {
        let mut scenario = Scenario::dialing_with(limits());
        scenario.obliging = false;
        scenario.news(CarrierNews::Machine(Verdict::Human)).media(MediaEvent::Connected).starts(1).at(59_000);
        if speaks {
            scenario.begins_to_speak();
        }
        scenario.at(hung_up - 1);
        assert_eq!(scenario.hang_ups(), 0);
        scenario.at(hung_up);
        assert_eq!(scenario.hang_ups(), 1);
    }
    let mut leaving = Scenario::dialing_with(limits());
    leaving.news(CarrierNews::Machine(Verdict::Human)).media(MediaEvent::Connected).at(58_000);
    let end = leaving.leaves();
    leaving.at(60_000);
    assert_eq!((leaving.told(end).as_str(), leaving.hang_ups()), ("ended after 60000", 1));
}

#[test]
fn a_shutdown_ends_every_state_within_eight_seconds() {
    for (mut scenario, told, truth) in [
        (Scenario::ringing(), "CallEnded", "canceled nobody none none shutdown"),
        (Scenario::picked_up(), "CallEnded", "answered unknown none none shutdown"),
        (Scenario::connected(), "CallEnded", "answered unknown none none shutdown"),
        (Scenario::asking(), "CallEnded", "answered human none none shutdown"),
        (Scenario::asked(), "CallEnded", "answered human full none shutdown"),
        (Scenario::replied(), "reply: Yes.", "answered human full voice null"),
    ] {
        let at = scenario.elapsed();
        let talking = matches!(scenario.session.phase(), Phase::Connected | Phase::Speaking | Phase::Listening);
        scenario.give(Input::Shutdown);
        assert_eq!((scenario.told(1).as_str(), scenario.truth(1).as_str()), (told, truth));
        assert_eq!(scenario.hang_ups(), usize::from(!talking), "where somebody listens a goodbye comes first");
        scenario.after(2000).give(Input::Shutdown).run_out();
        assert!(scenario.elapsed() <= at + 4000, "{} ms, {truth}", scenario.elapsed() - at);
        scenario.check_ended();
    }
    let mut speaking = Scenario::asked();
    speaking.obliging = false;
    speaking.begins_to_speak();
    speaking.give(Input::Shutdown).at(2000 + 8000);
    assert_eq!((speaking.told(1).as_str(), speaking.hang_ups()), ("CallEnded", 1));

    let mut leaving = Scenario::replied();
    let end = leaving.leaves();
    leaving.give(Input::Shutdown).at(8000);
    assert_eq!(
        (leaving.told(end).as_str(), leaving.truth(end).as_str()),
        ("ended after 8000", "answered human none none agent")
    );
}

#[test]
fn a_hang_up_is_tried_four_times_and_then_handed_on_once() {
    let busy = || Err(error(ErrorClass::Busy, "429"));
    for (answers, hang_ups) in [
        (vec![Ok(())], 1),
        (vec![Err(error(ErrorClass::Refused, "20404"))], 1),
        (vec![busy(), Ok(())], 2),
        (vec![busy(), busy(), busy(), Ok(())], 4),
        (vec![busy(), busy(), busy(), busy()], 5),
        // Never answered at all.
        (vec![], 5),
    ] {
        let mut scenario = Scenario::picked_up();
        scenario.obliging = false;
        let end = scenario.leaves();
        for (n, answer) in answers.iter().enumerate() {
            while scenario.hang_ups() <= n {
                scenario.after(500);
            }
            scenario.hung_up(answer.clone());
        }
        scenario.run_out();
        assert_eq!(scenario.hang_ups(), hang_ups, "{answers:?}");
        assert!(scenario.elapsed() <= 60_000 && scenario.told(end).starts_with("ended"));
        scenario.check_ended();
    }
    let mut over = Scenario::picked_up();
    over.obliging = false;
    over.leaves();
    over.at(300).over(CallEnd::Completed);
    over.check_ended();
}

#[test]
fn nothing_is_said_into_a_call_that_is_ending() {
    let mut scenario = Scenario::replied();
    scenario.leaves();
    let (ask, say, wait) = (scenario.asks("And?"), scenario.speaks("So."), scenario.waits());
    assert_eq!(
        (scenario.told(ask).as_str(), scenario.told(say).as_str()),
        ("CallEnded (said: Yes.)", "CallEnded (said: Yes.)")
    );
    scenario.ends(2);
    assert_eq!(scenario.told(wait), "reply: Yes.");
    assert_eq!(scenario.effects.last(), Some(&Effect::Finished));
    scenario.check_ended();
}
