//! The person's voice on its way to the provider: what is still to be sent, and what may have to be sent again.
//!
//! Positions count bytes of µ-law since the first one of the call; a socket counts from where it began.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::mulaw::{self, SILENCE};
use crate::audio::vad::is_silence;
use crate::clock::{Millis, whole_millis};

/// Positions are counted in 64 bits.
const PER_MS: u64 = mulaw::PER_MS as u64;

/// What is sent again when nobody speaks: the provider may have been about to report a beginning.
const TAIL: u64 = 1_000 * PER_MS;

/// The most that waits for a socket when nobody is known to speak; the oldest is dropped.
const MOST_WAITING: u64 = 10_000 * PER_MS;

/// The most that is held for a stretch without words; the oldest is dropped.
const MOST_HELD: u64 = 60_000 * PER_MS;

/// How much room a tape makes at a time, and how much of it it keeps when a stretch is over: 2 s.
const ROOM: usize = 16 * 1024;

/// A stretch of the call's audio.
#[derive(Debug, Default)]
pub(super) struct Tape {
    held: VecDeque<u8>,
    /// Position of the first byte held.
    start: u64,
    /// Position of the next byte to send on this socket.
    sent: u64,
    /// Position that this socket counts from.
    origin: u64,
    /// When the first byte arrived, and when the last one did.
    times: Option<(Millis, Millis)>,
}

/// How many bytes a time is.
pub(super) fn bytes(time: Duration) -> u64 {
    whole_millis(time).saturating_mul(PER_MS)
}

impl Tape {
    /// Takes audio whose last sample arrived at `now`.
    pub(super) fn push(&mut self, ulaw: &[u8], now: Millis) {
        // Not doubled each time: what a call holds is sound, not room for it.
        if self.held.capacity() - self.held.len() < ulaw.len() {
            self.held.reserve_exact(ulaw.len().max(ROOM));
        }
        self.held.extend(ulaw);
        let began = now - Duration::from_millis(ulaw.len() as u64 / PER_MS);
        self.times = Some((self.times.map_or(began, |(first, _)| first), now));
    }

    /// Puts silence behind the audio, as if it were to arrive from `now` on.
    pub(super) fn push_silence(&mut self, time: Duration, now: Millis) {
        let count = usize::try_from(bytes(time).min(MOST_HELD)).expect("a minute of audio fits into memory");
        self.held.extend(std::iter::repeat_n(SILENCE, count));
        self.times = Some((self.times.map_or(now, |(first, _)| first), now + time));
    }

