//! The account at Telnyx: the Voice API application, its number, where it may call, and where its events go.

use serde_json::{Value, json};

use super::Finding;
use super::address::{Address, plain};
use super::ask::{Asker, Login, resource, shown};
use super::country;
use crate::config::Config;

const ACCOUNT: &str = "carrier-account";
const NUMBER: &str = "carrier-number";
const COUNTRY: &str = "dialing-permission";
const VOICE: &str = "voice-webhook";
const TELNYX: &str = "Telnyx";

/// Everything about it.
pub(super) async fn check(asker: &Asker, config: &Config, fix: bool) -> Vec<Finding> {
    let application = match application(asker, config).await {
        Ok(application) => application,
        Err(finding) => {
            let why = "the application was not found";
            let others = [COUNTRY, NUMBER, VOICE].map(|name| Finding::unchecked(name, why));
            return std::iter::once(finding).chain(others).collect();
        }
    };
    let account = if application["active"].as_bool() == Some(false) {
        let remedy = "switch the application on in Telnyx's portal: Voice → Programmable Voice";
        Finding::bad(ACCOUNT, "the Voice API application is switched off", remedy)
    } else {
        Finding::ok(ACCOUNT, "the Voice API application is there")
    };
    let (country, number, voice) = tokio::join!(
        permission(asker, config, &application),
        number(asker, config),
        webhook(asker, config, &application, fix)
    );
    vec![account, country, number, voice]
}

pub(super) fn login(config: &Config) -> Login<'_> {
    Login::Bearer(&config.carrier.token)
}

pub(super) fn url(config: &Config, rest: &str) -> String {
    format!("{}/v2/{rest}", config.carrier.api_url)
}

async fn application(asker: &Asker, config: &Config) -> Result<Value, Finding> {
    let reply =
        asker.get(&url(config, &format!("call_control_applications/{}", config.carrier.account)), login(config)).await;
    match reply {
        Ok(reply) if matches!(reply.status.as_u16(), 401 | 403) => Err(Finding::bad(
            ACCOUNT,
            "Telnyx does not know this API key",
            "set CALLME_PHONE_AUTH_TOKEN to an API key of Telnyx's portal (KEY…), and restart the server",
        )),
        Ok(reply) if matches!(reply.status.as_u16(), 404 | 422) => Err(Finding::bad(
            ACCOUNT,
            "the account has no such Voice API application",
            "set CALLME_PHONE_ACCOUNT_SID to the id of the application (Telnyx's portal: Voice → Programmable Voice), and restart the \
             server",
        )),
        Err(silence) => {
            let remedy = "let this machine reach Telnyx's API (HTTPS), or correct CALLME_TELNYX_API_URL";
            Err(Finding::bad(ACCOUNT, format!("Telnyx: {silence}"), remedy))
        }
        reply => resource(ACCOUNT, TELNYX, reply).map(|told| told["data"].clone()),
    }
}

async fn permission(asker: &Asker, config: &Config, application: &Value) -> Finding {
    let Some(profile) = plain(&application["outbound"]["outbound_voice_profile_id"]) else {
        let remedy = "give the application an outbound voice profile: Telnyx's portal, Voice → Outbound Voice Profiles";
        return Finding::bad(COUNTRY, "the application has no outbound voice profile, and may call nobody", remedy);
    };
    let reply = asker.get(&url(config, &format!("outbound_voice_profiles/{profile}")), login(config)).await;
    let told = match resource(COUNTRY, TELNYX, reply) {
        Ok(told) => told["data"].clone(),
        Err(finding) => return finding,
    };
    let (Some(countries), Some(allowed)) = (country::of(&config.person), told["whitelisted_destinations"].as_array())
    else {
        return Finding::unchecked(
            COUNTRY,
            "callme does not know the country of the person's number, or Telnyx does not say",
        );
    };
    let allowed: Vec<(&str, bool)> =
        countries.iter().map(|country| (*country, allowed.iter().any(|one| one.as_str() == Some(*country)))).collect();
    let remedy = "add it to the allowed destinations in Telnyx's portal: Voice → Outbound Voice Profiles";
    country::finding(COUNTRY, "called", &allowed, remedy)
}

/// The account's number that calls come from, where it is the account's; the finding of `name` says what keeps it from being
/// looked at.
pub(super) async fn owned_number(asker: &Asker, config: &Config, name: &'static str) -> Result<Option<Value>, Finding> {
    let number = form_urlencoded::byte_serialize(config.carrier.number.reveal().as_bytes()).collect::<String>();
    let reply =
        asker.get(&url(config, &format!("phone_numbers?filter%5Bphone_number%5D={number}")), login(config)).await;
    let list = resource(name, TELNYX, reply)?;
    let all = list["data"].as_array();
    let found = all.and_then(|all| all.iter().find(|one| one["phone_number"] == config.carrier.number.reveal()));
    Ok(found.cloned())
}

