//! The Media Streams wire: one JSON object per text frame, every number a string, audio as base64 µ-law at 8 kHz.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::provider::frames::{self, Dtmf, Mark, Text};
use crate::provider::{BadFrame, MediaIn, MediaStart, MediaWire};

/// Reads and writes the frames of a bidirectional stream (`<Connect><Stream>`).
#[derive(Clone, Copy, Debug, Default)]
pub struct MediaStreams;

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, rename = "streamSid")]
    stream: Option<Text<'a>>,
    #[serde(borrow)]
    start: Option<Start<'a>>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
    #[serde(borrow)]
    dtmf: Option<Dtmf<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(borrow)]
    account_sid: Cow<'a, str>,
    #[serde(borrow)]
    call_sid: Cow<'a, str>,
    #[serde(borrow)]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow)]
    custom_parameters: Option<CustomParameters<'a>>,
}

/// The `<Parameter>`s of our TwiML.
#[derive(Deserialize)]
struct CustomParameters<'a> {
    #[serde(borrow)]
    token: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

impl MediaWire for MediaStreams {
    fn read<'a>(&self, text: &'a str) -> Result<MediaIn<'a>, BadFrame> {
        let frame: Frame<'a> = match frames::read(text)? {
            Ok(frame) => frame,
            Err(head) => return head.unread(),
        };
        Ok(match &*frame.event {
            "media" => {
                let media = frame.media.ok_or(BadFrame)?;
                if frames::is_of_the_person(media.track.as_ref()) {
                    MediaIn::Audio { payload: media.payload, place: None }
                } else {
                    MediaIn::Other
                }
            }
            "mark" => MediaIn::Mark(frame.mark.ok_or(BadFrame)?.name),
            "dtmf" => MediaIn::Key(frame.dtmf.ok_or(BadFrame)?.digit),
            "connected" => MediaIn::Connected,
            "start" => {
                let start = frame.start.ok_or(BadFrame)?;
                MediaIn::Start(MediaStart {
                    stream: start.stream_sid.or(frame.stream).ok_or(BadFrame)?.0,
                    account: Some(start.account_sid),
                    call: start.call_sid,
                    token: start.custom_parameters.and_then(|parameters| parameters.token).map(|Text(token)| token),
                })
            }
            "stop" => MediaIn::Stop,
            _ => MediaIn::Other,
        })
    }

    fn write_audio(&self, stream: &str, ulaw: &[u8], out: &mut String) {
        out.reserve(64 + stream.len() + ulaw.len().div_ceil(3) * 4);
        out.push_str(r#"{"event":"media","streamSid":""#);
        escape(stream, out);
        out.push_str(r#"","media":{"payload":""#);
        STANDARD.encode_string(ulaw, out);
        out.push_str(r#""}}"#);
    }

    fn write_mark(&self, stream: &str, name: &str, out: &mut String) {
        out.push_str(r#"{"event":"mark","streamSid":""#);
        escape(stream, out);
        out.push_str(r#"","mark":{"name":""#);
        escape(name, out);
        out.push_str(r#""}}"#);
    }

    fn write_clear(&self, stream: &str, out: &mut String) {
        out.push_str(r#"{"event":"clear","streamSid":""#);
        escape(stream, out);
        out.push_str(r#""}"#);
    }
}

/// Appends text as the inside of a JSON string.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes what is written"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
