//! A network between carrier and server that lets frames overtake each other, doubles some and loses some; always the same ones.

use std::collections::VecDeque;

/// Frames on their way.
#[derive(Debug, Default)]
pub(super) struct Scatter {
    /// How many places late a frame is at most.
    late: u64,
    /// Of a hundred frames, how many are lost, and how many come twice.
    lost: u64,
    twice: u64,
    /// Frames that were sent.
    sent: u64,
    /// With the tick at which each arrives; in the order of their sending.
    waiting: VecDeque<(u64, String)>,
}

impl Scatter {
    /// So late, so many lost, so many twice.
    pub(super) fn new((late, lost, twice): (u8, u8, u8)) -> Self {
        Self { late: late.into(), lost: lost.into(), twice: twice.into(), ..Self::default() }
    }

    /// Sends a frame, 20 ms after the one before; what arrives now.
    pub(super) fn send(&mut self, frame: String) -> Vec<String> {
        self.sent += 1;
        let now = self.sent;
        if chance(now, 1) % 100 >= self.lost {
            let late = |salt| chance(now, salt) % (self.late + 1);
            let (once, again) = (late(2), late(3));
            if chance(now, 4) % 100 < self.twice {
                self.waiting.push_back((now + again, frame.clone()));
            }
            self.waiting.push_back((now + once, frame));
        }
        let (arrived, waiting) = self.waiting.drain(..).partition::<VecDeque<_>, _>(|(at, _)| *at <= now);
        self.waiting = waiting;
        arrived.into_iter().map(|(_, frame)| frame).collect()
    }
}

/// A number that is another for each frame and each question about it, and the same each time (`SplitMix64`).
fn chance(frame: u64, salt: u64) -> u64 {
    let mut mixed = frame.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt.wrapping_mul(0xD1B5_4A32_D192_ED03));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(scattered: (u8, u8, u8)) -> Vec<String> {
        let mut scatter = Scatter::new(scattered);
        (1..=1_000).flat_map(|frame: u32| scatter.send(frame.to_string())).collect()
    }

    #[test]
    fn frames_come_as_they_were_sent_unless_told_otherwise() {
        let sent: Vec<String> = (1..=1_000).map(|frame: u32| frame.to_string()).collect();
        assert_eq!(through((0, 0, 0)), sent);
    }

    #[test]
    fn frames_are_late_lost_and_doubled_as_often_as_told() {
        let late = through((3, 0, 0));
        let numbers: Vec<usize> = late.iter().map(|frame| frame.parse().expect("a number")).collect();
        assert!(numbers.windows(2).any(|pair| pair[0] > pair[1]), "none overtook another");
        assert!(numbers.iter().enumerate().all(|(at, number)| number.abs_diff(at + 1) <= 4), "{numbers:?}");
        let (lost, doubled) = (through((0, 5, 0)).len(), through((0, 0, 10)).len());
        assert!((930..=970).contains(&lost) && (1_070..=1_130).contains(&doubled), "{lost} {doubled}");
    }
}
