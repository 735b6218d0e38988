//! When voice does not get the message through, and the session goes on in writing.

use crate::domain::carrier::{CallEnd, ErrorClass, Verdict};
use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::session::{CarrierNews, Input, Phase};
use crate::ids::{StretchId, UtteranceId};

use super::scenario::{QUESTION, Scenario, error, texting};

/// Every way in which a call gets nothing through: its name, the scenario right after it, what the outcome says of the
/// dial and of who answered, and how often the carrier was asked to hang up.
fn failed_calls() -> Vec<(&'static str, Scenario, &'static str, usize)> {
    let ringing = || Scenario::ringing_with(texting());
    let picked_up = || Scenario::picked_up_with(texting());
    let connected = || Scenario::connected_with(texting());
    let asking = || Scenario::asking_with(texting());
    let after = |mut scenario: Scenario, happens: &dyn Fn(&mut Scenario)| {
        happens(&mut scenario);
        scenario
    };
    let over = |scenario, end| after(scenario, &|it| _ = it.at(9000).over(end));
    let machine = |it: &mut Scenario| _ = it.news(CarrierNews::Machine(Verdict::Machine));
    let greeted = |it: &mut Scenario| _ = it.starts(1).at(1500).says("Nobody is in.");
    let lost = |loss| after(asking(), &|it| _ = it.media(MediaEvent::MediaGone(loss)).after(2000));
    vec![
        ("no answer", over(ringing(), CallEnd::NoAnswer), "no-answer nobody", 0),
        ("busy", over(ringing(), CallEnd::Busy), "busy nobody", 0),
        ("failed", over(ringing(), CallEnd::Failed), "failed nobody", 0),
        ("canceled", over(ringing(), CallEnd::Canceled), "canceled nobody", 0),
        ("over before the pick-up was known", over(ringing(), CallEnd::Completed), "answered unknown", 0),
        ("no end of the ringing", after(ringing(), &|it| _ = it.at(37_000)), "no-answer nobody", 1),
        ("over before the carrier named it", over(Scenario::dialing_with(texting()), CallEnd::Busy), "busy nobody", 0),
        ("declined at once", over(picked_up(), CallEnd::Completed), "answered unknown", 0),
        ("declined before a sound", over(asking(), CallEnd::Completed), "answered human", 0),
        ("declined, says the media", lost(MediaLoss::Stopped), "answered human", 1),
        ("lost before a sound", lost(MediaLoss::Broken), "answered human", 1),
        ("voicemail", after(picked_up(), &machine), "voicemail machine", 1),
        (
            "voicemail that spoke",
            after(connected(), &|it| {
                greeted(it);
                it.at(4000);
                machine(it);
            }),
            "voicemail machine",
            1,
        ),
        (
            "voicemail that hung up",
            after(connected(), &|it| {
                greeted(it);
                it.at(2000).over(CallEnd::Completed).at(4000);
                machine(it);
            }),
            "voicemail machine",
            0,
        ),
        ("no media", after(picked_up(), &|it| _ = it.at(10_000)), "failed unknown", 1),
        ("no voice for the question", after(ringing(), &|it| _ = it.at(3000).fails(1, 0)), "canceled nobody", 1),
        (
            "nobody knows whether it rang",
            after(Scenario::dialing_with(texting()), &|it| {
                it.give(Input::Dialed(Err(error(ErrorClass::Unknown, "500"))));
                for searches in 1..=5 {
                    while it.searches() < searches {
                        it.after(500);
                    }
                    it.give(Input::Found(Err(error(ErrorClass::Unknown, "500"))));
                }
                it.after(1000);
            }),
            "failed nobody",
            0,
        ),
    ]
}

#[test]
fn a_call_that_gets_nothing_through_goes_on_in_writing_in_the_same_request() {
    for (what, mut scenario, dial, hang_ups) in failed_calls() {
        assert_eq!((scenario.session.phase(), scenario.told(1).as_str()), (Phase::Messaging, "nothing yet"), "{what}");
        assert_eq!(scenario.posts(), [format!("I tried to call you.||{QUESTION}")], "{what}");
        assert_eq!((scenario.hang_ups(), scenario.session.is_on_phone()), (hang_ups, false), "{what}");
        scenario.after(30_000).writes("Yes, do.");
        assert_eq!(scenario.told(1), "reply: Yes, do.", "{what}");
        assert_eq!(scenario.truth(1), format!("{dial} null whatsapp null"), "{what}");
        assert_eq!(scenario.recorded(), ["Yes, do."], "{what}");
        scenario.run_out();
        assert_eq!(scenario.ended_by(), "inactivity", "{what}");
        assert_eq!(scenario.posts().len(), 1, "{what}");
        scenario.check_ended();
    }
}

