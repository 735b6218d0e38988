//! Connecting a call to its media by command, for a carrier that is told so.
//!
//! One stream is asked for at a time, each with a token of its own: the last is the one that counts, and what is still told of
//! those before it changes nothing.

use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Message, Task};
use crate::domain::carrier::ErrorClass;
use crate::domain::session::{CarrierNews, Input};
use crate::ids::CarrierCallId;

/// Before the same command is sent once more, as one that got no answer or an error may be.
const AGAIN: Duration = Duration::from_millis(300);

/// Before another stream is asked for, where the one before could not be opened, or both its commands came to nothing: each try
/// costs the carrier a connection.
const UNREACHED: Duration = Duration::from_millis(500);

/// Before another is asked for, where the carrier has ended one: mostly because the call is over, which it tells separately.
const ENDED: Duration = Duration::from_millis(500);

/// A stream that the carrier was asked for, and that is not there yet.
pub(super) struct Connecting {
    call: CarrierCallId,
    token: String,
    /// With this the command is not sent any more.
    _wanted: DropGuard,
}

impl Task {
    /// The carrier says that a call was answered, and waits.
    pub(super) async fn was_answered(&mut self, call: CarrierCallId) {
        self.feed(Input::Carrier { call: call.clone(), news: CarrierNews::Answered }).await;
        if self.session.live_call() == Some(&call) {
            self.connect(Duration::ZERO);
        } else if !self.shared.is_done_with(&call) {
            // Not the call that this session is about: nobody will ever talk in it.
            let id = self.id.clone();
            self.work(async move |shared| {
                shared.hang_up_orphan(&id, &call).await;
                None
            });
        }
    }

    /// The carrier could not open a stream: that with this token, or it does not say which. What it says of any but the last is
    /// late.
    pub(super) fn was_not_connected(&mut self, call: &CarrierCallId, token: Option<&str>) {
        let awaited =
            |connecting: &Connecting| connecting.call == *call && token.is_none_or(|token| token == connecting.token);
        if self.connecting.take_if(|connecting| awaited(connecting)).is_some() {
            self.connect(UNREACHED);
        }
    }

    /// The carrier did not take a command to connect. One that it refused is not put to it again before it has something to tell.
    pub(super) fn was_not_told(&mut self, token: &str, refused: bool) {
        if self.connecting.take_if(|connecting| connecting.token == token).is_some() && !refused {
            self.connect(UNREACHED);
        }
    }

    /// A stream is gone, while the call may be up: it is asked for again.
    pub(super) fn media_went(&mut self, stopped: bool) {
        self.connecting = None;
        self.connect(if stopped { ENDED } else { Duration::ZERO });
    }

    /// Asks for no stream any more that the session has no use for.
    pub(super) fn settle_connecting(&mut self) {
        let lacking = self.session.lacks_media();
        self.connecting.take_if(|connecting| lacking != Some(&connecting.call));
    }

    /// Has the call connected, where it lacks its media and that is not on its way already: a carrier repeats itself.
    pub(super) fn connect(&mut self, after: Duration) {
        let Some(commands) = self.shared.config.commands.clone() else { return };
        let Some(call) = self.session.lacks_media().filter(|_| self.connecting.is_none()).cloned() else { return };
        let Some(token) = self.shared.config.media.mint_alone(&self.id, &call) else { return };
        let wanted = CancellationToken::new();
        let guard = wanted.clone().drop_guard();
        self.connecting = Some(Connecting { call: call.clone(), token: token.clone(), _wanted: guard });
        let id = self.id.clone();
        self.work.spawn(async move {
            let mut class = ErrorClass::Unknown;
            for wait in [after, AGAIN] {
                wanted.run_until_cancelled(tokio::time::sleep(wait)).await?;
                // The same token makes it the same command, whatever became of the one before.
                let Err(error) = commands.connect(&call, &token).await else { return None };
                tracing::warn!(call.id = %id, %error, "the carrier did not connect the call of {id} to its media");
                class = error.class;
                if class == ErrorClass::Refused {
                    break;
                }
            }
            Some(Message::NotTold { token, refused: class == ErrorClass::Refused })
        });
    }
}
