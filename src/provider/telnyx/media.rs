//! Telnyx's media wire: one JSON object per text frame, audio as base64 µ-law at 8 kHz, inbound frames in any order.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::audio::mulaw::{FRAME, SILENCE};
use crate::provider::frames::{self, Dtmf, Mark, Text};
use crate::provider::{BadFrame, MediaIn, MediaStart, MediaWire};

/// Reads and writes the frames of a bidirectional stream in RTP mode.
#[derive(Clone, Copy, Debug, Default)]
pub struct MediaStreams;

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    stream_id: Option<Text<'a>>,
    #[serde(borrow)]
    start: Option<Start<'a>>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
    #[serde(borrow)]
    dtmf: Option<Dtmf<'a>>,
    payload: Option<Complaint>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    call_control_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    chunk: Option<Place>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

/// Where a frame belongs: written as text, as all numbers here, or as a number; anything else is nowhere.
struct Place(Option<u64>);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Place;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a chunk's number")
            }
            fn visit_str<E>(self, text: &str) -> Result<Place, E> {
                Ok(Place(text.parse().ok()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Place, E> {
                Ok(Place(Some(number)))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Place, E> {
                Ok(Place(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Place, E> {
                Ok(Place(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Place, E> {
                Ok(Place(None))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The body of an `error` frame. Its words are left alone: they can quote what we sent.
#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: Value,
}

impl MediaWire for MediaStreams {
    fn read<'a>(&self, text: &'a str) -> Result<MediaIn<'a>, BadFrame> {
        let frame: Frame<'a> = match frames::read(text)? {
            Ok(frame) => frame,
            Err(head) if head.event == "error" => return Ok(MediaIn::Complaint { code: None }),
            Err(head) => return head.unread(),
        };
        Ok(match &*frame.event {
            "media" => {
                let media = frame.media.ok_or(BadFrame)?;
                if frames::is_of_the_person(media.track.as_ref()) {
                    MediaIn::Audio { payload: media.payload, place: media.chunk.and_then(|Place(place)| place) }
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
                    stream: frame.stream_id.map(|Text(id)| id).unwrap_or_default(),
                    // It names a user of Telnyx's, which nobody configures.
                    account: None,
                    call: start.call_control_id,
                    token: None,
                })
            }
            "stop" => MediaIn::Stop,
            "error" => MediaIn::Complaint { code: frame.payload.and_then(|complaint| number(&complaint.code)) },
            _ => MediaIn::Other,
        })
    }

    /// A frame holds 20 ms at least, so the end of an utterance is filled up with silence; and 30 s at most, of which ours have
    /// a tenth of a second.
    fn write_audio(&self, _: &str, ulaw: &[u8], out: &mut String) {
        out.reserve(48 + ulaw.len().max(FRAME).div_ceil(3) * 4);
        out.push_str(r#"{"event":"media","media":{"payload":""#);
        if ulaw.len() < FRAME {
            let mut whole = [SILENCE; FRAME];
            whole[..ulaw.len()].copy_from_slice(ulaw);
            STANDARD.encode_string(whole, out);
        } else {
            STANDARD.encode_string(ulaw, out);
        }
        out.push_str(r#""}}"#);
    }

    fn write_mark(&self, _: &str, name: &str, out: &mut String) {
        out.push_str(r#"{"event":"mark","mark":{"name":"#);
        out.push_str(&Value::from(name).to_string());
        out.push_str("}}");
    }

    fn write_clear(&self, _: &str, out: &mut String) {
        out.push_str(r#"{"event":"clear"}"#);
    }
}

/// Telnyx's documentation has its numbers as such, its other APIs as text.
fn number(code: &Value) -> Option<u32> {
    match code {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
