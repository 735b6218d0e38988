//! What holds for speech whichever way it is made, and what becomes of it when a model ends.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::emulator::voice::Speaker;
use crate::emulator::{Emulator, EmulatorConfig, Era, Fault, Times, Voicing, What};
use crate::provider::ErrorClass;

mod moving;
mod session;

const KEY: &str = "sk-emulated";
const TEXT: &str = "The tests are green. Shall I deploy the new version now?";

/// A provider and a server's side of it.
struct Peer {
    emulator: Emulator,
    tts: OpenAiTts,
    metrics: Arc<Metrics>,
    voice: crate::emulator::Voice,
}

impl Peer {
    async fn new(model: Option<&str>) -> Self {
        Self::with(model, "coral").await
    }

    async fn with(model: Option<&str>, voice: &str) -> Self {
        Self::set(model, voice, false).await
    }

    /// With a model set by hand, and no other where it is alone.
    async fn alone(model: &str, alone: bool) -> Self {
        Self::set(Some(model), "coral", alone).await
    }

    async fn set(model: Option<&str>, voice: &str, alone: bool) -> Self {
        let config = EmulatorConfig::default();
        let sounds = config.voice.clone();
        let emulator = Emulator::start(config).await.unwrap();
        let settings = TtsSettings {
            endpoint: Endpoint::parse(&emulator.url()).unwrap(),
            key: SecretString::from(KEY),
            model: model.map(str::to_owned),
            alone,
            voice: voice.to_owned(),
            instructions: None,
            format: AudioFormat::default(),
        };
        let metrics = Arc::<Metrics>::default();
        let tts = OpenAiTts::new(&settings, &metrics).unwrap();
        Self { emulator, tts, metrics, voice: sounds }
    }

    /// One for each way to make speech.
    async fn each() -> Vec<(&'static str, Self)> {
        let mut peers = Vec::new();
        for model in MODELS {
            peers.push((model, Self::new(Some(model)).await));
        }
        peers
    }

    fn fault(&self, fault: Fault) {
        self.emulator.faults().add(fault, Times::Once);
    }

    /// What was asked for and not refused, in order.
    fn asked(&self) -> Vec<String> {
        let events = self.emulator.timeline();
        let asked = |what: &What| match what {
            What::SpeechAsked { text, status: 200, .. } => Some(text.clone()),
            _ => None,
        };
        events.events().iter().filter_map(|event| asked(&event.what)).collect()
    }

    fn count(&self, fits: impl Fn(&What) -> bool) -> usize {
        self.emulator.timeline().count(fits)
    }

    fn sockets(&self) -> usize {
        self.count(|what| matches!(what, What::Voicing { what: Voicing::Opened, .. }))
    }

    /// How texts sound, one after the other.
    async fn sound_of(&self, texts: &[String]) -> Vec<u8> {
        let mut sound = Vec::new();
        for text in texts {
            sound.extend_from_slice(&self.voice.say_ulaw(Speaker::Agent, text).await);
        }
        sound
    }
}

/// A call: polls its voice as the media does.
struct Call(Box<dyn TtsSession>);

impl Call {
    fn of(peer: &Peer) -> Self {
        Self(peer.tts.open())
    }

    async fn next(&mut self, speech: &mut Speech) -> Option<Result<Bytes, ProviderError>> {
        let spoken = poll_fn(|cx| {
            let item = speech.poll_next_unpin(cx);
            if item.is_pending() {
                self.0.poll_idle(cx);
            }
            item
        });
        timeout(Duration::from_mins(2), spoken).await.expect("a speech says something, or ends")
    }

    /// All sound of a speech, and the error it ended with.
    async fn collect(&mut self, mut speech: Speech) -> (Vec<u8>, Option<ProviderError>) {
        let mut sound = Vec::new();
        while let Some(item) = self.next(&mut speech).await {
            match item {
                Ok(bytes) => {
                    assert!(!bytes.is_empty());
                    sound.extend_from_slice(&bytes);
                }
                Err(error) => {
                    assert!(self.next(&mut speech).await.is_none(), "an error is the last item");
                    return (sound, Some(error));
                }
            }
        }
        (sound, None)
    }

