//! Media frames. The input: the text of one frame; it also serves as the names in frames of ours.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callme::provider::twilio::MediaStreams;
use callme::provider::{BadFrame, MediaIn, MediaWire as _};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The events that mean something.
const KNOWN: [&str; 6] = ["connected", "start", "media", "mark", "dtmf", "stop"];

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let read = MediaStreams.read(&text);
    match serde_json::from_str::<Value>(&text) {
        // A value may not lie as deep as what is skipped.
        Err(_) if serde_json::from_str::<IgnoredAny>(&text).is_ok() => {}
        Err(_) => assert_eq!(read, Err(BadFrame)),
        Ok(frame) => as_it_stands(&frame, &read),
    }

    // Whatever the names are, ours are read as they were meant.
    let (stream, name) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let written = |write: &dyn Fn(&mut String)| {
        let mut out = "before".to_owned();
        write(&mut out);
        let frame = out.strip_prefix("before").expect("it is appended").to_owned();
        assert!(!frame.contains(['\n', '\r']));
        frame
    };
    let mark = written(&|out| MediaStreams.write_mark(stream, name, out));
    assert_eq!(MediaStreams.read(&mark), Ok(MediaIn::Mark(name.into())));
    let audio = written(&|out| MediaStreams.write_audio(stream, data, out));
    let payload = STANDARD.encode(data);
    for (frame, want) in [
        (mark, json!({ "event": "mark", "streamSid": stream, "mark": { "name": name } })),
        (audio, json!({ "event": "media", "streamSid": stream, "media": { "payload": payload } })),
        (written(&|out| MediaStreams.write_clear(stream, out)), json!({ "event": "clear", "streamSid": stream })),
    ] {
        assert_eq!(serde_json::from_str::<Value>(&frame).ok(), Some(want), "{frame}");
    }
});

/// What was read of a frame is what stands in it. Lists are left out: serde reads a struct from its values in order, too, which
/// gives nobody anything.
fn as_it_stands(frame: &Value, read: &Result<MediaIn<'_>, BadFrame>) {
    let inner = ["start", "media", "mark", "dtmf"].map(|name| &frame[name]);
    if frame.is_array() || inner.iter().any(|part| part.is_array()) || frame["start"]["customParameters"].is_array() {
        return;
    }
    let event = frame["event"].as_str();
    let known = event.is_some_and(|event| KNOWN.contains(&event));
    match read {
        // Not even a name, or one of those that mean something, or a name twice, which a `Value` does not have.
        Err(BadFrame) => {
            let once = frame.to_string();
            assert!(event.is_none() || known || MediaStreams.read(&once) == Ok(MediaIn::Other), "{frame}");
        }
        Ok(MediaIn::Other) => {
            let foreign = event == Some("media") && frame["media"]["track"] != "inbound";
            assert!(event.is_some() && (!known || foreign), "{frame}");
        }
        Ok(MediaIn::Connected) => assert_eq!(event, Some("connected")),
        Ok(MediaIn::Stop) => assert_eq!(event, Some("stop")),
        Ok(MediaIn::Mark(name)) => {
            assert_eq!((event, frame["mark"]["name"].as_str()), (Some("mark"), Some(&**name)));
        }
        Ok(MediaIn::Key(digit)) => {
            assert_eq!((event, frame["dtmf"]["digit"].as_str()), (Some("dtmf"), Some(&**digit)));
        }
        Ok(MediaIn::Complaint { .. }) => panic!("Twilio has no such frame"),
        Ok(MediaIn::Audio { payload, place }) => {
            assert_eq!(*place, None);
            assert_eq!((event, frame["media"]["track"].as_str()), (Some("media"), Some("inbound")));
            assert_eq!(frame["media"]["payload"].as_str(), Some(&**payload));
        }
        Ok(MediaIn::Start(start)) => {
            let said = &frame["start"];
            assert_eq!(event, Some("start"));
            assert_eq!(said["accountSid"].as_str(), start.account.as_deref());
            assert_eq!(said["callSid"].as_str(), Some(&*start.call));
            assert_eq!(said["streamSid"].as_str().or(frame["streamSid"].as_str()), Some(&*start.stream));
            assert_eq!(said["customParameters"]["token"].as_str(), start.token.as_deref());
        }
    }
}
