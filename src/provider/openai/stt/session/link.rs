//! How a session reaches the provider at the moment, and when that is to change.

use std::time::Duration;

use tokio::time::Instant;

use super::pulse::Pulse;
use crate::provider::ProviderError;
use crate::provider::openai::socket::{Dialing, Socket};

/// How much later than it should be a session is replaced at the latest, though somebody speaks.
const PATIENCE: Duration = Duration::from_mins(5);

/// How the provider is reached at the moment.
pub(super) enum Link {
    /// Not at all; the next try is at this time.
    Resting(Instant),
    Dialing {
        dialing: Dialing,
        deadline: Instant,
    },
    /// Open, but the provider has not said that there is a session.
    Greeting {
        socket: Box<Socket>,
        deadline: Instant,
    },
    /// Our settings were sent and not acknowledged. Audio would be taken for the wrong format.
    Configuring {
        socket: Box<Socket>,
        deadline: Instant,
        /// When the session is to be replaced, once it is live.
        replace_at: Instant,
    },
    Live {
        socket: Box<Socket>,
        since: Instant,
        replace_at: Instant,
        pulse: Pulse,
        /// When a lone frame is sent without its second.
        flush_at: Option<Instant>,
    },
    /// For good. The reason is there until it is reported.
    Over(Option<ProviderError>),
}

impl Link {
    /// When something is to be done without a cause from outside; `quiet` where nobody speaks.
    pub(super) fn deadline(&self, quiet: bool) -> Option<Instant> {
        match self {
            Self::Resting(until) => Some(*until),
            Self::Dialing { deadline, .. } | Self::Greeting { deadline, .. } | Self::Configuring { deadline, .. } => {
                Some(*deadline)
            }
            Self::Live { flush_at, replace_at, pulse, .. } => {
                let at = replacement(*replace_at, quiet).min(pulse.deadline());
                Some(flush_at.map_or(at, |flush_at| flush_at.min(at)))
            }
            Self::Over(_) => None,
        }
    }
}

/// When a session that should be replaced at a time is.
pub(super) fn replacement(replace_at: Instant, quiet: bool) -> Instant {
    if quiet { replace_at } else { replace_at + PATIENCE }
}
