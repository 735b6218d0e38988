//! The carrier's requests to the server: signed forms.

use std::time::Duration;

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

/// Posts a signed form: status and body, or `None` when there was no answer.
pub(super) async fn post(world: &World, url: &str, form: &Form, manner: Manner) -> Option<(u16, String)> {
    let signature = signature(&world.config.auth_token, &signed_form(url), form);
    let token = uuid(&world.sid(""));
    let real = world.resolve(url.split('#').next().unwrap_or(url));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let passing = world.tap.before(|| tap::webhook(url, form));
    let answer = tried(world, &real, &manner, [&signature, &token], &body).await;
    if let Some(passing) = passing {
        passing.after();
    }
    answer
}

async fn tried(
    world: &World,
    url: &str,
    manner: &Manner,
    [signature, token]: [&str; 2],
    body: &str,
) -> Option<(u16, String)> {
    for attempt in 1..=manner.tries {
        let request = world
            .http
            .post(url)
            .timeout(manner.limit)
            .header("Content-Type", manner.content_type)
            .header("X-Twilio-Signature", signature)
            .header("I-Twilio-Idempotency-Token", token)
            .body(body.to_owned());
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
fn uuid(hex: &str) -> String {
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
