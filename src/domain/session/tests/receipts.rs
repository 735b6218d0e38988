//! What the carrier says later of texts that it took.

use crate::domain::carrier::CallEnd;
use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::{CarrierNews, Phase};

use super::scenario::{QUESTION, Scenario, texting, without_template};

#[test]
fn without_news_the_carrier_is_asked_after_5_and_15_seconds() {
    let mut scenario = Scenario::unanswered();
    for (at, asked) in [(13_999, 0), (14_000, 1), (23_999, 1), (24_000, 2), (200_000, 2)] {
        scenario.at(at);
        assert_eq!(scenario.inspected(), vec!["IM1"; asked], "at {at} ms");
    }
    for news_at in [9000, 12_000, 20_000] {
        let mut fine = Scenario::unanswered();
        fine.at(news_at).arrives(1).arrives(1).at(200_000);
        assert_eq!(fine.inspected().len(), usize::from(news_at == 20_000), "news at {news_at} ms");
    }
}

#[test]
fn every_text_is_asked_about_in_its_own_time() {
    let mut scenario = Scenario::unanswered();
    scenario.at(11_000).speaks("The build is green.");
    scenario.at(14_000);
    assert_eq!(scenario.inspected(), ["IM1"]);
    scenario.at(16_000).arrives(2).at(200_000);
    assert_eq!(scenario.inspected(), ["IM1", "IM2", "IM1"]);
}

#[test]
fn a_closed_window_that_is_told_later_has_the_question_sent_once_as_a_template() {
    let mut scenario = Scenario::unanswered();
    scenario.at(12_000).arrives_not(1, MessagingClass::Window).arrives_not(1, MessagingClass::Window);
    let question = format!("I tried to call you.||{QUESTION}");
    let template = format!("template: I tried to call you. {QUESTION}");
    assert_eq!((scenario.posts(), scenario.told(1).as_str()), (vec![question, template], "nothing yet"));
    let mut twice = scenario.clone();
    scenario.at(60_000).writes("Yes.");
    assert_eq!(scenario.told(1), "reply: Yes.");
    twice.at(14_000).arrives_not(2, MessagingClass::Window);
    assert_eq!((twice.told(1).as_str(), twice.posts().len()), ("Undelivered Window, open", 2));
    assert_eq!(twice.session.phase(), Phase::Messaging);

    let mut bare = Scenario::writing_with(without_template(), Form::Free, |_| {});
    bare.at(2000).arrives_not(1, MessagingClass::Window);
    assert_eq!((bare.told(1).as_str(), bare.session.phase()), ("TemplateRequired", Phase::Messaging));
}

#[test]
fn a_failure_that_is_told_later_ends_in_the_same_answer_as_one_that_is_told_at_once() {
    for class in [
        MessagingClass::OptIn,
        MessagingClass::BadNumber,
        MessagingClass::Configuration,
        MessagingClass::Closed,
        MessagingClass::Permanent,
    ] {
        let mut scenario = Scenario::unanswered();
        let wait = scenario.waits();
        scenario.at(12_000).arrives_not(1, class);
        assert_eq!(scenario.told(1), format!("Undelivered {class:?}, open"));
        assert_eq!(scenario.told(wait), scenario.told(1));
        let ask = scenario.asks("Is this better?");
        scenario.writes("Yes.");
        assert_eq!(scenario.told(ask), "reply: Yes.");
        scenario.run_out();
        assert_eq!(scenario.posts().len(), 2, "{class:?} is not tried again");
        scenario.check_ended();
    }
}

#[test]
fn a_passing_trouble_that_is_told_later_has_the_question_sent_anew() {
    let mut scenario = Scenario::unanswered();
    scenario.at(12_000).arrives_not(1, MessagingClass::Transient).at(13_999);
    assert_eq!(scenario.posts().len(), 1);
    scenario.at(14_000);
    assert_eq!((scenario.posts().len(), scenario.told(1).as_str()), (2, "nothing yet"));
    // Under a mark of its own: by the old one the text that failed would be found.
    scenario.at(16_000).arrives_not(2, MessagingClass::Unknown).at(20_000);
    scenario.at(21_000).arrives_not(3, MessagingClass::Transient).at(60_000);
    assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("Undelivered Transient, open", 3));
}

#[test]
fn a_person_who_blocked_us_is_written_to_no_more() {
    let mut scenario = Scenario::unanswered();
    scenario.carrier_is_slow();
    let statement = scenario.speaks("So.");
    scenario.at(12_000).arrives_not(1, MessagingClass::OptedOut);
    for request in [1, statement] {
        assert_eq!(
            (scenario.told(request).as_str(), scenario.truth(request).as_str()),
            ("OptedOut", "busy nobody null none opt-out")
        );
    }
    scenario.check_ended();
}

#[test]
fn a_failure_that_is_told_after_the_reply_changes_nothing() {
    for class in [MessagingClass::Window, MessagingClass::OptIn, MessagingClass::Transient, MessagingClass::Permanent] {
        let mut scenario = Scenario::unanswered();
        scenario.at(12_000).writes("Yes.").arrives_not(1, class).at(20_000);
        assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("reply: Yes.", 1), "{class:?}");
        // Nor after a reply that nobody has collected because the request had given up.
        let mut late = Scenario::unanswered();
        late.at(200_000).writes("Yes.").arrives_not(1, class).at(210_000);
        assert_eq!((late.uncollected().as_str(), late.posts().len()), ("Yes.", 1), "{class:?}");
    }
}

