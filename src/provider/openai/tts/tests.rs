//! What holds for speech whichever way it is made, and what becomes of it when a model ends.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::emulator::voice::Speaker;
use crate::emulator::{Emulator, EmulatorConfig, Era, Fault, Times, Voicing, What};
use crate::provider::ErrorClass;

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
        let config = EmulatorConfig::default();
        let sounds = config.voice.clone();
        let emulator = Emulator::start(config).await.unwrap();
        let settings = TtsSettings {
            endpoint: Endpoint::parse(&emulator.url()).unwrap(),
            key: SecretString::from(KEY),
            model: model.map(str::to_owned),
            voice: voice.to_owned(),
            instructions: None,
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
    let text = "This sentence has its words in one row. ".repeat(33).trim_end().to_owned();
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

#[tokio::test(start_paused = true)]
async fn a_model_that_ends_is_left_for_good_and_the_text_is_said_by_the_next() {
    for own in [None, Some("tts-1"), Some("gpt-4o-mini-tts")] {
        let peer = Peer::new(own).await;
        let mut call = Call::of(&peer);
        assert_eq!(call.say(TEXT).await.1, None);
        assert_eq!(peer.sockets(), 0);
        peer.emulator.set_era(Era::January);
        assert_eq!(call.say(TEXT).await, (peer.sound_of(&[TEXT.to_owned()]).await, None), "{own:?}");
        assert_eq!(peer.sockets(), 1, "{own:?}");
        let refused = |what: &What| matches!(what, What::SpeechAsked { status: 404, .. });
        let refusals = peer.count(refused);
        assert_eq!(refusals, if own == Some("tts-1") { 2 } else { 1 });
        assert_eq!(call.say("Yes.").await.1, None);
        assert_eq!(Call::of(&peer).say("Yes.").await.1, None);
        assert_eq!(peer.count(refused), refusals, "{own:?}: nobody asks for it again");
        assert_eq!(peer.asked(), [TEXT, TEXT, "Yes.", "Yes."], "{own:?}: each is said once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_realtime_model_that_is_gone_is_left_too() {
    // Where it is told so: as the upgrade's answer, about the settings, and where it was to speak.
    let faults = [
        Fault::VoiceRefused { status: 404, code: "model_not_found" },
        Fault::VoiceError { code: "invalid_model" },
        Fault::SpeechRefused { status: 404, code: "model_not_found" },
    ];
    for fault in faults {
        let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
        peer.fault(fault.clone());
        let mut call = Call::of(&peer);
        assert_eq!(call.say(TEXT).await, (peer.sound_of(&[TEXT.to_owned()]).await, None), "{fault:?}");
        let spoken = |what: &What| matches!(what, What::SpeechAsked { status: 200, .. });
        assert_eq!(peer.count(spoken), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_no_model_is_left_the_refusal_stands_and_the_next_text_tries_all_again() {
    let peer = Peer::new(None).await;
    peer.emulator.faults().add(Fault::SpeechRefused { status: 404, code: "model_not_found" }, Times::Count(2));
    let mut call = Call::of(&peer);
    let error = call.say(TEXT).await.1.expect("a refusal");
    assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Refused, Some("model_not_found")));
    assert_eq!(call.say(TEXT).await.1, None);
    assert_eq!(peer.sockets(), 1, "the first preset speaks");
}

#[tokio::test(start_paused = true)]
async fn other_refusals_leave_no_model() {
    let peer = Peer::new(None).await;
    for (status, code) in [(401, "invalid_api_key"), (400, "invalid_value"), (429, "insufficient_quota")] {
        peer.fault(Fault::SpeechRefused { status, code });
        assert!(Call::of(&peer).say(TEXT).await.1.is_some(), "{code}");
    }
    assert_eq!(Call::of(&peer).say(TEXT).await.1, None);
    assert_eq!(peer.sockets(), 0);
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

#[tokio::test(start_paused = true)]
async fn a_session_that_rewords_is_counted_and_heard() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    let counted = |count: u64| peer.metrics.render().contains(&format!("\ncallme_speech_deviations_total {count}\n"));
    let mut call = Call::of(&peer);
    assert_eq!(call.say(TEXT).await.1, None);
    assert!(counted(0));
    let other = "They are green. I will deploy now.";
    peer.fault(Fault::SpeechReworded(other));
    assert_eq!(call.say(TEXT).await, (peer.sound_of(&[other.to_owned()]).await, None));
    assert!(counted(1));
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_sessions_do_not_have_is_replaced() {
    for (asked, used) in [("nova", "marin"), ("onyx", "cedar"), ("fable", "ballad"), ("coral", "coral")] {
        let peer = Peer::with(Some("gpt-realtime-2.1-mini"), asked).await;
        assert_eq!(Call::of(&peer).say(TEXT).await.1, None, "{asked}");
        let configured =
            |what: &What| matches!(what, What::Voicing { what: Voicing::Configured(voice), .. } if voice == used);
        assert_eq!(peer.count(configured), 1, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_in_a_pause_before_its_hour_is_over() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    let mut call = Call::of(&peer);
    assert_eq!(call.say(TEXT).await.1, None);
    call.pause(Duration::from_mins(49)).await;
    assert_eq!(peer.sockets(), 1);
    call.pause(Duration::from_mins(2)).await;
    assert_eq!(peer.sockets(), 2);
    assert_eq!(call.say(TEXT).await, (peer.sound_of(&[TEXT.to_owned()]).await, None));
    assert_eq!(peer.sockets(), 2, "it was there before it was needed");
    let expired = |what: &What| matches!(what, What::Voicing { what: Voicing::Refused(_), .. });
    assert_eq!(peer.count(expired), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_lost_when_it_is_asked_stumbles_once() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    let mut call = Call::of(&peer);
    assert_eq!(call.say(TEXT).await.1, None);
    peer.fault(Fault::VoiceDropped);
    let (sound, error) = call.say(TEXT).await;
    assert_eq!((sound.len(), error.unwrap().class), (0, ErrorClass::Unknown));
    assert_eq!(call.say(TEXT).await.1, None);
    assert_eq!(peer.sockets(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_opens_is_given_up_after_ten_seconds() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    peer.fault(Fault::VoiceDeaf);
    let mut call = Call::of(&peer);
    let began = Instant::now();
    let (sound, error) = call.say(TEXT).await;
    assert_eq!((sound.len(), error.unwrap().class), (0, ErrorClass::Unknown));
    assert!((secs(10)..secs(11)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(call.say(TEXT).await.1, None);
}
