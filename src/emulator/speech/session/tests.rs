//! What a client can rely on in a transcription session.

use super::*;
use crate::emulator::SILENCE;
use crate::emulator::speech::recogniser::Phrasebook;
use crate::emulator::voice::{Speaker, Voice};

struct Client {
    session: Session,
    book: Phrasebook,
    faults: Faults,
}

impl Client {
    fn new() -> Self {
        Self { session: Session::new("sess_1".to_owned(), 0), book: Phrasebook::default(), faults: Faults::default() }
    }

    fn configured(input: &Value) -> Self {
        let mut client = Self::new();
        let outs = client
            .send(&json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input": input}}}));
        assert_eq!(kinds(&outs), ["session.updated"]);
        client
    }

    fn send(&mut self, event: &Value) -> Vec<Out> {
        let recognise = |ulaw: &[u8]| self.book.recognise(ulaw);
        let ears =
            Ears { recognise: &recognise, faults: &self.faults, delay: Duration::from_millis(300), era: Era::Today };
        self.session.receive(&event.to_string(), &ears)
    }

    fn append(&mut self, bytes: &[u8]) -> Vec<Out> {
        bytes
            .chunks(320)
            .flat_map(|frame| self.send(&json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(frame)})))
            .collect()
    }

    async fn phrase(&mut self, text: &str) -> Vec<u8> {
        let sound = Voice::babble().say_ulaw(Speaker::Person, text).await;
        self.book.learn(text, &sound);
        sound.to_vec()
    }
}

fn kinds(outs: &[Out]) -> Vec<&str> {
    outs.iter().map(|out| out.event["type"].as_str().unwrap()).collect()
}

fn transcript(outs: &[Out]) -> Option<&str> {
    outs.iter().find_map(|out| out.event["transcript"].as_str())
}

fn server_vad() -> Value {
    json!({"format": {"type": "audio/pcmu"}, "transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500}})
}

#[tokio::test]
async fn speech_becomes_an_item_whose_words_come_from_its_sound() {
    let mut client = Client::configured(&server_vad());
    let sound = client.phrase("yes please go on").await;
    assert!(client.append(&[SILENCE; 8000]).is_empty());
    let mut outs = client.append(&sound);
    outs.extend(client.append(&[SILENCE; 8000]));
    let want = [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ];
    assert_eq!(kinds(&outs), want);
    assert_eq!(transcript(&outs), Some("yes please go on"));
    assert_eq!(outs[0].event["audio_start_ms"], 700, "a second of silence less the padding of 300 ms");
    assert_eq!((outs[5].after, outs[6].after), (Duration::from_millis(300), Duration::from_millis(300)));
    assert!(outs[..5].iter().all(|out| out.after.is_zero()));
}

#[tokio::test]
async fn a_client_that_commits_gets_the_words_also_from_interpolated_pcm() {
    let pcm = json!({"format": {"type": "audio/pcm", "rate": 24000}, "transcription": {"model": "gpt-live-transcribe"},
        "turn_detection": null});
    let mut client = Client::configured(&pcm);
    let sound = client.phrase("call me tomorrow").await;
    let mut samples = Vec::new();
    mulaw::decode(&sound, &mut samples);
    let samples: Vec<i32> = samples.into_iter().map(i32::from).collect();
    let interpolated: Vec<u8> = samples
        .windows(2)
        .flat_map(|pair| (0..3).map(|k| (pair[0] * (3 - k) + pair[1] * k) / 3).collect::<Vec<_>>())
        .flat_map(|sample| i16::try_from(sample).unwrap().to_le_bytes())
        .collect();
    // An odd first sample, so that the originals are not where they would be by chance.
    let mut outs = client.append(&[&[0, 0], &interpolated[..]].concat());
    let deltas: String = outs.iter().filter_map(|out| out.event["delta"].as_str()).collect();
    assert!("call me tomorrow".starts_with(&deltas) && !deltas.is_empty(), "{deltas:?}");
    outs = client.send(&json!({"type": "input_audio_buffer.commit"}));
    assert_eq!(transcript(&outs), Some("call me tomorrow"));
}

#[test]
fn a_commit_needs_100_ms_and_its_refusal_names_it() {
    let mut client = Client::configured(&json!({"format": {"type": "audio/pcmu"}, "turn_detection": null}));
    client.append(&[SILENCE; 799]);
    let outs = client.send(&json!({"type": "input_audio_buffer.commit", "event_id": "commit-17"}));
    let error = &outs[0].event["error"];
    assert_eq!(error["code"], "input_audio_buffer_commit_empty");
    assert_eq!(error["event_id"], "commit-17");
    let message = "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has 99.87ms of audio.";
    assert_eq!(error["message"], message);
    client.append(&[SILENCE; 1]);
    let outs = client.send(&json!({"type": "input_audio_buffer.commit"}));
    assert_eq!(transcript(&outs), Some(""));
}

#[tokio::test]
async fn finals_can_fail_be_empty_and_come_late_one_item_at_a_time() {
    use crate::emulator::faults::Times;
    let mut client = Client::configured(&server_vad());
    let mut sound = client.phrase("go on").await;
    sound.extend([SILENCE; 5000]);
    client.faults.add(Fault::FinalDelayed(Duration::from_secs(3)), Times::Once);
    let late = client.append(&sound);
    assert_eq!(late.last().unwrap().after, Duration::from_millis(3300));
    client.faults.add(Fault::FinalFailed, Times::Once);
    let failed = client.append(&sound);
    assert_eq!(kinds(&failed).last(), Some(&"conversation.item.input_audio_transcription.failed"));
    client.faults.add(Fault::FinalEmpty, Times::Once);
    assert_eq!(transcript(&client.append(&sound)), Some(""));
    let usual = client.append(&sound);
    assert_eq!((transcript(&usual), usual.last().unwrap().after), (Some("go on"), Duration::from_millis(300)));
}

#[test]
fn the_beta_dialect_is_not_understood() {
    let mut client = Client::new();
    let outs = client.send(&json!({"type": "transcription_session.update", "session": {}}));
    let message = outs[0].event["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Invalid value: 'transcription_session.update'"), "{message}");
}
