//! The words that a carrier minds by itself, each as a whole message, and what it answers.

use std::collections::BTreeSet;

use super::super::super::config::Telephony;

/// What a carrier minds, in capitals.
struct Words {
    stop: &'static [&'static str],
    start: &'static [&'static str],
    help: &'static [&'static str],
}

/// A long number's at Twilio.
const TWILIO: Words = Words {
    stop: &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"],
    start: &["START", "YES", "UNSTOP"],
    help: &["HELP", "INFO"],
};

/// A messaging profile's at Telnyx, which answers a call for help only where an answer was set up.
const TELNYX: Words = Words {
    stop: &["STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"],
    start: &["START", "UNSTOP"],
    help: &[],
};

const STOPPED: &str = "You have successfully been unsubscribed. You will not receive any more messages from this number. \
                       Reply START to resubscribe.";
const STARTED: &str = "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP \
                       to unsubscribe.";
const HELP: &str = "Reply STOP to unsubscribe. Msg&Data Rates May Apply.";

/// Stops texts to a number, or lets them through again, where these words of its owner ask for it; gives the carrier's answer,
/// if it has one.
pub(super) fn mind(
    carrier: Telephony,
    stopped: &mut BTreeSet<String>,
    number: &str,
    words: &str,
) -> Option<&'static str> {
    let minded = match carrier {
        Telephony::Twilio => TWILIO,
        Telephony::Telnyx => TELNYX,
    };
    let words = words.trim().to_uppercase();
    let is_among = |list: &[&str]| list.contains(&words.as_str());
    if is_among(minded.stop) {
        return stopped.insert(number.to_owned()).then_some(STOPPED);
    }
    if is_among(minded.start) {
        return stopped.remove(number).then_some(STARTED);
    }
    is_among(minded.help).then_some(HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stops_texts_or_lets_them_through_only_as_the_whole_message() {
        let mut stopped = BTreeSet::new();
        for (carrier, words, answer, is_stopped) in [
            (Telephony::Twilio, "stop it", None, false),
            (Telephony::Twilio, "Yes", None, false),
            (Telephony::Twilio, "help", Some(HELP), false),
            (Telephony::Twilio, " Stop ", Some(STOPPED), true),
            (Telephony::Twilio, "QUIT", None, true),
            (Telephony::Twilio, "yes", Some(STARTED), false),
            (Telephony::Twilio, "stop all", None, false),
            (Telephony::Telnyx, "stop all", Some(STOPPED), true),
            (Telephony::Telnyx, "yes", None, true),
            (Telephony::Telnyx, "help", None, true),
            (Telephony::Telnyx, "unstop", Some(STARTED), false),
            (Telephony::Telnyx, "revoke", None, false),
        ] {
            assert_eq!(mind(carrier, &mut stopped, "+393331234567", words), answer, "{carrier:?} {words}");
            assert_eq!(!stopped.is_empty(), is_stopped, "{carrier:?} {words}");
        }
    }
}
