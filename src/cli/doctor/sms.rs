//! SMS, the last resort: whether the number can send it, and where what the person answers goes.

use serde_json::Value;

use super::Finding;
use super::address::{Address, by_post, plain};
use super::ask::{Asker, resource, shown};
use super::country;
use super::telnyx::Texts;
use super::{telnyx, twilio};
use crate::config::{Company, Config};

const NUMBER: &str = "sms-number";
const WEBHOOK: &str = "sms-webhook";
const TWILIO: &str = "Twilio";
const TELNYX: &str = "Telnyx";

/// What comes in.
const TEXTS: Texts = Texts { name: WEBHOOK, what: "what the person writes by SMS", path: "/sms" };

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
    let ours = format!("{}/sms", config.public_url);
    let was = shown(number["sms_url"].as_str().unwrap_or_default());
    let form = [("SmsUrl", ours.as_str()), ("SmsMethod", "POST"), ("SmsApplicationSid", "")];
    let at = Address {
        carrier: TWILIO,
        good: TEXTS.good(),
        otherwise: Finding::bad(
            WEBHOOK,
            TEXTS.elsewhere(&was),
            format!("in Twilio's console: Active numbers, the number, A message comes in: {ours}, HTTP POST"),
        ),
        set: if fix { twilio::set_number(asker, config, &number, &form) } else { None },
    };
    let webhook = at.check(asker, &number, |number| {
        telnyx::is_for_texts(&number["sms_url"], config)
            && by_post(&number["sms_method"])
            && !twilio::is_set(number, "sms_application_sid")
    });
    Ok(vec![able, webhook.await])
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
    let profile = resource(NUMBER, TELNYX, asker.get(&telnyx::profile_url(config, &profile), login).await)?;
    let able = may_be_sent(config, &profile["data"]);
    let webhook = telnyx::profile_webhook(asker, config, &profile, TEXTS, fix).await;
    Ok(vec![able, webhook])
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
