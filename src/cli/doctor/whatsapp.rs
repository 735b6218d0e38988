//! WhatsApp: the sender, the template, and where the carrier tells what the person writes.

use serde_json::{Value, json};

use super::Finding;
use super::address::{Address, by_post, plain};
use super::ask::{Asker, quoted, resource, shown};
use super::telnyx::{self, Texts};
use super::twilio::{login, sibling};
use crate::config::{Company, Config, MessagingConfig, MessagingMode};

const SENDER: &str = "whatsapp-sender";
const TEMPLATE: &str = "whatsapp-template";
const WEBHOOK: &str = "whatsapp-webhook";
const SENDER_WEBHOOK: &str = "whatsapp-sender-webhook";
const TWILIO: &str = "Twilio";
const TELNYX: &str = "Telnyx";

/// What Telnyx's profile sends.
const TEXTS: Texts = Texts { name: WEBHOOK, what: "what the person writes on WhatsApp", path: "/whatsapp" };

/// What callme has to be told of.
const EVENTS: [&str; 2] = ["onMessageAdded", "onDeliveryUpdated"];

/// Everything about it, where it is switched on.
pub(super) async fn check(asker: &Asker, config: &Config, fix: bool) -> Vec<Finding> {
    let Some(texts) = &config.messaging else {
        return vec![Finding::unchecked(SENDER, "WhatsApp is off (CALLME_WHATSAPP_ENABLED)")];
    };
    if let Company::Telnyx { .. } = config.carrier.company {
        let why =
            "callme doctor does not look at Telnyx's senders and templates; see in its portal that they are approved";
        let webhook = profile(asker, config, texts, fix).await;
        return vec![Finding::unchecked(SENDER, why), Finding::unchecked(TEMPLATE, why), webhook];
    }
    let (sender, template, webhook) = tokio::join!(
        sender(asker, config, texts, fix),
        template(asker, config, texts),
        webhook(asker, config, texts, fix)
    );
    [sender, vec![template, webhook]].concat()
}

/// At Telnyx what the person writes comes to the messaging profile, and SMS to the same.
async fn profile(asker: &Asker, config: &Config, texts: &MessagingConfig, fix: bool) -> Finding {
    if texts.sms {
        return Finding::unchecked(WEBHOOK, "it is the messaging profile's, as that of SMS: see sms-webhook");
    }
    let Some(id) = &texts.profile else {
        return Finding::unchecked(WEBHOOK, "CALLME_TELNYX_MESSAGING_PROFILE_ID is not set, which says where to look");
    };
    let reply = asker.get(&telnyx::profile_url(config, id), telnyx::login(config)).await;
    if reply.as_ref().is_ok_and(|reply| reply.status.as_u16() == 404) {
        return Finding::bad(
            WEBHOOK,
            "the account has no such messaging profile",
            "set CALLME_TELNYX_MESSAGING_PROFILE_ID to the profile of the sender (Telnyx's portal: Messaging), and restart the server",
        );
    }
    match resource(WEBHOOK, TELNYX, reply) {
        Ok(profile) => telnyx::profile_webhook(asker, config, &profile, TEXTS, fix).await,
        Err(finding) => finding,
    }
}

async fn sender(asker: &Asker, config: &Config, texts: &MessagingConfig, fix: bool) -> Vec<Finding> {
    if let MessagingMode::Sandbox { code } = &texts.mode {
        let join = code.as_deref().map_or_else(|| "join and the two words".to_owned(), |code| format!("join {code}"));
        let why = format!(
            "Twilio does not tell who has joined its sandbox; from the person's WhatsApp send \"{join}\" to {} every three days",
            texts.number
        );
        let where_to =
            "Twilio does not tell where the sandbox sends messages; see in its console that When a message comes in is";
        let webhook = Finding::unchecked(SENDER_WEBHOOK, format!("{where_to} {}/whatsapp", config.public_url));
        return vec![Finding::unchecked(SENDER, why), webhook];
    }
    let base = sibling(&config.carrier.api_url, "messaging");
    let reply = asker.get(&format!("{base}/v2/Channels/Senders?Channel=whatsapp&PageSize=50"), login(config)).await;
    let list = match resource(SENDER, TWILIO, reply) {
        Ok(list) => list,
        Err(finding) => {
            let webhook = Finding { name: SENDER_WEBHOOK, ..finding.clone() };
            return vec![finding, webhook];
        }
    };
    let wanted = format!("whatsapp:{}", texts.number.reveal());
    let found = list["senders"].as_array().and_then(|all| all.iter().find(|one| one["sender_id"] == wanted.as_str()));
    let Some(found) = found else {
        let more = list["meta"]["next_page_url"].is_string();
        let sender = if more {
            Finding::unchecked(SENDER, "the account has more senders than one page")
        } else {
            Finding::bad(
                SENDER,
                format!("the account has no WhatsApp sender {}", texts.number),
                "set CALLME_WHATSAPP_PHONE_NUMBER to a sender of Twilio's console (Messaging → Senders → WhatsApp senders), and \
                 restart the server",
            )
        };
        return vec![sender, Finding::unchecked(SENDER_WEBHOOK, "the sender was not found")];
    };
    let sender = match found["status"].as_str().unwrap_or_default() {
        status if status.starts_with("ONLINE") => Finding::ok(SENDER, format!("{} is online", texts.number)),
        status => Finding::bad(
            SENDER,
            format!("{} is {}", texts.number, quoted(&status.to_ascii_lowercase())),
            "bring the sender online in Twilio's console: Messaging → Senders → WhatsApp senders says what it waits for",
        ),
    };
    vec![sender, sender_webhook(asker, config, &base, found, fix).await]
}

