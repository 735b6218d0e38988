//! What the carrier tells the server about texts: once, with five seconds for the answer.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::super::chat::Shown;
use super::super::faults::Fault;
use super::super::form;
pub(super) use super::super::form::Form;
use super::super::post::{TELNYX_TEXTS, TEXTS, post, post_event};
use super::super::timeline::{TextForm, TextWebhook, What};
use super::super::world::World;
use super::Exchange;
use super::delivery::{Journey, state};
use super::messages::Message;

/// How the person is called in their WhatsApp.
const PROFILE: &str = "Robin";

/// `onMessageAdded`.
pub(super) fn added(world: &World, conversation: &str, index: usize, message: &Message, source: &str) -> Form {
    let mut form = form::of([
        ("EventType", TextWebhook::Added.as_str().to_owned()),
        ("AccountSid", world.config.account_sid.clone()),
        ("ChatServiceSid", world.service()),
        ("ConversationSid", conversation.to_owned()),
        ("MessageSid", message.sid.clone()),
        ("Index", index.to_string()),
        ("DateCreated", message.created.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        ("Author", message.author.clone()),
        ("Attributes", message.attributes.clone()),
        ("Source", source.to_owned()),
        ("RetryCount", "0".to_owned()),
    ]);
    let more = [
        ("Body", message.body.clone()),
        ("ParticipantSid", message.participant.clone()),
        ("Media", message.media.as_ref().map(ToString::to_string)),
    ];
    form.extend(form::of(more.into_iter().filter_map(|(name, value)| Some((name, value?)))));
    form
}

/// `onDeliveryUpdated`.
pub(super) fn delivery(world: &World, exchange: &Exchange, journey: &Journey) -> Form {
    let parcel = &journey.parcel;
    let (state, code) = state(exchange, parcel);
    let text = &exchange.texts[parcel.text - 1];
    let created = exchange.find(&journey.conversation).and_then(|c| Ok(c.message(&journey.message)?.1.created));
    let date = |time: jiff::Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    form::of([
        ("EventType", TextWebhook::Delivery.as_str().to_owned()),
        ("AccountSid", world.config.account_sid.clone()),
        ("ChatServiceSid", world.service()),
        ("ConversationSid", journey.conversation.clone()),
        ("MessageSid", journey.message.clone()),
        ("DeliveryReceiptSid", parcel.receipt.clone()),
        ("ChannelMessageSid", parcel.channel.clone()),
        ("ParticipantSid", parcel.participant.clone()),
        ("Status", state.as_str().unwrap_or_default().to_owned()),
        ("ErrorCode", code.unwrap_or(0).to_string()),
        ("DateCreated", date(created.unwrap_or(text.updated))),
        ("DateUpdated", date(text.updated)),
        ("RetryCount", "0".to_owned()),
    ])
}

/// The plain Messaging webhook, about what somebody wrote from this number.
pub(super) fn plain(world: &World, sid: &str, number: &str, shown: &Shown) -> Form {
    let is_picture = shown.form == TextForm::Picture;
    let digits = number.trim_start_matches('+');
    let context = json!({"type": "whatsapp", "data": {"context": {"ProfileName": PROFILE, "WaId": digits}}});
    let kind = match shown.form {
        TextForm::Free | TextForm::Template | TextForm::Sms => "text",
        TextForm::Button => "button",
        TextForm::Picture => "image",
    };
    let mut form = form::of([
        ("SmsMessageSid", sid.to_owned()),
        ("SmsSid", sid.to_owned()),
        ("MessageSid", sid.to_owned()),
        ("AccountSid", world.config.account_sid.clone()),
        ("From", format!("whatsapp:{number}")),
        ("To", world.proxy()),
        ("Body", shown.words.clone()),
        ("WaId", digits.to_owned()),
        ("ProfileName", PROFILE.to_owned()),
        ("NumMedia", u8::from(is_picture).to_string()),
        ("NumSegments", "1".to_owned()),
        ("ReferralNumMedia", "0".to_owned()),
        ("MessageType", kind.to_owned()),
        ("SmsStatus", "received".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("ChannelMetadata", context.to_string()),
    ]);
    if is_picture {
        let url = format!("{}/2010-04-01/Accounts/{}/Messages/{sid}/Media/ME0", world.url, world.config.account_sid);
        form.extend(form::of([("MediaUrl0", url), ("MediaContentType0", "image/jpeg".to_owned())]));
    }
    if shown.form == TextForm::Button {
        form.extend(form::of([("ButtonText", shown.words.clone()), ("ButtonPayload", shown.words.clone())]));
    }
    form
}

/// What the server is to be told.
pub(super) enum Letter {
    /// By Twilio; at the WhatsApp sender's own address where nothing else is named.
    Form { form: Form, url: Option<String> },
    /// By Telnyx; likewise.
    Event { event: Value, url: Option<String> },
}

impl Letter {
    /// Posts it; gives what the server answered.
    async fn post(&self, world: &World) -> Option<(u16, String)> {
        let (Self::Form { url, .. } | Self::Event { url, .. }) = self;
        let url = url.clone().or_else(|| world.messaging_webhook())?;
        match self {
            Self::Form { form, .. } => post(world, &url, form, TEXTS).await,
            Self::Event { event, .. } => post_event(world, &url, event, TELNYX_TEXTS).await,
        }
    }

    /// Whether Twilio reads the answer as a document, which is to say nothing: whatever it says goes to the person.
    fn wants_document(&self, name: TextWebhook) -> bool {
        matches!(self, Self::Form { .. }) && name == TextWebhook::Sms
    }
}

/// Whether a document has a `Response`, and nothing in it.
fn says_nothing(document: &str) -> bool {
    let document = document.trim();
    let root = match document.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or("", |(_, root)| root.trim_start()),
        None => document,
    };
    matches!(root, "<Response/>" | "<Response />" | "<Response></Response>")
}

/// Posts a webhook about a text so many times, in a task of its own; later, more often or never where a fault says so. Gives what the
/// server answered last, or nothing for a webhook that is late.
pub(super) fn deliver(
    world: &Arc<World>,
    text: Option<usize>,
    name: TextWebhook,
    letter: Letter,
    copies: usize,
) -> oneshot::Receiver<Option<u16>> {
    let (sender, answer) = oneshot::channel();
    let is = |fault: Fault| world.faults.strikes(&fault);
    if is(Fault::TextWebhookDropped(name)) {
        return answer;
    }
    let delay = world.faults.strike(|fault| match fault {
        Fault::TextWebhookDelayed { name: late, by } if *late == name => Some(*by),
        _ => None,
    });
    let copies = if is(Fault::TextWebhookTripled(name)) { 3 } else { copies };
    let outer = Arc::clone(world);
    world.spawn(async move {
        let mut sender = Some(sender);
        if let Some(delay) = delay {
            sender = None;
            tokio::time::sleep(delay).await;
        }
        let mut status = None;
        for _ in 0..copies {
            let answer = letter.post(&outer).await;
            status = answer.as_ref().map(|(status, _)| *status);
            if let Some((200, document)) = &answer
                && letter.wants_document(name)
                && !says_nothing(document)
            {
                outer.note(What::Violation("12100 an SMS is not answered with an empty Response".to_owned()));
            }
            outer.note(What::TextWebhook { text, name, status });
        }
        if let Some(sender) = sender {
            let _ = sender.send(status);
        }
    });
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_document_with_an_empty_response_says_nothing() {
        for document in [
            "<Response/>",
            "<Response></Response>\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>",
            "<?xml version=\"1.0\"?>\n<Response></Response>",
        ] {
            assert!(says_nothing(document), "{document}");
        }
        for document in ["", "OK", "<Response><Message>Hi</Message></Response>", "<Response>Hi</Response>", "<?xml?>"] {
            assert!(!says_nothing(document), "{document}");
        }
    }
}
