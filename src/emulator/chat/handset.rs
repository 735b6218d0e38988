//! What decides whether a text reaches a phone.

use std::time::Duration;

use super::super::messaging::WindowRule;

/// How long the window is open after each thing that is written.
const WINDOW: Duration = Duration::from_hours(24);

/// Somebody's phone, and how they stand with the server's number.
#[derive(Debug)]
pub(in crate::emulator) struct Handset {
    /// The sandbox.
    pub(in crate::emulator) joined: bool,
    pub(in crate::emulator) blocked: bool,
    /// At the carrier.
    pub(in crate::emulator) opted_out: bool,
    window: Window,
}

#[derive(Debug)]
enum Window {
    /// Nothing was ever written.
    Unknown,
    /// Something was written then, since the emulator started.
    Since(Duration),
    Closed,
}

impl Default for Handset {
    fn default() -> Self {
        Self { joined: true, blocked: false, opted_out: false, window: Window::Unknown }
    }
}

impl Handset {
    /// Something is written.
    pub(in crate::emulator) fn write(&mut self, now: Duration) {
        self.window = Window::Since(now);
    }

    /// What was written was long ago.
    pub(super) fn forget(&mut self) {
        self.window = Window::Closed;
    }

    /// Whether free-form texts arrive.
    pub(in crate::emulator) fn is_open(&self, rule: WindowRule, now: Duration) -> bool {
        match self.window {
            Window::Unknown => rule == WindowRule::Lenient,
            Window::Since(written) => now.saturating_sub(written) < WINDOW,
            Window::Closed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_open_for_a_day_after_each_text_and_leniently_before_the_first() {
        let (lenient, strict) = (WindowRule::Lenient, WindowRule::Strict);
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let mut handset = Handset::default();
        assert_eq!((handset.is_open(lenient, hours(99)), handset.is_open(strict, hours(0))), (true, false));
        for rule in [lenient, strict] {
            handset.write(hours(1));
            handset.write(hours(10));
            let just_before = hours(34).saturating_sub(Duration::from_millis(1));
            assert_eq!(
                (handset.is_open(rule, just_before), handset.is_open(rule, hours(34))),
                (true, false),
                "{rule:?}"
            );
            handset.forget();
            assert!(!handset.is_open(rule, hours(10)), "{rule:?}");
        }
    }
}
