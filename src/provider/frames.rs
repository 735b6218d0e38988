//! What both carriers' media frames have in common: one JSON object per text frame, named by its `event`, read without copying.

use std::borrow::Cow;

use serde::Deserialize;

use super::{BadFrame, MediaIn};

/// Text that may be absent. A bare `Option<Cow<str>>` would always copy: serde borrows only a field that is a `Cow`.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The body of a `mark`.
#[derive(Deserialize)]
pub(super) struct Mark<'a> {
    /// As we named it.
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
}

/// The body of a `dtmf`.
#[derive(Deserialize)]
pub(super) struct Dtmf<'a> {
    /// The key.
    #[serde(borrow)]
    pub(super) digit: Cow<'a, str>,
}

/// The only part of a frame that every frame has.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    /// What it is.
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
}

/// Reads a frame as `F`; what has another shape, as far as its head.
///
/// # Errors
/// When it is not even a named object.
pub(super) fn read<'a, F: Deserialize<'a>>(text: &'a str) -> Result<Result<F, Head<'a>>, BadFrame> {
    match serde_json::from_str(text) {
        Ok(frame) => Ok(Ok(frame)),
        Err(_) => serde_json::from_str(text).map(Err).map_err(|_| BadFrame),
    }
}

impl<'a> Head<'a> {
    /// What a frame is of which only this could be read. An event of next year may use our names for other shapes; only one
    /// that we know can be malformed.
    ///
    /// # Errors
    /// When it is one that we know.
    pub(super) fn unread(&self) -> Result<MediaIn<'a>, BadFrame> {
        match &*self.event {
            "connected" | "start" | "media" | "mark" | "dtmf" | "stop" => Err(BadFrame),
            _ => Ok(MediaIn::Other),
        }
    }
}

/// Whether a frame's `track` is the person's; the other is our own voice, or of a stream that we did not ask for.
pub(super) fn is_of_the_person(track: Option<&Text<'_>>) -> bool {
    track.is_some_and(|Text(track)| track == "inbound")
}
