//! Everything that happened, with its time: what a test asserts on and what the demo prints.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Since the emulator started.
    pub at: Duration,
    /// Which call it belongs to, counted from 1; `None` for what belongs to none (speech requests, refused dials).
    pub call: Option<usize>,
    /// What happened.
    pub what: What,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The person on the phone.
    Person,
    /// The server under test.
    Server,
    /// The telephone network.
    Carrier,
}

/// A call's state, as `CallStatus` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallState {
    /// Accepted, not dialed yet.
    Queued,
    /// The phone rings.
    Ringing,
    /// Picked up.
    InProgress,
    /// Ended after it was picked up.
    Completed,
    /// A busy signal.
    Busy,
    /// Could not be connected.
    Failed,
    /// Rang out, or was rejected.
    NoAnswer,
    /// Hung up over REST before it was picked up.
    Canceled,
}

impl CallState {
    /// The wire's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Nothing follows this state.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Ringing | Self::InProgress)
    }
}

/// The callbacks a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callback {
    /// `initiated`: dialed.
    Initiated,
    /// `ringing`.
    Ringing,
    /// `answered`; its `CallStatus` is `in-progress`.
    Answered,
    /// `completed`: the end, whatever the `CallStatus`.
    Completed,
    /// The asynchronous machine detection's verdict.
    Verdict,
}

impl Callback {
    /// The word of `StatusCallbackEvent` (and `amd`, which has none there).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Completed => "completed",
            Self::Verdict => "amd",
        }
    }
}

/// What can happen. No variant holds a phone number, key or token.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The server used the carrier's REST API.
    Rest {
        /// `dial`, `read call`, `hang up`, `redirect`, `list calls`.
        verb: &'static str,
        /// The HTTP status it was answered with; `None` when a fault left it without an answer.
        status: Option<u16>,
    },
    /// A callback was delivered, or could not be.
    Callback {
        /// Which.
        name: Callback,
        /// What the server answered; `None` when it did not.
        status: Option<u16>,
    },
    /// The carrier fetched instructions.
    Twiml {
        /// What the server answered; `None` when it did not.
        status: Option<u16>,
        /// The verbs in order, such as `Stream Redirect`.
        verbs: String,
    },
    /// The call changed its state.
    State(CallState),
    /// The media socket is up.
    MediaUp,
    /// The media socket is down, and who ended it.
    MediaDown(Side),
    /// The agent's sound begins to be heard.
    AgentAudible,
    /// The agent's sound has ended: all was played, or it was cleared.
    AgentQuiet,
    /// The server set a mark.
    MarkSet(String),
    /// A mark went back to the server.
    MarkReturned {
        /// Which.
        name: String,
        /// Everything before it was heard; false when a `clear` returned it.
        played: bool,
    },
    /// The server cleared the buffer.
    Cleared {
        /// Sound that will not be heard.
        dropped: Duration,
    },
    /// The person begins to say this.
    PersonSays(String),
    /// The person has said it.
    PersonSaid(String),
    /// The person makes a sound that is no word, for so long.
    PersonHesitates(Duration),
    /// The person pressed a key.
    PersonPresses(char),
    /// Somebody hung up.
    HungUp(Side),
    /// The server asked for speech.
    SpeechAsked {
        /// Which request, counted from 1.
        request: usize,
        /// The words; empty when the request was refused.
        text: String,
        /// The HTTP status it was answered with.
        status: u16,
    },
    /// The first byte of speech went out.
    SpeechBegan {
        /// Which request.
        request: usize,
    },
    /// Speech was delivered.
    SpeechEnded {
        /// Which request.
        request: usize,
        /// Bytes of PCM that went out.
        bytes: usize,
        /// All of it; false when it was cut or the server went away.
        whole: bool,
    },
    /// Something in a transcription session.
    Hearing {
        /// Which socket, counted from 1.
        socket: usize,
        /// What.
        what: Hearing,
    },
    /// The server did what the real service complains about; begins with its error code where there is one.
    Violation(String),
}

