//! The door that stands open to everybody, as an attacker tries it, over the real server.

mod attacker;
mod floods;
mod money;
mod refused;
mod triggers;
mod uniform;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callme::emulator::{EmulatorConfig, PickUp, Script};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;

use crate::webhook::account;
use crate::world::{Answer, KEY, World};

const QUESTION: &str = "Shall I deploy?";
const STRANGER: &str = "+4915112345678";

/// A form, as the carrier would fill it in.
type Form = Vec<(&'static str, String)>;

/// What the carrier signs for a request to this URL.
fn signature(url: &str, form: &[(&str, String)], token: &str) -> String {
    let mut fields = form.to_vec();
    fields.sort_unstable();
    fields.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fn token() -> String {
    EmulatorConfig::default().auth_token
}

fn encoded(form: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// `IM…` and the like, of a number.
fn sid(kind: &str, number: usize) -> String {
    format!("{kind}{number:032x}")
}

/// A message in a conversation.
fn in_conversation(conversation: &str, number: usize, from: &str, words: &str) -> Form {
    vec![
        ("EventType", "onMessageAdded".to_owned()),
        ("AccountSid", account()),
        ("ConversationSid", conversation.to_owned()),
        ("MessageSid", sid("IM", number)),
        ("Index", number.to_string()),
        ("DateCreated", "2026-11-21T10:00:00.000Z".to_owned()),
        ("Body", words.to_owned()),
        ("Author", format!("whatsapp:{from}")),
        ("Source", "WHATSAPP".to_owned()),
    ]
}

/// A message outside of any.
fn plain(number: usize, from: &str, words: &str) -> Form {
    vec![
        ("MessageSid", sid("SM", number)),
        ("AccountSid", account()),
        ("From", format!("whatsapp:{from}")),
        ("Body", words.to_owned()),
        ("NumMedia", "0".to_owned()),
        ("SmsStatus", "received".to_owned()),
    ]
}

/// The form with other values; an empty one takes a field away.
fn with(form: &Form, changes: &[(&'static str, &str)]) -> Form {
    let mut form = form.clone();
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        if !value.is_empty() {
            form.push((name, (*value).to_owned()));
        }
    }
    form
}

/// The value of a metric, 0 where it is not there yet.
async fn metric(world: &World, series: &str) -> u64 {
    let request = world.client().get(format!("{}/metrics", world.url)).bearer_auth(KEY);
    let text = request.send().await.expect("the server answers").text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().expect("a count"))
}

/// How many webhooks were answered with this result.
async fn webhooks(world: &World, result: &str) -> u64 {
    metric(world, &format!("callme_webhooks_total{{result=\"{result}\"}}")).await
}

impl World {
    /// Posts a form to the messaging webhook, as the carrier does; the status.
    async fn knock(&self, form: &[(&'static str, String)]) -> u16 {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, body) = self.signed("/whatsapp", &form).await;
        assert_eq!(body, "", "{status}");
        status
    }

    /// The person's conversation.
    fn conversation(&self) -> String {
        self.emulator.conversations().last().expect("a conversation").sid.clone()
    }

    async fn ask_in_writing(&self, words: &str) -> Answer {
        self.post("/api/message", json!({ "message": words })).await
    }

    /// A session that nobody picked up for and that was answered in writing: it is open, and nobody waits in it.
    async fn answered_in_writing(&self) -> String {
        self.person(Script::unanswered(PickUp::Never));
        let chat = self.emulator.chat();
        let (answer, ()) = tokio::join!(self.call(QUESTION), async {
            chat.receives(QUESTION).await.expect("the question arrives");
            chat.write("Yes.").await;
        });
        assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes.")), "{answer:?}");
        answer.call_id()
    }

    /// What the server has written to the person, oldest first.
    fn written(&self) -> Vec<String> {
        let texts = self.emulator.chat().shown().into_iter();
        texts.filter(|text| text.from == callme::emulator::Side::Server).map(|text| text.words).collect()
    }
}

/// The words that came along as earlier ones.
fn earlier(answer: &Answer) -> Vec<String> {
    let earlier = answer.at("/earlier");
    let words =
        earlier.as_array().into_iter().flatten().map(|said| said["text"].as_str().unwrap_or_default().to_owned());
    words.collect()
}
