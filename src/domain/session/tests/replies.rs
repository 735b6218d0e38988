//! Which words are the reply, and when it is complete.

use std::time::Duration;

use crate::domain::carrier::Verdict;
use crate::domain::media::MediaEvent;
use crate::domain::session::{CarrierNews, Limits, Phase};

use super::scenario::Scenario;

#[test]
fn a_reply_is_given_when_the_person_has_paused_for_600_ms() {
    let mut scenario = Scenario::asked();
    scenario.at(3000).says("Yes.").at(3599);
    assert_eq!(scenario.told(1), "nothing yet");
    scenario.at(3600);
    assert_eq!((scenario.told(1).as_str(), scenario.session.phase()), ("reply: Yes.", Phase::Connected));
    assert_eq!((scenario.truth(1).as_str(), scenario.recorded()), ("answered human full voice null", vec!["Yes."]));
}

#[test]
fn a_pause_shorter_than_the_thought_does_not_cut_the_reply() {
    for (pause, reply) in [(599, "reply: Yes. / But not on Friday."), (601, "reply: Yes.")] {
        let mut scenario = Scenario::asked();
        scenario.at(3000).says("Yes.");
        scenario.at(3000 + pause);
        let stretch = scenario.begins_to_speak();
        scenario.at(6000).words(stretch, 3000 + pause, "But not on Friday.").at(7000);
        assert_eq!(scenario.told(1), reply, "after a pause of {pause} ms");
        assert_eq!(scenario.recorded().len(), 2, "nothing is lost");
    }
}

#[test]
fn a_cough_after_the_words_does_not_hold_the_reply() {
    let mut scenario = Scenario::asked();
    scenario.at(3000).says("Yes.").at(3500);
    let cough = scenario.begins_to_speak();
    scenario.at(4500);
    assert_eq!(scenario.told(1), "nothing yet");
    scenario.falls_silent(cough).after(0);
    assert_eq!(scenario.told(1), "reply: Yes.");
}

#[test]
fn a_reply_is_extended_for_60_s_and_no_longer() {
    let mut scenario = Scenario::asked();
    for second in 0..70 {
        scenario.at(3000 + second * 1000);
        let stretch = scenario.begins_to_speak();
        scenario.at(3500 + second * 1000).words(stretch, 3000 + second * 1000, "and");
        let given = scenario.told(1) != "nothing yet";
        assert_eq!(given, second >= 60, "after {second} s");
    }
    assert_eq!(scenario.recorded().len(), 70);
    let rest = scenario.waits();
    scenario.run_out();
    assert_eq!(scenario.told(1).matches("and").count(), 60);
    assert_eq!(scenario.told(rest).matches("and").count(), 70, "nobody had collected any of it");
}

#[test]
fn the_reply_timeout_takes_what_there_is() {
    // Began to speak at, understood at; then what the request is told, and when.
    let mut silent = Scenario::asked();
    silent.at(181_999);
    assert_eq!(silent.told(1), "nothing yet");
    silent.at(182_000);
    assert_eq!((silent.told(1).as_str(), silent.session.phase()), ("NoReply", Phase::Connected));
    assert_eq!(silent.truth(1), "answered human full none null");

    let mut with_words = Scenario::asked();
    with_words.at(181_900).says("Yes.").at(182_000);
    assert_eq!(with_words.told(1), "reply: Yes.", "words are the reply even before the pause is over");
}

#[test]
fn the_reply_timeout_waits_for_somebody_who_speaks() {
    for (first, second, told) in [
        (None, Some("Yes."), "reply: Yes."),
        (None, None, "NoReply"),
        (Some("Well."), Some("Yes."), "reply: Well. / Yes."),
        (Some("Well."), None, "reply: Well."),
    ] {
        let mut scenario = Scenario::asked();
        if let Some(first) = first {
            scenario.at(181_000).says(first);
        }
        scenario.at(181_500);
        let stretch = scenario.begins_to_speak();
        scenario.at(200_000);
        assert_eq!(scenario.told(1), "nothing yet", "{first:?} {second:?}");
        match second {
            Some(words) => scenario.words(stretch, 181_500, words).after(600),
            None => scenario.falls_silent(stretch).after(0),
        };
        assert_eq!(scenario.told(1), told);
    }
}