async fn sender_webhook(asker: &Asker, config: &Config, base: &str, sender: &Value, fix: bool) -> Finding {
    let ours = format!("{}/whatsapp", config.public_url);
    let was = shown(sender["webhook"]["callback_url"].as_str().unwrap_or_default());
    let body = json!({"webhook": {"callback_url": ours, "callback_method": "POST"}});
    let set = |sid| login(config).on(asker.client.post(format!("{base}/v2/Channels/Senders/{sid}")).json(&body));
    let at = Address {
        carrier: TWILIO,
        good: "the sender's messages come to callme".to_owned(),
        otherwise: Finding::bad(
            SENDER_WEBHOOK,
            format!("what the person writes goes to {was}"),
            format!("in Twilio's console, the sender's page: Webhook URL for incoming messages: {ours}, HTTP POST"),
        ),
        set: plain(&sender["sid"]).filter(|_| fix).map(set),
    };
    at.check(asker, sender, |sender| {
        let webhook = &sender["webhook"];
        webhook["callback_url"].as_str() == Some(&ours) && by_post(&webhook["callback_method"])
    })
    .await
}

async fn template(asker: &Asker, config: &Config, texts: &MessagingConfig) -> Finding {
    let Some(template) = &texts.template else {
        return match texts.mode {
            MessagingMode::Sandbox { .. } => {
                Finding::unchecked(TEMPLATE, "none is set, and the sandbox can do without")
            }
            MessagingMode::Production => Finding::warning(
                TEMPLATE,
                "none is set: a message that begins outside WhatsApp's 24 hours is refused",
                "set CALLME_WHATSAPP_TEMPLATE_SID to an approved template (docs/PRODUCTION.md has its text)",
            ),
        };
    };
    let base = sibling(&config.carrier.api_url, "content");
    let reply = asker.get(&format!("{base}/v1/Content/{template}/ApprovalRequests"), login(config)).await;
    if reply.as_ref().is_ok_and(|reply| reply.status.as_u16() == 404) {
        return Finding::bad(
            TEMPLATE,
            "the account has no such template",
            "set CALLME_WHATSAPP_TEMPLATE_SID to a Content SID of Twilio's console (Messaging → Content Template Builder), and \
             restart the server",
        );
    }
    let told = match resource(TEMPLATE, TWILIO, reply) {
        Ok(told) => told,
        Err(finding) => return finding,
    };
    match told["whatsapp"]["status"].as_str() {
        Some("approved") => Finding::ok(TEMPLATE, "is approved"),
        Some(status @ ("pending" | "received")) => Finding::warning(
            TEMPLATE,
            format!("is {status}"),
            "wait for WhatsApp, up to 48 hours; until then only what answers the person within 24 hours arrives",
        ),
        Some(status) => Finding::bad(
            TEMPLATE,
            format!("is {}", quoted(status)),
            "have the template approved: Twilio's console, Messaging → Content Template Builder, Submit for WhatsApp approval",
        ),
        None => Finding::unchecked(TEMPLATE, "Twilio does not say"),
    }
}

/// What Conversations tells, and where.
async fn webhook(asker: &Asker, config: &Config, texts: &MessagingConfig, fix: bool) -> Finding {
    let ours = format!("{}/whatsapp", config.public_url);
    let url = format!("{}/v1/Configuration/Webhooks", texts.conversations_url);
    let told = match resource(WEBHOOK, TWILIO, asker.get(&url, login(config)).await) {
        Ok(told) => told,
        Err(finding) => return finding,
    };
    let was = match told["post_webhook_url"].as_str() {
        Some(url) if url == ours => "callme, but not everything".to_owned(),
        url => shown(url.unwrap_or_default()),
    };
    let mut events = filters(&told);
    events.extend(EVENTS.iter().map(|event| (*event).to_owned()));
    events.sort_unstable();
    events.dedup();
    let mut form = vec![("PostWebhookUrl", ours.as_str()), ("Method", "POST"), ("Target", "webhook")];
    form.extend(events.iter().map(|event| ("Filters", event.as_str())));
    let at = Address {
        carrier: TWILIO,
        good: "Conversations tells callme what the person writes and what arrived".to_owned(),
        otherwise: Finding::bad(
            WEBHOOK,
            format!("Conversations tells {was} what the person writes"),
            format!(
                "in Twilio's console: Conversations → Manage → Global webhooks: post-event URL {ours}, HTTP POST, onMessageAdded and \
                 onDeliveryUpdated"
            ),
        ),
        set: fix.then(|| login(config).on(asker.client.post(&url).form(&form))),
    };
    at.check(asker, &told, |told| {
        let filters = filters(told);
        EVENTS.iter().all(|event| filters.iter().any(|filter| filter == event))
            && told["post_webhook_url"].as_str() == Some(&ours)
            && by_post(&told["method"])
    })
    .await
}

/// The events that Conversations tells of.
fn filters(told: &Value) -> Vec<String> {
    let all = told["filters"].as_array().into_iter().flatten();
    all.filter_map(|filter| filter.as_str().map(str::to_owned)).collect()
}
