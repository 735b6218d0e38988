//! Measures the voice detection and prints the tables of `docs/SPEECH.md`: some 15 minutes.
//!
//! `cargo run --release --example measure_vad [seed] [part]`: `part` takes less of everything, 0.1 for a tenth. Needs
//! `espeak-ng` and `sox` (`scripts/setup`). Ends with 1 when a noise interrupts us, or when one in twenty interruptions
//! without echo takes more than 280 ms.

#[path = "../tests/it/vad/measure.rs"]
mod measure;
#[path = "../tests/it/vad/noise.rs"]
mod noise;
#[path = "../tests/it/vad/scene.rs"]
mod scene;
#[path = "../tests/it/vad/score.rs"]
mod score;
#[path = "../tests/it/vad/sound.rs"]
mod sound;
#[path = "../tests/it/vad/speech.rs"]
mod speech;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use callme::audio::vad::{Settings, Vad};

use measure::{Plan, measure};
use noise::Noise;
use score::percentile;
use sound::{Dice, Line, as_f64, at, mix};

/// What must be reached: the time after which 19 of 20 interruptions have cut us, in milliseconds.
const SOON: f64 = 280.0;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seed = arguments.next().map_or(7_001, |seed| seed.parse().expect("a seed is a number"));
    let part: f64 = arguments.next().map_or(1.0, |part| part.parse().expect("a part is a number"));
    let some = |count: f64| (1..1_000_000).find(|n| as_f64(*n) >= count * part).expect("a part is not that large");
    let plan = Plan { seed, utterances: some(2_000.0), interruptions: some(400.0), noise: 600.0 * part, scene: 60.0 };
    let report = measure(plan, Settings::default());
    println!("Seed {seed}, {part} of the whole.\n\n{report}");
    cpu(seed);
    let clear = &report.interrupted["no echo, all"];
    let loud = report.alone.values().any(|alarms| alarms.interruptions > 0);
    if loud || percentile(&clear.interrupted, 95) > SOON {
        eprintln!("Not what it must be.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Prints what a second of each kind of sound costs: the best of many runs, since other work of the machine only adds.
fn cpu(seed: u64) {
    const SECONDS: f64 = 60.0;
    let mut dice = Dice::new(seed);
    let mut talk = vec![0.0; at(SECONDS)];
    let mut from = 0;
    while from < talk.len() {
        let said = speech::sentence(&mut dice, -20.0);
        mix(&mut talk, &said.sound, from);
        from += said.ends + at(0.3);
    }
    let noise = noise::make(Noise::White(-50.0), talk.len(), &mut dice);
    mix(&mut talk, &noise, 0);
    let music = noise::make(Noise::Music(noise::Style::Band, -25.0), talk.len(), &mut dice);
    println!("\n| a second of | costs, ms of CPU |\n|---|---|");
    let sounds = [("speech", talk), ("line noise", noise), ("music", music), ("silence", vec![0.0; at(SECONDS)])];
    for (name, sound) in sounds {
        let ulaw = Line::Fixed.carry(sound);
        let best = (0..30).map(|_| time(&ulaw)).min().expect("there are runs");
        println!("| {name} | {:.3} |", best.as_secs_f64() * 1_000.0 / SECONDS);
    }
}

#[expect(clippy::disallowed_methods, reason = "the machine's own time is what is measured")]
fn time(ulaw: &[u8]) -> Duration {
    let mut vad = Vad::new(Settings::default());
    let mut events = 0;
    let begin = Instant::now();
    for frame in ulaw.chunks(scene::FRAME) {
        vad.hear(frame, |_| events += 1);
    }
    let took = begin.elapsed();
    assert!(events < 1_000, "so that the work is not left out");
    took
}
