//! The watch over an emulated provider whose models end.

use super::*;
use crate::clock::Millis;
use crate::clock::wall::WallClock;
use crate::emulator::{Emulator, EmulatorConfig, Era, Fault, Times, Voicing, What};
use crate::provider::openai::tts::{AudioFormat, OpenAiTts, TtsSettings};

/// 2026-11-21 and so many days.
fn day(days: u64) -> Millis {
    Millis(1_795_219_200_000 + days * 86_400_000)
}

struct World {
    emulator: Emulator,
    metrics: Arc<Metrics>,
    watch: Watch,
    tts: OpenAiTts,
}

impl World {
    async fn new(model: Option<&str>, now: Millis) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let settings = TtsSettings {
            endpoint: Endpoint::parse(&emulator.url()).unwrap(),
            key: SecretString::from("sk-emulated"),
            model: model.map(str::to_owned),
            alone: false,
            voice: "coral".to_owned(),
            instructions: None,
            format: AudioFormat::default(),
        };
        let metrics = Arc::<Metrics>::default();
        let tts = OpenAiTts::new(&settings, &metrics).unwrap();
        let watch = Watch::new(Arc::new(WallClock::starting_at(now)), Arc::clone(&metrics));
        let watch = watch.over(tts.watched(), &settings.endpoint, &settings.key).unwrap();
        Self { emulator, metrics, watch, tts }
    }

    /// Lets time pass under the watch's eyes.
    async fn watch(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.watch.run(Duration::from_hours(6))).await;
    }

    fn model(&self) -> String {
        let part = &self.watch.parts[0];
        part.presets.models()[part.presets.place()].to_owned()
    }

    fn sessions(&self) -> usize {
        self.emulator.timeline().count(|what| matches!(what, What::Voicing { what: Voicing::Opened, .. }))
    }

    fn end(&self) -> String {
        let text = self.metrics.render();
        let name = "callme_speech_model_end_timestamp_seconds{part=\"tts\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("none").to_owned()
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_model_that_ended_is_left_before_anybody_asks_for_it() {
    for model in [None, Some("gpt-4o-mini-tts"), Some("tts-1-hd")] {
        let world = World::new(model, day(0)).await;
        world.watch(MINUTE).await;
        assert_eq!((world.model().as_str(), world.sessions()), (model.unwrap_or("gpt-4o-mini-tts"), 0));
        world.emulator.set_era(Era::January);
        world.watch(Duration::from_hours(7)).await;
        assert_eq!((world.model().as_str(), world.sessions()), ("gpt-realtime-2.1-mini", 2), "{model:?}");
        assert_eq!(world.end(), "0", "{model:?}: it is not known to end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_a_list_lacks_is_used_again_when_it_is_back() {
    let world = World::new(None, day(0)).await;
    for (era, model) in [(Era::January, "gpt-realtime-2.1-mini"), (Era::default(), "gpt-4o-mini-tts")] {
        world.emulator.set_era(era);
        world.watch(MINUTE).await;
        assert_eq!(world.model(), model);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_only_not_found_is_tried_again_at_the_next_look_and_one_that_is_gone_is_not() {
    for (code, again) in [("invalid_request_error", true), ("model_not_found", false)] {
        let world = World::new(Some("gpt-realtime-2.1-mini"), day(0)).await;
        world.emulator.faults().add(Fault::VoiceRefused { status: 404, code }, Times::Once);
        world.watch(MINUTE).await;
        assert_eq!(world.model(), "gpt-4o-mini-tts", "{code}");
        world.watch(Duration::from_hours(6)).await;
        let model = if again { "gpt-realtime-2.1-mini" } else { "gpt-4o-mini-tts" };
        assert_eq!(world.model(), model, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_set_by_hand_that_no_list_ever_had_is_kept_while_it_works() {
    // Names of a gateway's own: the list has the other models of the table.
    for model in ["a-voice-of-my-own", "my-realtime-voice"] {
        let world = World::new(Some(model), day(0)).await;
        world.watch(Duration::from_hours(7)).await;
        assert_eq!((world.model().as_str(), world.end().as_str()), (model, "0"));
    }
    let world = World::new(Some("my-realtime-voice"), day(0)).await;
    world.emulator.faults().add(Fault::VoiceRefused { status: 404, code: "model_not_found" }, Times::Once);
    world.watch(MINUTE).await;
    assert_eq!(world.model(), "gpt-4o-mini-tts", "the provider itself says that it is gone");
}

#[tokio::test(start_paused = true)]
async fn an_end_within_sixty_days_is_warned_of_and_a_later_one_is_only_measured() {
    let text = "gpt-4o-mini-tts, which is used for tts, ends on 2027-01-06: gpt-realtime-2.1-mini is used from then on";
    // 2027-01-06 is 46 days after 2026-11-21.
    let before = Millis(day(0).0 - 15 * 86_400_000);
    for (now, warned) in [(before, false), (before + Duration::from_hours(24), true), (day(0), true), (day(46), true)] {
        let world = World::new(None, now).await;
        assert_eq!(world.watch.warnings(), [""; 0], "nothing is known yet");
        world.watch(MINUTE).await;
        assert_eq!(world.watch.warnings(), if warned { vec![text.to_owned()] } else { vec![] }, "{now}");
        assert_eq!(world.end(), "1799193600", "{now}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_opened_is_left_when_its_model_is_gone_and_kept_when_it_stumbles() {
    for (status, code, left) in
        [(404, "model_not_found", true), (500, "server_error", false), (429, "rate_limit_exceeded", false)]
    {
        let world = World::new(Some("gpt-realtime-2.1-mini"), day(0)).await;
        world.emulator.faults().add(Fault::VoiceRefused { status, code }, Times::Once);
        world.watch(MINUTE).await;
        let model = if left { "gpt-4o-mini-tts" } else { "gpt-realtime-2.1-mini" };
        assert_eq!(world.model(), model, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_to_be_had_or_knows_none_of_ours_says_nothing() {
    let world = World::new(Some("a-voice-of-my-own"), day(0)).await;
    world.emulator.faults().add(Fault::ModelsRefused { status: 404 }, Times::Always);
    world.watch(MINUTE).await;
    assert_eq!((world.model().as_str(), world.end().as_str()), ("a-voice-of-my-own", "0"));
    let part = &world.watch.parts[0];
    *part.models.lock().unwrap() = Models::default();
    assert!(!part.is_unlisted(0));
    drop(world.tts);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_answer_is_not_waited_for_and_asked_again_later() {
    let world = World::new(Some("gpt-realtime-2.1-mini"), day(0)).await;
    world.emulator.faults().add(Fault::VoiceDeaf, Times::Once);
    world.watch(MINUTE).await;
    assert_eq!((world.model().as_str(), world.sessions()), ("gpt-realtime-2.1-mini", 1));
    world.watch(Duration::from_hours(13)).await;
    assert_eq!(world.sessions(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_look_says_what_is_used_what_was_wanted_and_why_it_does_not_work() {
    let look = async |world: &World| world.watch.examine().await.remove(0);
    let world = World::new(Some("gpt-realtime-2.1-mini"), day(0)).await;
    let seen = look(&world).await;
    assert_eq!((seen.model.as_str(), seen.is_unknown, seen.failure), ("gpt-realtime-2.1-mini", false, None));
    world.emulator.faults().add(Fault::VoiceRefused { status: 500, code: "server_error" }, Times::Once);
    let seen = look(&world).await;
    assert_eq!(seen.failure.and_then(|error| error.code).as_deref(), Some("server_error"));
    world.emulator.faults().add(Fault::VoiceRefused { status: 404, code: "model_not_found" }, Times::Once);
    let seen = look(&world).await;
    assert_eq!((seen.wanted.as_str(), seen.model.as_str()), ("gpt-realtime-2.1-mini", "gpt-4o-mini-tts"));
    assert!(seen.failure.is_none() && seen.warning.is_some());
    let world = World::new(Some("a-voice-of-my-own"), day(0)).await;
    assert!(look(&world).await.is_unknown);
}
