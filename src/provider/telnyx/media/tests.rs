//! Frames as Telnyx sends them, ours as it must read them, and rubbish.

use proptest::prelude::*;
use serde_json::json;

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
    let audio = |place| MediaIn::Audio { payload: "//8A".into(), place };
    for (text, want) in [
        (r#"{"event":"connected","version":"1.0.0"}"#, MediaIn::Connected),
        (
            r#"{"event":"start","sequence_number":"1","start":{"user_id":"u","call_control_id":"v3:1","call_session_id":"s",
                "from":"+390000000001","to":"+390000000002","tags":[],"client_state":"azN5",
                "media_format":{"encoding":"PCMU","sample_rate":8000,"channels":1}},"stream_id":"ST1"}"#,
            MediaIn::Start(MediaStart { stream: "ST1".into(), account: None, call: "v3:1".into(), token: None }),
        ),
        (
            r#"{"event":"media","sequence_number":"4","media":{"track":"inbound","chunk":"2","timestamp":"5",
                "payload":"//8A"},"stream_id":"ST1"}"#,
            audio(Some(2)),
        ),
        (r#"{"event":"media","media":{"track":"inbound","chunk":7,"payload":"//8A"}}"#, audio(Some(7))),
        (r#"{"event":"media","media":{"track":"inbound","chunk":"two","payload":"//8A"}}"#, audio(None)),
        (r#"{"event":"media","media":{"track":"inbound","chunk":-1,"payload":"//8A"}}"#, audio(None)),
        (r#"{"event":"media","media":{"track":"inbound","chunk":1.5,"payload":"//8A"}}"#, audio(None)),
        (r#"{"event":"media","media":{"track":"inbound","chunk":true,"payload":"//8A"}}"#, audio(None)),
        (r#"{"event":"media","media":{"track":"inbound","payload":"//8A"}}"#, audio(None)),
        (r#"{"event":"media","media":{"track":"outbound","chunk":"1","payload":"//8A"}}"#, MediaIn::Other),
        (r#"{"event":"media","media":{"payload":"//8A"},"stream_id":"ST1"}"#, MediaIn::Other),
        (
            r#"{"event":"dtmf","stream_id":"ST1","occurred_at":"2026-08-21T09:30:00Z","sequence_number":"5","dtmf":{"digit":"1"}}"#,
            MediaIn::Key("1".into()),
        ),
        (
            r#"{"event":"mark","sequence_number":"6","stream_id":"ST1","mark":{"name":"1.7"}}"#,
            MediaIn::Mark("1.7".into()),
        ),
        (
            r#"{"event":"error","payload":{"code":100003,"title":"malformed_frame","detail":"x"},"stream_id":"ST1"}"#,
            MediaIn::Complaint { code: Some(100_003) },
        ),
        (r#"{"event":"error","payload":{"code":"100005"}}"#, MediaIn::Complaint { code: Some(100_005) }),
        (r#"{"event":"error","payload":"what we sent"}"#, MediaIn::Complaint { code: None }),
        (r#"{"event":"error"}"#, MediaIn::Complaint { code: None }),
        (
            r#"{"event":"stop","sequence_number":"9","stop":{"user_id":"u","call_control_id":"v3:1"},"stream_id":"ST1"}"#,
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
        r#"{"event":"media","media":{"track":"inbound","chunk":"1"}}"#,
        r#"{"event":"media","media":{"track":"inbound","payload":7}}"#,
        r#"{"event":"mark"}"#,
        r#"{"event":"dtmf","dtmf":{}}"#,
        r#"{"event":"start","stream_id":"ST1"}"#,
        r#"{"event":"start","stream_id":"ST1","start":{"user_id":"u"}}"#,
        r#"{"event":"stop"} x"#,
    ] {
        assert_eq!(read(text), Err(BadFrame), "{text}");
    }
}

#[test]
fn audio_is_borrowed_from_its_frame() {
    let plain = r#"{"event":"media","media":{"track":"inbound","chunk":"3","payload":"//8A"}}"#;
    assert!(matches!(read(plain), Ok(MediaIn::Audio { payload: Cow::Borrowed("//8A"), place: Some(3) })));
}

#[test]
fn a_frame_of_ours_is_never_shorter_than_the_carrier_takes() {
    for (length, want) in [(0, FRAME), (1, FRAME), (159, FRAME), (160, 160), (161, 161), (800, 800)] {
        let sound = vec![7; length];
        let frame = written(|out| MediaStreams.write_audio("ST1", &sound, out));
        let payload = STANDARD.decode(frame["media"]["payload"].as_str().unwrap()).unwrap();
        assert_eq!((frame["event"].as_str(), payload.len()), (Some("media"), want), "{length}");
        assert!(payload.starts_with(&sound) && payload[length..].iter().all(|code| *code == SILENCE), "{length}");
    }
}

proptest! {
    #[test]
    fn whatever_a_mark_is_called_it_reads_back(name in any::<String>()) {
        let mut out = String::new();
        MediaStreams.write_mark("ST1", &name, &mut out);
        prop_assert_eq!(read(&out), Ok(MediaIn::Mark(name.clone().into())));
        let want = json!({ "event": "mark", "mark": { "name": name } });
        prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), want);
        out.clear();
        MediaStreams.write_clear("ST1", &mut out);
        prop_assert_eq!(out, r#"{"event":"clear"}"#);
    }

    #[test]
    fn no_text_brings_it_down(text in any::<String>()) {
        let _ = read(&text);
    }
}
