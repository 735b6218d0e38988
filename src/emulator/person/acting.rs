//! A script being acted: a value that is told every 20 ms what the person hears, and says what they do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Step;
use crate::emulator::{FRAME, SILENCE, TICK};

/// What the person does in a tick, beside the sound they make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Begins(String),
    Ends(String),
    /// For so long.
    Hesitates(Duration),
    Presses(char),
    DropsSocket,
    HangsUp,
}

/// One script being acted.
#[derive(Debug)]
pub(crate) struct Acting {
    /// What is still to do, the sound of what will be said beside it.
    steps: VecDeque<(Step, Arc<[u8]>)>,
    /// What is being said (no words for a hesitation), and how many of its bytes have been.
    saying: Option<(Option<String>, Arc<[u8]>, usize)>,
    /// Since the first step began.
    in_step: Duration,
    /// Of the agent, since the first step began.
    heard_in_step: Duration,
    /// The agent has been heard since the person last began to speak.
    agent_spoke: bool,
    /// Since the agent was last heard.
    quiet: Duration,
}

impl Acting {
    /// `steps` with the µ-law of what is said; other steps have none.
    pub(crate) fn new(steps: VecDeque<(Step, Arc<[u8]>)>) -> Self {
        Self {
            steps,
            saying: None,
            in_step: Duration::ZERO,
            heard_in_step: Duration::ZERO,
            agent_spoke: false,
            quiet: Duration::ZERO,
        }
    }

    /// Does this too, after everything else.
    pub(crate) fn then(&mut self, step: Step, sound: Arc<[u8]>) {
        self.steps.push_back((step, sound));
    }

    /// Lives through one tick: `agent` was heard or not, the line is `open` for sound or not; fills `mouth`.
    pub(crate) fn tick(&mut self, agent: bool, open: bool, mouth: &mut [u8; FRAME]) -> Vec<Act> {
        let mut acts = Vec::new();
        mouth.fill(SILENCE);
        self.in_step += TICK;
        if agent {
            (self.agent_spoke, self.quiet) = (true, Duration::ZERO);
            self.heard_in_step += TICK;
        } else {
            self.quiet += TICK;
        }
        while self.saying.is_none() && self.step_is_due(open) {
            let (step, sound) = self.steps.pop_front().expect("a step is due");
            (self.in_step, self.heard_in_step) = (Duration::ZERO, Duration::ZERO);
            match step {
                Step::Say(text) => {
                    acts.push(Act::Begins(text.clone()));
                    self.agent_spoke = false;
                    self.saying = Some((Some(text), sound, 0));
                }
                Step::Hesitate => {
                    let length = TICK * u32::try_from(sound.len().div_ceil(FRAME)).unwrap_or(u32::MAX);
                    acts.push(Act::Hesitates(length));
                    self.saying = Some((None, sound, 0));
                }
                Step::Press(key) => acts.push(Act::Presses(key)),
                Step::DropSocket => acts.push(Act::DropsSocket),
                Step::HangUp => acts.push(Act::HangsUp),
                Step::Wait(_) | Step::WhenHeard(_) | Step::WhenAgentSilent(_) => {}
            }
        }
        if let Some((text, sound, at)) = &mut self.saying {
            let frame = &sound[*at..sound.len().min(*at + FRAME)];
            mouth[..frame.len()].copy_from_slice(frame);
            *at += FRAME;
            if *at >= sound.len() {
                acts.extend(text.take().map(Act::Ends));
                self.saying = None;
                (self.in_step, self.heard_in_step) = (Duration::ZERO, Duration::ZERO);
            }
        }
        acts
    }

    fn step_is_due(&self, open: bool) -> bool {
        self.steps.front().is_some_and(|(step, _)| match step {
            Step::Say(_) | Step::Hesitate | Step::DropSocket | Step::Press(_) => open,
            Step::HangUp => true,
            Step::Wait(time) => self.in_step >= *time,
            Step::WhenHeard(time) => self.heard_in_step >= *time,
            Step::WhenAgentSilent(time) => self.agent_spoke && self.quiet >= *time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(steps: impl IntoIterator<Item = Step>, agent: impl Fn(usize) -> bool, ticks: usize) -> Vec<(usize, Act)> {
        let sound: Arc<[u8]> = vec![1; 3 * FRAME].into();
        let mut acting = Acting::new(steps.into_iter().map(|s| (s, Arc::clone(&sound))).collect());
        let mut mouth = [0; FRAME];
        (0..ticks)
            .flat_map(|n| acting.tick(agent(n), true, &mut mouth).into_iter().map(|a| (n, a)).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn a_person_barges_in_after_the_agents_words_and_not_after_silence() {
        let steps = [Step::WhenHeard(Duration::from_millis(100)), Step::HangUp];
        assert_eq!(act(steps, |n| n >= 10, 30), [(14, Act::HangsUp)]);
    }

    #[test]
    fn a_person_waits_for_the_agent_to_speak_again_before_the_next_answer() {
        let say = |text: &str| Step::Say(text.to_owned());
        let silent = || Step::WhenAgentSilent(Duration::from_millis(60));
        let acts = act([silent(), say("a"), silent(), say("b")], |n| (5..10).contains(&n) || (20..25).contains(&n), 40);
        let begins: Vec<_> = acts.iter().filter(|(_, a)| matches!(a, Act::Begins(_))).map(|(n, _)| *n).collect();
        assert_eq!(begins, [12, 27]);
    }

    #[test]
    fn a_hesitation_is_sound_without_words_and_what_is_added_comes_after_it() {
        let sound: Arc<[u8]> = vec![1; 3 * FRAME].into();
        let mut acting = Acting::new([(Step::Hesitate, Arc::clone(&sound))].into());
        acting.then(Step::Say("well".to_owned()), sound);
        let mut mouth = [0; FRAME];
        let acts: Vec<_> = (0..8).flat_map(|_| acting.tick(false, true, &mut mouth)).collect();
        let well = "well".to_owned();
        assert_eq!(acts, [Act::Hesitates(3 * TICK), Act::Begins(well.clone()), Act::Ends(well)]);
        assert_eq!(mouth, [SILENCE; FRAME], "all was said in six ticks");
    }
}
