//! Whatever a signed message says and whoever wrote it: the same answer, after the same one step.

use std::time::Duration;

use super::{Form, STRANGER, account, in_conversation, plain, sid, signature, token, webhooks, with};
use crate::world::{PERSON, PUBLIC, World};

/// Status, headers but the two that tell the time and the request apart, body.
type Whole = (u16, Vec<(String, String)>, Vec<u8>);

async fn whole(world: &World, form: &Form) -> Whole {
    let request = world.client().post(format!("{}/whatsapp", world.url)).form(form);
    let signature = signature(&format!("{PUBLIC}/whatsapp"), form, &token());
    let response = request.header("x-twilio-signature", signature).send().await.expect("the server answers");
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in response.headers() {
        let value = value.to_str().expect("text").to_owned();
        match name.as_str() {
            "x-request-id" => assert_eq!(value.len(), 36),
            "date" => {}
            name => headers.push((name.to_owned(), value)),
        }
    }
    (response.status().as_u16(), headers, response.bytes().await.expect("a body").to_vec())
}

/// Messages of every kind, by the person and by others, that can be read and that cannot.
fn messages(conversation: &str) -> Vec<(&'static str, Form)> {
    let (known, unknown) = (conversation.to_owned(), sid("CH", 99));
    let by = |author: &str| in_conversation(&known, 1, author, "Yes, go on.");
    let person = by(PERSON);
    let change = |changes: &[(&'static str, &str)]| with(&person, changes);
    vec![
        ("the person in their conversation", person.clone()),
        ("the same once more", person.clone()),
        ("a stranger in it", by(STRANGER)),
        ("the person in another", in_conversation(&unknown, 2, PERSON, "Yes, go on.")),
        ("a stranger in another", in_conversation(&unknown, 3, STRANGER, "Yes, go on.")),
        ("the person outside of any", plain(4, PERSON, "Yes, go on.")),
        ("a stranger outside of any", plain(5, STRANGER, "Yes, go on.")),
        ("a stranger who wants it to stop", plain(6, STRANGER, "stop")),
        ("a stranger who wants help", plain(7, STRANGER, "help")),
        ("a stranger who wants to be called", plain(8, STRANGER, "call me")),
        ("the person who wants help", plain(9, PERSON, "help")),
        ("no conversation", change(&[("ConversationSid", "")])),
        ("a conversation of the wrong form", change(&[("ConversationSid", "CH1")])),
        ("no author", change(&[("Author", "")])),
        ("an author of the wrong form", change(&[("Author", "whatsapp:12")])),
        ("an author without a channel", change(&[("Author", PERSON)])),
        ("no name", change(&[("MessageSid", "")])),
        ("a name of the wrong form", change(&[("MessageSid", "IM1")])),
        ("no words", change(&[("Body", "")])),
        ("nothing but blanks", change(&[("Body", " \t")])),
        ("nothing that can be read", change(&[("Body", "\u{202e}\u{1b}[0m")])),
        ("too many words", change(&[("Body", &"x".repeat(65_537))])),
        ("words that steer a terminal", change(&[("Body", "\u{1b}]0;x\u{7}\u{202e}Yes")])),
        ("no account", change(&[("AccountSid", "")])),
        ("nothing", Vec::new()),
    ]
}

/// What nobody wrote.
fn news(conversation: &str) -> Vec<(&'static str, Form)> {
    let person = in_conversation(conversation, 1, PERSON, "Yes, go on.");
    let receipt = |message: String| {
        let fields = [("EventType", "onDeliveryUpdated"), ("Status", "undelivered"), ("ErrorCode", "63016")];
        let mut form: Form = fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        form.extend([("AccountSid", account()), ("MessageSid", message)]);
        form
    };
    vec![
        ("another account's", with(&person, &[("AccountSid", &sid("AC", 9))])),
        ("our own echo", with(&person, &[("Author", "callme"), ("Source", "API")])),
        ("another event", with(&person, &[("EventType", "onConversationUpdated")])),
        ("a receipt for nothing", receipt(sid("IM", 77))),
        ("a receipt without sense", receipt("IM".to_owned())),
    ]
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_whatever_is_answered_alike_after_one_step() {
    let off = ["PER_PHONE", "PER_CONVERSATION", "GLOBAL"].map(|name| format!("CALLME_RATE_LIMIT_{name}"));
    let off: Vec<(&str, &str)> = off.iter().map(|name| (name.as_str(), "0")).collect();
    let world = World::writing_under(&off).await;
    world.answered_in_writing().await;
    let conversation = world.conversation();
    let want: Whole = (200, vec![("content-length".to_owned(), "0".to_owned())], Vec::new());
    let mut steps = webhooks(&world, "taken").await;
    for (what, form) in messages(&conversation).into_iter().chain(news(&conversation)) {
        assert_eq!(whole(&world, &form).await, want, "{what}");
        steps += 1;
        assert_eq!(webhooks(&world, "taken").await, steps, "{what}: handed over once before the answer");
        // What it may bring about comes back as receipts, which are handed over, too.
        tokio::time::sleep(Duration::from_secs(10)).await;
        steps = webhooks(&world, "taken").await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_too_much_is_turned_away_alike_whoever_that_is() {
    let limits = [("CALLME_RATE_LIMIT_GLOBAL", "1"), ("CALLME_RATE_LIMIT_PER_PHONE", "0")];
    let world = World::writing_under(&limits).await;
    let conversation = sid("CH", 1);
    for form in [in_conversation(&conversation, 90, STRANGER, "First."), plain(91, STRANGER, "First.")] {
        assert_eq!(world.knock(&form).await, 200, "each way has its own count");
    }
    let headers =
        [("retry-after", "60"), ("content-length", "0")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let limited: Whole = (429, headers.to_vec(), Vec::new());
    let steps = webhooks(&world, "taken").await;
    for (what, form) in messages(&conversation) {
        assert_eq!(whole(&world, &form).await, limited, "{what}");
    }
    assert_eq!(webhooks(&world, "taken").await, steps, "nothing was handed over");
    for (what, form) in news(&conversation) {
        assert_eq!(whole(&world, &form).await.0, 200, "{what}: nobody wrote it");
    }
}

#[tokio::test(start_paused = true)]
async fn where_messaging_is_off_nothing_else_is_told() {
    let world = World::new().await;
    let want: Whole = (200, vec![("content-length".to_owned(), "0".to_owned())], Vec::new());
    for (what, form) in messages(&sid("CH", 1)) {
        assert_eq!(whole(&world, &form).await, want, "{what}");
    }
}
