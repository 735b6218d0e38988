//! What a dial asks for, checked as Twilio checks it.

use std::time::Duration;

use url::Url;

use super::super::form::{Form, field};
use super::super::rest::Refusal;
use super::super::timeline::Callback;
use crate::phone_number::PhoneNumber;

/// A dial that was accepted.
#[derive(Debug)]
pub(in crate::emulator) struct Dial {
    pub(super) to: PhoneNumber,
    pub(super) from: PhoneNumber,
    pub(super) url: String,
    /// How long it rings, from the dial.
    pub(super) timeout: Duration,
    /// How long it lasts, from the answer.
    pub(super) time_limit: Option<Duration>,
    pub(super) detection: Option<Detection>,
    pub(super) wants: Wants,
}

/// What the server is told of a call.
#[derive(Debug)]
pub(super) enum Wants {
    /// By Twilio: callbacks of these kinds, there.
    Callbacks { url: Option<String>, kinds: Vec<Callback> },
    /// By Telnyx: every event, at the dial's own URL.
    Events(Events),
}

/// What a call of Telnyx's has beside what both have.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    /// Comes back in every event.
    pub(super) client_state: Option<String>,
    pub(super) command_id: Option<String>,
    /// The dearer machine detection, or the other one; `None` is none.
    pub(super) premium: Option<bool>,
    /// Goes on by other routes when nobody picks up in time.
    pub(super) other_routes: bool,
    /// Somebody rings the account's number.
    pub(super) inbound: bool,
}

/// Machine detection that was asked for.
#[derive(Debug)]
pub(super) struct Detection {
    /// `DetectMessageEnd` rather than `Enable`.
    pub(super) message_end: bool,
    /// Where the verdict goes; `None` holds the TwiML fetch back until it is known.
    pub(super) callback: Option<String>,
    /// `AsyncAmd=true`.
    pub(super) asynchronous: bool,
}

impl Dial {
    /// Reads a form; `ours` is the number the account owns.
    pub(super) fn read(form: &Form, ours: &str) -> Result<Self, Refusal> {
        let field = |name: &str| field(form, name);
        let bad = |code, message: &'static str| Refusal::new(400, code, message);
        let to = field("To").ok_or_else(|| bad(21201, "No 'To' number is specified"))?;
        let from = field("From").ok_or_else(|| bad(21213, "No 'From' number is specified"))?;
        // The number itself is left out of the sentence, as everywhere.
        let to = PhoneNumber::parse(to).map_err(|_| bad(21211, "The 'To' number is not a valid phone number."))?;
        let from =
            PhoneNumber::parse(from).map_err(|_| bad(21212, "The 'From' number is not a valid phone number."))?;
        if from.reveal() != ours {
            return Err(bad(21210, "The source phone number provided is not yet verified for your account."));
        }
        let web = |url: &str| Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        let url = field("Url").filter(|u| web(u));
        let url = url.ok_or_else(|| bad(21205, "Url parameter is required and must be a valid URL."))?;
        let status_callback = field("StatusCallback");
        // Host names with an underscore are refused, too.
        let good = |u: &str| web(u) && Url::parse(u).is_ok_and(|u| u.host_str().is_some_and(|h| !h.contains('_')));
        if status_callback.is_some_and(|u| !good(u)) {
            return Err(bad(21609, "Invalid 'StatusCallback' URL."));
        }
        let mut events = Vec::new();
        for (_, value) in form.iter().filter(|(name, _)| name == "StatusCallbackEvent") {
            events.push(match value.as_str() {
                "initiated" => Callback::Initiated,
                "ringing" => Callback::Ringing,
                "answered" => Callback::Answered,
                "completed" => Callback::Completed,
                _ => return Err(bad(21626, "Invalid 'StatusCallbackEvent' value.")),
            });
        }
        if events.is_empty() {
            events.push(Callback::Completed);
        }
        let seconds = |name: &str| match field(name).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(n)) if n > 0 => Ok(Some(Duration::from_secs(n))),
            Some(_) => Err(bad(20001, "A number of seconds is not valid.")),
        };
        let timeout = seconds("Timeout")?.unwrap_or(Duration::from_mins(1)).min(Duration::from_mins(10));
        Ok(Self {
            to,
            from,
            url: url.to_owned(),
            timeout,
            time_limit: seconds("TimeLimit")?,
            detection: read_detection(&field)?,
            wants: Wants::Callbacks { url: status_callback.map(str::to_owned), kinds: events },
        })
    }

    /// What only a call of Telnyx's has.
    pub(super) fn events(&self) -> Option<&Events> {
        match &self.wants {
            Wants::Callbacks { .. } => None,
            Wants::Events(events) => Some(events),
        }
    }

    /// Where the server is: the beginning of its URL, up to the path.
    pub(in crate::emulator) fn origin(&self) -> String {
        Url::parse(&self.url).map_or_else(|_| self.url.clone(), |url| url.origin().ascii_serialization())
    }
}

fn read_detection<'a>(field: &impl Fn(&str) -> Option<&'a str>) -> Result<Option<Detection>, Refusal> {
    let message_end = match field("MachineDetection") {
        None => return Ok(None),
        Some("Enable") => false,
        Some("DetectMessageEnd") => true,
        Some(_) => return Err(Refusal::new(400, 20001, "Invalid 'MachineDetection' value.")),
    };
    let asynchronous = match field("AsyncAmd") {
        Some("true") => true,
        None | Some("false") => false,
        Some(_) => return Err(Refusal::new(400, 20001, "Invalid 'AsyncAmd' value.")),
    };
    // Digits that are dialed on turn detection off.
    let detects = field("SendDigits").is_none();
    let callback = field("AsyncAmdStatusCallback").map(str::to_owned);
    Ok(detects.then_some(Detection { message_end, callback, asynchronous }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "+15005550006";

    fn form(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let good = [("To", "+393331234567"), ("From", OURS), ("Url", "https://a.example/twiml"), ("Timeout", "25")];
        let kept = good.iter().filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
        kept.chain(changes).map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_dial_is_refused_with_twilios_code_for_what_is_wrong() {
        let cases = [
            ("To", "", 21201),
            ("From", "", 21213),
            ("To", "0333123456", 21211),
            ("From", "me", 21212),
            ("From", "+15005550007", 21210),
            ("Url", "", 21205),
            ("Url", "a.example/twiml", 21205),
            ("StatusCallback", "https://my_host/x", 21609),
            ("StatusCallbackEvent", "no-answer", 21626),
            ("StatusCallbackEvent", "initiated ringing", 21626),
            ("Timeout", "0", 20001),
        ];
        for (name, value, code) in cases {
            let refusal = Dial::read(&form(&[(name, value)]), OURS).expect_err(name);
            assert_eq!((refusal.status, refusal.code), (400, code), "{name}={value}");
        }
    }

    #[test]
    fn without_events_only_the_end_is_called_back() {
        let dial = Dial::read(&form(&[]), OURS).unwrap();
        let Wants::Callbacks { kinds, .. } = dial.wants else { panic!("it is Twilio's") };
        assert_eq!((kinds, dial.timeout), (vec![Callback::Completed], Duration::from_secs(25)));
    }
}
