//! Sound for words: a speech synthesiser where one is installed, babble where none is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::audio::pcm::PcmToUlaw;

mod babble;
mod espeak;

/// Who speaks; the two sound different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// What the speech provider makes.
    Agent,
    /// The person on the phone.
    Person,
}

/// Makes sound for words, 24 kHz mono; remembers what it made. Clones share the memory.
#[derive(Clone, Debug)]
pub struct Voice {
    kind: Kind,
    made: Arc<Mutex<Made>>,
}

/// 24 kHz samples by speaker and text.
type Made = HashMap<(Speaker, String), Arc<[i16]>>;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Espeak,
    Babble,
}

impl Voice {
    /// Babble: sounds like speech, differs by text, needs nothing installed, and is the same everywhere.
    pub fn babble() -> Self {
        Self { kind: Kind::Babble, made: Arc::default() }
    }

    /// `espeak-ng`; babbles where it fails.
    pub fn espeak() -> Self {
        Self { kind: Kind::Espeak, made: Arc::default() }
    }

    /// `espeak-ng` where it is installed, else babble. Starts a process to find out.
    pub fn best() -> Self {
        if espeak::is_installed() { Self::espeak() } else { Self::babble() }
    }

    /// What it is: `espeak-ng` or `babble`.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Espeak => "espeak-ng",
            Kind::Babble => "babble",
        }
    }

    /// The sound of `text`.
    pub async fn say(&self, speaker: Speaker, text: &str) -> Arc<[i16]> {
        let key = (speaker, text.to_owned());
        let known = self.made.lock().expect("no holder of the lock panics").get(&key).cloned();
        if let Some(sound) = known {
            return sound;
        }
        let mut sound = match self.kind {
            Kind::Babble => babble::speak(speaker, text),
            Kind::Espeak => {
                let words = text.to_owned();
                // Under paused time a blocking task holds the clock, so this costs no virtual time.
                let spoken = tokio::task::spawn_blocking(move || espeak::speak(speaker, &words)).await;
                spoken.ok().and_then(Result::ok).unwrap_or_else(|| babble::speak(speaker, text))
            }
        };
        // Words without any sound (an ellipsis) still take a moment.
        sound.resize(sound.len().max(2400), 0);
        let sound: Arc<[i16]> = sound.into();
        self.made.lock().expect("no holder of the lock panics").insert(key, Arc::clone(&sound));
        sound
    }

    /// The sound of `text` as the telephone carries it.
    pub async fn say_ulaw(&self, speaker: Speaker, text: &str) -> Arc<[u8]> {
        ulaw(&self.say(speaker, text).await)
    }
}

/// 24 kHz samples as 8 kHz µ-law.
pub(crate) fn ulaw(samples: &[i16]) -> Arc<[u8]> {
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let (mut pcm, mut out) = (PcmToUlaw::default(), Vec::with_capacity(samples.len() / 3 + 1));
    pcm.push(&bytes, &mut out);
    pcm.finish(&mut out);
    out.into()
}
