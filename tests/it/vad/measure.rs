//! The measurement of `docs/SPEECH.md`: scenes from a seed, what the detector made of them, as tables.

use std::collections::BTreeMap;
use std::fmt;

use callme::audio::vad::Settings;

use super::noise::Noise;
use super::scene::{Scene, Speaking, alone, noises, utterance, we_speak};
use super::score::{Alarms, Heard, listen, percentile};
use super::sound::{Dice, LINES};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Everything follows from it.
    pub(crate) seed: u64,
    /// Utterances into a background.
    pub(crate) utterances: usize,
    /// Interruptions of us, with each echo.
    pub(crate) interruptions: usize,
    /// Seconds of each noise on each kind of line, and of our own echo.
    pub(crate) noise: f64,
    /// ... in scenes of so many seconds.
    pub(crate) scene: f64,
}

/// The echoes that are measured, in dB; the last is none.
const ECHOES: [f64; 3] = [-20.0, -35.0, -90.0];

/// What was found, by what the scenes have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) spoken: BTreeMap<String, Heard>,
    pub(crate) interrupted: BTreeMap<String, Heard>,
    pub(crate) alone: BTreeMap<String, Alarms>,
}

/// Makes the scenes and listens to them.
pub(crate) fn measure(plan: Plan, settings: Settings) -> Report {
    let mut report = Report::default();
    let mut dice = Dice::new(plan.seed);
    for _ in 0..plan.utterances {
        let (speaking, scene) = utterance(&mut dice);
        let events = listen(&scene, settings);
        for label in labels(&speaking) {
            report.spoken.entry(label).or_default().add(&scene, &events, settings.silence);
        }
    }
    for echo in ECHOES {
        for n in 0..plan.interruptions {
            let (speaking, scene) = we_speak(echo, 10.0, true, LINES[n % LINES.len()], &mut dice);
            let events = listen(&scene, settings);
            let speaking = speaking.expect("the person speaks");
            let echo = if echo < -60.0 { "no echo".to_owned() } else { format!("echo at {echo} dB") };
            let length = if speaking.short { "a word or two" } else { "a sentence" };
            for label in [format!("{echo}, all"), format!("{echo}, {length}"), format!("{echo}, at {} dB", speaking.db)]
            {
                report.interrupted.entry(label).or_default().add(&scene, &events, settings.silence);
            }
        }
    }
    report.alone(plan, settings, &mut dice);
    report
}

impl Report {
    /// Nobody speaks: each noise on each line, then our own echo.
    fn alone(&mut self, plan: Plan, settings: Settings, dice: &mut Dice) {
        for (name, kinds) in noises() {
            for line in LINES {
                let mut left = plan.noise;
                for kind in kinds.iter().cycle() {
                    if left <= 0.0 {
                        break;
                    }
                    self.hear(name, &alone(*kind, left.min(plan.scene), line, dice), settings);
                    left -= plan.scene;
                }
            }
        }
        for echo in [-20.0, -30.0] {
            for line in LINES {
                let mut left = plan.noise;
                while left > 0.0 {
                    let (_, scene) = we_speak(echo, left.min(plan.scene), false, line, dice);
                    self.hear(&format!("our echo at {echo} dB"), &scene, settings);
                    left -= plan.scene;
                }
            }
        }
    }

    fn hear(&mut self, name: &str, scene: &Scene, settings: Settings) {
        self.alone.entry(name.to_owned()).or_default().add(scene, &listen(scene, settings));
    }
}

fn labels(speaking: &Speaking) -> Vec<String> {
    let background = match speaking.background {
        Noise::Silence => "in silence".to_owned(),
        _ => format!("{} dB above noise", speaking.above),
    };
    let kind = match speaking.background {
        Noise::White(_) => Some("in white noise"),
        Noise::Pink(_) => Some("in pink noise"),
        Noise::Hum(..) => Some("in hum"),
        _ => None,
    };
    let length = if speaking.short { "a word or two" } else { "a sentence" };
    let line = format!("line: {:?}", speaking.line);
    let level = format!("speech at {} dB", speaking.db);
    let mut labels = vec!["all".to_owned(), length.to_owned(), background, line, level];
    labels.extend(kind.map(str::to_owned));
    labels
}

/// The tables, as Markdown.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| the person speaks | n | missed | false starts | split | cut | noticed after, ms: median / p95 | end late by, ms: p5 / median / p95 |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for (label, heard) in &self.spoken {
            writeln!(
                f,
                "| {label} | {} | {} | {} | {} | {} | {} | {} |",
                heard.scenes,
                percent(heard.missed, heard.scenes),
                heard.false_starts,
                heard.split,
                heard.cut,
                percentiles(&heard.onset, &[50, 95]),
                percentiles(&heard.end, &[5, 50, 95]),
            )?;
        }
        writeln!(
            f,
            "\n| the person interrupts us | n | never | false starts | cuts us after, ms: median / p90 / p95 |"
        )?;
        writeln!(f, "|---|---|---|---|---|")?;
        for (label, heard) in &self.interrupted {
            let never = percent(heard.uninterrupted, heard.scenes);
            let after = percentiles(&heard.interrupted, &[50, 90, 95]);
            writeln!(f, "| {label} | {} | {never} | {} | {after} |", heard.scenes, heard.false_starts)?;
        }
        writeln!(f, "\n| nobody speaks | minutes | starts | starts in 10 minutes | interruptions |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for (label, alarms) in &self.alone {
            let Alarms { minutes, starts, interruptions } = *alarms;
            let rate = 10.0 * f64::from(u32::try_from(starts).expect("few")) / minutes;
            writeln!(f, "| {label} | {minutes:.0} | {starts} | {rate:.1} | {interruptions} |")?;
        }
        Ok(())
    }
}

fn percent(part: usize, of: usize) -> String {
    format!("{:.1} %", 100.0 * super::sound::as_f64(part) / super::sound::as_f64(of.max(1)))
}

fn percentiles(values: &[f64], percents: &[usize]) -> String {
    let values: Vec<String> = percents.iter().map(|percent| format!("{:.0}", percentile(values, *percent))).collect();
    values.join(" / ")
}
