//! Connecting a call to its media by command, for a carrier that is told so.

use std::time::Duration;

use super::Task;
use crate::domain::carrier::ErrorClass;
use crate::domain::session::{CarrierNews, Input};
use crate::ids::CarrierCallId;

/// Waits after a command that was not taken, each shorter than a person waits for a word.
const AGAIN: [Duration; 3] = [Duration::from_millis(300), Duration::from_millis(700), Duration::from_secs(2)];

/// Before the next try, where the carrier could not reach our socket: each try costs it a connection.
const UNREACHED: Duration = Duration::from_millis(500);

impl Task {
    /// The carrier says that a call was answered, and waits.
    pub(super) async fn was_answered(&mut self, call: CarrierCallId) {
        self.feed(Input::Carrier { call: call.clone(), news: CarrierNews::Answered }).await;
        if self.session.live_call() == Some(&call) {
            self.connect(Duration::ZERO);
        } else if !self.shared.is_past(&call) {
            // Not the call that this session is about: nobody will ever talk in it.
            let id = self.id.clone();
            self.work(async move |shared| {
                shared.hang_up_orphan(&id, &call).await;
                None
            });
        }
    }

    /// The carrier could not connect the call.
    pub(super) fn was_not_connected(&mut self, call: &CarrierCallId) {
        if self.connecting.as_ref() == Some(call) {
            self.connecting = None;
            self.connect(UNREACHED);
        }
    }

    /// The media is there, or is gone: a socket that broke while the call is up is asked for again.
    pub(super) fn media_came_or_went(&mut self) {
        self.connecting = None;
        self.connect(Duration::ZERO);
    }

    /// Has the call connected, where it lacks its media and that is not on its way already: a carrier repeats itself.
    pub(super) fn connect(&mut self, after: Duration) {
        let Some(commands) = self.shared.config.commands.clone() else { return };
        let Some(call) = self.session.lacks_media().filter(|call| self.connecting.as_ref() != Some(*call)).cloned()
        else {
            return;
        };
        let Some(token) = self.shared.config.media.mint(&self.id, &call) else { return };
        self.connecting = Some(call.clone());
        let id = self.id.clone();
        self.work(async move |_| {
            tokio::time::sleep(after).await;
            for wait in AGAIN {
                // The same token makes it the same command, whatever became of the one before.
                let Err(error) = commands.connect(&call, &token).await else { break };
                tracing::warn!(call.id = %id, %error, "the carrier did not connect the call of {id} to its media");
                if error.class == ErrorClass::Refused {
                    break;
                }
                tokio::time::sleep(wait).await;
            }
            None
        });
    }
}
