//! The speech provider: its keys, its models, and how long they last.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::Finding;
use super::ask::{Asker, Login};
use crate::app;
use crate::clock::Clock;
use crate::config::{Config, SpeechServer};
use crate::metrics::SpeechPart;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::watch::Examined;

const KEY: &str = "speech-key";
const STT_KEY: &str = "speech-key-stt";
const TTS: &str = "speech-tts";
const STT: &str = "speech-stt";

/// How long a look at the models may take: two lists and two sessions.
const PATIENCE: Duration = Duration::from_secs(12);

/// Everything about it.
pub(super) async fn check(asker: &Asker, config: &Config, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let speech = &config.speech;
    let mut findings = vec![key(asker, KEY, &speech.tts, "CALLME_TTS").await];
    let is_shared = speech.tts.base_url == speech.stt.base_url
        && speech.tts.api_key.expose_secret() == speech.stt.api_key.expose_secret();
    if !is_shared {
        findings.push(key(asker, STT_KEY, &speech.stt, "CALLME_STT").await);
    }
    if findings.iter().any(|finding| finding.remedy.is_some()) {
        let why = "the speech provider's key and address have to be right first";
        findings.extend([TTS, STT].map(|name| Finding::unchecked(name, why)));
        return findings;
    }
    let watch = match app::speech_watch(speech, clock) {
        Ok(watch) => watch,
        Err(why) => {
            findings.extend([TTS, STT].map(|name| Finding::unchecked(name, &why)));
            return findings;
        }
    };
    match timeout(PATIENCE, watch.examine()).await {
        Ok(parts) => findings.extend(parts.iter().map(model)),
        Err(_) => {
            let remedy =
                "see whether the network lets WebSockets out to the speech provider, and look at its status page";
            let seen = "no session was opened within 12 seconds";
            findings.extend([TTS, STT].map(|name| Finding::bad(name, seen, remedy)));
        }
    }
    findings
}

async fn key(asker: &Asker, name: &'static str, server: &SpeechServer, own: &str) -> Finding {
    let variable = |suffix: &str, shared: &str| if server.own { format!("{own}_{suffix}") } else { shared.to_owned() };
    let url_variable = variable("BASE_URL", "OPENAI_API_BASE_URL");
    let Ok(endpoint) = Endpoint::parse(&server.base_url) else {
        return Finding::bad(
            name,
            "its address is no URL",
            format!("set {url_variable} to the address of the speech provider"),
        );
    };
    let reply = asker.get(endpoint.models_url().as_str(), Login::Bearer(&server.api_key)).await;
    match reply.map(|reply| reply.status.as_u16()) {
        Ok(200) => Finding::ok(name, "is taken"),
        Ok(401 | 403) => Finding::bad(
            name,
            "the speech provider does not take this key",
            format!(
                "set {} to a key of the speech provider's console, and restart the server",
                variable("API_KEY", "CALLME_OPENAI_API_KEY")
            ),
        ),
        Ok(404 | 405 | 501) => Finding::unchecked(name, "this speech provider does not list its models"),
        Ok(status) => Finding::unchecked(name, format!("the speech provider answered HTTP {status}")),
        Err(silence) => Finding::bad(
            name,
            format!("the speech provider: {silence}"),
            format!("set {url_variable} to the address of the speech provider, and let this machine reach it"),
        ),
    }
}

fn model(found: &Examined) -> Finding {
    let (name, variable) = match found.part {
        SpeechPart::Tts => (TTS, "CALLME_TTS_MODEL"),
        SpeechPart::Stt => (STT, "CALLME_STT_MODEL"),
    };
    let Examined { wanted, model, is_unknown, failure, warning, .. } = found;
    if let Some(failure) = failure {
        let remedy = format!(
            "look at the limits and the allowed models in the speech provider's console, or set {variable} to a model that it offers"
        );
        return Finding::bad(name, format!("{model}: {failure}"), remedy);
    }
    if wanted != model {
        let remedy =
            format!("remove {variable}, or set it to a model that is offered; without it there is nothing to do");
        return Finding::warning(name, format!("{wanted} is not offered; {model} is used"), remedy);
    }
    if let Some(warning) = warning {
        let remedy = format!("update callme before that day, or set {variable}; docs/SPEECH.md has the models");
        return Finding::warning(name, warning, remedy);
    }
    if *is_unknown {
        let remedy = format!("see whether {variable} is spelt as the speech provider spells it");
        return Finding::warning(name, format!("the speech provider does not list {model}"), remedy);
    }
    Finding::ok(name, format!("{model} is there"))
}
