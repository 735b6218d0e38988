//! What the scripted conversation must have been like, and how long things took in it.

use std::fmt::Write as _;
use std::time::Duration;

use super::script::{ANSWER, GOODBYE, GREETING, INTERRUPTION, NOTE, Played, QUESTION};
use crate::emulator::{CallState, Event, Hearing, Side, What};

/// The promises that were not kept, each as a sentence.
pub(super) fn broken(played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |kept: bool, promise: String| {
        if !kept {
            broken.push(promise);
        }
    };
    let [call, plan, note, end] = played.answers.as_slice() else {
        return vec!["every request gets an answer".to_owned()];
    };
    let response = call["response"].as_str().unwrap_or_default();
    hold(response.ends_with(ANSWER), format!("the agent gets the words of the reply: {ANSWER:?}, and got {call}"));
    hold(
        call["earlier"][0]["text"] == GREETING,
        format!("the greeting is no reply and comes along as an earlier word, in {call}"),
    );
    hold(call["outcome"]["messageHeard"] == "full", format!("the question was heard whole, by {call}"));
    hold(plan["response"] == INTERRUPTION, format!("the interruption is the reply, in {plan}"));
    hold(plan["interrupted"] == true, format!("the agent learns that it was interrupted, in {plan}"));
    hold(plan["outcome"]["messageHeard"] == "partial", format!("the plan was heard in part, by {plan}"));
    hold(note["interrupted"] == false, format!("the note was not interrupted, by {note}"));
    hold(end["durationSeconds"].is_u64(), format!("the end says how long the call was, in {end}"));

    let heard: Vec<(&str, bool)> = played.call.segments.iter().map(|s| (s.text.as_str(), s.cut)).collect();
    for text in [QUESTION, NOTE, GOODBYE] {
        hold(
            heard.contains(&(text, false)),
            format!("the phone hears {text:?} whole and without a gap; it heard {heard:?}"),
        );
    }
    hold(heard.len() == 4, format!("the phone hears four utterances and nothing else; it heard {heard:?}"));
    hold(played.call.ended_by == Some(Side::Server), "the agent's end hangs up".to_owned());
    let goodbye_heard = last_mark_played(played.timeline.events());
    let hung_up = played.timeline.first(|what| *what == What::HungUp(Side::Server)).map(|e| e.at);
    hold(
        goodbye_heard.is_some() && goodbye_heard <= hung_up,
        "the goodbye is heard to its end before the hang-up".to_owned(),
    );
    let dials = played.timeline.count(|what| matches!(what, What::Rest { verb: "dial", .. }));
    hold(dials == 1, format!("the phone rings once; it was dialed {dials} times"));
    for violation in played.timeline.violations() {
        hold(false, format!("the server keeps to the wire: {violation}"));
    }
    broken
}

/// How long things took, a line each.
pub(super) fn latencies(played: &Played) -> String {
    let events = played.timeline.events();
    let first = |fits: &dyn Fn(&What) -> bool| events.iter().find(|e| fits(&e.what)).map(|e| e.at);
    let rings = first(&|what| *what == What::State(CallState::Ringing));
    let answer = first(&|what| *what == What::State(CallState::InProgress));
    let audible = first(&|what| *what == What::AgentAudible);
    let cleared = first(&|what| matches!(what, What::Cleared { .. }));
    let spoke_up = cleared
        .and_then(|at| before(events, at, &|what| matches!(what, What::Hearing { what: Hearing::SpeechStarted, .. })));
    let said = first(&|what| matches!(what, What::PersonSaid(text) if text == ANSWER));
    let goodbye_heard = last_mark_played(events);
    let hung_up = first(&|what| *what == What::HungUp(Side::Server));
    let mut text = String::new();
    for (name, from, to) in [
        ("request → the phone rings", Some(played.asked), rings),
        ("picked up → the agent is heard", answer, audible),
        ("the provider hears speech → clear", spoke_up, cleared),
        ("the person has spoken → the agent has the words", said, played.answered.first().copied()),
        ("the goodbye was heard → hang-up", goodbye_heard, hung_up),
    ] {
        let took = from.zip(to).map(|(from, to)| to.saturating_sub(from));
        let took =
            took.map_or("did not happen".to_owned(), |took: Duration| format!("{:.1} ms", took.as_secs_f64() * 1e3));
        let _ = writeln!(text, "{name:<50} {took:>12}");
    }
    text
}

/// When the carrier had played all that the server sent: the last mark stands behind the goodbye's last sound. The
/// silence after it would not do, for a voice without a pause at its end goes quiet only as the server hangs up.
fn last_mark_played(events: &[Event]) -> Option<Duration> {
    let last = events.iter().rev().find_map(|e| if let What::MarkSet(name) = &e.what { Some(name) } else { None })?;
    events.iter().rfind(|e| matches!(&e.what, What::MarkReturned { name, played: true } if name == last)).map(|e| e.at)
}

/// When the last event like this came before `at`.
fn before(events: &[Event], at: Duration, fits: &dyn Fn(&What) -> bool) -> Option<Duration> {
    events.iter().rfind(|e| e.at <= at && fits(&e.what)).map(|e| e.at)
}
