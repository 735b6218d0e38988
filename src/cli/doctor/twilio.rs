//! The account at Twilio: who it is, its number, where it may call, and where calls go that come in.

use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::Finding;
use super::address::{Address, by_post, plain};
use super::ask::{Asker, Login, quoted, resource, shown};
use super::country;
use crate::config::Config;

const ACCOUNT: &str = "carrier-account";
const NUMBER: &str = "carrier-number";
const COUNTRY: &str = "dialing-permission";
const VOICE: &str = "voice-webhook";
const TWILIO: &str = "Twilio";

/// Everything about it.
pub(super) async fn check(asker: &Asker, config: &Config, fix: bool) -> Vec<Finding> {
    let (account, country, number) =
        tokio::join!(account(asker, config), permission(asker, config), number(asker, config, fix));
    [vec![account, country], number].concat()
}

/// Another of Twilio's APIs: each has a host of its own (`voice.twilio.com`), and a gateway or a test has one for all.
pub(super) fn sibling(api_url: &str, product: &str) -> String {
    let is_theirs =
        Url::parse(api_url).ok().and_then(|url| Some(url.host_str()?.ends_with(".twilio.com"))) == Some(true);
    if is_theirs { api_url.replacen("//api.", &format!("//{product}."), 1) } else { api_url.to_owned() }
}

pub(super) fn login(config: &Config) -> Login<'_> {
    let (account, token): (&str, &SecretString) = (&config.carrier.account, &config.carrier.token);
    Login::Basic(account, token)
}

pub(super) fn url(config: &Config, rest: &str) -> String {
    format!("{}/2010-04-01/Accounts/{}{rest}", config.carrier.api_url, config.carrier.account)
}

async fn account(asker: &Asker, config: &Config) -> Finding {
    let reply = match asker.get(&url(config, ".json"), login(config)).await {
        Ok(reply) => reply,
        Err(silence) => {
            let remedy = "let this machine reach Twilio's API (HTTPS), or correct CALLME_TWILIO_API_URL";
            return Finding::bad(ACCOUNT, format!("Twilio: {silence}"), remedy);
        }
    };
    match (reply.status.as_u16(), reply.json["status"].as_str(), reply.json["type"].as_str()) {
        (401 | 403 | 404, _, _) => Finding::bad(
            ACCOUNT,
            "Twilio does not know this account, or not by this token",
            "set CALLME_PHONE_ACCOUNT_SID and CALLME_PHONE_AUTH_TOKEN to the Account SID and the primary Auth Token on the first page \
             of Twilio's console, and restart the server",
        ),
        (200, Some("active"), Some("Trial")) => Finding::warning(
            ACCOUNT,
            "is a trial account, which calls verified numbers only",
            "verify the person's number (Twilio's console: Phone Numbers → Manage → Verified Caller IDs), or upgrade the account",
        ),
        (200, Some("active"), _) => Finding::ok(ACCOUNT, "is active"),
        (200, Some(status), _) => Finding::bad(
            ACCOUNT,
            format!("is {}", quoted(status)),
            "have the account opened again: Twilio's console says on its first page why it is closed",
        ),
        (status, _, _) => Finding::unchecked(ACCOUNT, format!("Twilio answered HTTP {status}")),
    }
}

async fn permission(asker: &Asker, config: &Config) -> Finding {
    let Some(countries) = country::of(&config.person) else {
        return Finding::unchecked(COUNTRY, "callme does not know which country the person's number belongs to");
    };
    let base = sibling(&config.carrier.api_url, "voice");
    let mut allowed = Vec::new();
    for country in countries {
        let reply = asker.get(&format!("{base}/v1/DialingPermissions/Countries/{country}"), login(config)).await;
        let told = match resource(COUNTRY, TWILIO, reply) {
            Ok(told) => told,
            Err(finding) => return finding,
        };
        match told["low_risk_numbers_enabled"].as_bool() {
            Some(is_on) => allowed.push((country, is_on)),
            None => return Finding::unchecked(COUNTRY, "Twilio does not say"),
        }
    }
    country::finding(
        COUNTRY,
        "called",
        &allowed,
        "switch it on in Twilio's console: Voice → Settings → Geo permissions",
    )
}