#[test]
fn speaking_that_never_ends_holds_the_reply_for_60_s() {
    for (first, until, told) in [(None, 242_000, "NoReply"), (Some("Well."), 63_000, "reply: Well.")] {
        let mut scenario = Scenario::asked();
        scenario.at(3000);
        if let Some(first) = first {
            scenario.says(first);
        }
        scenario.begins_to_speak();
        scenario.at(until - 1);
        assert_eq!(scenario.told(1), "nothing yet", "{first:?}");
        scenario.at(until);
        assert_eq!(scenario.told(1), told);
    }
}

#[test]
fn words_that_are_no_answer_do_not_prolong_an_overdue_reply() {
    let limits = Limits { reply: Duration::from_secs(5), ..Limits::default() };
    let mut scenario = Scenario::dialing_with(limits);
    scenario.news(CarrierNews::Machine(Verdict::Human)).media(MediaEvent::Connected);
    let hello = scenario.begins_to_speak();
    scenario.at(1500).starts(1).at(2000).ends(1).at(8000);
    assert_eq!(scenario.told(1), "nothing yet");
    scenario.words(hello, 0, "Hello?");
    assert_eq!(scenario.told(1), "NoReply (said: Hello?)");
}

#[test]
fn late_words_are_there_for_whoever_asks_next() {
    for collected in [false, true] {
        let mut scenario = Scenario::asked();
        scenario.at(182_000);
        assert_eq!(scenario.told(1), "NoReply");
        scenario.at(190_000).says("Yes.").at(192_000);
        assert_eq!(scenario.uncollected(), "Yes.");
        let wait = scenario.waits();
        assert_eq!(scenario.told(wait), "reply: Yes.", "at once");
        if collected {
            scenario.collects(wait);
        }
        let next = scenario.asks("Where to?");
        scenario.starts(2).ends(2).says("To staging.").after(600);
        let earlier = if collected { "" } else { " (earlier: Yes.)" };
        assert_eq!(scenario.told(next), format!("reply: To staging.{earlier}"));
    }
}

#[test]
fn only_words_that_began_after_the_question_was_started_answer_it() {
    let mut scenario = Scenario::replied();
    scenario.collects(1).at(5000).says("One more thing.").at(6000);
    let ask = scenario.asks("Where to?");
    scenario.at(7000).says("Not Friday.").at(7600);
    let across = scenario.begins_to_speak();
    scenario.at(8000).starts(2).at(8500).words(across, 7600, "Nor Monday.").at(12_000).ends(2).at(13_000);
    assert_eq!(scenario.told(ask), "nothing yet");
    scenario.says("To staging.").at(14_000);
    assert_eq!(scenario.told(ask), "reply: To staging. (earlier: One more thing. / Not Friday. / Nor Monday.)");
}

#[test]
fn speaking_up_cuts_the_question_and_answers_it() {
    let mut scenario = Scenario::asking();
    scenario.at(2000);
    let stretch = scenario.begins_to_speak();
    scenario.is_cut(1, 1000);
    assert_eq!(scenario.session.phase(), Phase::Listening);
    scenario.at(3000).words(stretch, 2000, "Yes, yes.").at(4000);
    assert_eq!(scenario.told(1), "reply: Yes, yes., interrupted");
    assert_eq!(scenario.truth(1), "answered human partial voice null");
}

#[test]
fn words_spoken_over_a_question_that_could_not_be_cut_answer_it_too() {
    let mut scenario = Scenario::asking();
    scenario.at(2000).says("Yes.").at(2600);
    assert_eq!(scenario.told(1), "reply: Yes.");
    scenario.at(4000).ends(1);
    // The end of a question that has its answer starts no clock for the next one.
    let next = scenario.asks("Where to?");
    scenario.at(5000).starts(2).ends(2).at(184_999);
    assert_eq!(scenario.told(next), "nothing yet");
}

#[test]
fn the_end_of_an_older_question_says_nothing_about_a_newer_one() {
    let mut scenario = Scenario::asking();
    scenario.at(2000).says("Yes.").at(2600).collects(1);
    let next = scenario.asks("Where to?");
    scenario.at(3000).ends(1).at(4000).starts(2).at(180_000);
    assert_eq!(
        (scenario.told(next).as_str(), scenario.session.outcome().message_heard.clone()),
        ("nothing yet", crate::domain::outcome::MessageHeard::None)
    );
    scenario.at(184_000).ends(2).at(363_000);
    assert_eq!(scenario.told(next), "nothing yet", "the reply's time runs from the question's own end");
    scenario.at(364_000);
    assert_eq!(scenario.told(next), "NoReply");
}
