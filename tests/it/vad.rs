//! The voice detection, with speech from a synthesiser and with everything else that a line carries.
//!
//! A sample of the measurement in `docs/SPEECH.md`, which `cargo run --release --example measure_vad` repeats in full.

mod measure;
mod noise;
mod scene;
mod score;
mod sound;
mod speech;

use callme::audio::vad::{Event, Settings, Vad};
use callme::emulator::Voice;
use callme::emulator::voice::Speaker;

use measure::{Plan, measure};
use score::percentile;

/// Another seed than those the detector was developed with.
const SAMPLE: Plan = Plan { seed: 2026, utterances: 60, interruptions: 12, noise: 8.0, scene: 8.0 };

#[test]
fn speech_is_noticed_soon_and_nothing_else_is() {
    let report = measure(SAMPLE, Settings::default());
    let all = &report.spoken["all"];
    assert!(all.missed * 100 <= 6 * all.scenes, "too many are missed:\n{report}");
    assert!(all.false_starts <= 1 && all.split <= 1 && all.cut <= 2, "{report}");
    // The latest are soft beginnings 5 and 10 dB above the noise.
    assert!(percentile(&all.onset, 50) <= 120.0 && percentile(&all.onset, 95) <= 400.0, "slow:\n{report}");
    assert!(percentile(&all.end, 5) >= -250.0 && percentile(&all.end, 95) <= 100.0, "ends:\n{report}");
    let clear = &report.interrupted["no echo, all"];
    assert!(clear.uninterrupted <= 2 && clear.false_starts == 0, "{report}");
    assert!(percentile(&clear.interrupted, 90) <= 280.0, "{report}");
    let strong = &report.interrupted["echo at -20 dB, all"];
    assert!(strong.uninterrupted <= 2 && strong.false_starts == 0, "{report}");
    assert!(percentile(&strong.interrupted, 90) <= 300.0, "{report}");
    for (noise, alarms) in &report.alone {
        assert_eq!(alarms.interruptions, 0, "{noise} interrupts us:\n{report}");
        let may_start = if noise.starts_with("music") { 6 } else { 1 };
        assert!(alarms.starts <= may_start, "{noise} passes for speech:\n{report}");
    }
}

#[tokio::test]
async fn the_emulator_s_babble_is_speech_and_one_stretch_of_it() {
    for speaker in [Speaker::Agent, Speaker::Person] {
        let mut line = vec![0xFF; 8_000];
        line.extend_from_slice(&Voice::babble().say_ulaw(speaker, "No, wait until the second review is done").await);
        line.extend_from_slice(&[0xFF; 8_000]);
        let mut events = Vec::new();
        let mut vad = Vad::new(Settings::default());
        vad.hear(&line, |event| events.push(event));
        let [Event::Started { from, began }, Event::Ended { ended }] = events[..] else { panic!("{events:?}") };
        assert!((7_800..8_600).contains(&began) && from < 8_000 && ended > 20_000, "{events:?}");
    }
}
