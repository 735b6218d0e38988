//! SMS, the last resort: whether the number can send it, and where what the person answers goes.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::Finding;
use super::ask::{Asker, resource, shown};
use super::country;
use super::{telnyx, twilio};
use crate::config::{Company, Config};

const NUMBER: &str = "sms-number";
const WEBHOOK: &str = "sms-webhook";
const TWILIO: &str = "Twilio";
const TELNYX: &str = "Telnyx";

/// Everything about it, where it is allowed.
pub(super) async fn check(asker: &Asker, config: &Config, fix: bool) -> Vec<Finding> {
    let Some(texts) = config.messaging.as_ref().filter(|texts| texts.sms) else {
        return vec![Finding::unchecked(NUMBER, "SMS is off (CALLME_WHATSAPP_FALLBACK_TO_SMS)")];
    };
    let found = match config.carrier.company {
        Company::Twilio => by_twilio(asker, config, fix).await,
        Company::Telnyx { .. } => by_telnyx(asker, config, texts.profile.as_deref(), fix).await,
    };
    found.unwrap_or_else(|finding| {
        let webhook = Finding { name: WEBHOOK, ..finding.clone() };
        vec![finding, webhook]
    })
}

async fn by_twilio(asker: &Asker, config: &Config, fix: bool) -> Result<Vec<Finding>, Finding> {
    let Some(number) = twilio::owned_number(asker, config, NUMBER).await? else {
        return Err(Finding::unchecked(NUMBER, "the number is not the account's"));
    };
    let able = if number["capabilities"]["sms"].as_bool() == Some(true) {
        Finding::ok(NUMBER, format!("{} can send SMS", config.carrier.number))
    } else {
        Finding::bad(
            NUMBER,
            format!("{} cannot send SMS", config.carrier.number),
            "buy a number with voice and SMS in Twilio's console (Phone Numbers → Manage → Buy a number) and set CALLME_PHONE_NUMBER to \
             it, or set CALLME_WHATSAPP_FALLBACK_TO_SMS=false",
        )
    };
    let sid = number["sid"].as_str().filter(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let ours = format!("{}/sms", config.public_url);
    let set = sid.filter(|_| fix).map(|sid| {
        let form = [("SmsUrl", ours.as_str()), ("SmsMethod", "POST"), ("SmsApplicationSid", "")];
        asker.client.post(twilio::url(config, &format!("/IncomingPhoneNumbers/{sid}.json"))).form(&form)
    });
    let at = Place {
        texts: Texts::SMS,
        carrier: TWILIO,
        is_ours: |number, base| {
            let by_post = number["sms_method"].as_str().is_none_or(|method| method == "POST");
            // An application of the account's comes before the number's own address.
            let has_application = number["sms_application_sid"].as_str().is_some_and(|sid| !sid.is_empty());
            is_at(&number["sms_url"], base) && by_post && !has_application
        },
        was: |number| &number["sms_url"],
        by_hand: format!("in Twilio's console: Active numbers, the number, A message comes in: {ours}, HTTP POST"),
    };
    let set = set.map(|request| twilio::login(config).on(request));
    Ok(vec![able, at.webhook(asker, config, &number, set).await])
}

async fn by_telnyx(
    asker: &Asker,
    config: &Config,
    set_profile: Option<&str>,
    fix: bool,
) -> Result<Vec<Finding>, Finding> {
    let login = telnyx::login(config);
    let Some(number) = telnyx::owned_number(asker, config, NUMBER).await? else {
        return Err(Finding::unchecked(NUMBER, "the number is not the account's"));
    };
    let id = plain(&number["id"]).ok_or_else(|| Finding::unchecked(NUMBER, "Telnyx does not name the number"))?;
    let reply = asker.get(&telnyx::url(config, &format!("phone_numbers/{id}/messaging")), login).await;
    let texts = resource(NUMBER, TELNYX, reply)?["data"].clone();
    let Some(profile) = plain(&texts["messaging_profile_id"]) else {
        return Err(Finding::bad(
            NUMBER,
            format!("{} has no messaging profile, and can send no SMS", config.carrier.number),
            "give the number a messaging profile: Telnyx's portal, Numbers → My Numbers, Messaging Profile",
        ));
    };
    if set_profile.is_some_and(|set| set != profile) {
        return Err(Finding::bad(
            NUMBER,
            format!(
                "{} is in another messaging profile than CALLME_TELNYX_MESSAGING_PROFILE_ID",
                config.carrier.number
            ),
            "set CALLME_TELNYX_MESSAGING_PROFILE_ID to the profile of CALLME_PHONE_NUMBER (Telnyx's portal: Messaging), and restart \
             the server",
        ));
    }
    let profile = resource(NUMBER, TELNYX, asker.get(&profile_url(config, &profile), login).await)?;
    let able = may_be_sent(config, &profile["data"]);
    let webhook = profile_webhook(asker, config, &profile, Texts::SMS, fix).await;
    Ok(vec![able, webhook])
}

/// Where a messaging profile of Telnyx's is.
pub(super) fn profile_url(config: &Config, id: &str) -> String {
    telnyx::url(config, &format!("messaging_profiles/{id}"))
}

/// What a webhook is for.
#[derive(Clone, Copy)]
pub(super) struct Texts {
    /// By which name it is told.
    pub(super) name: &'static str,
    /// What goes there, in words.
    pub(super) what: &'static str,
    /// The server's path for it.
    pub(super) path: &'static str,
}

impl Texts {
    const SMS: Self = Self { name: WEBHOOK, what: "what the person writes by SMS", path: "/sms" };
}

/// Whether a messaging profile of Telnyx's sends what comes in to callme.
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
    let body = json!({"webhook_url": ours, "webhook_api_version": "2"});
    let set = fix.then(|| telnyx::login(config).on(asker.client.patch(profile_url(config, &id)).json(&body)));
    let at = Place {
        texts,
        carrier: TELNYX,
        is_ours: |profile, base| {
            let profile = &profile["data"];
            is_at(&profile["webhook_url"], base)
                && profile["webhook_api_version"].as_str().is_none_or(|form| form == "2")
        },
        was: |profile| &profile["data"]["webhook_url"],
        by_hand: format!("in Telnyx's portal: Messaging, the profile: webhook URL {ours}, webhook API version 2"),
    };
    at.webhook(asker, config, profile, set).await
}

