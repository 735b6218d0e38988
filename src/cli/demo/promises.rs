//! What the scripted scenes must have been like, and how long things took in it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::script::{
    ANSWER, GOODBYE, GREETING, INTERRUPTION, NOTE, PARTING, Played, QUESTION, Reply, SECOND_QUESTION, TYPED,
};
use crate::emulator::{CallState, Event, Hearing, Side, What};

/// The promises that were not kept, each as a sentence.
pub(super) fn broken(played: &Played) -> Vec<String> {
    let mut promises = Promises::default();
    promises.of_the_talk(played);
    promises.of_the_missed_call(played);
    let dials = played.timeline.count(|what| matches!(what, What::Rest { verb: "dial", .. }));
    let scenes = 1 + usize::from(played.missed.is_some());
    promises.hold(dials == scenes, || format!("the phone rings once for each call; it was dialed {dials} times"));
    for violation in played.timeline.violations() {
        promises.hold(false, || format!("the server keeps to the wire: {violation}"));
    }
    promises.broken
}

#[derive(Default)]
struct Promises {
    broken: Vec<String>,
}

impl Promises {
    fn hold(&mut self, kept: bool, promise: impl FnOnce() -> String) {
        if !kept {
            self.broken.push(promise());
        }
    }

    /// The call that is answered.
    fn of_the_talk(&mut self, played: &Played) {
        let [call, plan, note, end] = bodies(&played.talk)[..] else {
            return self.hold(false, || "every request gets an answer".to_owned());
        };
        let response = call["response"].as_str().unwrap_or_default();
        self.hold(response.ends_with(ANSWER), || {
            format!("the agent gets the words of the reply: {ANSWER:?}, and got {call}")
        });
        self.hold(call["earlier"][0]["text"] == GREETING, || {
            format!("the greeting is no reply and comes along as an earlier word, in {call}")
        });
        self.hold(call["outcome"]["messageHeard"] == "full", || format!("the question was heard whole, by {call}"));
        self.hold(plan["response"] == INTERRUPTION, || format!("the interruption is the reply, in {plan}"));
        self.hold(plan["interrupted"] == true, || format!("the agent learns that it was interrupted, in {plan}"));
        self.hold(plan["outcome"]["messageHeard"] == "partial", || format!("the plan was heard in part, by {plan}"));
        self.hold(note["interrupted"] == false, || format!("the note was not interrupted, by {note}"));
        self.hold(end["durationSeconds"].is_u64(), || format!("the end says how long the call was, in {end}"));

        let heard: Vec<(&str, bool)> = played.call.segments.iter().map(|s| (s.text.as_str(), s.cut)).collect();
        for text in [QUESTION, NOTE, GOODBYE] {
            self.hold(heard.contains(&(text, false)), || {
                format!("the phone hears {text:?} whole and without a gap; it heard {heard:?}")
            });
        }
        self.hold(heard.len() == 4, || format!("the phone hears four utterances and nothing else; it heard {heard:?}"));
        self.hold(played.call.ended_by == Some(Side::Server), || "the agent's end hangs up".to_owned());
        let goodbye_heard = last_mark_played(played.timeline.events());
        let hung_up = played.timeline.first(|what| *what == What::HungUp(Side::Server)).map(|e| e.at);
        self.hold(goodbye_heard.is_some() && goodbye_heard <= hung_up, || {
            "the goodbye is heard to its end before the hang-up".to_owned()
        });
    }

    /// The call that is declined, and goes on over WhatsApp.
    fn of_the_missed_call(&mut self, played: &Played) {
        let Some(missed) = &played.missed else { return };
        let [call, end] = bodies(missed)[..] else {
            return self.hold(false, || "every request gets an answer, also when nobody picks up".to_owned());
        };
        self.hold(call["response"] == TYPED, || {
            format!("the request of a missed call gets the typed reply: {TYPED:?}, and got {call}")
        });
        for (pointer, want) in [
            ("/contactMode", "whatsapp"),
            ("/outcome/replyChannel", "whatsapp"),
            ("/outcome/dial", "no-answer"),
            ("/whatsappSessionWindow/status", "active"),
        ] {
            self.hold(call.pointer(pointer).is_some_and(|value| value == want), || {
                format!("the agent learns where the reply came from, {pointer} is {want:?}, in {call}")
            });
        }
        self.hold(end["outcome"]["endedBy"] == "agent", || format!("the agent ends what went on in writing, by {end}"));
        let chat: Vec<(Side, &str)> = played.chat.iter().map(|text| (text.from, text.words.as_str())).collect();
        let [(Side::Server, question), (Side::Person, TYPED), (Side::Server, PARTING)] = chat[..] else {
            return self.hold(false, || format!("WhatsApp shows question, reply and goodbye; it shows {chat:?}"));
        };
        self.hold(question.ends_with(SECOND_QUESTION), || {
            format!("the question itself is written, not that there is one: {question:?}")
        });
        self.hold(played.chat.iter().all(|text| text.state.has_arrived()), || {
            format!("every text arrives: {:?}", played.chat)
        });
    }
}

fn bodies(replies: &[Reply]) -> Vec<&Value> {
    replies.iter().map(|reply| &reply.body).collect()
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
    let declined = first(&|what| *what == What::HungUp(Side::Person));
    let sent = first(&|what| matches!(what, What::TextSent { .. }));
    let replied = first(&|what| matches!(what, What::PersonWrites { .. }));
    let answered = played.missed.iter().flatten().next().map(|reply| reply.at);
    let mut text = String::new();
    let spoken = [
        ("request → the phone rings", Some(played.asked), rings),
        ("picked up → the agent is heard", answer, audible),
        ("the provider hears speech → clear", spoke_up, cleared),
        ("the person has spoken → the agent has the words", said, played.talk.first().map(|reply| reply.at)),
        ("the goodbye was heard → hang-up", goodbye_heard, hung_up),
    ];
    let written = [
        ("declined → the question is on its way in writing", declined, sent),
        ("the person has written → the agent has the words", replied, answered),
    ];
    // Without texts there is no second scene.
    let shown = if played.missed.is_some() { &written[..] } else { &[] };
    for (name, from, to) in spoken.iter().chain(shown) {
        let took = from.zip(*to).map(|(from, to)| to.saturating_sub(from));
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
