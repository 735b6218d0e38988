//! Recognition by the sound itself: every phrase's µ-law is known, and found again byte for byte at any offset.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::audio::mulaw;
use crate::emulator::{FRAME, SILENCE};

/// Root mean square below which a frame is too quiet to tell phrases apart.
const QUIET: f64 = 150.0;
/// The µ-law code of minus zero.
const MINUS_ZERO: u8 = 0x7F;
/// The base of the rolling hash; odd, so that no byte is shifted out of 64 bits.
const BASE: u64 = 0x0000_0100_0000_01b3;

/// Every phrase that was made into sound.
#[derive(Debug, Default)]
pub(crate) struct Phrasebook {
    phrases: Vec<Phrase>,
    /// Hash of a loud frame → which phrases have it, and as which of their loud frames.
    frames: HashMap<u64, Vec<(usize, usize)>>,
    known: HashSet<(String, u64)>,
}

#[derive(Debug)]
struct Phrase {
    text: String,
    /// How many loud frames it has.
    loud: usize,
}

/// A phrase as far as it was found, in the order of its frames.
#[derive(Debug)]
struct Run {
    phrase: usize,
    /// Where in the sound it was first found.
    began: usize,
    frames: BTreeSet<usize>,
}

impl Phrasebook {
    /// Remembers how `text` sounds.
    pub(crate) fn learn(&mut self, text: &str, ulaw: &[u8]) {
        let key = (text.to_owned(), hash(ulaw));
        if !self.known.insert(key) {
            return;
        }
        let index = self.phrases.len();
        let mut loud = 0;
        for frame in ulaw.chunks_exact(FRAME).filter(|f| rms(f) >= QUIET) {
            self.frames.entry(hash(frame)).or_default().push((index, loud));
            loud += 1;
        }
        self.phrases.push(Phrase { text: text.to_owned(), loud });
    }

    /// The words in `ulaw`: of each phrase those whose sound is there for at least half. Empty when nothing is known.
    pub(crate) fn recognise(&self, ulaw: &[u8]) -> String {
        let runs = self.runs(&self.hits(ulaw));
        let texts: Vec<String> = runs.iter().map(|run| self.words(run)).filter(|text| !text.is_empty()).collect();
        texts.join(" ")
    }

    /// Where known frames begin in `ulaw`, without overlap.
    fn hits(&self, ulaw: &[u8]) -> Vec<(usize, &[(usize, usize)])> {
        let mut hits = Vec::new();
        let highest = (1..FRAME).fold(1_u64, |power, _| power.wrapping_mul(BASE));
        let mut at = 0;
        let mut rolled: Option<u64> = None;
        while at + FRAME <= ulaw.len() {
            let value = rolled.unwrap_or_else(|| hash(&ulaw[at..at + FRAME]));
            if let Some(found) = self.frames.get(&value) {
                hits.push((at, found.as_slice()));
                at += FRAME;
                rolled = None;
            } else {
                rolled = ulaw.get(at + FRAME).map(|next| {
                    let without = value.wrapping_sub(sound_of(ulaw[at]).wrapping_mul(highest));
                    without.wrapping_mul(BASE).wrapping_add(sound_of(*next))
                });
                at += 1;
            }
        }
        hits
    }

    /// Gives each hit to one phrase, the phrase that explains most of them first: texts that begin alike sound alike there.
    fn runs(&self, hits: &[(usize, &[(usize, usize)])]) -> Vec<Run> {
        let mut left: Vec<_> = hits.to_vec();
        let mut runs: Vec<Run> = Vec::new();
        while !left.is_empty() {
            let mut counts: HashMap<usize, usize> = HashMap::new();
            for (_, candidates) in &left {
                let phrases: BTreeSet<usize> = candidates.iter().map(|(phrase, _)| *phrase).collect();
                for phrase in phrases {
                    *counts.entry(phrase).or_default() += 1;
                }
            }
            let best = counts
                .into_iter()
                .max_by_key(|(phrase, count)| (*count, usize::MAX - self.phrases[*phrase].loud, usize::MAX - phrase))
                .map(|(phrase, _)| phrase)
                .expect("each hit has a candidate");
            let mut current: Option<Run> = None;
            left.retain(|(at, candidates)| {
                let last = current.as_ref().and_then(|run| run.frames.last().copied());
                let positions = || candidates.iter().filter(|(p, _)| *p == best).map(|(_, frame)| *frame);
                let Some(first) = positions().min() else { return true };
                let next = positions().filter(|frame| last.is_none_or(|l| *frame > l)).min();
                if let (Some(run), Some(frame)) = (&mut current, next) {
                    run.frames.insert(frame);
                } else {
                    // Going back means that it was said again.
                    let frames = BTreeSet::from([next.unwrap_or(first)]);
                    runs.extend(current.replace(Run { phrase: best, began: *at, frames }));
                }
                false
            });
            runs.extend(current);
        }
        runs.sort_by_key(|run| run.began);
        runs
    }

