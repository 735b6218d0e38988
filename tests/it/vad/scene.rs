//! Scenes as they arrive at our end of a call, with what is true about them.

use callme::audio::mulaw;

use super::noise::{Noise, Style, make};
use super::sound::{Dice, LINES, Line, as_f64, at, gain, level, mix, scale, telephone_band};
use super::speech::{Said, anything, sentence};

/// What arrives, and the truth about it.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) ulaw: Vec<u8>,
    /// From where to where the person speaks.
    pub(crate) spoken: Option<(usize, usize)>,
    /// How loud what we play is, for each frame; `None` where we are silent.
    pub(crate) ours: Vec<Option<f32>>,
}

/// How the person speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaking {
    /// A word or two.
    pub(crate) short: bool,
    /// The active level, in dB below full scale.
    pub(crate) db: f64,
    pub(crate) background: Noise,
    /// ... and how far below that it is, in dB.
    pub(crate) above: f64,
    pub(crate) line: Line,
}

/// 20 ms.
pub(crate) const FRAME: usize = mulaw::FRAME;

/// The person says one thing into a background, of which there is up to 3 s before it, and 2 s after.
pub(crate) fn utterance(dice: &mut Dice) -> (Speaking, Scene) {
    let line = *dice.pick(&LINES);
    let db = *dice.pick(&[-15.0, -20.0, -25.0, -30.0, -35.0]);
    let above = *dice.pick(&[5.0, 10.0, 15.0, 20.0, 30.0]);
    let hum = *dice.pick(&[50.0, 60.0]);
    let noise = db - above;
    let background = *dice.pick(&[
        Noise::Silence,
        Noise::White(noise),
        Noise::White(noise),
        Noise::Pink(noise),
        Noise::Pink(noise),
        Noise::Hum(hum, noise),
    ]);
    let said = anything(dice, db);
    let begins = dice.samples(0.4..3.0);
    let mut sound = make(background, begins + said.sound.len() + at(2.0), dice);
    mix(&mut sound, &said.sound, begins);
    let ours = vec![None; sound.len().div_ceil(FRAME)];
    (Speaking { short: said.short, db, background, above, line }, scene(sound, Some((&said, begins)), line, ours))
}

/// Nobody speaks, while we are audible all the time, and so softly that nothing passes for our echo.
pub(crate) fn alone(noise: Noise, seconds: f64, line: Line, dice: &mut Dice) -> Scene {
    let sound = make(noise, at(seconds), dice);
    let ours = vec![Some(-40.0); sound.len().div_ceil(FRAME)];
    scene(sound, None, line, ours)
}

/// We speak all the time and it comes back by `echo` dB; the person speaks into it once, or not at all.
pub(crate) fn we_speak(
    echo: f64,
    seconds: f64,
    person: bool,
    line: Line,
    dice: &mut Dice,
) -> (Option<Speaking>, Scene) {
    let length = at(seconds);
    let (ours, levels) = agent(length, dice);
    let mut sound = vec![0.0; length];
    mix(&mut sound, &ours, dice.samples(0.03..0.5));
    room(&mut sound, dice);
    let factor = gain(echo + level(&ours) - level(&sound));
    scale(&mut sound, factor);
    let background = Noise::White(-62.0);
    mix(&mut sound, &make(background, length, dice), 0);
    // Who sends knows only about when it is heard: it is told up to 200 ms early.
    let early = dice.samples(0.0..0.2) / FRAME;
    let told = levels[early.min(levels.len())..].to_vec();
    if !person {
        return (None, scene(sound, None, line, told));
    }
    let db = *dice.pick(&[-15.0, -20.0, -25.0, -30.0]);
    let said = anything(dice, db);
    let latest = (seconds - 1.0 - as_f64(said.sound.len()) / as_f64(mulaw::RATE)).max(2.5);
    let begins = dice.samples(2.0..latest);
    mix(&mut sound, &said.sound, begins);
    let speaking = Speaking { short: said.short, db, background, above: db + 62.0, line };
    (Some(speaking), scene(sound, Some((&said, begins)), line, told))
}

/// Our own voice, sentence after sentence, and how loud it is.
fn agent(length: usize, dice: &mut Dice) -> (Vec<f64>, Vec<Option<f32>>) {
    let mut sound = vec![0.0; length];
    let mut from = 0;
    let mut said = sentence(dice, -18.0);
    let mut count = 0_u32;
    while from < length {
        mix(&mut sound, &said.sound, from);
        from += said.ends + dice.samples(0.1..0.6);
        count += 1;
        // A new one now and then: making them takes long.
        if count.is_multiple_of(3) {
            said = sentence(dice, -18.0);
        }
    }
    let levels = sound.chunks(FRAME).map(|frame| Some(narrow(level(frame)))).collect();
    (sound, levels)
}

#[expect(clippy::cast_possible_truncation, reason = "decibels need no f64")]
fn narrow(db: f64) -> f32 {
    db as f32
}

/// The colour of a room: some early reflections.
fn room(sound: &mut [f64], dice: &mut Dice) {
    let dry = sound.to_vec();
    for _ in 0..6 {
        let late = dice.samples(0.002..0.06);
        let mut wet = dry.clone();
        scale(&mut wet, dice.between(-0.5, 0.5));
        mix(sound, &wet, late);
    }
    telephone_band(sound);
}

fn scene(sound: Vec<f64>, said: Option<(&Said, usize)>, line: Line, ours: Vec<Option<f32>>) -> Scene {
    let spoken = said.map(|(said, begins)| (begins + said.begins, begins + said.ends));
    Scene { ulaw: line.carry(sound), spoken, ours }
}

/// Every noise that must not pass for speech.
pub(crate) fn noises() -> Vec<(&'static str, Vec<Noise>)> {
    let levels = [-60.0, -50.0, -40.0, -30.0];
    vec![
        ("silence", vec![Noise::Silence]),
        ("white", levels.map(Noise::White).to_vec()),
        ("pink", levels.map(Noise::Pink).to_vec()),
        ("hum 50 Hz", levels.map(|db| Noise::Hum(50.0, db)).to_vec()),
        ("hum 60 Hz", levels.map(|db| Noise::Hum(60.0, db)).to_vec()),
        ("steps", vec![Noise::Steps(-50.0), Noise::Steps(-35.0)]),
        ("music: band", vec![Noise::Music(Style::Band, -30.0), Noise::Music(Style::Band, -20.0)]),
        ("music: piano", vec![Noise::Music(Style::Piano, -30.0), Noise::Music(Style::Piano, -20.0)]),
        ("music: melody", vec![Noise::Music(Style::Melody, -30.0), Noise::Music(Style::Melody, -20.0)]),
        ("music: solo", vec![Noise::Music(Style::Solo, -30.0), Noise::Music(Style::Solo, -20.0)]),
        ("DTMF", vec![Noise::Keys(-25.0), Noise::Keys(-12.0)]),
        ("call tones", vec![Noise::Tones(-25.0), Noise::Tones(-15.0)]),
        ("clatter", vec![Noise::Clatter(-30.0), Noise::Clatter(-15.0)]),
    ]
}
