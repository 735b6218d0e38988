//! The phone in somebody's hand: the person is not acted by a script but steered, live.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use super::carrier::{Call, Control};
use super::person::Step;
use super::timeline::{CallState, Event};
use super::voice::Speaker;
use super::world::World;

/// How much quieter a hesitation is than the same sound said as a word; so its bytes are those of no word.
const HESITATION: (i32, i32) = (4, 5);

/// What is done with the phone, on its way to the call.
#[derive(Clone, Debug)]
pub(super) enum Hand {
    PicksUp,
    Declines,
    /// Says, hesitates or presses; with the sound of it.
    Does(Step, Arc<[u8]>),
    HangsUp,
}

/// What the phone plays, as it plays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// The agent's sound, at most 20 ms of it. Between frames there is silence.
    Frame {
        /// Which call, counted from 1.
        call: usize,
        /// µ-law at 8 kHz.
        ulaw: Arc<[u8]>,
    },
    /// The sound ended before its end; whoever plays it later than the phone does drops what is left.
    Cut {
        /// Which call.
        call: usize,
    },
}

/// It cannot be done as things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// Only a phone that rings can be picked up or declined.
    #[error("the phone does not ring")]
    DoesNotRing,
    /// Nobody is on the line.
    #[error("there is no call")]
    NoCall,
    /// Only digits, `*` and `#` are on the keypad.
    #[error("the phone has no such key")]
    NoSuchKey,
}

/// A handle on the phone of the latest call; clones share it. The calls should be [`Script::steered`](super::Script::steered).
#[derive(Clone)]
pub struct Phone(Arc<World>);

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone").finish_non_exhaustive()
    }
}

impl Phone {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self(world)
    }

    /// Answers.
    ///
    /// # Errors
    /// When it does not ring.
    pub fn pick_up(&self) -> Result<(), NotNow> {
        self.give(CallState::Ringing, Hand::PicksUp)
    }

    /// Rejects the call.
    ///
    /// # Errors
    /// When it does not ring.
    pub fn decline(&self) -> Result<(), NotNow> {
        self.give(CallState::Ringing, Hand::Declines)
    }

    /// Speaks into the line, after whatever is being said.
    ///
    /// # Errors
    /// When nobody is on the line.
    pub async fn say(&self, text: &str) -> Result<(), NotNow> {
        let sound = self.0.config.voice.say_ulaw(Speaker::Person, text).await;
        self.0.phrases.lock().expect("no holder of the lock panics").learn(text, &sound);
        self.give(CallState::InProgress, Hand::Does(Step::Say(text.to_owned()), sound))
    }

    /// Makes a short sound that no transcript has words for.
    ///
    /// # Errors
    /// When nobody is on the line.
    pub async fn hesitate(&self) -> Result<(), NotNow> {
        let word = self.0.config.voice.say(Speaker::Person, "uhm").await;
        let (part, whole) = HESITATION;
        let softer = |sample: &i16| i16::try_from(i32::from(*sample) * part / whole).expect("it is no louder");
        let sound = super::voice::ulaw(&word.iter().map(softer).collect::<Vec<_>>());
        self.give(CallState::InProgress, Hand::Does(Step::Hesitate, sound))
    }

    /// Presses a key.
    ///
    /// # Errors
    /// When nobody is on the line, or the phone has no such key.
    pub fn press(&self, key: char) -> Result<(), NotNow> {
        if !matches!(key, '0'..='9' | '*' | '#') {
            return Err(NotNow::NoSuchKey);
        }
        self.give(CallState::InProgress, Hand::Does(Step::Press(key), Arc::default()))
    }

    /// Hangs up, in the middle of a word if need be.
    ///
    /// # Errors
    /// When nobody is on the line.
    pub fn hang_up(&self) -> Result<(), NotNow> {
        self.give(CallState::InProgress, Hand::HangsUp)
    }

    /// What the phone plays from now on. A listener that falls five seconds behind misses what it did not take.
    pub fn listen(&self) -> broadcast::Receiver<Sound> {
        self.0.ear.subscribe()
    }

    /// The timeline's events from index `from` on, as soon as there is one.
    pub async fn news(&self, from: usize) -> Vec<Event> {
        self.0.recorder.after(from).await
    }

    /// The present time, as events count it.
    pub fn now(&self) -> Duration {
        self.0.recorder.elapsed()
    }

    /// Hands it to the latest call, if that is in this state.
    fn give(&self, state: CallState, hand: Hand) -> Result<(), NotNow> {
        let latest: Option<Arc<Call>> = self.0.calls.lock().expect("no holder of the lock panics").last().cloned();
        let refusal = if state == CallState::Ringing { NotNow::DoesNotRing } else { NotNow::NoCall };
        let call = latest.filter(|call| call.progress().state == state).ok_or(refusal)?;
        call.control.send(Control::Hand(hand)).map_err(|_| refusal)
    }
}
