//! A dry session: opened and configured as for a call, and closed without a word.

use std::future::poll_fn;
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::failure;
use super::socket::Dialer;
use crate::provider::{ErrorClass, ProviderError};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the provider opens a session and takes these settings (a `session.update` event).
///
/// # Errors
/// What the provider says against it, or why it could not be asked.
pub(super) async fn session(dialer: &Dialer, update: &str) -> Result<(), ProviderError> {
    let configured = async {
        let mut socket = dialer.dial().await?;
        let mut asked = false;
        loop {
            let text = poll_fn(|cx| {
                // An error of writing is one of reading, too.
                let _ = socket.poll_flush(cx);
                socket.poll_text(cx)
            });
            let event: Value = serde_json::from_str(text.await?.as_str()).unwrap_or_default();
            match event["type"].as_str() {
                Some("session.created") if !asked => {
                    socket.send(update.to_owned())?;
                    asked = true;
                }
                Some("session.updated") => return Ok(()),
                Some("error") => return Err(socket.hiding_key(failure::of_event(&event["error"]))),
                _ => {}
            }
        }
    };
    let silent = |_| ProviderError::ours(ErrorClass::Unknown, "the speech provider did not open a session");
    timeout(PATIENCE, configured).await.map_err(silent)?
}