/// The account's number that calls come from, where it is the account's; the finding of `name` says what keeps it from being
/// looked at.
pub(super) async fn owned_number(asker: &Asker, config: &Config, name: &'static str) -> Result<Option<Value>, Finding> {
    let reply = asker.get(&list_with_number(config, "IncomingPhoneNumbers"), login(config)).await;
    let found = resource(name, TWILIO, reply)?["incoming_phone_numbers"][0].clone();
    Ok(Some(found).filter(|found| !found.is_null()))
}

fn list_with_number(config: &Config, list: &str) -> String {
    let number = form_urlencoded::byte_serialize(config.carrier.number.reveal().as_bytes()).collect::<String>();
    url(config, &format!("/{list}.json?PhoneNumber={number}"))
}

async fn number(asker: &Asker, config: &Config, fix: bool) -> Vec<Finding> {
    let found = match owned_number(asker, config, NUMBER).await {
        Ok(found) => found,
        Err(finding) => {
            let voice = Finding { name: VOICE, ..finding.clone() };
            return vec![finding, voice];
        }
    };
    let Some(found) = found else {
        let reply = asker.get(&list_with_number(config, "OutgoingCallerIds"), login(config)).await;
        let verified = resource(NUMBER, TWILIO, reply);
        let number = match verified {
            Ok(list) if !list["outgoing_caller_ids"][0].is_null() => {
                Finding::ok(NUMBER, format!("{} is a verified number of another carrier's", config.carrier.number))
            }
            Ok(_) => Finding::bad(
                NUMBER,
                format!("the account has no number {}", config.carrier.number),
                "set CALLME_PHONE_NUMBER to one of Active numbers in Twilio's console, and restart the server",
            ),
            Err(finding) => finding,
        };
        return vec![number, Finding::unchecked(VOICE, "the number is not the account's")];
    };
    let can = |what: &str| found["capabilities"][what].as_bool() == Some(true);
    let number = if can("voice") {
        let sms = if can("sms") { "voice and SMS" } else { "voice, but not SMS" };
        Finding::ok(NUMBER, format!("{} is the account's, and can do {sms}", config.carrier.number))
    } else {
        Finding::bad(
            NUMBER,
            format!("{} cannot be called with", config.carrier.number),
            "buy a number with voice in Twilio's console (Phone Numbers → Manage → Buy a number), and set CALLME_PHONE_NUMBER to it",
        )
    };
    vec![number, incoming(asker, config, &found, fix).await]
}

/// Where calls go that come in. Those that are placed carry their address themselves.
async fn incoming(asker: &Asker, config: &Config, number: &Value, fix: bool) -> Finding {
    // A trunk comes before everything else. It is there for something: taking the number off it is left to its owner.
    if is_set(number, "trunk_sid") {
        return Finding::warning(
            VOICE,
            "calls that come in go to a SIP trunk, which may cost money",
            "take the number off the trunk in Twilio's console (Elastic SIP Trunking → Trunks, the trunk, Numbers), if it is not there \
             on purpose; then callme doctor --fix",
        );
    }
    let ours = format!("{}/twiml", config.public_url);
    let was = if is_set(number, "voice_application_sid") {
        "an application of the account's".to_owned()
    } else {
        shown(number["voice_url"].as_str().unwrap_or_default())
    };
    let form = [("VoiceUrl", ours.as_str()), ("VoiceMethod", "POST"), ("VoiceApplicationSid", "")];
    let at = Address {
        carrier: TWILIO,
        good: "calls that come in are turned away by callme".to_owned(),
        otherwise: Finding::warning(
            VOICE,
            format!("calls that come in go to {was}, which may cost money"),
            format!("in Twilio's console: Active numbers, the number, A call comes in: {ours}, HTTP POST"),
        ),
        set: if fix { set_number(asker, config, number, &form) } else { None },
    };
    at.check(asker, number, |number| {
        number["voice_url"].as_str() == Some(&ours)
            && by_post(&number["voice_method"])
            && !is_set(number, "voice_application_sid")
    })
    .await
}

/// Sets fields of the number.
pub(super) fn set_number(
    asker: &Asker,
    config: &Config,
    number: &Value,
    form: &[(&str, &str)],
) -> Option<RequestBuilder> {
    let sid = plain(&number["sid"])?;
    let request = asker.client.post(url(config, &format!("/IncomingPhoneNumbers/{sid}.json")));
    Some(login(config).on(request.form(form)))
}

/// Whether a number has such a thing: an application of the account's comes before the number's own address.
pub(super) fn is_set(number: &Value, name: &str) -> bool {
    number[name].as_str().is_some_and(|sid| !sid.is_empty())
}
