//! Speech from `espeak-ng`, with the truth about where it begins and ends.

use super::sound::{Dice, RATE, active_level, gain, run, scale};

/// An utterance without anything else.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) sound: Vec<f64>,
    /// Its first and its last sample that can be heard.
    pub(crate) begins: usize,
    pub(crate) ends: usize,
    /// One word or two.
    pub(crate) short: bool,
}

/// A language and what is said in it: what is short, and what is long.
const LANGUAGES: [(&str, &[&str], &[&str]); 8] = [
    (
        "en-us",
        &["Yes.", "No.", "Stop.", "Wait.", "Hello?", "Okay.", "Ship it.", "Seven."],
        &[
            "No, wait, the second one is not ready yet.",
            "Please ask me again after lunch, I want to look at it first.",
            "Four of the tests fail on my machine, so I would rather not.",
            "Sure, go ahead and deploy it to production.",
        ],
    ),
    ("en-gb", &["Right.", "Hang on.", "What?"], &["I think the first version was better, thank you very much."]),
    ("de", &["Ja.", "Nein.", "Stopp.", "Moment."], &["Nein, bitte erst die Datenbank sichern und dann weitermachen."]),
    ("fr", &["Oui.", "Non.", "Attends."], &["Je ne sais pas encore, rappelle-moi dans une heure s'il te plaît."]),
    ("es", &["Sí.", "Espera.", "Claro."], &["Sí, puedes seguir, pero ten cuidado con los datos de los clientes."]),
    ("it", &["Sì.", "Aspetta."], &["Va bene, ma prima fammi vedere che cosa è cambiato."]),
    ("pl", &["Tak.", "Nie."], &["Poczekaj chwilę, muszę sprawdzić jeszcze jedną rzecz."]),
    ("hi", &["हाँ।", "रुको।"], &["नहीं, अभी मत करो, पहले मुझे दिखाओ।"]),
];

/// Men and women, and two other ways to make a voice.
const VARIANTS: [&str; 10] = ["", "+m1", "+m3", "+m7", "+f1", "+f2", "+f4", "+klatt2", "+klatt4", "+Andrea"];

/// Something said by somebody, at 0 dB active level below full scale `db`.
pub(crate) fn anything(dice: &mut Dice, db: f64) -> Said {
    let (language, short, long) = *dice.pick(&LANGUAGES);
    let brief = dice.unit() < 0.4;
    let text = *dice.pick(if brief { short } else { long });
    say(dice, language, text, brief, db)
}

/// A long sentence.
pub(crate) fn sentence(dice: &mut Dice, db: f64) -> Said {
    let (language, _, long) = *dice.pick(&LANGUAGES);
    let text = *dice.pick(long);
    say(dice, language, text, false, db)
}

fn say(dice: &mut Dice, language: &str, text: &str, short: bool, db: f64) -> Said {
    let voice = format!("{language}{}", dice.pick(&VARIANTS));
    let speed = dice.between(130.0, 240.0).round().to_string();
    let pitch = dice.between(25.0, 75.0).round().to_string();
    let wav = run("espeak-ng", &["-v", &voice, "-s", &speed, "-p", &pitch, "--stdout", text], Vec::new());
    let raw = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-L", "-"];
    let pcm = run("sox", &[&["-V1", "-D", "-t", "wav", "--ignore-length", "-"], &raw[..]].concat(), wav);
    let mut sound: Vec<f64> =
        pcm.as_chunks::<2>().0.iter().map(|&pair| f64::from(i16::from_le_bytes(pair)) / 32_768.0).collect();
    let loudness = active_level(&sound);
    scale(&mut sound, gain(db - loudness));
    let (begins, ends) = heard(&sound);
    Said { sound, begins, ends, short }
}

/// From where to where it can be heard: the 5 ms windows within 40 dB of the loudest.
fn heard(sound: &[f64]) -> (usize, usize) {
    const WINDOW: usize = RATE / 200;
    let powers: Vec<f64> = sound.chunks(WINDOW).map(|w| w.iter().map(|x| x * x).sum()).collect();
    let threshold = powers.iter().copied().fold(0.0, f64::max) * gain(-80.0);
    let begins = powers.iter().position(|p| *p > threshold).unwrap_or(0);
    let ends = powers.iter().rposition(|p| *p > threshold).unwrap_or(0);
    (begins * WINDOW, (ends + 1) * WINDOW)
}