#[test]
fn what_comes_late_of_a_call_that_was_given_up_changes_nothing() {
    for (what, mut scenario, ..) in failed_calls() {
        // The one whose dial has no known result has no name: what names it is news.
        if what == "nobody knows whether it rang" {
            continue;
        }
        let before = format!("{:?}", scenario.session);
        let effects = scenario.effects.len();
        for verdict in [Verdict::Human, Verdict::Machine, Verdict::Unknown] {
            scenario.news(CarrierNews::Machine(verdict));
        }
        for end in [CallEnd::Completed, CallEnd::NoAnswer, CallEnd::Busy, CallEnd::Failed, CallEnd::Canceled] {
            scenario.over(end);
        }
        for news in [CarrierNews::Queued, CarrierNews::Ringing, CarrierNews::Answered] {
            scenario.news(news);
        }
        let (utterance, stretch, began_at) = (UtteranceId(1), StretchId(1), crate::clock::Millis(1_000_000));
        for event in [
            MediaEvent::Connected,
            MediaEvent::UtteranceStarted { utterance },
            MediaEvent::SpeechStarted { stretch, began_at },
            MediaEvent::NoWords { stretch },
            MediaEvent::HearingFailed(error(ErrorClass::Refused, "gone")),
            MediaEvent::MediaGone(MediaLoss::Stopped),
            MediaEvent::Drained,
        ] {
            scenario.media(event);
        }
        scenario.ends(1).give(Input::Found(Ok(None)));
        assert_eq!(format!("{:?}", scenario.session), before, "{what}");
        assert_eq!(scenario.effects.len(), effects, "{what}: {:?}", &scenario.effects[effects..]);
    }
}

#[test]
fn a_call_is_hung_up_until_the_carrier_has_done_it_while_the_session_writes() {
    let mut scenario = Scenario::ringing_with(texting());
    scenario.obliging = false;
    scenario.at(37_000);
    assert_eq!((scenario.hang_ups(), scenario.session.is_on_phone(), scenario.posts().len()), (1, true, 1));
    for (n, wait) in [(2, 1000), (3, 2000), (4, 4000)] {
        scenario.hung_up(Err(error(ErrorClass::Busy, "429"))).after(wait);
        assert_eq!(scenario.hang_ups(), n);
    }
    let mut by_news = scenario.clone();
    by_news.news(CarrierNews::Answered).news(CarrierNews::Machine(Verdict::Human)).over(CallEnd::Completed);
    assert_eq!(by_news.session.outcome().answered_by.as_str(), "nobody", "the call had been given up");
    for scenario in [&mut by_news, scenario.hung_up(Ok(()))] {
        assert!(!scenario.session.is_on_phone());
        scenario.writes("Yes.").run_out();
        assert_eq!((scenario.told(1).as_str(), scenario.hang_ups()), ("reply: Yes.", 4));
        scenario.check_ended();
    }
}

#[test]
fn a_session_that_ends_while_its_call_is_being_hung_up_sees_to_that_first() {
    for quits in [true, false] {
        let mut scenario = Scenario::ringing_with(texting());
        scenario.obliging = false;
        scenario.at(37_000);
        if quits {
            scenario.give(Input::Quit);
        } else {
            scenario.leaves();
        }
        assert_eq!((scenario.session.phase(), scenario.told(1).as_str()), (Phase::Ending, "CallEnded"));
        scenario.hung_up(Ok(()));
        scenario.check_ended();
    }
}

#[test]
fn a_dial_that_the_carrier_refuses_is_not_written_after() {
    for class in [ErrorClass::Refused, ErrorClass::Busy] {
        for writes in [false, true] {
            let mut scenario = Scenario::dialing_with(texting());
            if writes {
                scenario.writes_aside("By the way.");
            }
            scenario.give(Input::Dialed(Err(error(class, "21215"))));
            let said = if writes { " (said: By the way.)" } else { "" };
            assert_eq!(scenario.told(1), format!("Carrier 21215{said}"));
            assert_eq!(scenario.truth(1), "failed nobody none none carrier");
            assert_eq!(scenario.posts().len(), 0);
            scenario.check_ended();
        }
    }
}

#[test]
fn a_call_that_is_given_up_before_it_had_a_name_is_hung_up_as_soon_as_it_has_one() {
    for (named, hang_ups) in [
        (vec![Input::Dialed(Ok(super::scenario::call()))], 1),
        (vec![Input::Carrier { call: super::scenario::call(), news: CarrierNews::Ringing }], 1),
        (vec![Input::Carrier { call: super::scenario::call(), news: CarrierNews::Over(CallEnd::Busy) }], 0),
        (vec![Input::Dialed(Err(error(ErrorClass::Refused, "21215")))], 0),
        (
            vec![
                Input::Carrier { call: super::scenario::call(), news: CarrierNews::Queued },
                Input::Dialed(Ok(super::scenario::call())),
            ],
            1,
        ),
    ] {
        let mut scenario = Scenario::dialing_with(texting());
        scenario.fails(1, 0);
        assert_eq!(scenario.posts(), [format!("I tried to call you.||{QUESTION}")]);
        assert!(scenario.session.is_on_phone(), "it may ring");
        for input in &named {
            scenario.after(200).give(input.clone());
        }
        assert_eq!(scenario.hang_ups(), hang_ups, "{named:?}");
        scenario.writes("Yes.").run_out();
        assert_eq!(scenario.truth(1), "canceled nobody null whatsapp null");
        scenario.check_ended();
    }
}