    fn words(&self, run: &Run) -> String {
        let phrase = &self.phrases[run.phrase];
        let words: Vec<&str> = phrase.text.split_whitespace().collect();
        let count = words.len().max(1);
        let heard = |word: usize| {
            let span = word * phrase.loud / count..(word + 1) * phrase.loud / count;
            let wanted = span.len();
            2 * run.frames.range(span).count() >= wanted && wanted > 0
        };
        let heard: Vec<&str> = words.iter().enumerate().filter(|(n, _)| heard(*n)).map(|(_, word)| *word).collect();
        heard.join(" ")
    }
}

/// A code by its sound: what came as PCM has lost the sign of its zeros.
fn sound_of(code: u8) -> u64 {
    u64::from(if code == MINUS_ZERO { SILENCE } else { code })
}

/// Polynomial in [`BASE`], so that it can be rolled on.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |h: u64, byte| h.wrapping_mul(BASE).wrapping_add(sound_of(*byte)))
}

/// Loudness of µ-law, in 16-bit sample units.
pub(crate) fn rms(ulaw: &[u8]) -> f64 {
    let mut samples = Vec::with_capacity(ulaw.len());
    mulaw::decode(ulaw, &mut samples);
    let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (power / f64::from(u32::try_from(ulaw.len().max(1)).unwrap_or(u32::MAX))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::voice::{Speaker, Voice};

    async fn book(texts: &[&str]) -> (Phrasebook, Vec<Vec<u8>>) {
        let (voice, mut book, mut sounds) = (Voice::babble(), Phrasebook::default(), Vec::new());
        for text in texts {
            let sound = voice.say_ulaw(Speaker::Person, text).await;
            book.learn(text, &sound);
            sounds.push(sound.to_vec());
        }
        (book, sounds)
    }

    #[tokio::test]
    async fn words_come_from_the_sound_at_any_offset() {
        let (book, sounds) = book(&["yes please go on", "no"]).await;
        for offset in [0, 1, 77, 159, 160, 401] {
            let mut line = vec![SILENCE; offset];
            line.extend(&sounds[0]);
            line.extend(vec![SILENCE; 333]);
            line.extend(&sounds[1]);
            assert_eq!(book.recognise(&line), "yes please go on no", "offset {offset}");
        }
    }

    #[tokio::test]
    async fn a_part_of_a_phrase_has_its_part_of_the_words() {
        let (book, sounds) = book(&["one two three four"]).await;
        let sound = &sounds[0];
        assert_eq!(book.recognise(&sound[..sound.len() / 2]), "one two");
        assert_eq!(book.recognise(&sound[sound.len() / 2 + 80..]), "three four");
    }

    #[tokio::test]
    async fn corrupted_sound_has_no_words() {
        let (book, sounds) = book(&["one two three four"]).await;
        let noisy: Vec<u8> =
            sounds[0].iter().enumerate().map(|(n, b)| if n % 100 == 0 { b ^ 0x10 } else { *b }).collect();
        assert_eq!(book.recognise(&noisy), "");
        assert_eq!(book.recognise(&[SILENCE; 4000]), "");
    }

    #[tokio::test]
    async fn what_is_said_twice_is_heard_twice() {
        let (book, sounds) = book(&["stop it"]).await;
        assert_eq!(book.recognise(&[sounds[0].clone(), sounds[0].clone()].concat()), "stop it stop it");
    }
}
