//! When nobody picks up: the same question over WhatsApp, in the same session and the same request.

mod again;
mod calling_back;
mod contract;
mod doors;
mod fallback;
mod floor;
mod going_on;
mod late;
mod many;
mod message;
mod opting_out;
mod port;
mod repeats;
mod sms;
mod unasked;
mod undelivered;
mod voice;
mod webhooks;
mod window;

use std::time::Duration;

use callme::emulator::{PickUp, Script, Shown, Side, Telephony, What};
use serde_json::{Value, json};

use crate::world::{Answer, World};

const QUESTION: &str = "Shall I deploy?";
const REPLY: &str = "Yes, go on.";
/// How the first text after a call that reached nobody begins.
const TRIED: &str = "I tried to call you.\n\n";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl World {
    pub(crate) async fn message(&self, message: &str) -> Answer {
        self.post("/api/message", json!({ "message": message })).await
    }

    /// The server's texts, in the order in which they were sent.
    fn texts(&self) -> Vec<Shown> {
        self.emulator.chat().shown().into_iter().filter(|shown| shown.from == Side::Server).collect()
    }

    /// What the server's texts say.
    fn words(&self) -> Vec<String> {
        self.texts().into_iter().map(|shown| shown.words).collect()
    }

    /// Waits for the text with these words in it, and answers it.
    pub(crate) async fn replies(&self, to: &str, words: &str) -> Shown {
        let chat = self.emulator.chat();
        chat.receives(to).await.unwrap_or_else(|never| panic!("{never}"));
        chat.write(words).await.shown
    }

    /// A session that went on in writing, and whose first question is answered; its id.
    async fn in_writing(&self) -> String {
        self.person(Script::unanswered(PickUp::Busy));
        let (answer, _) = tokio::join!(self.call(QUESTION), self.replies(QUESTION, REPLY));
        self.wrote(&answer, REPLY);
        answer.call_id()
    }

    /// Holds that this answer is a reply in writing, with these words.
    #[track_caller]
    fn wrote(&self, answer: &Answer, words: &str) {
        let told = [answer.at("/response"), answer.at("/contactMode"), answer.at("/outcome/replyChannel")];
        let want = [words, "whatsapp", "whatsapp"].map(Value::from);
        assert_eq!((answer.status, told), (200, want), "{answer:?}\n{}", self.emulator.timeline());
    }

    /// Holds that this answer is a refusal, which says what its status promises.
    #[track_caller]
    fn refused(&self, answer: &Answer, status: u16, code: &str) {
        let timeline = self.emulator.timeline();
        assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)), "{answer:?}\n{timeline}");
        if matches!(status, 408..=410) {
            let named = ["callId", "contactMode"].iter().all(|field| answer.body[*field].is_string());
            assert!(named && answer.body["outcome"].is_object(), "{answer:?}");
        }
    }

    /// The name of the person's conversation, as this answer should tell it: Telnyx has none, and it is made up.
    #[track_caller]
    fn conversation_of(&self, answer: &Answer) -> Value {
        if self.telephony == Telephony::Twilio {
            return json!(self.emulator.conversations()[0].sid);
        }
        let name = answer.at("/conversationSid");
        let text = name.as_str().unwrap_or_default();
        let hash = text.strip_prefix("TX").unwrap_or_default();
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{answer:?}");
        name
    }

    /// How often the carrier's REST API was used for this.
    fn used(&self, wanted: &str) -> usize {
        self.emulator.timeline().count(|what| matches!(what, What::Rest { verb, .. } if *verb == wanted))
    }
}
