//! The last check, where it is wanted: the person's phone rings.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::Finding;
use super::ask::quoted;
use crate::cli::remote::{Remote, saying};
use crate::config::{Config, RemoteConfig};
use crate::mcp::{Api, ask_and_wait};

/// The finding's name.
pub(super) const NAME: &str = "call";

/// For how long the person has to pick up and to speak.
const PATIENCE: Duration = Duration::from_secs(120);

const QUESTION: &str = "This is a test of callme. If you can hear me, please say yes.";
const GOODBYE: &str = "Thank you, I heard you. Goodbye.";

/// Rings through the running server, as an agent would: by the public address, unless `CALLME_CLOUD_URL` names another.
pub(super) async fn person(config: &Config, source: &dyn Fn(&str) -> Option<String>) -> Finding {
    let settings = |name: &str| match name {
        "CALLME_CLOUD_URL" => source(name).or_else(|| Some(config.public_url.clone())),
        "CALLME_API_KEY" => Some(config.api_key.expose_secret().to_owned()),
        _ => None,
    };
    let (settings, problems) = RemoteConfig::from_source(&settings);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let Some(settings) = settings else { return Finding::unchecked(NAME, problems.join("; ")) };
    let remote = match Remote::new(settings) {
        Ok(remote) => remote,
        Err(why) => return Finding::unchecked(NAME, why),
    };
    let answer = match ask_and_wait(&remote, saying("/api/call", QUESTION), PATIENCE, None, None).await {
        Ok(answer) => answer,
        Err(why) => {
            return Finding::bad(
                NAME,
                quoted(&why.0),
                "see whether the server runs, and whether CALLME_CLOUD_URL is right",
            );
        }
    };
    if let (Some(id), 200 | 202) = (answer.text("callId"), answer.status) {
        // It ends by itself, too.
        let _ = remote.ask(saying(format!("/api/call/{id}/end"), GOODBYE)).await;
    }
    let said = answer.text("error").unwrap_or_default();
    match (answer.status, answer.text("contactMode")) {
        (200, Some("voice")) => {
            Finding::ok(NAME, "the phone rang, somebody picked up, and what they said was understood")
        }
        (200 | 202 | 408, _) => Finding::warning(
            NAME,
            "the phone was rung, and nobody was heard in the call",
            "try again and say something; if it did not ring, docs/TROUBLESHOOTING.md, The phone does not ring",
        ),
        (status, _) => Finding::bad(
            NAME,
            format!("HTTP {status}: {}", quoted(said)),
            "look the code up in docs/TROUBLESHOOTING.md, By the carrier's code",
        ),
    }
}
