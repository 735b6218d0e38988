//! What a session and its media say to each other.

use std::time::Duration;

use crate::clock::Millis;
use crate::domain::carrier::ProviderError;
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{StretchId, UtteranceId};

/// From the session to its media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaCommand {
    /// Make this speech ready (the making starts now) and play it once the line is up and what was queued before has ended.
    Speak {
        /// Names it in events.
        utterance: UtteranceId,
        /// What is said.
        text: AgentText,
        /// Whether the person's voice cuts it. A goodbye is heard to its end.
        interruptible: bool,
    },
    /// Drop every utterance that has not ended, the playing one included. No event follows for them.
    Hush,
    /// The person's side is over: report what was still being said, then [`MediaEvent::Drained`].
    Drain,
    /// The carrier says that its media is gone, whatever the socket says.
    Lost(MediaLoss),
}

/// How the carrier's media is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaLoss {
    /// The carrier ended it, mostly because the call is over.
    Stopped,
    /// It broke.
    Broken,
    /// Its socket is open, and nothing comes of it any more.
    Silent,
}

/// From the media to its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The carrier's media is up (again, after a drop).
    Connected,
    /// The first sound of an utterance went out.
    UtteranceStarted {
        /// Which.
        utterance: UtteranceId,
    },
    /// An utterance was played to its end, or to where its making failed.
    UtteranceEnded {
        /// Which.
        utterance: UtteranceId,
        /// How much was heard.
        heard: Progress,
        /// The speech provider's error, where it did not deliver the whole.
        failed: Option<ProviderError>,
    },
    /// The person spoke up; the utterance was cut.
    Interrupted {
        /// Which.
        utterance: UtteranceId,
        /// How much was heard before the cut.
        heard: Progress,
    },
    /// How far the playing utterance is known to have been heard.
    Progress {
        /// Which.
        utterance: UtteranceId,
        /// How much.
        heard: Progress,
    },
    /// The person began to speak.
    SpeechStarted {
        /// Which stretch; one `Words` or `NoWords` with its id follows.
        stretch: StretchId,
        /// When the speech began.
        began_at: Millis,
    },
    /// The person fell silent; what they said follows. It is for who measures how long that takes.
    SpeechStopped {
        /// Which stretch.
        stretch: StretchId,
    },
    /// What the person said.
    Words {
        /// Which stretch.
        stretch: StretchId,
        /// When the speech began.
        began_at: Millis,
        /// The words.
        text: PersonText,
    },
    /// A stretch ended without words.
    NoWords {
        /// Which stretch.
        stretch: StretchId,
    },
    /// The recogniser is gone for good: nothing the person says can be heard any more.
    HearingFailed(ProviderError),
    /// The carrier's media is gone.
    MediaGone(MediaLoss),
    /// Everything that was said has been reported.
    Drained,
}

/// What became of an event that the session was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is on its way.
    Taken,
    /// There is no room for it now: it is to be told again, before any other.
    Later(MediaEvent),
    /// Nobody listens any more.
    Nobody,
}

/// How much of an utterance was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sound known to have been heard.
    pub heard: Duration,
    /// Sound of the whole utterance; an estimate while it is still being made.
    pub whole: Duration,
}

impl Progress {
    /// Nothing is missing.
    pub fn is_whole(self) -> bool {
        self.heard >= self.whole
    }
}
