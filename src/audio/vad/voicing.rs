//! Whether a frame has a pitch: how much it resembles itself some milliseconds earlier.

/// Samples of 4 kHz that are compared: 30 ms.
const WINDOW: usize = 120;

/// The delays tried, in samples of 4 kHz: a pitch of 400 Hz to 62 Hz.
const SHORTEST: usize = 10;
const LONGEST: usize = 64;

/// Below it there is no pitch.
pub(super) const LEAST: f32 = 0.32;

/// What is heard of silence, as power of the window: below it nothing resembles anything.
const NOTHING: f32 = 2_500.0;

/// Samples of 4 kHz in a frame.
pub(super) const HALF_FRAME: usize = 80;

/// The past of the line at 4 kHz.
#[derive(Debug)]
pub(super) struct Voicing {
    past: [f32; WINDOW + LONGEST],
    /// The last sample at 8 kHz.
    last: f32,
}

impl Default for Voicing {
    fn default() -> Self {
        Self { past: [0.0; WINDOW + LONGEST], last: 0.0 }
    }
}

impl Voicing {
    /// Takes a frame of 8 kHz.
    pub(super) fn take(&mut self, frame: &[f32]) {
        self.past.copy_within(HALF_FRAME.., 0);
        let kept = self.past.len() - HALF_FRAME;
        for (slot, pair) in self.past[kept..].iter_mut().zip(frame.as_chunks::<2>().0) {
            // What would fold back from above 2 kHz is damped, which pitch needs least.
            *slot = 0.25 * self.last + 0.5 * pair[0] + 0.25 * pair[1];
            self.last = pair[1];
        }
    }

    /// From 0, nothing repeats, to 1, everything does.
    pub(super) fn strength(&self) -> f32 {
        let now = &self.past[LONGEST..];
        let power = dot(now, now) + NOTHING;
        let mut best = 0.0_f32;
        let first = &self.past[LONGEST - SHORTEST..][..WINDOW];
        let mut before = dot(first, first);
        for delay in SHORTEST..=LONGEST {
            let begin = LONGEST - delay;
            let then = &self.past[begin..begin + WINDOW];
            let alike = dot(now, then);
            if alike > 0.0 {
                best = best.max(alike * alike / (power * (before + NOTHING)));
            }
            if begin > 0 {
                let (enters, leaves) = (self.past[begin - 1], self.past[begin + WINDOW - 1]);
                before = (before + enters * enters - leaves * leaves).max(0.0);
            }
        }
        best.sqrt()
    }
}

/// The sum of the products, in lanes, so that the compiler can take several at once.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum::<f32>()
}