async fn number(asker: &Asker, config: &Config) -> Finding {
    let found = match owned_number(asker, config, NUMBER).await {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let Some(found) = found else {
        let remedy =
            "set CALLME_PHONE_NUMBER to a number of Telnyx's portal (Numbers → My Numbers), and restart the server";
        return Finding::bad(NUMBER, format!("the account has no number {}", config.carrier.number), remedy);
    };
    if found["connection_id"].as_str() != Some(&config.carrier.account) {
        let remedy = "give the number to the application: Telnyx's portal, Numbers → My Numbers, Connection or App";
        return Finding::bad(NUMBER, format!("{} does not belong to the application", config.carrier.number), remedy);
    }
    match found["status"].as_str() {
        Some("active") | None => Finding::ok(NUMBER, format!("{} belongs to the application", config.carrier.number)),
        Some(_) => Finding::warning(
            NUMBER,
            format!("{} is not active yet", config.carrier.number),
            "wait, or see in Telnyx's portal what it waits for (Numbers → My Numbers)",
        ),
    }
}

/// Events of calls that are placed go where the dial says, but in the application's form; those of others go to the application's
/// address.
async fn webhook(asker: &Asker, config: &Config, application: &Value, fix: bool) -> Finding {
    let ours = format!("{}/twiml", config.public_url);
    let by_hand = format!(
        "in Telnyx's portal: Voice → Programmable Voice, the application: webhook URL {ours}, webhook API version 2"
    );
    let otherwise = if speaks(application) {
        let was = shown(application["webhook_event_url"].as_str().unwrap_or_default());
        Finding::warning(VOICE, format!("calls that come in go to {was}"), by_hand)
    } else {
        Finding::bad(VOICE, "the application's events come in version 1, which callme does not read", by_hand)
    };
    let set = fix.then(|| {
        let name = application["application_name"].as_str().unwrap_or("callme");
        let body = json!({"application_name": name, "webhook_event_url": ours, "webhook_api_version": "2"});
        let at = url(config, &format!("call_control_applications/{}", config.carrier.account));
        login(config).on(asker.client.patch(at).json(&body))
    });
    let good = "the application's events come to callme, in version 2".to_owned();
    let at = Address { carrier: TELNYX, good, otherwise, set };
    at.check(asker, &json!({"data": application}), |told| {
        speaks(&told["data"]) && told["data"]["webhook_event_url"].as_str() == Some(&ours)
    })
    .await
}

/// Whether it sends its events in the version that callme reads.
fn speaks(told: &Value) -> bool {
    told["webhook_api_version"].as_str().is_none_or(|version| version == "2")
}

/// What goes to an address for messages.
#[derive(Clone, Copy)]
pub(super) struct Texts {
    /// The name of the check.
    pub(super) name: &'static str,
    /// What goes there, in words.
    pub(super) what: &'static str,
    /// The server's path for it.
    pub(super) path: &'static str,
}

impl Texts {
    /// What is so where they come to callme.
    pub(super) fn good(self) -> String {
        format!("{} comes to callme", self.what)
    }

    /// What is so where they go to `was`.
    pub(super) fn elsewhere(self, was: &str) -> String {
        format!("{} goes to {was}", self.what)
    }
}

/// Where a messaging profile is.
pub(super) fn profile_url(config: &Config, id: &str) -> String {
    url(config, &format!("messaging_profiles/{id}"))
}

/// Whether a messaging profile sends what comes in to callme.
pub(super) async fn profile_webhook(
    asker: &Asker,
    config: &Config,
    profile: &Value,
    texts: Texts,
    fix: bool,
) -> Finding {
    let Some(id) = plain(&profile["data"]["id"]) else {
        return Finding::unchecked(texts.name, "Telnyx does not name the profile");
    };
    let ours = format!("{}{}", config.public_url, texts.path);
    let was = shown(profile["data"]["webhook_url"].as_str().unwrap_or_default());
    let body = json!({"webhook_url": ours, "webhook_api_version": "2"});
    let at = Address {
        carrier: TELNYX,
        good: texts.good(),
        otherwise: Finding::bad(
            texts.name,
            texts.elsewhere(&was),
            format!("in Telnyx's portal: Messaging, the profile: webhook URL {ours}, webhook API version 2"),
        ),
        set: fix.then(|| login(config).on(asker.client.patch(profile_url(config, &id)).json(&body))),
    };
    at.check(asker, profile, |told| is_for_texts(&told["data"]["webhook_url"], config) && speaks(&told["data"])).await
}

/// Both routes for messages read both kinds, and a profile has one address for both.
pub(super) fn is_for_texts(address: &Value, config: &Config) -> bool {
    let below = address.as_str().and_then(|address| address.strip_prefix(config.public_url.as_str()));
    matches!(below, Some("/sms" | "/whatsapp"))
}