/// What can happen in a transcription session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// The socket is open.
    Opened,
    /// `session.updated` with this model.
    Configured(String),
    /// Speech began.
    SpeechStarted,
    /// Speech ended.
    SpeechStopped,
    /// A stretch became an item.
    Committed,
    /// Its words; empty for noise.
    Transcript(String),
    /// It could not be transcribed.
    Failed,
    /// An `error` event with this code.
    Refused(String),
    /// The socket is closed.
    Closed,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  ", self.at.as_secs_f64())?;
        match self.call {
            Some(call) => write!(f, "call {call}  {}", self.what),
            None => write!(f, "        {}", self.what),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = |status: &Option<u16>| status.map_or("no answer".to_owned(), |s| s.to_string());
        match self {
            Self::Rest { verb, status } => write!(f, "server: {verb} → {}", answer(status)),
            Self::Callback { name, status } => write!(f, "carrier: callback {} → {}", name.as_str(), answer(status)),
            Self::Twiml { status, verbs } => write!(f, "carrier: fetches TwiML → {} [{verbs}]", answer(status)),
            Self::State(state) => write!(f, "call is {}", state.as_str()),
            Self::MediaUp => f.write_str("media is up"),
            Self::MediaDown(side) => write!(f, "media is down, ended by {side:?}"),
            Self::AgentAudible => f.write_str("agent is heard"),
            Self::AgentQuiet => f.write_str("agent is quiet"),
            Self::MarkSet(name) => write!(f, "server: mark {name}"),
            Self::MarkReturned { name, played: true } => write!(f, "carrier: mark {name} played"),
            Self::MarkReturned { name, played: false } => write!(f, "carrier: mark {name} returned by clear"),
            Self::Cleared { dropped } => write!(f, "server: clear, {} ms unheard", dropped.as_millis()),
            Self::PersonSays(text) => write!(f, "person: {text:?}"),
            Self::PersonSaid(_) => f.write_str("person has spoken"),
            Self::PersonHesitates(length) => write!(f, "person hesitates for {} ms", length.as_millis()),
            Self::PersonPresses(key) => write!(f, "person presses {key}"),
            Self::HungUp(side) => write!(f, "{side:?} hangs up"),
            Self::SpeechAsked { request, text, status } => write!(f, "speech {request}: {text:?} → {status}"),
            Self::SpeechBegan { request } => write!(f, "speech {request}: first byte"),
            Self::SpeechEnded { request, bytes, whole } => {
                write!(f, "speech {request}: {bytes} bytes, {}", if *whole { "whole" } else { "cut" })
            }
            Self::Hearing { socket, what } => write!(f, "hearing {socket}: {what:?}"),
            Self::Violation(what) => write!(f, "VIOLATION {what}"),
        }
    }
}

/// What had happened when it was asked for; prints one line an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline(Vec<Event>);

impl Timeline {
    /// The events, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// The first event that fits.
    pub fn first(&self, fits: impl Fn(&What) -> bool) -> Option<&Event> {
        self.0.iter().find(|e| fits(&e.what))
    }

    /// How many events fit.
    pub fn count(&self, fits: impl Fn(&What) -> bool) -> usize {
        self.0.iter().filter(|e| fits(&e.what)).count()
    }

    /// What the server did wrong on the wire; empty for a good server.
    pub fn violations(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|e| match &e.what {
                What::Violation(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

/// The wait was in vain; shows what happened instead.
#[derive(thiserror::Error)]
#[error("it did not happen within {within:?}; what did:\n{timeline}")]
pub struct NeverHappened {
    /// How long was waited.
    pub within: Duration,
    /// What happened up to then.
    pub timeline: Timeline,
}

impl fmt::Debug for NeverHappened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the parts of the emulator write down what happens.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    events: Mutex<Vec<Event>>,
    /// The number of events; wakes those who wait for one.
    grown: watch::Sender<usize>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), events: Mutex::default(), grown: watch::Sender::new(0) }
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn note(&self, call: Option<usize>, what: What) {
        let event = Event { at: self.elapsed(), call, what };
        let mut events = self.events.lock().expect("no holder of the lock panics");
        events.push(event);
        self.grown.send_replace(events.len());
    }

    /// How many events there are.
    pub(crate) fn count(&self) -> usize {
        *self.grown.borrow()
    }

    pub(crate) fn snapshot(&self) -> Timeline {
        Timeline(self.events.lock().expect("no holder of the lock panics").clone())
    }

    /// The events from index `from` on, as soon as there is one.
    pub(crate) async fn after(&self, from: usize) -> Vec<Event> {
        let mut grown = self.grown.subscribe();
        grown.wait_for(|count| *count > from).await.expect("the recorder holds the sender");
        self.events.lock().expect("no holder of the lock panics")[from..].to_vec()
    }

    /// The first event that fits, of those at or after index `from`; waits for it if need be.
    pub(crate) async fn wait_for(
        &self,
        from: usize,
        within: Duration,
        fits: impl Fn(&Event) -> bool,
    ) -> Result<Event, NeverHappened> {
        let mut grown = self.grown.subscribe();
        let mut seen = from;
        let search = async {
            loop {
                {
                    let events = self.events.lock().expect("no holder of the lock panics");
                    if let Some(event) = events.iter().skip(seen).find(|e| fits(e)) {
                        return event.clone();
                    }
                    seen = seen.max(events.len());
                }
                grown.wait_for(|count| *count > seen).await.expect("the recorder holds the sender");
            }
        };
        tokio::time::timeout(within, search).await.map_err(|_| NeverHappened { within, timeline: self.snapshot() })
    }
}
