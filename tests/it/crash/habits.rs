//! The habits of the published client: whatever gets no answer, or a 5xx, it asks again after a second, twice at most, and it
//! has no names for its requests. However it goes, nothing rings or is written twice.

use std::collections::BTreeMap;
use std::time::Duration;

use callme::emulator::{DialFault, Fault, Moment, RestFault, RestVerb, Side, Times};
use futures_util::StreamExt;
use futures_util::stream;

use super::agent::{Agent, Answer};
use super::gate::{Cut, Gate};
use super::stage::Stage;

/// Longer than a dial or a text takes where nothing hangs, and shorter than the server's own patience with the carrier.
const PATIENCE: Duration = Duration::from_secs(6);
/// Stories told at once: they mostly wait.
const AT_ONCE: usize = 8;
/// What waits for a reply, in its order: by `call`, `continue` and `message`.
const QUESTIONS: [&str; 3] = ["Feed the heron?", "And the otter?", "Feed the newt?"];
const SAID: &str = "The otter is fed.";
const GOODBYE: &str = "Farewell then.";
const REPLY: &str = "Two herrings.";
/// What a dial and a text are called on the wire.
const DIAL: &str = "POST /2010-04-01/Accounts/{account}/Calls.json";
const TEXT: &str = "POST /v1/Conversations/{conversation}/Messages";

/// The verbs, in the order of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Verb {
    Call,
    Continue,
    Speak,
    End,
    Message,
    History,
}

