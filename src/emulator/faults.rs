//! What can be made to go wrong, once, a few times or always.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::timeline::{Callback, RestVerb, TextWebhook};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A dial is not answered as it should be.
    Dial(DialFault),
    /// `Status=completed` and `canceled` are refused; the call goes on.
    HangUpRefused {
        /// HTTP status.
        status: u16,
        /// Twilio's error code.
        code: u32,
    },
    /// A callback is delivered late.
    CallbackDelayed {
        /// Which.
        name: Callback,
        /// How late.
        by: Duration,
    },
    /// A callback is delivered three times.
    CallbackTripled(Callback),
    /// A call's `answered` callback is delivered after its `completed`; at Telnyx, where nothing else tells of the answer, the call
    /// is never connected.
    CompletedFirst,
    /// Every callback about a call, and every event, is delivered twice.
    CallbacksTwice,
    /// Instructions are fetched a second time, as after a lost answer; the second answer counts. At Telnyx, the event comes twice.
    TwimlTwice,
    /// A request about texts is not answered as it should be.
    Text {
        /// Which.
        verb: RestVerb,
        /// How.
        fault: RestFault,
    },
    /// A text on WhatsApp that was taken does not arrive, and its receipt says so.
    ReceiptFails {
        /// Twilio's code of the reason.
        code: u32,
    },
    /// The same by SMS.
    SmsFails {
        /// Twilio's code of the reason, or Telnyx's own.
        code: u32,
    },
    /// A webhook about a text is delivered late.
    TextWebhookDelayed {
        /// Which.
        name: TextWebhook,
        /// How late.
        by: Duration,
    },
    /// A webhook about a text is delivered three times.
    TextWebhookTripled(TextWebhook),
    /// A webhook about a text is never delivered.
    TextWebhookDropped(TextWebhook),
    /// A mark never comes back, neither played nor by `clear`.
    MarkLost,
    /// A stream that broke does not come back: no instructions are fetched any more, and the call goes on in silence.
    StreamLost,
    /// A stream that would break is ended in form instead: `stop`, and a close.
    StreamStopped,
    /// A stream that would break stays open instead, and nothing comes of it any more: no frame, and no mark.
    StreamStalled,
    /// A stream that would break goes on instead, but nothing is heard of the person any more: marks come back, frames do not come.
    StreamSilent,
    /// A stream of Telnyx's that would break stays open instead, nothing comes of it any more, and an event says so.
    StreamDies {
        /// `streaming.stopped` rather than `streaming.failed`.
        stopped: bool,
    },
    /// A stream of Telnyx's cannot be opened, and an event says so.
    StreamFails {
        /// So much later another event says the same of the same stream.
        again: Option<Duration>,
    },
    /// Telnyx does not answer the command to stream as it should.
    Connect(RestFault),
    /// Frames of the person's sound overtake each other, get lost and come twice in one stream of Telnyx's, which allows itself
    /// that.
    FramesScattered {
        /// How many places late a frame is at most.
        late: u8,
        /// Of a hundred, how many are lost.
        lost: u8,
        /// Of a hundred, how many come twice.
        twice: u8,
    },
    /// The person's sound comes in frames of this many bytes for one stream.
    FrameBytes(usize),
    /// A request for speech is refused, whichever way it is made.
    SpeechRefused {
        /// HTTP status.
        status: u16,
        /// `error.code`, such as `model_not_found`.
        code: &'static str,
    },
    /// Speech breaks off.
    SpeechCut {
        /// After this many bytes of PCM.
        after: usize,
    },
    /// Speech stops coming, and its response stays open.
    SpeechStalled {
        /// After this many bytes of PCM.
        after: usize,
    },
    /// Speech repeats itself for ever.
    SpeechEndless,
    /// A session that speaks says this instead of what it is given, and owns to it in its transcript.
    SpeechReworded(&'static str),
    /// A session that speaks goes on after it was told to stop, for so many bytes of PCM.
    SpeechStopsLate {
        /// How many.
        by: usize,
    },
    /// The socket of a session that speaks is refused with this HTTP status.
    VoiceRefused {
        /// HTTP status.
        status: u16,
        /// `error.code`, such as `model_not_found`.
        code: &'static str,
    },
    /// The configuration of a session that speaks is answered by an `error` with this code.
    VoiceError {
        /// `error.code`.
        code: &'static str,
    },
    /// A session that speaks opens and never says anything.
    VoiceDeaf,
    /// The socket of a session that speaks breaks, without a close frame, as soon as it is asked for speech.
    VoiceDropped,
    /// The list of models is refused with this HTTP status.
    ModelsRefused {
        /// HTTP status.
        status: u16,
    },
    /// The transcription socket is refused with this HTTP status.
    HearingRefused {
        /// HTTP status.
        status: u16,
    },
    /// The session's configuration is answered by an `error` with this code.
    HearingError {
        /// `error.code`.
        code: &'static str,
    },
    /// The transcription socket breaks, without a close frame.
    HearingDropped {
        /// After this many appends.
        after: usize,
    },
    /// A transcription session opens and never says anything.
    HearingDeaf,
    /// A transcription session is configured and then never says anything.
    HearingMute,
    /// One stretch's transcript comes this much later than usual.
    FinalDelayed(Duration),
    /// One stretch is answered by `….failed`.
    FinalFailed,
    /// One stretch has an empty transcript.
    FinalEmpty,
}