#[test]
fn a_question_that_was_answered_is_not_mended_while_a_newer_one_waits() {
    for class in [MessagingClass::Window, MessagingClass::OptIn, MessagingClass::Transient, MessagingClass::Permanent] {
        // The first reply reaches its request, or comes after that one had given up.
        for answered_at in [12_000, 200_000] {
            let mut scenario = Scenario::unanswered();
            scenario.at(answered_at).writes("Yes.").after(5000);
            scenario.floor_is_taken();
            let newer = scenario.asks("And?");
            scenario.arrives_not(1, class).after(20_000);
            assert_eq!(scenario.posts().len(), 1, "{class:?} at {answered_at}");
            scenario.gets_the_floor().after(1000).writes("No.");
            assert!(scenario.told(newer).starts_with("reply: No."), "{class:?} at {answered_at}");
        }
    }
}

#[test]
fn a_failure_of_an_older_question_is_not_the_newer_ones() {
    for class in [MessagingClass::OptIn, MessagingClass::Transient, MessagingClass::Permanent, MessagingClass::Unknown]
    {
        let mut scenario = Scenario::unanswered();
        scenario.at(189_000);
        let newer = scenario.asks("And?");
        scenario.at(190_000).arrives_not(1, class).at(220_000);
        assert_eq!((scenario.told(newer).as_str(), scenario.posts().len()), ("nothing yet", 2), "{class:?}");
        scenario.writes("Yes.");
        assert_eq!(scenario.told(newer), "reply: Yes.");
    }
    // Its text can still be mended where the window was closed.
    let mut scenario = Scenario::unanswered();
    scenario.at(189_000);
    let newer = scenario.asks("And?");
    scenario.at(190_000).arrives_not(1, MessagingClass::Window);
    assert_eq!(scenario.posts()[2], format!("template: I tried to call you. {QUESTION}"));
    assert_eq!(scenario.told(newer), "nothing yet");
    scenario.next_fails(MessagingClass::Permanent).arrives_not(2, MessagingClass::Window);
    assert_eq!(scenario.told(newer), "Undelivered Permanent, open");
}

#[test]
fn a_statement_whose_failure_is_told_later_is_mended_where_that_needs_nobody() {
    let mut scenario = Scenario::unanswered();
    scenario.at(10_000).writes("Yes.").collects(1);
    let statement = scenario.speaks("The build is green.");
    assert_eq!(scenario.told(statement), "spoken");
    scenario.at(12_000).arrives_not(2, MessagingClass::Window);
    assert_eq!(scenario.posts()[2], "template: The build is green.");
    scenario.arrives_not(3, MessagingClass::Window).at(30_000);
    assert_eq!(scenario.posts().len(), 3);
    for class in [MessagingClass::Transient, MessagingClass::Permanent, MessagingClass::OptIn] {
        scenario.speaks("So.");
        let n = scenario.posts().len();
        scenario.after(1000).arrives_not(n as u64, class).after(20_000);
        assert_eq!((scenario.posts().len(), scenario.session.phase()), (n, Phase::Messaging), "{class:?}");
    }
}

#[test]
fn receipts_that_come_in_a_call_or_after_the_end_set_nothing_going() {
    for class in [MessagingClass::Window, MessagingClass::Permanent, MessagingClass::OptedOut] {
        let mut calling = Scenario::unanswered();
        calling.speaks("So.");
        calling.at(12_000).wants_a_call().arrives_not(1, class).arrives(2);
        assert_eq!((calling.session.phase(), calling.posts().len()), (Phase::Dialing, 2), "{class:?}");

        let mut ended = Scenario::unanswered();
        ended.speaks("So.");
        ended.at(12_000).give(crate::domain::session::Input::Quit).arrives_not(1, class).arrives(2);
        assert_eq!(ended.posts().len(), 2);
        ended.check_ended();
    }
}

#[test]
fn a_call_between_a_text_and_its_receipt_does_not_keep_it_from_being_asked_for() {
    let mut scenario = Scenario::unanswered();
    scenario.at(12_000).wants_a_call().at(13_000).rings_again().at(30_000);
    scenario.second(CarrierNews::Over(CallEnd::Busy));
    scenario.at(31_000);
    assert_eq!(scenario.inspected(), ["IM1", "IM1"]);
}

#[test]
fn the_fate_of_some_dozens_of_texts_is_followed_and_older_ones_are_let_go() {
    let mut scenario = Scenario::writing_with(texting(), Form::Free, |_| {});
    scenario.writes("Yes.").collects(1);
    for _ in 0..40 {
        scenario.speaks("So.");
    }
    assert_eq!(scenario.posts().len(), 41);
    scenario.arrives_not(2, MessagingClass::Window);
    assert_eq!(scenario.posts().len(), 41);
    scenario.arrives_not(41, MessagingClass::Window);
    assert_eq!(scenario.posts()[41..], ["template: So."]);
}
