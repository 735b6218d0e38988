//! The clock: signatures of Telnyx's, and the hours of WhatsApp's window, stand on it.

use super::Finding;
use super::ask::{Asker, Login};
use crate::clock::Clock;
use crate::config::Config;

const NAME: &str = "clock";

/// From here on it is worth a word: how long a call was, and when a window ends, is told wrong by as much.
const WRONG: i64 = 60;
/// From here on webhooks of Telnyx's are refused as forged.
const TOO_WRONG: i64 = 300;

/// Compares the machine's clock with the carrier's, or the speech provider's.
pub(super) async fn check(asker: &Asker, config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    for (whose, url) in [("the carrier", &config.carrier.api_url), ("the speech provider", &config.speech.tts.base_url)]
    {
        let url = url.replacen("ws", "http", usize::from(url.starts_with("ws")));
        let Ok(reply) = asker.get(&url, Login::Nobody).await else { continue };
        let ours = i64::try_from(clock.now().0 / 1_000).unwrap_or(i64::MAX);
        if let Some(date) = reply.date {
            return vec![finding(whose, ours - date.as_second())];
        }
    }
    vec![Finding::unchecked(
        NAME,
        "nobody tells the time: neither the carrier nor the speech provider answers with a date",
    )]
}

fn finding(whose: &str, ahead: i64) -> Finding {
    let remedy = "set this machine's clock: timedatectl set-ntp true";
    let side = if ahead < 0 { "behind" } else { "ahead of" };
    let seen = format!("this machine's clock is {} seconds {side} that of {whose}", ahead.abs());
    match ahead.abs() {
        off if off > TOO_WRONG => Finding::bad(NAME, seen, remedy),
        off if off > WRONG => Finding::warning(NAME, seen, remedy),
        _ => Finding::ok(NAME, format!("agrees with that of {whose}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Mark;

    #[test]
    fn a_minute_is_worth_a_word_and_five_are_too_many() {
        for (ahead, mark) in [
            (0, Mark::Ok),
            (60, Mark::Ok),
            (-60, Mark::Ok),
            (61, Mark::Warning),
            (-300, Mark::Warning),
            (301, Mark::Bad),
            (-301, Mark::Bad),
        ] {
            assert_eq!(finding("the carrier", ahead).mark, mark, "{ahead}");
        }
    }
}
