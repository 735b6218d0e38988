//! The carrier's requests to the server, signed: forms by Twilio, events by Telnyx.

use std::time::Duration;

use serde_json::Value;

use super::carrier::telnyx;
use super::form::Form;
use super::sign::{signature, signed_form};
use super::tap;
use super::world::World;

/// How patiently a form is posted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// How long the answer may take.
    limit: Duration,
    /// How often it is tried while no connection comes about.
    tries: usize,
    content_type: &'static str,
}

/// About a call: 15 s at most, and a second try.
pub(super) const CALLS: Manner =
    Manner { limit: Duration::from_secs(15), tries: 2, content_type: "application/x-www-form-urlencoded" };

/// About a text: 5 s at most, and once, whatever comes of it.
pub(super) const TEXTS: Manner = Manner {
    limit: Duration::from_secs(5),
    tries: 1,
    content_type: "application/x-www-form-urlencoded; charset=utf-8",
};

/// About a text of Telnyx's: 2 s at most. That it comes again where it was not taken is left out.
pub(super) const TELNYX_TEXTS: Manner =
    Manner { limit: Duration::from_secs(2), tries: 1, content_type: "application/json" };

/// Posts a form that Twilio signs: status and body, or `None` when there was no answer.
pub(super) async fn post(world: &World, url: &str, form: &Form, manner: Manner) -> Option<(u16, String)> {
    let signature = signature(&world.config.auth_token, &signed_form(url), form);
    let token = uuid(&world.sid(""));
    let headers = [
        ("Content-Type", manner.content_type),
        ("X-Twilio-Signature", &*signature),
        ("I-Twilio-Idempotency-Token", &*token),
    ];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    send(world, url, tap::webhook(url, form), manner, &headers, &body).await
}

/// The same for an event that Telnyx signs.
pub(super) async fn post_event(world: &World, url: &str, event: &Value, manner: Manner) -> Option<(u16, String)> {
    let body = event.to_string();
    let timestamp = world.now().as_second().to_string();
    let signature = telnyx::signature(&world.config.telnyx_seed, &timestamp, &body);
    let headers = [
        ("Content-Type", "application/json"),
        ("User-Agent", "telnyx-webhooks"),
        ("Telnyx-Signature-Ed25519", &*signature),
        ("Telnyx-Timestamp", &*timestamp),
    ];
    send(world, url, tap::event(url, event), manner, &headers, &body).await
}

async fn send(
    world: &World,
    url: &str,
    what: String,
    manner: Manner,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    let real = world.resolve(url.split('#').next().unwrap_or(url));
    let passing = world.tap.before(|| what);
    let answer = tried(world, &real, manner, headers, body).await;
    if let Some(passing) = passing {
        passing.after();
    }
    answer
}

async fn tried(
    world: &World,
    url: &str,
    manner: Manner,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    for attempt in 1..=manner.tries {
        let request = world.http.post(url).timeout(manner.limit).body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                return Some((status, response.text().await.ok()?));
            }
            Err(error) if error.is_connect() && attempt < manner.tries => {}
            Err(_) => return None,
        }
    }
    None
}

/// 32 hexadecimal digits with the dashes of a UUID.
pub(super) fn uuid(hex: &str) -> String {
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