/// What goes wrong while a verb is asked for.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Dial(DialFault, Times),
    Text(RestFault),
    Line(&'static [Cut]),
    /// The process ends at something of this name on the wire.
    Crash(&'static str, Moment),
}

/// Everything that can go wrong with each verb.
fn troubles() -> Vec<(Verb, Trouble)> {
    let refused = DialFault::Refused { status: 500, code: 20500 };
    let dials = [
        Trouble::Dial(refused, Times::Once),
        Trouble::Dial(refused, Times::Always),
        Trouble::Dial(DialFault::Closed { placed: true }, Times::Once),
        Trouble::Dial(DialFault::Closed { placed: false }, Times::Once),
        Trouble::Dial(DialFault::Hangs { placed: true }, Times::Once),
        Trouble::Dial(DialFault::Hangs { placed: false }, Times::Once),
        Trouble::Crash(DIAL, Moment::Before),
        Trouble::Crash(DIAL, Moment::After),
    ];
    let texts = [
        Trouble::Text(RestFault::Refused { status: 500, code: 20500, retry_after: None }),
        Trouble::Text(RestFault::Broken { status: 502, done: true }),
        Trouble::Text(RestFault::Closed { done: true }),
        Trouble::Text(RestFault::Closed { done: false }),
        Trouble::Text(RestFault::Hangs { done: true }),
        Trouble::Crash(TEXT, Moment::Before),
        Trouble::Crash(TEXT, Moment::After),
    ];
    let lines: [&[Cut]; 4] =
        [&[Cut::Request], &[Cut::Answer], &[Cut::Answer, Cut::Answer], &[Cut::Answer, Cut::Request]];
    let lines = lines.map(Trouble::Line);
    let all = [Verb::Call, Verb::Continue, Verb::Speak, Verb::End, Verb::Message, Verb::History];
    let with = |verbs: &[Verb], troubles: &[Trouble]| -> Vec<(Verb, Trouble)> {
        verbs.iter().flat_map(|verb| troubles.iter().map(|trouble| (*verb, *trouble))).collect()
    };
    [with(&[Verb::Call], &dials), with(&all[..5], &texts), with(&all, &lines)].concat()
}

/// A story, and where something goes wrong in it.
struct Story {
    stage: Stage,
    gate: Gate,
    agent: Agent,
    trouble: (Verb, Trouble),
}

impl Story {
    async fn new(trouble: (Verb, Trouble)) -> Self {
        let stage = Stage::set(&[]).await;
        let gate = Gate::before(stage.server.port()).await;
        let agent = Agent::published(gate.port, PATIENCE);
        Self { stage, gate, agent, trouble }
    }

    /// Asks for a verb, with whatever goes wrong just then.
    async fn ask(&self, verb: Verb, path: &str, message: &str) -> Answer {
        let faults = self.stage.emulator.faults();
        if verb == self.trouble.0 {
            match self.trouble.1 {
                Trouble::Dial(fault, times) => faults.add(Fault::Dial(fault), times),
                Trouble::Text(fault) => faults.add(Fault::Text { verb: RestVerb::SendMessage, fault }, Times::Once),
                Trouble::Line(cuts) => self.gate.cuts(cuts),
                Trouble::Crash(what, moment) => self.stage.dies_at(what, moment),
            }
        }
        if verb == Verb::History {
            let (status, body) = self.agent.get(path).await;
            return Answer { status, body };
        }
        self.agent.post(path, message, "").await
    }

    /// What the agent does, as far as it gets.
    async fn told(&self) {
        let answer = self.ask(Verb::Call, "/api/call", QUESTIONS[0]).await;
        if let Some(id) = answer.session() {
            self.ask(Verb::Continue, &format!("/api/call/{id}/continue"), QUESTIONS[1]).await;
            self.ask(Verb::Speak, &format!("/api/call/{id}/speak"), SAID).await;
            self.ask(Verb::End, &format!("/api/call/{id}/end"), GOODBYE).await;
        }
        self.ask(Verb::Message, "/api/message", QUESTIONS[2]).await;
        let history = self.ask(Verb::History, "/api/history", "").await;
        assert_eq!(history.status, 200, "{:?}: {history:?}", self.trouble);
    }

    /// The person answers each question, once.
    async fn person(&self) {
        let chat = self.stage.emulator.chat();
        let mut answered = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let asked = chat.shown().into_iter().filter(|shown| {
                shown.from == Side::Server
                    && shown.state.has_arrived()
                    && QUESTIONS.iter().any(|question| shown.words.contains(question))
            });
            for _ in asked.skip(answered).collect::<Vec<_>>() {
                answered += 1;
                chat.sends(REPLY);
            }
        }
    }

    /// What reached the person more than once.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let rings = self.stage.emulator.calls().len();
        if rings > 1 {
            faults.push(format!("it rang {rings} times"));
        }
        let mut texts = BTreeMap::<&str, usize>::new();
        let shown = self.stage.emulator.chat().shown();
        for text in shown.iter().filter(|shown| shown.from == Side::Server) {
            for part in QUESTIONS.into_iter().chain([SAID, GOODBYE]).filter(|part| text.words.contains(part)) {
                *texts.entry(part).or_default() += 1;
            }
        }
        faults.extend(texts.iter().filter(|(_, n)| **n > 1).map(|(part, n)| format!("{part:?} was written {n} times")));
        // Whatever goes wrong before or after it: this is the agent's way to the person.
        if self.trouble.0 != Verb::Message && !texts.contains_key(QUESTIONS[2]) {
            faults.push(format!("{:?} was never written", QUESTIONS[2]));
        }
        if let Trouble::Crash(..) = self.trouble.1
            && self.stage.server.starts() < 2
        {
            faults.push("it did not end".to_owned());
        }
        faults
    }
}

/// Gives what does not hold.
async fn tell(trouble: (Verb, Trouble)) -> Option<String> {
    let story = Story::new(trouble).await;
    tokio::select! {
        () = story.told() => {}
        () = story.person() => {}
    }
    let faults = story.faults();
    println!("{trouble:?}: {}", if faults.is_empty() { "holds".to_owned() } else { faults.join("; ") });
    if faults.is_empty() {
        return None;
    }
    let (timeline, log) = (story.stage.emulator.timeline(), story.stage.server.log());
    println!("{timeline}\n{log}");
    Some(format!("{trouble:?}: {}", faults.join("; ")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_again_whatever_went_wrong_reaches_the_person_once() {
    // All of them in the long test run, else every third, with something of each verb.
    let every = if std::env::var_os("CALLME_TEST_LONG").is_some() { 1 } else { 3 };
    let troubles = troubles().into_iter().step_by(every);
    let told: Vec<_> = stream::iter(troubles).map(tell).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<_> = told.iter().flatten().collect();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), told.len());
}
