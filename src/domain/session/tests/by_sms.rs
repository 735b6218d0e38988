//! The last resort: what WhatsApp does not carry goes by SMS, where that is allowed.

use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::outcome::Channel;
use crate::domain::session::{Effect, Input, Limits, Phase, Sense, Session, Texting};
use crate::domain::text::PersonText;
use crate::ids::PostId;

use super::scenario::{QUESTION, Scenario, texting, without_template};

/// Failures of WhatsApp that no other try mends.
const FINAL: [MessagingClass; 6] = [
    MessagingClass::OptIn,
    MessagingClass::Window,
    MessagingClass::BadNumber,
    MessagingClass::Configuration,
    MessagingClass::Closed,
    MessagingClass::Permanent,
];

pub(super) fn with_sms(limits: Limits) -> Limits {
    let texting = limits.texting.map(|texting| Texting { sms: true, ..texting });
    Limits { texting, ..limits }
}

/// A session whose first message meets these troubles, one after the other; there is no template.
fn writing(troubles: &[MessagingClass]) -> Scenario {
    Scenario::writing_with(with_sms(without_template()), Form::Free, |it| {
        for class in troubles {
            it.next_fails(*class);
        }
    })
}

fn by_sms(words: &str) -> String {
    format!("sms: {words}")
}

#[test]
fn what_whatsapp_refuses_for_good_goes_by_sms_and_is_answered_there() {
    for class in FINAL {
        let mut scenario = writing(&[class]);
        assert_eq!(scenario.posts(), [QUESTION.to_owned(), by_sms(QUESTION)], "{class:?}");
        assert_eq!(scenario.session.channel(), Channel::Sms);
        scenario.at(5000).writes_by("Yes.", Channel::Sms);
        assert_eq!(scenario.told(1), "reply: Yes.");
        assert_eq!(scenario.truth(1), "not-dialed nobody null sms null");
    }
}

#[test]
fn what_fails_three_times_goes_by_sms_and_not_before() {
    for class in [MessagingClass::Transient, MessagingClass::Unknown] {
        let mut scenario = writing(&[class; 3]);
        for (at, texts) in [(1999, 1), (2000, 2), (5999, 2), (6000, 4), (100_000, 4)] {
            scenario.at(at);
            assert_eq!(scenario.posts().len(), texts, "{class:?} at {at} ms");
        }
        assert_eq!(scenario.posts()[3], by_sms(QUESTION));
        let stands_for = scenario.effects.iter().rev().find_map(|effect| match effect {
            Effect::Post { instead_of, .. } => Some(*instead_of),
            _ => None,
        });
        let in_doubt = class == MessagingClass::Unknown;
        assert_eq!(stands_for, Some(in_doubt.then_some(PostId(1))), "it is looked for before the SMS goes out");
    }
}

#[test]
fn what_may_have_arrived_and_cannot_be_looked_for_does_not_go_a_second_way() {
    let limits = with_sms(texting());
    let texting = limits.texting.map(|texting| Texting { settles: false, ..texting });
    let mut scenario = Scenario::writing_with(Limits { texting, ..limits }, Form::Free, |it| {
        it.next_fails(MessagingClass::Unknown);
    });
    scenario.at(100_000);
    assert_eq!(scenario.posts(), [QUESTION]);
    assert!(scenario.told(1).contains("Unknown"), "{}", scenario.told(1));
}

#[test]
fn a_template_comes_before_sms() {
    let mut scenario = Scenario::writing_with(with_sms(texting()), Form::Free, |it| {
        it.next_fails(MessagingClass::Window);
        it.next_fails(MessagingClass::Configuration);
    });
    assert_eq!(scenario.posts(), [QUESTION.to_owned(), format!("template: {QUESTION}"), by_sms(QUESTION)]);
    scenario.writes_by("Yes.", Channel::Sms);
    assert_eq!(scenario.told(1), "reply: Yes.");
}

#[test]
fn the_whole_of_a_text_goes_by_sms_that_a_template_has_no_room_for() {
    let sentence = format!("{}.", "word ".repeat(19).trim());
    let long = [sentence.as_str(); 15].join(" ");
    let mut scenario = Scenario::writing_with(with_sms(texting()), Form::Free, |_| {});
    scenario.writes("Yes.").collects(1);
    scenario.next_fails(MessagingClass::Window).next_fails(MessagingClass::BadNumber);
    scenario.asks(&long);
    assert_eq!(scenario.posts().last(), Some(&by_sms(&long)));
    let texts = scenario.posts().len();
    // Nothing of it is left for when the window opens.
    let until = scenario.now + crate::domain::line::WINDOW;
    scenario.writes("Well?").give(Input::Window { until });
    assert_eq!(scenario.posts().len(), texts);
}

#[test]
fn what_whatsapp_took_and_did_not_deliver_goes_by_sms() {
    for class in FINAL {
        let mut scenario = writing(&[]);
        scenario.at(2000).arrives_not(1, class).arrives_not(1, class);
        assert_eq!(scenario.posts(), [QUESTION.to_owned(), by_sms(QUESTION)], "{class:?}");
    }
    // Also what was said to be said.
    let mut scenario = writing(&[]);
    scenario.writes("Yes.").collects(1);
    scenario.speaks("Done.");
    scenario.arrives_not(2, MessagingClass::BadNumber);
    assert_eq!(scenario.posts()[2..], [by_sms("Done.")]);
}

