//! The person on the phone, as a script: how they pick up, and what they do then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) mod acting;

/// What the person does in one call. After the last step they stay on the line in silence.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// How the ringing ends.
    pub pick_up: PickUp,
    /// What machine detection finds, and when; `None` never finds anything.
    pub verdict: Option<Verdict>,
    /// What happens on the line, one after the other.
    pub steps: Vec<Step>,
}

/// How the ringing ends; times count from the first ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickUp {
    /// Somebody (or a machine) picks up.
    After(Duration),
    /// Nobody does; it ends at the dial's `Timeout`.
    Never,
    /// A busy signal.
    Busy,
    /// The number cannot be reached.
    Failed,
    /// The person rejects the call.
    Declines(Duration),
}

/// What machine detection reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Who picked up.
    pub by: AnsweredBy,
    /// When it is known, counted from the answer; also after the end of the call.
    pub after: Duration,
}

/// Who picked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// A machine, its greeting beginning (`machine_start`, or `machine_end_beep` with `DetectMessageEnd`).
    Machine,
    /// A fax.
    Fax,
    /// Could not be told.
    Unknown,
}

/// One thing the person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Speaks, as soon as the line is open, and until it is said.
    Say(String),
    /// Waits.
    Wait(Duration),
    /// Waits until this much of the agent was heard, counted from the beginning of this step.
    WhenHeard(Duration),
    /// Waits until the agent has spoken (since the person last began to) and then been quiet for this long.
    WhenAgentSilent(Duration),
    /// Makes a sound that is no word: an agent that speaks is interrupted by it, and gets no reply.
    Hesitate,
    /// Presses a key.
    Press(char),
    /// The media socket breaks without a word; the call goes on with the TwiML after the stream.
    DropSocket,
    /// Hangs up.
    HangUp,
}

impl Script {
    /// A person who picks up after a second and then listens; machine detection says human two seconds later.
    pub fn answers() -> Self {
        Self {
            pick_up: PickUp::After(Duration::from_secs(1)),
            verdict: Some(Verdict { by: AnsweredBy::Human, after: Duration::from_secs(2) }),
            steps: Vec::new(),
        }
    }

    /// Nobody picks up, for one of the reasons of [`PickUp`].
    pub fn unanswered(pick_up: PickUp) -> Self {
        Self { pick_up, verdict: None, steps: Vec::new() }
    }

    /// A person who is steered by hand: it rings until the [`Phone`](super::Phone) is picked up.
    pub fn steered() -> Self {
        Self { pick_up: PickUp::Never, ..Self::answers() }
    }

    /// A voicemail: picks up, greets, records a minute of silence, hangs up.
    pub fn voicemail() -> Self {
        Self {
            pick_up: PickUp::After(Duration::from_secs(12)),
            verdict: Some(Verdict { by: AnsweredBy::Machine, after: Duration::from_millis(3500) }),
            steps: Vec::new(),
        }
        .say("Hi, you have reached my voicemail. Please leave a message after the tone.")
        .wait(Duration::from_mins(1))
        .hang_up()
    }

    /// A person who listens to the end, answers with each of these in turn, and listens again.
    pub fn converses<'a>(answers: impl IntoIterator<Item = &'a str>) -> Self {
        answers
            .into_iter()
            .fold(Self::answers(), |script, text| script.when_silent(Duration::from_millis(400)).say(text))
    }

    /// The same with another way to pick up.
    #[must_use]
    pub fn picking_up(mut self, pick_up: PickUp) -> Self {
        self.pick_up = pick_up;
        self
    }

    /// The same with another verdict.
    #[must_use]
    pub fn judged(mut self, by: AnsweredBy, after: Duration) -> Self {
        self.verdict = Some(Verdict { by, after });
        self
    }

    /// The same without any verdict.
    #[must_use]
    pub fn unjudged(mut self) -> Self {
        self.verdict = None;
        self
    }

    /// Then says this.
    #[must_use]
    pub fn say(self, text: &str) -> Self {
        self.step(Step::Say(text.to_owned()))
    }

    /// Then waits.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Then listens until this much of the agent was heard.
    #[must_use]
    pub fn when_heard(self, time: Duration) -> Self {
        self.step(Step::WhenHeard(time))
    }

    /// Then listens until the agent has spoken and been quiet for this long.
    #[must_use]
    pub fn when_silent(self, time: Duration) -> Self {
        self.step(Step::WhenAgentSilent(time))
    }

    /// Then presses a key.
    #[must_use]
    pub fn press(self, key: char) -> Self {
        self.step(Step::Press(key))
    }

    /// Then the media socket breaks.
    #[must_use]
    pub fn drop_socket(self) -> Self {
        self.step(Step::DropSocket)
    }

    /// Then hangs up.
    #[must_use]
    pub fn hang_up(self) -> Self {
        self.step(Step::HangUp)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A handle on what the person does in the calls and the chat to come; clones share it.
///
/// One script a call, in order; the last one repeats. Without any, [`Script::answers`].
#[derive(Clone, Debug, Default)]
pub struct Person(Arc<Mutex<Plans>>);

#[derive(Debug, Default)]
struct Plans {
    scripts: VecDeque<Script>,
    /// What is still to be written, and how long after a text.
    typed: VecDeque<String>,
    pause: Duration,
}

impl Person {
    /// Does this in every call to come.
    pub fn set(&self, script: Script) {
        self.plans().scripts = VecDeque::from([script]);
    }

    /// Does this in the call after those that have a script.
    pub fn then(&self, script: Script) {
        self.plans().scripts.push_back(script);
    }

    /// Answers the server's texts with these, in turn, and then no more: each three seconds after the last one arrived.
    pub fn types<'a>(&self, texts: impl IntoIterator<Item = &'a str>) {
        self.types_after(Duration::from_secs(3), texts);
    }

    /// The same with another pause: so long must nothing have arrived.
    pub fn types_after<'a>(&self, pause: Duration, texts: impl IntoIterator<Item = &'a str>) {
        let mut plans = self.plans();
        (plans.pause, plans.typed) = (pause, texts.into_iter().map(str::to_owned).collect());
    }

    /// The script of the next call.
    pub(crate) fn next(&self) -> Script {
        let scripts = &mut self.plans().scripts;
        let script = if scripts.len() > 1 { scripts.pop_front() } else { scripts.front().cloned() };
        script.unwrap_or_else(Script::answers)
    }

    /// How long after a text the person writes; `None` when they will not.
    pub(crate) fn typing_pause(&self) -> Option<Duration> {
        let plans = self.plans();
        (!plans.typed.is_empty()).then_some(plans.pause)
    }

    /// What the person writes next.
    pub(crate) fn next_typed(&self) -> Option<String> {
        self.plans().typed.pop_front()
    }

    fn plans(&self) -> std::sync::MutexGuard<'_, Plans> {
        self.0.lock().expect("no holder of the lock panics")
    }
}
