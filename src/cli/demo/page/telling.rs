//! The timeline's events as the page reads them.

use serde_json::{Value, json};

use crate::domain::keywords::{Keyword, Keywords};
use crate::emulator::{Event, Hearing, Side, TextForm, Voicing, What};

/// One event: `at` in seconds since the emulator started, `call` counted from 1 or null, `kind`, and what the kind brings.
/// The server reads what the person writes with the same `keywords`.
pub(super) fn tell(event: &Event, keywords: &Keywords) -> Value {
    let mut told = what(&event.what);
    if let What::PersonWrites { words, .. } = &event.what {
        told["means"] = json!(meaning(keywords.read(words)));
    }
    told["at"] = json!(event.at.as_secs_f64());
    told["call"] = json!(event.call);
    told
}

fn what(what: &What) -> Value {
    match what {
        What::Rest { verb, status } => json!({ "kind": "rest", "verb": verb, "status": status }),
        What::Callback { name, status } => json!({ "kind": "callback", "name": name.as_str(), "status": status }),
        What::Twiml { status, verbs } => json!({ "kind": "twiml", "status": status, "verbs": verbs }),
        What::State(state) => json!({ "kind": "state", "state": state.as_str(), "over": state.is_over() }),
        What::MediaUp => json!({ "kind": "media-up" }),
        What::MediaDown(by) => json!({ "kind": "media-down", "by": side(*by) }),
        What::AgentAudible => json!({ "kind": "agent-audible" }),
        What::AgentQuiet => json!({ "kind": "agent-quiet" }),
        What::MarkSet(name) => json!({ "kind": "mark-set", "name": name }),
        What::MarkReturned { name, played } => json!({ "kind": "mark-returned", "name": name, "played": played }),
        What::Cleared { dropped } => json!({ "kind": "cleared", "dropped": dropped.as_secs_f64() }),
        What::PersonSays(text) => json!({ "kind": "person-says", "text": text }),
        What::PersonSaid(text) => json!({ "kind": "person-said", "text": text }),
        What::PersonHesitates(length) => json!({ "kind": "person-hesitates", "length": length.as_secs_f64() }),
        What::PersonPresses(key) => json!({ "kind": "person-presses", "key": key.to_string() }),
        What::HungUp(by) => json!({ "kind": "hung-up", "by": side(*by) }),
        What::SpeechAsked { request, text, status } => {
            json!({ "kind": "speech-asked", "request": request, "text": text, "status": status })
        }
        What::SpeechBegan { request } => json!({ "kind": "speech-began", "request": request }),
        What::SpeechEnded { request, bytes, whole } => {
            json!({ "kind": "speech-ended", "request": request, "bytes": bytes, "whole": whole })
        }
        What::Hearing { what, .. } => hearing(what),
        What::Voicing { what, .. } => voicing(what),
        What::TextSent { text, form, words } => {
            json!({ "kind": "text-sent", "number": text, "form": kind(*form), "text": words })
        }
        What::TextArrived { text, words } => json!({ "kind": "text-arrived", "number": text, "text": words }),
        What::TextRead { text } => json!({ "kind": "text-read", "number": text }),
        What::TextFailed { text, code } => json!({ "kind": "text-failed", "number": text, "code": code }),
        What::PersonWrites { text, form, words } => {
            json!({ "kind": "person-writes", "number": text, "form": kind(*form), "text": words })
        }
        What::StrangerWrites { text, words } => json!({ "kind": "stranger-writes", "number": text, "text": words }),
        What::TextWebhook { text, name, status } => {
            json!({ "kind": "text-webhook", "number": text, "name": name.as_str(), "status": status })
        }
        What::Violation(text) => json!({ "kind": "violation", "text": text }),
    }
}

fn hearing(what: &Hearing) -> Value {
    let (what, text) = match what {
        Hearing::Opened => ("opened", None),
        Hearing::Configured(model) => ("configured", Some(model)),
        Hearing::SpeechStarted => ("speech-started", None),
        Hearing::SpeechStopped => ("speech-stopped", None),
        Hearing::Committed => ("committed", None),
        Hearing::Transcript(text) => ("transcript", Some(text)),
        Hearing::Failed => ("failed", None),
        Hearing::Refused(code) => ("refused", Some(code)),
        Hearing::Closed => ("closed", None),
    };
    json!({ "kind": "hearing", "what": what, "text": text })
}

fn voicing(what: &Voicing) -> Value {
    let (what, text) = match what {
        Voicing::Opened => ("opened", None),
        Voicing::Configured(voice) => ("configured", Some(voice)),
        Voicing::Cancelled(_) => ("cancelled", None),
        Voicing::Refused(code) => ("refused", Some(code)),
        Voicing::Closed => ("closed", None),
    };
    json!({ "kind": "voicing", "what": what, "text": text })
}

fn kind(form: TextForm) -> &'static str {
    match form {
        TextForm::Free | TextForm::Sms => "free",
        TextForm::Template => "template",
        TextForm::Button => "button",
        TextForm::Picture => "picture",
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Person => "person",
        Side::Server => "server",
        Side::Carrier => "carrier",
    }
}

/// What a text of the person's does to texts, if anything.
fn meaning(keyword: Keyword) -> Option<&'static str> {
    match keyword {
        Keyword::Stop => Some("stop"),
        Keyword::Start => Some("start"),
        Keyword::Yes => Some("yes"),
        Keyword::Call { .. } | Keyword::Help | Keyword::End | Keyword::None => None,
    }
}
