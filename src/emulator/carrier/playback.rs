//! The carrier's buffer between a server that sends ahead and an ear that hears in real time.

use std::collections::VecDeque;

use crate::emulator::{FRAME, SILENCE};

/// What waits to be played, with marks between.
#[derive(Debug, Default)]
pub(super) struct Playback {
    queue: VecDeque<Item>,
    /// Bytes of sound that wait.
    bytes: usize,
}

#[derive(Debug)]
enum Item {
    Sound { bytes: Vec<u8>, at: usize },
    Mark(String),
}

/// One tick of playing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Played {
    /// How many bytes of the frame were sound.
    pub(super) bytes: usize,
    /// Marks whose sound has been played.
    pub(super) marks: Vec<String>,
}

impl Playback {
    /// Sound to be played after everything before it.
    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.queue.push_back(Item::Sound { bytes, at: 0 });
    }

    /// A mark after everything before it; comes back at once when nothing is.
    pub(super) fn mark(&mut self, name: String) -> Option<String> {
        if self.queue.is_empty() {
            return Some(name);
        }
        self.queue.push_back(Item::Mark(name));
        None
    }

    /// Whether anything waits.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Drops everything: bytes that will not be heard, and the marks that come back.
    pub(super) fn clear(&mut self) -> (usize, Vec<String>) {
        let marks = self
            .queue
            .drain(..)
            .filter_map(|item| if let Item::Mark(name) = item { Some(name) } else { None })
            .collect();
        (std::mem::take(&mut self.bytes), marks)
    }

    /// The next 20 ms for the ear.
    pub(super) fn play(&mut self, ear: &mut [u8; FRAME]) -> Played {
        ear.fill(SILENCE);
        let mut played = Played { bytes: 0, marks: Vec::new() };
        while let Some(item) = self.queue.front_mut() {
            match item {
                Item::Mark(name) => {
                    played.marks.push(std::mem::take(name));
                    self.queue.pop_front();
                }
                Item::Sound { bytes, at } => {
                    let count = (FRAME - played.bytes).min(bytes.len() - *at);
                    ear[played.bytes..played.bytes + count].copy_from_slice(&bytes[*at..*at + count]);
                    *at += count;
                    played.bytes += count;
                    if *at < bytes.len() {
                        break;
                    }
                    self.queue.pop_front();
                }
            }
        }
        self.bytes -= played.bytes;
        played
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(playback: &mut Playback) -> (usize, Vec<String>) {
        let mut ear = [0; FRAME];
        let played = playback.play(&mut ear);
        assert!(ear[played.bytes..].iter().all(|b| *b == SILENCE));
        (played.bytes, played.marks)
    }

    #[test]
    fn a_mark_comes_back_when_everything_before_it_was_played() {
        let mut playback = Playback::default();
        playback.push(vec![1; 250]);
        assert_eq!(playback.mark("a".to_owned()), None);
        playback.push(vec![2; 70]);
        assert_eq!(playback.mark("b".to_owned()), None);
        assert_eq!(play(&mut playback), (160, vec![]));
        assert_eq!(play(&mut playback), (160, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(play(&mut playback), (0, vec![]));
        assert_eq!(playback.mark("c".to_owned()), Some("c".to_owned()));
    }

    #[test]
    fn clear_drops_the_sound_and_returns_the_marks_at_once() {
        let mut playback = Playback::default();
        playback.push(vec![1; 400]);
        playback.mark("a".to_owned());
        playback.mark("b".to_owned());
        assert_eq!(play(&mut playback), (160, vec![]));
        assert_eq!(playback.clear(), (240, vec!["a".to_owned(), "b".to_owned()]));
        assert!(playback.is_empty());
        assert_eq!(play(&mut playback), (0, vec![]));
    }
}
