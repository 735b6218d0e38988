//! What can happen.

use std::fmt;
use std::time::Duration;

use super::{CallState, Callback, Side, TextForm, TextWebhook};

/// What can happen. No variant holds a phone number, key or token.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The server used the carrier's REST API.
    Rest {
        /// `dial`, `read call`, `hang up`, `redirect`, `list calls`, Telnyx's `connect` and `reject`, or one of [`RestVerb`](super::RestVerb).
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
    /// Something in a session that speaks; its speech is told as that of requests is.
    Voicing {
        /// Which socket, counted from 1.
        socket: usize,
        /// What.
        what: Voicing,
    },
    /// The carrier took a text of the server's.
    TextSent {
        /// Which text, counted from 1 over everybody's.
        text: usize,
        /// As what.
        form: TextForm,
        /// How the phone will show it.
        words: String,
    },
    /// The phone shows a text of the server's.
    TextArrived {
        /// Which.
        text: usize,
        /// Its words.
        words: String,
    },
    /// Its receiver has seen a text of the server's.
    TextRead {
        /// Which.
        text: usize,
    },
    /// A text of the server's did not arrive and will not.
    TextFailed {
        /// Which.
        text: usize,
        /// Twilio's code of the reason.
        code: u32,
    },
    /// The person wrote this: a text, a tap on a button, or a picture.
    PersonWrites {
        /// Which text.
        text: usize,
        /// As what.
        form: TextForm,
        /// The words; empty for a picture without a caption.
        words: String,
    },
    /// Somebody else wrote this to the server's number.
    StrangerWrites {
        /// Which text.
        text: usize,
        /// The words.
        words: String,
    },
    /// A webhook about a text was delivered, or could not be.
    TextWebhook {
        /// Which text; none for a message that goes to no phone.
        text: Option<usize>,
        /// Which webhook.
        name: TextWebhook,
        /// What the server answered; `None` when it did not, or when nobody knows where it is.
        status: Option<u16>,
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

/// What can happen in a session that speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voicing {
    /// The socket is open.
    Opened,
    /// `session.updated` with this voice.
    Configured(String),
    /// The server called off the speech of this request.
    Cancelled(usize),
    /// An `error` event with this code.
    Refused(String),
    /// The socket is closed.
    Closed,
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
            Self::Voicing { socket, what } => write!(f, "voicing {socket}: {what:?}"),
            Self::TextSent { text, form, words } => write!(f, "server: sends text {text} ({form:?}) {words:?}"),
            Self::TextArrived { text, words } => write!(f, "text {text} arrives: {words:?}"),
            Self::TextRead { text } => write!(f, "text {text} is read"),
            Self::TextFailed { text, code } => write!(f, "text {text} does not arrive: {code}"),
            Self::PersonWrites { text, words, .. } => write!(f, "person writes text {text}: {words:?}"),
            Self::StrangerWrites { text, words } => write!(f, "stranger writes text {text}: {words:?}"),
            Self::TextWebhook { text, name, status } => {
                let text = text.map(|text| format!(" of text {text}")).unwrap_or_default();
                write!(f, "carrier: webhook {}{text} → {}", name.as_str(), answer(status))
            }
            Self::Violation(what) => write!(f, "VIOLATION {what}"),
        }
    }
}