#[test]
fn an_end_of_a_conversation_is_no_reason_to_write() {
    let heard = || {
        let mut scenario = Scenario::asked_with(texting());
        scenario.at(3000);
        scenario
    };
    let mut hung_up = heard();
    hung_up.over(CallEnd::Completed);
    let mut lost = heard();
    lost.media(MediaEvent::MediaGone(MediaLoss::Broken)).after(2000);
    let mut stopped = heard();
    stopped.give(Input::Shutdown).run_out();
    let mut stopped_ringing = Scenario::ringing_with(texting());
    stopped_ringing.give(Input::Shutdown).over(CallEnd::Canceled);
    let mut stopped_asking = Scenario::asking_with(texting());
    stopped_asking.give(Input::Shutdown).over(CallEnd::Completed).run_out();
    for scenario in [hung_up, lost, stopped, stopped_ringing, stopped_asking] {
        assert_eq!((scenario.told(1).as_str(), scenario.posts().len()), ("CallEnded", 0));
        scenario.check_ended();
    }
    let mut left = Scenario::ringing_with(texting());
    left.leaves();
    assert_eq!((left.told(1).as_str(), left.posts().len()), ("CallEnded", 0));
    left.check_ended();
}

#[test]
fn a_call_that_loses_its_ears_goes_on_in_writing_and_keeps_what_it_heard() {
    let deaf = || MediaEvent::HearingFailed(error(ErrorClass::Refused, "invalid_model"));
    let mut asked = Scenario::asked_with(texting());
    asked.media(deaf());
    assert_eq!(asked.posts(), [format!("Our call broke off.||{QUESTION}")]);
    asked.writes("Yes.");
    assert_eq!((asked.told(1).as_str(), asked.hang_ups()), ("reply: Yes.", 1));

    let mut answered = Scenario::asked_with(texting());
    answered.says("Yes.").media(deaf());
    assert_eq!(answered.told(1), "reply: Yes.", "what was understood is a reply");
    assert_eq!(answered.truth(1), "answered human full voice null");

    let mut idle = Scenario::asked_with(texting());
    idle.says("Yes.").after(1000).collects(1).media(deaf());
    assert_eq!(idle.posts(), ["Our call broke off. You can answer here."]);
    for mut scenario in [asked, answered, idle] {
        scenario.run_out();
        scenario.check_ended();
    }
}

#[test]
fn what_the_agent_still_had_to_say_is_written_in_order() {
    let mut scenario = Scenario::ringing_with(texting());
    let statements = [scenario.speaks("The build is green."), scenario.speaks("The tests are, too.")];
    scenario.carrier_is_slow().at(9000).over(CallEnd::NoAnswer);
    assert_eq!(scenario.posts().len(), 1, "one at a time");
    scenario.takes(1).takes(2);
    assert_eq!(
        (scenario.told(statements[0]).as_str(), scenario.told(statements[1]).as_str()),
        ("spoken", "nothing yet")
    );
    scenario.takes(3);
    assert_eq!(scenario.told(statements[1]), "spoken");
    assert_eq!(scenario.truth(statements[1]), "no-answer nobody null none null");
    let lead = format!("I tried to call you.||{QUESTION}");
    assert_eq!(scenario.posts(), [lead.as_str(), "The build is green.", "The tests are, too."]);
}

#[test]
fn words_from_before_the_question_was_written_are_earlier_ones() {
    let mut scenario = Scenario::connected_with(texting());
    scenario.news(CarrierNews::Machine(Verdict::Human)).at(500).says("Hello?");
    scenario.at(1000).writes_aside("Cannot talk.").at(1500).over(CallEnd::Completed);
    assert_eq!((scenario.session.phase(), scenario.told(1).as_str()), (Phase::Messaging, "nothing yet"));
    scenario.at(60_000).writes("Yes.");
    assert_eq!(scenario.told(1), "reply: Yes. (earlier: Hello? / Cannot talk.)");
    assert_eq!(scenario.truth(1), "answered human null whatsapp null");
}

#[test]
fn the_question_is_written_once_however_many_requests_wait_for_its_answer() {
    let mut scenario = Scenario::ringing_with(texting());
    let waits = [scenario.waits(), scenario.waits()];
    scenario.at(9000).over(CallEnd::NoAnswer).at(20_000).writes("Yes.");
    for request in [1, waits[0], waits[1]] {
        assert_eq!(scenario.told(request), "reply: Yes.");
    }
    assert_eq!(scenario.posts().len(), 1);
}