#[test]
fn what_comes_after_goes_by_sms_too_until_the_person_writes_on_whatsapp() {
    let mut scenario = writing(&[MessagingClass::BadNumber]);
    scenario.writes_by("Yes.", Channel::Sms).collects(1);
    let ask = scenario.asks("And now?");
    assert_eq!(scenario.posts()[2..], [by_sms("And now?")]);
    scenario.writes("Now this.").collects(ask);
    assert_eq!(scenario.session.channel(), Channel::WhatsApp);
    scenario.asks("Here again?");
    assert_eq!(scenario.posts()[3..], ["Here again?"]);
}

#[test]
fn what_waits_behind_a_text_that_fails_goes_the_same_way_in_order() {
    let mut scenario = Scenario::writing_with(with_sms(texting()), Form::Free, |it| {
        it.carrier_is_slow();
    });
    scenario.speaks("One more thing.");
    scenario.takes_not(1, MessagingClass::BadNumber);
    assert_eq!(scenario.posts(), [QUESTION.to_owned(), by_sms(QUESTION)]);
    scenario.takes(3);
    assert_eq!(scenario.posts()[2..], [by_sms("One more thing.")]);
}

#[test]
fn after_an_opt_out_nothing_goes_by_sms() {
    let mut scenario = writing(&[MessagingClass::OptedOut]);
    scenario.at(100_000);
    assert_eq!((scenario.posts().len(), scenario.told(1).as_str()), (1, "OptedOut"));

    let mut scenario = writing(&[MessagingClass::BadNumber]);
    scenario.give(Input::OptedOut { text: PersonText("Stop".to_owned()), channel: Channel::Sms });
    scenario.at(100_000);
    assert_eq!((scenario.posts().len(), scenario.told(1).as_str()), (2, "OptedOut (said: Stop)"));
}

#[test]
fn where_sms_fails_too_the_agent_is_told_so() {
    let mut scenario = writing(&[MessagingClass::BadNumber, MessagingClass::Permanent]);
    scenario.at(100_000);
    assert_eq!(scenario.posts().len(), 2);
    assert_eq!(
        (scenario.told(1).as_str(), scenario.session.phase()),
        ("Undelivered Permanent, untouched", Phase::Ended)
    );

    // What may have got through is no "nothing reached the person".
    let mut scenario = writing(&[MessagingClass::Unknown; 3]);
    scenario.next_fails(MessagingClass::Permanent).at(100_000);
    assert_eq!(scenario.told(1), "Undelivered Permanent");

    // The carrier lets no SMS through: that is said of SMS, and stops nothing else.
    let mut scenario = writing(&[MessagingClass::BadNumber, MessagingClass::OptedOut]);
    scenario.at(100_000);
    assert_eq!(scenario.told(1), "Undelivered OptedOut, untouched");

    // A passing trouble is tried again; what may have been sent is not.
    let mut scenario = writing(&[MessagingClass::BadNumber, MessagingClass::Transient, MessagingClass::Unknown]);
    scenario.at(100_000);
    assert_eq!(scenario.posts()[1..], [by_sms(QUESTION), by_sms(QUESTION)]);
    assert!(scenario.told(1).contains("Unknown"), "{}", scenario.told(1));
}

#[test]
fn a_call_can_be_asked_for_by_sms() {
    let mut scenario = writing(&[MessagingClass::BadNumber]);
    scenario.writes_by_as("Call me", Sense::CallMe { tell: false }, Channel::Sms).picks_up_again();
    assert_eq!(scenario.session.phase(), Phase::Speaking);
    assert_eq!(scenario.session.channel(), Channel::Voice);
}

#[test]
fn a_text_that_may_have_been_sent_already_is_not_moved_with_another() {
    let mut scenario = writing(&[]);
    scenario.next_fails(MessagingClass::Unknown);
    scenario.speaks("One more thing.");
    scenario.arrives_not(1, MessagingClass::BadNumber);
    scenario.after(60_000);
    let moved = ["again: One more thing.".to_owned(), by_sms(QUESTION)];
    assert_eq!(scenario.posts()[2..].iter().filter(|post| moved.contains(post)).count(), 2, "{:?}", scenario.posts());
    assert!(!scenario.posts().contains(&by_sms("One more thing.")), "{:?}", scenario.posts());
}

#[test]
fn a_restart_goes_on_by_sms_or_where_that_is_not_allowed_any_more_on_whatsapp() {
    let scenario = writing(&[MessagingClass::BadNumber]);
    let kept = scenario.session.snapshot().expect("it runs");
    for (limits, want) in [(with_sms(texting()), Channel::Sms), (texting(), Channel::WhatsApp)] {
        let again = Session::restore(kept.clone(), scenario.now, limits, scenario.now);
        assert_eq!(again.channel(), want);
    }
    // One that may have gone out goes nowhere else: it is told as unknown.
    let mut slow = Scenario::writing_with(with_sms(texting()), Form::Free, |it| {
        it.carrier_is_slow();
    });
    slow.takes_not(1, MessagingClass::BadNumber);
    let kept = slow.session.snapshot().expect("it runs");
    let mut again = Session::restore(kept, slow.now, texting(), slow.now);
    again.handle(Input::Floor, slow.now);
    let posts: Vec<Effect> = std::iter::from_fn(|| again.poll_effect()).collect();
    let is_it = |effect: &Effect| matches!(effect, Effect::Post { form: Form::Sms, again: true, .. });
    assert!(posts.iter().any(is_it), "{posts:?}");
}
