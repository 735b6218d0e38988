//! Opening the page in a browser, where somebody sits before one.

use std::process::{Command, Stdio};

/// What opens an address in the person's browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Whether somebody may be looking: not in automation, and not on a machine without a screen.
pub(in crate::cli::demo) fn is_at_hand(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    !is_set("CI") && (cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
}

/// Opens it, and says whether something was found that would; whether it can is not known.
pub(super) fn open(address: &str) -> bool {
    let quietly =
        Command::new(OPENER).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    // Nobody waits for it: it may live as long as the browser.
    quietly.is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_at_hand;

    #[test]
    fn automation_has_no_browser() {
        let screen = |name: &str| (name == "DISPLAY").then(|| ":0".to_owned());
        assert!(is_at_hand(&screen));
        assert!(!is_at_hand(&|name| screen(name).or_else(|| (name == "CI").then(|| "true".to_owned()))));
    }
}
