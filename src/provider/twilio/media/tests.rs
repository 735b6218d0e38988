//! Frames as Twilio sends them, ours as Twilio must read them, and rubbish.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Result<MediaIn<'_>, BadFrame> {
    MediaStreams.read(text)
}

fn written(write: impl FnOnce(&mut String)) -> Value {
    let mut out = String::new();
    write(&mut out);
    serde_json::from_str(&out).unwrap()
}

#[test]
fn every_frame_of_the_documentation_is_read() {
    for (text, want) in [
        (r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#, MediaIn::Connected),
        (
            r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",
                "tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},
                "customParameters":{"token":"T","k":"k3y"}},"streamSid":"MZ1"}"#,
            MediaIn::Start(MediaStart {
                stream: "MZ1".into(),
                account: Some("AC1".into()),
                call: "CA1".into(),
                token: Some("T".into()),
            }),
        ),
        (
            r#"{"event":"start","start":{"accountSid":"AC1","callSid":"CA1","customParameters":{}},"streamSid":"MZ2"}"#,
            MediaIn::Start(MediaStart {
                stream: "MZ2".into(),
                account: Some("AC1".into()),
                call: "CA1".into(),
                token: None,
            }),
        ),
        (
            r#"{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"5",
                "payload":"//8A"},"streamSid":"MZ1"}"#,
            MediaIn::Audio { payload: "//8A".into(), place: None },
        ),
        (r#"{"event":"media","media":{"track":"outbound","payload":"//8A"},"streamSid":"MZ1"}"#, MediaIn::Other),
        (r#"{"event":"media","media":{"payload":"//8A"},"streamSid":"MZ1"}"#, MediaIn::Other),
        (
            r#"{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}"#,
            MediaIn::Key("1".into()),
        ),
        (
            r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"utt-7"}}"#,
            MediaIn::Mark("utt-7".into()),
        ),
        (
            r#"{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#,
            MediaIn::Stop,
        ),
        (r#"{"event":"weather","sky":"blue"}"#, MediaIn::Other),
        (r#"{"event":"weather","media":5,"start":[]}"#, MediaIn::Other),
    ] {
        assert_eq!(read(text), Ok(want), "{text}");
    }
}

#[test]
fn what_is_not_the_carriers_json_is_a_bad_frame() {
    for text in [
        "",
        "x",
        "[]",
        "{}",
        r#"{"event":5}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"media","media":{"track":"inbound"}}"#,
        r#"{"event":"media","media":{"track":"inbound","payload":7}}"#,
        r#"{"event":"mark"}"#,
        r#"{"event":"dtmf","dtmf":{}}"#,
        r#"{"event":"start","streamSid":"MZ1"}"#,
        r#"{"event":"start","streamSid":"MZ1","start":{"accountSid":"AC1"}}"#,
        r#"{"event":"start","start":{"accountSid":"AC1","callSid":"CA1"}}"#,
        r#"{"event":"stop"} x"#,
    ] {
        assert_eq!(read(text), Err(BadFrame), "{text}");
    }
}

#[test]
fn audio_is_borrowed_unless_the_sender_escaped_it() {
    let plain = r#"{"event":"media","media":{"track":"inbound","payload":"//8A"}}"#;
    assert!(matches!(read(plain), Ok(MediaIn::Audio { payload: Cow::Borrowed("//8A"), place: None })));
    let escaped = r#"{"event":"media","media":{"track":"inbound","payload":"\/\/8A"}}"#;
    assert_eq!(read(escaped), Ok(MediaIn::Audio { payload: "//8A".into(), place: None }));
    let start = r#"{"event":"start","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",
        "customParameters":{"token":"T"}}}"#;
    let Ok(MediaIn::Start(start)) = read(start) else { panic!("a start") };
    for text in [start.stream, start.account.unwrap(), start.call, start.token.unwrap()] {
        assert!(matches!(text, Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn writing_appends_and_leaves_what_was_there() {
    let mut out = "before ".to_owned();
    MediaStreams.write_clear("MZ1", &mut out);
    assert_eq!(out, r#"before {"event":"clear","streamSid":"MZ1"}"#);
}

#[test]
fn an_audio_frame_needs_no_more_room_than_was_reserved() {
    let mut out = String::new();
    MediaStreams.write_audio("MZ0123456789abcdef0123456789abcdef", &[0x7f; 800], &mut out);
    let room = out.capacity();
    assert!(out.len() <= 64 + 34 + 1068, "{} bytes", out.len());
    out.clear();
    MediaStreams.write_audio("MZ0123456789abcdef0123456789abcdef", &[0x7f; 800], &mut out);
    assert_eq!(out.capacity(), room);
}

/// Any characters; `any::<String>()` leaves out the control characters.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec!['"', '\\', '/', '\t', '\r', '\n', '\0', '\u{1f}', '\u{7f}', '\u{2028}']);
    prop::collection::vec(prop_oneof![any::<char>(), special], 0..40).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in text()) {
        let _ = read(&text);
    }

    #[test]
    fn no_json_makes_the_reader_panic(
        event in "connected|start|media|mark|dtmf|stop|[a-z]*",
        key in "start|media|mark|dtmf|streamSid|event",
        value in "null|5|\"x\"|\\{\\}|\\[1\\]|\\{\"payload\":\"a\",\"name\":1\\}|[{\\[\"]{1,200}",
    ) {
        let _ = read(&format!(r#"{{"event":"{event}","{key}":{value}}}"#));
    }

    #[test]
    fn what_is_written_is_read_by_any_json_reader(
        stream in text(),
        name in text(),
        ulaw in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let wire = MediaStreams;
        let payload = STANDARD.encode(&ulaw);
        prop_assert_eq!(
            written(|out| wire.write_audio(&stream, &ulaw, out)),
            json!({"event": "media", "streamSid": stream, "media": {"payload": payload}})
        );
        prop_assert_eq!(
            written(|out| wire.write_mark(&stream, &name, out)),
            json!({"event": "mark", "streamSid": stream, "mark": {"name": name}})
        );
        prop_assert_eq!(written(|out| wire.write_clear(&stream, out)), json!({"event": "clear", "streamSid": stream}));
    }
}
