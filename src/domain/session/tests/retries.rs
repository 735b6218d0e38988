//! Texts that the carrier does not take: what is tried again and when, what is not, and what the agent is told.

use std::time::Duration;

use crate::domain::messaging::{Form, MessagingClass, MessagingError};
use crate::domain::session::{Effect, Input, Limits, Phase, PostError, Texting};
use crate::ids::{MessageId, PostId};

use super::scenario::{QUESTION, Scenario, texting, trouble, without_template};

/// Classes after which nothing is tried again.
const FINAL: [MessagingClass; 5] = [
    MessagingClass::OptIn,
    MessagingClass::BadNumber,
    MessagingClass::Configuration,
    MessagingClass::Closed,
    MessagingClass::Permanent,
];

/// A session whose first message meets these troubles, one after the other.
fn writing(troubles: &[MessagingClass]) -> Scenario {
    Scenario::writing_with(texting(), Form::Free, |it| {
        for class in troubles {
            it.next_fails(*class);
        }
    })
}

#[test]
fn a_passing_trouble_is_tried_three_times_after_2_and_4_seconds() {
    for (class, again) in [(MessagingClass::Transient, ""), (MessagingClass::Unknown, "again: ")] {
        let mut scenario = writing(&[class; 3]);
        for (at, tries) in [(1999, 1), (2000, 2), (5999, 2), (6000, 3), (100_000, 3)] {
            scenario.at(at);
            assert_eq!(scenario.posts().len(), tries, "{class:?} at {at} ms");
        }
        assert_eq!(scenario.posts(), [QUESTION.to_owned(), format!("{again}{QUESTION}"), format!("{again}{QUESTION}")]);
        for tries in 1..3 {
            let mut scenario = writing(&vec![class; tries]);
            scenario.at(10_000).writes("Yes.");
            assert_eq!((scenario.posts().len(), scenario.told(1).as_str()), (tries + 1, "reply: Yes."));
        }
    }
}

#[test]
fn what_may_have_been_sent_is_told_and_not_sent_again_where_nobody_can_find_out() {
    let limits = texting();
    let texting = limits.texting.map(|texting| Texting { settles: false, ..texting });
    let mut scenario = Scenario::writing_with(Limits { texting, ..limits }, Form::Free, |it| {
        it.next_fails(MessagingClass::Transient);
        it.next_fails(MessagingClass::Unknown);
    });
    scenario.at(100_000);
    assert_eq!(scenario.posts().len(), 2, "what was surely not sent is tried again, and nothing else");
    assert!(scenario.told(1).contains("Unknown"), "{}", scenario.told(1));
    assert_ne!(scenario.session.phase(), Phase::Ended, "a reply may come");
}

#[test]
fn a_text_that_may_have_been_sent_is_looked_for_ever_after() {
    let mut scenario = writing(&[MessagingClass::Unknown, MessagingClass::Transient]);
    scenario.at(10_000);
    assert_eq!(scenario.posts()[1..], [format!("again: {QUESTION}"), format!("again: {QUESTION}")]);
    let ids: Vec<_> = scenario
        .effects
        .iter()
        .filter_map(|e| if let Effect::Post { post, .. } = e { Some(*post) } else { None })
        .collect();
    assert_eq!(ids, [PostId(1); 3], "by the same mark");
}

#[test]
fn the_carriers_own_wait_is_respected_up_to_a_minute() {
    for (asked, waits) in [(None, 2000), (Some(1), 2000), (Some(10), 10_000), (Some(60), 60_000), (Some(3600), 60_000)]
    {
        let mut scenario = Scenario::writing_with(texting(), Form::Free, |it| {
            let retry_after = asked.map(Duration::from_secs);
            it.next_fails_with(MessagingError { retry_after, ..trouble(MessagingClass::Transient) });
        });
        scenario.at(waits - 1);
        assert_eq!(scenario.posts().len(), 1, "{asked:?}");
        scenario.at(waits);
        assert_eq!(scenario.posts().len(), 2, "{asked:?}");
    }
}

#[test]
fn what_comes_after_a_text_in_trouble_waits_for_it() {
    let mut scenario = writing(&[MessagingClass::Transient]);
    let statement = scenario.speaks("The build is green.");
    scenario.at(1999);
    assert_eq!((scenario.posts().len(), scenario.told(statement).as_str()), (1, "nothing yet"));
    scenario.at(2000);
    assert_eq!(scenario.posts(), [QUESTION, QUESTION, "The build is green."]);
}

#[test]
fn a_trouble_that_does_not_pass_is_told_at_once_and_ends_what_never_got_through() {
    for class in FINAL {
        let opt_in = class == MessagingClass::OptIn;
        let open = if opt_in { ", open" } else { "" };
        let first = writing(&[class]);
        assert_eq!(first.told(1), format!("Undelivered {class:?}, untouched{open}"));
        assert_eq!(first.truth(1), "not-dialed nobody null none null");
        assert_eq!(first.session.phase() == Phase::Messaging, opt_in, "{class:?}");

        let mut after_a_call = Scenario::ringing_with(texting());
        after_a_call.next_fails(class).at(9000).over(crate::domain::carrier::CallEnd::Busy);
        assert_eq!(after_a_call.told(1), format!("Undelivered {class:?}{open}"));
        assert_eq!(after_a_call.session.phase() == Phase::Messaging, opt_in, "{class:?}");

        let mut later = Scenario::unanswered();
        later.at(20_000).writes("Yes.").collects(1).next_fails(class);
        let ask = later.asks("And?");
        assert_eq!(later.told(ask), format!("Undelivered {class:?}, open"));
        later.next_fails(class);
        let statement = later.speaks("So.");
        assert_eq!(later.told(statement), format!("Undelivered {class:?}, open"));
        let again = later.asks("And now?");
        later.writes("Yes.");
        assert_eq!(later.told(again), "reply: Yes.", "{class:?}");

        for mut scenario in [first, after_a_call, later] {
            let posts = scenario.posts().len();
            scenario.run_out();
            assert_eq!(scenario.posts().len(), posts, "{class:?} is not tried again");
            assert!(!scenario.wants_the_floor());
            scenario.check_ended();
        }
    }
}