/// How a dial goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialFault {
    /// Refused with this HTTP status and Twilio code (400/21215, 401/20003, 429/20429, 500/20500…).
    Refused {
        /// HTTP status.
        status: u16,
        /// Twilio's error code.
        code: u32,
    },
    /// Never answered.
    Hangs {
        /// The call was placed all the same.
        placed: bool,
    },
    /// The connection breaks before an answer.
    Closed {
        /// The call was placed all the same.
        placed: bool,
    },
}

/// How a request about texts goes wrong, or a command to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestFault {
    /// Refused, and not done.
    Refused {
        /// HTTP status.
        status: u16,
        /// Twilio's error code.
        code: u32,
        /// `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// Answered by a proxy, in HTML.
    Broken {
        /// HTTP status, such as 502.
        status: u16,
        /// It was done all the same.
        done: bool,
    },
    /// Never answered.
    Hangs {
        /// It was done all the same.
        done: bool,
    },
    /// The connection breaks before an answer.
    Closed {
        /// It was done all the same.
        done: bool,
    },
}

impl RestFault {
    /// Whether what was asked for is done all the same.
    pub(crate) fn is_done(self) -> bool {
        match self {
            Self::Refused { .. } => false,
            Self::Broken { done, .. } | Self::Hangs { done } | Self::Closed { done } => done,
        }
    }
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next time only.
    Once,
    /// The next times.
    Count(u32),
    /// Until [`Faults::clear`].
    Always,
}

/// A handle on the faults of an emulator; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    waiting: Vec<(Fault, Times)>,
    struck: Vec<Fault>,
}

impl Faults {
    /// Adds a fault. Several of one kind strike in the order in which they were added.
    pub fn add(&self, fault: Fault, times: Times) {
        self.table().waiting.push((fault, times));
    }

    /// Takes all faults back that still wait.
    pub fn clear(&self) {
        self.table().waiting.clear();
    }

    /// The faults that struck, in order.
    pub fn struck(&self) -> Vec<Fault> {
        self.table().struck.clone()
    }

    /// Lets the first waiting fault that `pick` knows strike.
    pub(crate) fn strike<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut table = self.table();
        let (index, found) = table.waiting.iter().enumerate().find_map(|(i, (f, _))| Some((i, pick(f)?)))?;
        let (fault, times) = &mut table.waiting[index];
        let struck = fault.clone();
        let used_up = match times {
            Times::Once | Times::Count(0 | 1) => true,
            Times::Count(left) => {
                *left -= 1;
                false
            }
            Times::Always => false,
        };
        if used_up {
            table.waiting.remove(index);
        }
        table.struck.push(struck);
        Some(found)
    }

    /// Whether this very fault strikes now.
    pub(crate) fn strikes(&self, fault: &Fault) -> bool {
        self.strike(|f| (f == fault).then_some(())).is_some()
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told_to() {
        for (times, want) in [(Times::Once, 1), (Times::Count(3), 3), (Times::Always, 5)] {
            let faults = Faults::default();
            faults.add(Fault::MarkLost, times);
            let struck = (0..5).filter(|_| faults.strikes(&Fault::MarkLost)).count();
            assert_eq!((struck, faults.struck().len()), (want, want), "{times:?}");
        }
    }

    #[test]
    fn faults_of_one_kind_strike_in_their_order_and_leave_others_alone() {
        let faults = Faults::default();
        faults.add(Fault::FinalDelayed(Duration::from_secs(3)), Times::Once);
        faults.add(Fault::FinalDelayed(Duration::from_secs(1)), Times::Once);
        let delay = || faults.strike(|f| if let Fault::FinalDelayed(by) = f { Some(by.as_secs()) } else { None });
        assert!(!faults.strikes(&Fault::FinalEmpty));
        assert_eq!([delay(), delay(), delay()], [Some(3), Some(1), None]);
    }
}
