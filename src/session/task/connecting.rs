//! Connecting a call to its media by command, for a carrier that is told so.
//!
//! One stream is asked for at a time, each with a token of its own: the last is the one that counts, and what is still told of
//! those before it changes nothing.

use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Message, Task};
use crate::domain::carrier::ErrorClass;
use crate::domain::media::{MediaCommand, MediaEvent, MediaLoss};
use crate::domain::session::{CarrierNews, Input};
use crate::ids::CarrierCallId;
use crate::provider::Connects;

/// Before the same command is sent once more, as one that got no answer or an error may be.
const AGAIN: Duration = Duration::from_millis(300);

/// Before another stream is asked for, where the one before could not be opened or was refused, or both its commands came to
/// nothing: each try costs the carrier a connection. How long it is tried is the session's to say, which waits for its media
/// so long and no longer.
const UNREACHED: Duration = Duration::from_millis(500);

/// Before another is asked for, where the carrier has ended one: mostly because the call is over, which it tells separately.
const ENDED: Duration = Duration::from_millis(500);

/// The streams of a session's calls.
#[derive(Default)]
pub(super) struct Streams {
    /// What the carrier was asked for, until it is there.
    connecting: Option<Connecting>,
    /// What is there.
    up: Option<Stream>,
    /// The last call for which one was asked for.
    asked_for: Option<CarrierCallId>,
}

/// A stream, as the carrier knows it.
struct Stream {
    call: CarrierCallId,
    token: String,
}

/// A stream that the carrier was asked for, and that is not there yet.
struct Connecting {
    stream: Stream,
    /// No other was asked for in this call.
    first: bool,
    /// With this the command is not sent any more.
    _wanted: DropGuard,
}

/// What a command to connect came to, where no stream will come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum NotTold {
    /// It was not taken.
    Failed,
    /// There is no call any more.
    CallIsOver,
}

impl Task {
    /// The carrier says that a call was answered, and waits.
    pub(super) async fn was_answered(&mut self, call: CarrierCallId) {
        self.feed(Input::Carrier { call: call.clone(), news: CarrierNews::Answered }).await;
        if self.session.live_call() == Some(&call) {
            self.connect(Duration::ZERO);
        } else if !self.shared.is_done_with(&call) {
            // Not the call that this session is about: nobody will ever talk in it, and it may outlive the session.
            self.shared.send_off(self.id.clone(), call);
        }
    }

    /// The carrier could not open a stream, or has lost one: that with this token, or it does not say which. What it says of any
    /// but the last is late. Where it does not say which, only the first of a call is meant for sure: there is no other.
    pub(super) fn was_not_connected(&mut self, call: &CarrierCallId, token: Option<&str>, loss: MediaLoss) {
        let is_it = |stream: &Stream| stream.call == *call && token == Some(&stream.token);
        let awaited = |connecting: &Connecting| {
            is_it(&connecting.stream) || token.is_none() && connecting.first && connecting.stream.call == *call
        };
        if self.streams.connecting.take_if(|connecting| awaited(connecting)).is_some() {
            self.connect(UNREACHED);
        } else if self.streams.up.take_if(|stream| is_it(stream)).is_some() && self.media.is_some() {
            // Whatever the socket says; what follows comes from there.
            self.media(MediaCommand::Lost(loss));
        }
    }

    /// The carrier did not take a command to connect.
    pub(super) async fn was_not_told(&mut self, token: &str, why: NotTold) {
        if self.streams.connecting.take_if(|connecting| connecting.stream.token == token).is_none() {
            return;
        }
        match why {
            NotTold::Failed => self.connect(UNREACHED),
            // Its end is told separately. Should that never come, the media was not lost for want of trying.
            NotTold::CallIsOver => self.feed(Input::Media(MediaEvent::MediaGone(MediaLoss::Stopped))).await,
        }
    }

    /// The stream that was asked for is there.
    pub(super) fn media_came(&mut self) {
        if let Some(connecting) = self.streams.connecting.take() {
            self.streams.up = Some(connecting.stream);
        }
    }

    /// What the loss of a stream says of the call. Where streams are asked for by command, each by itself, the end of one is not
    /// the end of the call.
    pub(super) fn as_told(&self, loss: MediaLoss) -> MediaLoss {
        match loss {
            MediaLoss::Stopped if self.shared.config.commands.is_some() => MediaLoss::Broken,
            MediaLoss::Stopped | MediaLoss::Broken | MediaLoss::Silent => loss,
        }
    }

    /// A stream is gone, while the call may be up: it is asked for again.
    pub(super) fn media_went(&mut self, loss: MediaLoss) {
        (self.streams.connecting, self.streams.up) = (None, None);
        self.connect(if loss == MediaLoss::Stopped { ENDED } else { Duration::ZERO });
    }

    /// Asks for no stream any more that the session has no use for.
    pub(super) fn settle_connecting(&mut self) {
        let lacking = self.session.lacks_media();
        self.streams.connecting.take_if(|connecting| lacking != Some(&connecting.stream.call));
    }

    /// Has the call connected, where it lacks its media and that is not on its way already: a carrier repeats itself.
    pub(super) fn connect(&mut self, after: Duration) {
        let Some(commands) = self.shared.config.commands.clone() else { return };
        let lacking = self.session.lacks_media().filter(|_| self.streams.connecting.is_none());
        let Some(call) = lacking.cloned() else { return };
        let Some(token) = self.shared.config.media.mint_alone(&self.id, &call) else { return };
        let wanted = CancellationToken::new();
        self.streams.connecting = Some(Connecting {
            stream: Stream { call: call.clone(), token: token.clone() },
            first: self.streams.asked_for.as_ref() != Some(&call),
            _wanted: wanted.clone().drop_guard(),
        });
        self.streams.asked_for = Some(call.clone());
        let id = self.id.clone();
        self.work.spawn(async move {
            for wait in [after, AGAIN] {
                wanted.run_until_cancelled(tokio::time::sleep(wait)).await?;
                // The same token makes it the same command, whatever became of the one before.
                let error = match commands.connect(&call, &token).await {
                    Ok(Connects::Tries) => return None,
                    Ok(Connects::CallIsOver) => return Some(Message::NotTold { token, why: NotTold::CallIsOver }),
                    Err(error) => error,
                };
                tracing::warn!(call.id = %id, %error, "the carrier did not connect the call of {id} to its media");
                if error.class == ErrorClass::Refused {
                    break;
                }
            }
            Some(Message::NotTold { token, why: NotTold::Failed })
        });
    }
}