#[test]
fn a_passing_trouble_that_does_not_pass_is_told_after_the_third_try() {
    let mut never_sent = writing(&[MessagingClass::Transient; 3]);
    never_sent.at(6000);
    assert_eq!(never_sent.told(1), "Undelivered Transient, untouched");
    never_sent.check_ended();

    let mut perhaps_sent = writing(&[MessagingClass::Unknown; 3]);
    perhaps_sent.at(6000);
    assert_eq!(perhaps_sent.told(1), "Undelivered Unknown, open");
    let wait = perhaps_sent.waits();
    perhaps_sent.at(60_000).writes("Yes.");
    assert_eq!(perhaps_sent.told(wait), "reply: Yes.", "it did arrive");
}

#[test]
fn outside_the_window_a_text_goes_once_as_a_template() {
    let mut scenario = writing(&[MessagingClass::Window]);
    assert_eq!(scenario.posts(), [QUESTION.to_owned(), format!("template: {QUESTION}")]);
    scenario.at(60_000).writes("Yes.");
    assert_eq!(scenario.told(1), "reply: Yes.");

    let mut twice = writing(&[MessagingClass::Window; 2]);
    assert_eq!((twice.posts().len(), twice.told(1).as_str()), (2, "Undelivered Window, untouched, open"));
    assert_eq!(twice.session.phase(), Phase::Messaging, "the person's next message opens the window");
    let ask = twice.asks("And?");
    twice.writes("Yes.");
    assert_eq!(twice.told(ask), "reply: Yes.");

    // The template has its own three tries.
    let mut in_trouble = writing(&[MessagingClass::Transient, MessagingClass::Window, MessagingClass::Unknown]);
    in_trouble.at(10_000);
    let template = format!("template: {QUESTION}");
    let again = format!("template: again: {QUESTION}");
    assert_eq!(in_trouble.posts(), [QUESTION.to_owned(), QUESTION.to_owned(), template, again]);
}

#[test]
fn outside_the_window_without_a_template_nothing_is_sent_and_the_agent_is_told_what_is_missing() {
    let mut scenario =
        Scenario::writing_with(without_template(), Form::Free, |it| _ = it.next_fails(MessagingClass::Window));
    assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("TemplateRequired", 1));
    scenario.next_fails(MessagingClass::Window);
    let statement = scenario.speaks("So.");
    assert_eq!((scenario.told(statement).as_str(), scenario.session.phase()), ("TemplateRequired", Phase::Messaging));
    let ask = scenario.asks("And?");
    scenario.writes("Yes.");
    assert_eq!(scenario.told(ask), "reply: Yes.", "the person has opened the window");
    scenario.run_out();
    scenario.check_ended();
}

#[test]
fn a_reply_makes_further_tries_moot() {
    let mut scenario = writing(&[MessagingClass::Unknown]);
    scenario.at(1000).writes("Yes.");
    assert_eq!(scenario.told(1), "reply: Yes.", "it did arrive");
    let statement = scenario.speaks("Thanks.");
    scenario.at(60_000);
    assert_eq!(
        (scenario.posts(), scenario.told(statement)),
        (vec![QUESTION.to_owned(), "Thanks.".to_owned()], "spoken".to_owned())
    );
}

#[test]
fn answers_to_what_nobody_sends_any_more_change_nothing() {
    let mut scenario = Scenario::unanswered();
    scenario.carrier_is_slow().writes("Yes.").collects(1);
    let statement = scenario.speaks("So.");
    scenario.takes(7).takes_not(8, MessagingClass::Permanent).takes_not(1, MessagingClass::Permanent).takes(1);
    assert_eq!((scenario.posts().len(), scenario.told(statement).as_str()), (2, "nothing yet"));
    let opted_out = |post| Input::Posted { post: PostId(post), result: Err(PostError::OptedOut) };
    scenario.give(opted_out(9)).takes(2).give(opted_out(2)).takes_not(2, MessagingClass::Unknown).takes(2);
    assert_eq!((scenario.posts().len(), scenario.told(statement).as_str()), (2, "spoken"));
    assert_eq!(scenario.session.phase(), Phase::Messaging);
    let unknown = MessageId("IM99".to_owned());
    let delivery = crate::domain::messaging::Delivery::Failed(trouble(MessagingClass::Permanent));
    scenario.give(Input::Receipt { message: unknown, delivery });
    assert_eq!((scenario.posts().len(), scenario.session.phase()), (2, Phase::Messaging));
}

#[test]
fn there_is_never_more_than_one_text_on_its_way() {
    let mut scenario = Scenario::unanswered();
    scenario.carrier_is_slow().writes("Yes.");
    let statements: Vec<_> = (0..5).map(|_| scenario.speaks("So.")).collect();
    for n in 2..=6 {
        assert_eq!(scenario.posts().len(), usize::try_from(n).expect("few"));
        scenario.after(30_000).takes(n);
    }
    for statement in statements {
        assert_eq!(scenario.told(statement), "spoken");
    }
}
