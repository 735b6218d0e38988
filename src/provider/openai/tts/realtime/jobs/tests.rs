//! Any events at any time: nobody waits for ever, and nothing is heard twice.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::super::responses::tests::events;
use super::*;

/// How many texts there are at most in a trial.
const TEXTS: u8 = 3;

/// The longest that the sound of a text takes to be given up, whatever the provider does: each text before it may be made
/// until then, and each event that counts begins the wait anew.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * (TEXTS as u64 + 1));

static SCRIPT: LazyLock<Vec<String>> = LazyLock::new(script);

/// All that a provider may send, and a few things that it may not.
fn script() -> Vec<String> {
    let mut script: Vec<String> = (1..=TEXTS).flat_map(events).collect();
    for about in [json!("say-1"), json!("stop-2"), json!("say-3"), json!("event_1_1"), json!(null)] {
        script.push(json!({"type": "error", "error": {"code": "x", "event_id": about}}).to_string());
    }
    script.push(json!({"type": "response.done", "response": {"id": "resp_2", "status": "cancelled"}}).to_string());
    script.extend(
        ["{}", "[]", "null", r#"{"type":7}"#, "\u{0}", r#"{"type":"response.created","response":[]}"#]
            .map(str::to_owned),
    );
    script
}

/// What happens to a session.
#[derive(Clone, Debug)]
enum Act {
    /// A text is to be said.
    Begin,
    /// What is next is asked for.
    Ask,
    /// An event comes, whole.
    Event(usize),
    /// An event comes, with a piece cut out of it.
    Broken(usize, usize, usize),
    Take(u8),
    Forget(u8),
    /// Time passes.
    Wait(u64),
    /// The socket is lost.
    Lose,
    /// No socket can be had.
    Fail,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let all = SCRIPT.len();
    let act = prop_oneof![
        12 => (0..all).prop_map(Act::Event),
        3 => (0..all, 0..200_usize, 1..40_usize).prop_map(|(event, from, by)| Act::Broken(event, from, by)),
        6 => (1..=TEXTS).prop_map(Act::Take),
        4 => Just(Act::Ask),
        2 => Just(Act::Begin),
        2 => (0..12_000_u64).prop_map(Act::Wait),
        1 => (1..=TEXTS).prop_map(Act::Forget),
        1 => Just(Act::Lose),
        1 => Just(Act::Fail),
    ];
    // Mostly in order, so that there is sound at all; the rest anyhow.
    (prop::collection::vec(act, 0..40), any::<bool>()).prop_map(|(acts, orderly)| {
        let begin = [Act::Begin, Act::Take(1), Act::Ask].into_iter().chain((0..6).map(Act::Event));
        begin.filter(|_| orderly).chain(acts).collect()
    })
}

/// A session without a socket, and what those heard who read from it.
struct Trial {
    jobs: Jobs,
    now: Instant,
    begun: u8,
    heard: HashMap<u8, Vec<Bytes>>,
    over: HashSet<u8>,
}

impl Trial {
    fn read(&mut self, text: &str) {
        self.jobs.read(Event::parse(text));
    }

    fn act(&mut self, act: Act, script: &[String]) -> Result<(), TestCaseError> {
        match act {
            Act::Begin if self.begun < TEXTS => {
                self.begun += 1;
                prop_assert_eq!(self.jobs.begin("Hello."), u64::from(self.begun));
            }
            Act::Begin => {}
            Act::Ask => _ = self.jobs.next(self.now),
            Act::Event(at) => self.read(&script[at]),
            Act::Broken(at, from, by) => {
                let cut = script[at].chars().enumerate().filter(|(n, _)| !(from..from + by).contains(n));
                let text: String = cut.map(|(_, c)| c).collect();
                // What is still a sound but another one, or names nobody any more, is not wrong but something else.
                if !matches!(Event::parse(&text), Event::Sound { .. } | Event::Begun { tag: None, .. }) {
                    self.read(&text);
                }
            }
            Act::Take(id) => _ = self.take(id)?,
            Act::Forget(id) if id > self.begun => {}
            Act::Forget(id) => {
                self.jobs.forget(id.into());
                self.over.insert(id);
            }
            Act::Wait(ms) => self.now += Duration::from_millis(ms),
            Act::Lose => self.jobs.lose(&silent("sent nothing", STALL)),
            Act::Fail => self.jobs.fail(&silent("sent nothing", STALL)),
        }
        Ok(())
    }

    /// Reads from a text as its reader does. Whether there was something.
    fn take(&mut self, id: u8) -> Result<bool, TestCaseError> {
        if !self.jobs.want(id.into()) {
            return Ok(false);
        }
        match self.jobs.take(id.into()) {
            Some(Step::Sound(ulaw)) => {
                prop_assert!(!self.over.contains(&id), "sound after the end");
                self.heard.entry(id).or_default().push(ulaw);
            }
            Some(Step::Over(_) | Step::Failed(_)) => {
                prop_assert!(self.over.insert(id), "an end comes once");
                self.jobs.forget(id.into());
            }
            None => {
                self.jobs.patience(id.into(), self.now);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads all texts to their ends, from a provider that says nothing any more.
    fn finish(&mut self) -> Result<(), TestCaseError> {
        let began = self.now;
        while let Some(id) = (1..=self.begun).find(|id| !self.over.contains(id)) {
            let _ = self.jobs.next(self.now);
            let mut deadlines = Vec::new();
            let mut taken = false;
            for id in id..=self.begun {
                taken |= !self.over.contains(&id) && self.take(id)?;
                deadlines.extend(self.jobs.patience(id.into(), self.now).map(|at| (at, id)));
            }
            if taken || self.jobs.next(self.now).is_some() {
                continue;
            }
            let next = deadlines.into_iter().min();
            prop_assert!(next.is_some(), "text {id} waits for nothing");
            let (at, id) = next.expect("it was looked at");
            self.now = self.now.max(at);
            let waited = self.now.duration_since(began);
            prop_assert!(waited <= LONGEST_WAIT, "text {id} still waits after {waited:?}");
            if let Some(error) = self.jobs.give_up(id.into()) {
                self.jobs.lose(&error);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_events_at_any_time_give_no_sound_twice_none_to_another_and_let_nobody_wait(acts in acts()) {
        let now = Instant::now();
        let mut trial = Trial { jobs: Jobs::default(), now, begun: 0, heard: HashMap::new(), over: HashSet::new() };
        for act in acts {
            trial.act(act, &SCRIPT)?;
        }
        trial.finish()?;
        let mut whose = HashMap::new();
        for (id, sounds) in trial.heard {
            let different: HashSet<&Bytes> = sounds.iter().collect();
            prop_assert_eq!(different.len(), sounds.len(), "a sound came twice: {:?}", &sounds);
            for sound in &sounds {
                prop_assert_eq!(*whose.entry(sound[0]).or_insert(id), id, "the sound of another");
            }
            prop_assert!(sounds.iter().all(|sound| sound[0] == sounds[0][0]), "of two responses: {:?}", &sounds);
        }
    }
}