    /// How much is to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.held.len() - self.index(self.sent)
    }

    /// Moves what is to be sent next into `buffer`, as much as fits; gives how much that was.
    pub(super) fn send(&mut self, buffer: &mut [u8]) -> usize {
        let from = self.index(self.sent);
        let count = buffer.len().min(self.held.len() - from);
        for (to, byte) in buffer.iter_mut().zip(self.held.range(from..from + count)) {
            *to = *byte;
        }
        self.sent += count as u64;
        count
    }

    /// Nothing of what is held waits to be sent any more: what goes out is taken by its place.
    pub(super) fn pass_over(&mut self) {
        self.sent = self.end();
    }

    /// Copies what is held from a position on into `buffer`, as much as there is and fits; gives how much that was.
    pub(super) fn copy(&self, from: u64, buffer: &mut [u8]) -> usize {
        let from = self.index(from.clamp(self.start, self.end()));
        let held = self.held.range(from..);
        buffer.iter_mut().zip(held).map(|(to, byte)| *to = *byte).count()
    }

    /// Whether all of a part is held, and nobody can have said anything in it.
    pub(super) fn is_silence(&self, from: u64, to: u64) -> bool {
        let all = self.start <= from && from < to && to <= self.end();
        all && is_silence(&self.held.range(self.index(from)..self.index(to)).copied().collect::<Vec<u8>>())
    }

    /// Where what is held begins, and where it ends.
    pub(super) fn span(&self) -> (u64, u64) {
        (self.start, self.end())
    }

    /// Drops what nobody will need. `needed_from` is the beginning of the oldest stretch without words, `done_to` the
    /// end of the last one that is done with.
    pub(super) fn trim(&mut self, needed_from: Option<u64>, done_to: u64) {
        let end = self.end();
        let wanted = needed_from.unwrap_or(end.saturating_sub(TAIL).max(done_to)).min(self.sent);
        let most = if needed_from.is_some() { MOST_HELD } else { MOST_WAITING };
        let start = wanted.max(end.saturating_sub(most)).clamp(self.start, end);
        self.held.drain(..self.index(start));
        self.start = start;
        // What is dropped unsent, this socket will never count.
        self.origin += start.saturating_sub(self.sent);
        self.sent = self.sent.max(start);
        if self.held.capacity() > self.held.len() + 2 * ROOM {
            self.held.shrink_to(self.held.len() + ROOM);
        }
    }

    /// The next socket hears everything that is held. Gives the position that it begins with.
    pub(super) fn rewind(&mut self) -> u64 {
        (self.sent, self.origin) = (self.start, self.start);
        self.start
    }

    /// Silences a part that must not be heard again.
    pub(super) fn hush(&mut self, from: u64, to: u64) {
        let end = self.end();
        let (from, to) = (from.clamp(self.start, end), to.clamp(self.start, end));
        if from < to {
            let range = self.index(from)..self.index(to);
            self.held.range_mut(range).for_each(|byte| *byte = SILENCE);
        }
    }

    /// The position that this socket calls `ms`; the end of what was sent, where it did not say. Never outside of what
    /// was sent.
    pub(super) fn position(&self, ms: Option<u64>) -> u64 {
        let at = ms.map_or(self.sent, |ms| self.origin.saturating_add(ms.saturating_mul(PER_MS)));
        at.min(self.sent)
    }

    /// When the sample at a position was spoken, reckoned back from the arrival of the last one: the carriers send
    /// without gaps. Not before the first arrival.
    pub(super) fn time_at(&self, position: u64) -> Millis {
        let Some((first, last)) = self.times else { return Millis::default() };
        let since = self.end().saturating_sub(position) / PER_MS;
        (last - Duration::from_millis(since)).max(first)
    }

    /// When the last sample arrived.
    pub(super) fn heard_at(&self) -> Millis {
        self.times.map_or(Millis::default(), |(_, last)| last)
    }

    fn end(&self) -> u64 {
        self.start + self.held.len() as u64
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position - self.start).expect("what is held fits into memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of audio, each byte its second's number, arriving in frames of 20 ms from time 0 on.
    fn heard(tape: &mut Tape, seconds: std::ops::Range<u8>) {
        for second in seconds {
            for frame in 1..=50 {
                tape.push(&[second; 160], Millis(u64::from(second) * 1_000 + frame * 20));
            }
        }
    }

    fn send_all(tape: &mut Tape) -> Vec<u8> {
        let (mut sent, mut buffer) = (Vec::new(), [0; 320]);
        while tape.waiting() > 0 {
            let count = tape.send(&mut buffer);
            sent.extend_from_slice(&buffer[..count]);
        }
        sent
    }

    #[test]
    fn what_a_new_socket_hears_depends_on_what_is_still_without_words() {
        let second = |n: u64| n * 8_000;
        // (needed from, done to, first second heard again, how many bytes)
        let cases = [
            (None, 0, 19, second(1)),
            (None, second(19) + 4_000, 19, 4_000),
            (None, second(20), 0, 0),
            (Some(second(3)), second(2), 3, second(17)),
        ];
        for (needed_from, done_to, first, length) in cases {
            let mut tape = Tape::default();
            heard(&mut tape, 0..20);
            assert_eq!(send_all(&mut tape).len(), 160_000);
            tape.trim(needed_from, done_to);
            tape.rewind();
            let again = send_all(&mut tape);
            assert_eq!((again.first().copied().unwrap_or(0), again.len() as u64), (first, length), "{needed_from:?}");
        }
    }

    #[test]
    fn without_a_socket_ten_seconds_wait_and_a_stretch_keeps_sixty() {
        for (needed_from, first, seconds) in [(None, 80, 10), (Some(0), 30, 60), (Some(8_000 * 70), 60, 30)] {
            let mut tape = Tape::default();
            for second in 0..90 {
                heard(&mut tape, second..second + 1);
                tape.trim(needed_from.filter(|from| *from < tape.end()), 0);
            }
            let held = send_all(&mut tape);
            assert_eq!((held[0], held.len()), (first, seconds * 8_000), "{needed_from:?}");
        }
    }

    #[test]
    fn a_sockets_milliseconds_become_wall_time() {
        let mut tape = Tape::default();
        heard(&mut tape, 0..20);
        send_all(&mut tape);
        assert_eq!(tape.time_at(tape.position(Some(5_000))), Millis(5_000));
        // A new socket counts from the beginning of what it hears.
        tape.trim(Some(8_000 * 12), 0);
        tape.rewind();
        heard(&mut tape, 20..21);
        send_all(&mut tape);
        assert_eq!(tape.time_at(tape.position(Some(500))), Millis(12_500));
        // Not outside of what was heard.
        assert_eq!(tape.time_at(tape.position(Some(u64::MAX))), Millis(21_000));
        assert_eq!(tape.time_at(tape.position(None)), Millis(21_000));
        tape.push_silence(Duration::from_millis(800), Millis(21_000));
        assert_eq!(tape.time_at(tape.position(Some(500))), Millis(12_500));
        let mut tape = Tape::default();
        tape.push(&[1; 160], Millis(500));
        tape.push(&[1; 160], Millis(503));
        assert_eq!(tape.time_at(0), Millis(480));
    }

    #[test]
    fn what_was_dropped_unsent_is_not_counted_by_the_socket() {
        let mut tape = Tape::default();
        heard(&mut tape, 0..1);
        send_all(&mut tape);
        heard(&mut tape, 1..21);
        tape.trim(None, 0);
        assert_eq!(send_all(&mut tape).len(), 80_000);
        assert_eq!(tape.position(Some(1_000)), 8_000 * 11);
    }

    #[test]
    fn what_is_hushed_is_silent_the_next_time() {
        let mut tape = Tape::default();
        heard(&mut tape, 1..4);
        send_all(&mut tape);
        tape.trim(Some(4_000), 0);
        tape.hush(8_000, 16_000);
        tape.hush(0, 100);
        tape.rewind();
        let again = send_all(&mut tape);
        assert!(again[..4_000].iter().all(|byte| *byte == 1));
        assert!(again[4_000..12_000].iter().all(|byte| *byte == SILENCE));
        assert!(again[12_000..].iter().all(|byte| *byte == 3));
    }
}