/// Whether the profile is in use, and may write to the person's country.
fn may_be_sent(config: &Config, profile: &Value) -> Finding {
    if profile["enabled"].as_bool() == Some(false) {
        let remedy = "switch the profile on in Telnyx's portal: Messaging";
        return Finding::bad(NUMBER, "the number's messaging profile is switched off", remedy);
    }
    let (Some(countries), Some(allowed)) =
        (country::of(&config.person), profile["whitelisted_destinations"].as_array())
    else {
        return Finding::ok(NUMBER, format!("{} has a messaging profile", config.carrier.number));
    };
    let may =
        |country: &str| allowed.iter().any(|one| matches!(one.as_str(), Some(one) if one == country || one == "*"));
    let allowed: Vec<(&str, bool)> = countries.iter().map(|country| (*country, may(country))).collect();
    country::finding(
        NUMBER,
        "written to",
        &allowed,
        "add it to the profile's allowed destinations in Telnyx's portal: Messaging",
    )
}

/// Where a carrier keeps the address that texts go to.
struct Place {
    texts: Texts,
    carrier: &'static str,
    /// Whether it is below this address of ours.
    is_ours: fn(&Value, &str) -> bool,
    was: fn(&Value) -> &Value,
    by_hand: String,
}

impl Place {
    /// Whether the address is ours, or is after `set`.
    async fn webhook(self, asker: &Asker, config: &Config, now: &Value, set: Option<RequestBuilder>) -> Finding {
        let Self { texts: Texts { name, what, .. }, carrier, is_ours, was, by_hand } = self;
        if is_ours(now, &config.public_url) {
            return Finding::ok(name, format!("{what} comes to callme"));
        }
        let was = shown(was(now).as_str().unwrap_or_default());
        let Some(set) = set else {
            let remedy = format!("callme doctor --fix sets it; by hand, {by_hand}");
            return Finding::bad(name, format!("{what} goes to {was}"), remedy);
        };
        match resource(name, carrier, asker.send(set).await) {
            Ok(now) if is_ours(&now, &config.public_url) => Finding::ok(name, format!("set; it was {was}")),
            Ok(_) => Finding::bad(name, format!("is {was}; {carrier} did not set it"), by_hand),
            Err(finding) => finding,
        }
    }
}

/// Both routes for messages read both kinds, and a profile has one address for both.
fn is_at(address: &Value, base: &str) -> bool {
    let below = address.as_str().and_then(|address| address.strip_prefix(base));
    matches!(below, Some("/sms" | "/whatsapp"))
}

/// A name that can stand in an address.
fn plain(value: &Value) -> Option<String> {
    let name = value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|id| id.to_string()))?;
    let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then_some(name)
}