    async fn say(&mut self, text: &str) -> (Vec<u8>, Option<ProviderError>) {
        let speech = self.0.speak(text.to_owned());
        self.collect(speech).await
    }

    /// Nothing is said for a while.
    async fn pause(&mut self, time: Duration) {
        let idle = poll_fn(|cx| {
            self.0.poll_idle(cx);
            Poll::<()>::Pending
        });
        let _ = timeout(time, idle).await;
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn texts_of_a_call_are_said_whole_and_once_and_in_the_phones_format() {
    for (model, peer) in Peer::each().await {
        let mut call = Call::of(&peer);
        for text in ["Yes.", TEXT, "Größe: 3 – \"ok\"?\nNext line."] {
            let want = peer.sound_of(&[text.to_owned()]).await;
            assert_eq!(call.say(text).await, (want, None), "{model}");
            call.pause(secs(60)).await;
        }
        assert_eq!(peer.asked().len(), 3, "{model}");
        assert!(peer.sockets() <= 1, "{model}: one session serves the call");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_text_is_said_to_its_end() {
    let text = "This sentence has its words in one row. ".repeat(20).trim_end().to_owned();
    for (model, peer) in Peer::each().await {
        let mut call = Call::of(&peer);
        let (sound, error) = call.say(&text).await;
        let asked = peer.asked();
        assert_eq!((asked.join(" "), error), (text.clone(), None), "{model}");
        assert_eq!(sound, peer.sound_of(&asked).await, "{model}");
        assert!(asked.iter().all(|piece| piece.ends_with("row.")), "{model}: cut between sentences");
    }
}

#[tokio::test(start_paused = true)]
async fn speech_comes_while_it_is_still_made() {
    for (model, peer) in Peer::each().await {
        let mut call = Call::of(&peer);
        let mut speech = call.0.speak(TEXT.to_owned());
        let began = Instant::now();
        call.next(&mut speech).await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_millis(300), "{model}: {:?}", began.elapsed());
        assert_eq!(peer.count(|what| matches!(what, What::SpeechEnded { .. })), 0, "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_before_the_first_poll_and_dropping_calls_off() {
    for (model, peer) in Peer::each().await {
        let mut call = Call::of(&peer);
        let mut speech = call.0.speak(TEXT.to_owned());
        call.pause(secs(60)).await;
        assert_eq!((peer.asked().len(), peer.sockets()), (0, 0), "{model}");
        call.next(&mut speech).await.unwrap().unwrap();
        drop(speech);
        call.pause(Duration::from_millis(50)).await;
        let stopped = |what: &What| matches!(what, What::SpeechEnded { whole: false, .. });
        assert_eq!(peer.count(stopped), 1, "{model}:\n{}", peer.emulator.timeline());
        assert_eq!(call.say("Yes.").await, (peer.sound_of(&["Yes.".to_owned()]).await, None), "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_of_a_dropped_speech_is_not_heard_in_the_next() {
    for (model, peer) in Peer::each().await {
        for sounds in 0..4 {
            peer.fault(Fault::SpeechStopsLate { by: 48_000 });
            let mut call = Call::of(&peer);
            let mut speech = call.0.speak(TEXT.to_owned());
            assert!(call.next(&mut speech).now_or_never().is_none());
            for _ in 0..sounds {
                call.next(&mut speech).await.unwrap().unwrap();
            }
            drop(speech);
            assert_eq!(call.say("Yes.").await, (peer.sound_of(&["Yes.".to_owned()]).await, None), "{model} {sounds}");
            call.pause(secs(5)).await;
            assert_eq!(call.say("No.").await, (peer.sound_of(&["No.".to_owned()]).await, None), "{model} {sounds}");
            peer.emulator.faults().clear();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn speeches_that_are_begun_together_come_each_whole() {
    for (model, peer) in Peer::each().await {
        let mut call = Call::of(&peer);
        let (mut first, second) = (call.0.speak(TEXT.to_owned()), call.0.speak("Yes.".to_owned()));
        let mut sound = call.next(&mut first).await.unwrap().unwrap().to_vec();
        let (other, error) = call.collect(second).await;
        assert_eq!((other, error), (peer.sound_of(&["Yes.".to_owned()]).await, None), "{model}");
        let (rest, error) = call.collect(first).await;
        sound.extend(rest);
        assert_eq!((sound, error), (peer.sound_of(&[TEXT.to_owned()]).await, None), "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_pauses_for_the_phone_is_no_stalled_provider() {
    for (model, peer) in Peer::each().await {
        let mut call = Call::of(&peer);
        let mut speech = call.0.speak(TEXT.to_owned());
        let mut sound = call.next(&mut speech).await.unwrap().unwrap().to_vec();
        call.pause(Duration::from_mins(2)).await;
        let (rest, error) = call.collect(speech).await;
        sound.extend(rest);
        assert_eq!((sound, error), (peer.sound_of(&[TEXT.to_owned()]).await, None), "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_by_its_class_without_what_it_quotes() {
    for (status, code, class) in [
        (400, "invalid_value", ErrorClass::Refused),
        (401, "invalid_api_key", ErrorClass::Refused),
        (429, "rate_limit_exceeded", ErrorClass::Busy),
        (500, "server_error", ErrorClass::Unknown),
    ] {
        for (model, peer) in Peer::each().await {
            peer.fault(Fault::SpeechRefused { status, code });
            let mut call = Call::of(&peer);
            let (sound, error) = call.say(TEXT).await;
            let error = error.expect(code);
            assert_eq!((sound.len(), error.class, error.code.as_deref()), (0, class, Some(code)), "{model}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("green") && !shown.contains("emulated"), "{model}: {shown}");
            assert_eq!(call.say("Yes.").await.1, None, "{model}: the next is said");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn speech_that_breaks_off_keeps_its_sound_and_ends_in_an_error() {
    for fault in [Fault::SpeechCut { after: 48_000 }, Fault::SpeechStalled { after: 48_000 }] {
        for (model, peer) in Peer::each().await {
            peer.fault(fault.clone());
            let mut call = Call::of(&peer);
            let began = Instant::now();
            let (sound, error) = call.say(TEXT).await;
            assert_eq!(error.unwrap().class, ErrorClass::Unknown, "{model}");
            let whole = peer.sound_of(&[TEXT.to_owned()]).await;
            assert!(sound.len() > 7_900 && whole.starts_with(&sound), "{model}: {} bytes", sound.len());
            let stalled = began.elapsed() >= secs(10);
            assert_eq!(stalled, matches!(fault, Fault::SpeechStalled { .. }), "{model}: {:?}", began.elapsed());
            assert!(began.elapsed() < secs(11), "{model}: {:?}", began.elapsed());
            assert_eq!(call.say("Yes.").await.1, None, "{model}: the next is said");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_not_there_is_an_error_without_its_address() {
    for (model, peer) in Peer::each().await {
        let port = peer.emulator.url().rsplit_once(':').unwrap().1.to_owned();
        let mut call = Call::of(&peer);
        drop(peer);
        // What listened is gone with the task that did.
        sleep(secs(1)).await;
        let error = call.say(TEXT).await.1.expect(model);
        assert_eq!(error.class, ErrorClass::Busy, "{model} {error}");
        assert!(!error.message.contains(&port), "{model} {error}");
    }
}

#[test]
fn a_model_speaks_where_its_name_says() {
    for (model, realtime) in [
        ("gpt-realtime-2.1-mini", true),
        ("gpt-realtime", true),
        ("gpt-4o-mini-tts", false),
        ("tts-1-hd", false),
        ("kokoro", false),
        ("gpt-realtime-whisper", false),
    ] {
        assert_eq!(is_realtime(model), realtime, "{model}");
    }
}
