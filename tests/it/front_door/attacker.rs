//! Whoever tries the door without the carrier's key, or with what the carrier sent before.

use std::time::Duration;

use callme::emulator::{PickUp, Script};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Form, QUESTION, STRANGER, encoded, in_conversation, plain, signature, token, webhooks, with};
use crate::api::raw::Raw;
use crate::world::{PERSON, PUBLIC, World};

/// A request as it goes out.
struct Try {
    path: &'static str,
    /// The signature headers.
    signatures: Vec<String>,
    body: String,
}

impl Try {
    /// As the carrier would send it.
    fn good(form: &Form) -> Self {
        Self::signed_for(&format!("{PUBLIC}/whatsapp"), form)
    }

    fn signed_for(url: &str, form: &Form) -> Self {
        Self { path: "/whatsapp", signatures: vec![signature(url, form, &token())], body: encoded(form) }
    }

    async fn send(&self, world: &World) -> (u16, String) {
        let mut request = world.client().post(format!("{}{}", world.url, self.path)).body(self.body.clone());
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for signature in &self.signatures {
            request = request.header("x-twilio-signature", signature);
        }
        let response = request.send().await.expect("the server answers");
        (response.status().as_u16(), response.text().await.expect("text"))
    }
}

/// Everything that a webhook could change.
async fn state(world: &World, id: &str) -> Value {
    let (session, history) = (world.look(id).await.body, world.get("/api/history").await.body);
    let (calls, texts) = (world.emulator.calls().len(), world.emulator.chat().shown().len());
    json!([session, history, calls, texts, world.sessions.running()])
}

#[tokio::test(start_paused = true)]
async fn nothing_that_the_carrier_did_not_sign_changes_anything() {
    let world = World::writing().await;
    world.person(Script::unanswered(PickUp::Never));
    let chat = world.emulator.chat();
    let attack = async {
        chat.receives(QUESTION).await.expect("the question arrives");
        let (id, conversation) = (world.newest().await, world.conversation());
        let form = in_conversation(&conversation, 7, PERSON, "No, stop everything!");
        let good = || Try::good(&form);
        let stop = with(&form, &[("Body", "stop")]);
        let flipped = |text: &str| format!("{}{}", if text.starts_with('A') { 'B' } else { 'A' }, &text[1..]);
        let one = good().signatures.remove(0);
        let tries = [
            ("no signature", Try { signatures: vec![], ..good() }),
            ("empty", Try { signatures: vec![String::new()], ..good() }),
            ("blank", Try { signatures: vec![" ".to_owned()], ..good() }),
            ("doubled", Try { signatures: vec![one.clone(), one.clone()], ..good() }),
            ("doubled in one", Try { signatures: vec![format!("{one}, {one}")], ..good() }),
            ("an empty one beside", Try { signatures: vec![one.clone(), String::new()], ..good() }),
            ("wrong", Try { signatures: vec![flipped(&one)], ..good() }),
            ("cut", Try { signatures: vec![one[..27].to_owned()], ..good() }),
            (
                "by another key",
                Try { signatures: vec![signature(&format!("{PUBLIC}/whatsapp"), &form, "x")], ..good() },
            ),
            ("by no key", Try { signatures: vec![signature(&format!("{PUBLIC}/whatsapp"), &form, "")], ..good() }),
            ("altered body", Try { body: encoded(&stop), ..good() }),
            ("a field more", Try { body: format!("{}&Body=stop", encoded(&form)), ..good() }),
            ("a field less", Try { body: encoded(&with(&form, &[("Index", "")])), ..good() }),
            ("no body", Try { body: String::new(), ..good() }),
            ("a query that was not signed", Try { path: "/whatsapp?a=1", ..good() }),
            (
                "another query",
                Try { path: "/whatsapp?a=1", ..Try::signed_for(&format!("{PUBLIC}/whatsapp?a=2"), &form) },
            ),
            ("the same query written otherwise", {
                Try { path: "/whatsapp?a=%41", ..Try::signed_for(&format!("{PUBLIC}/whatsapp?a=A"), &form) }
            }),
            ("another path", Try::signed_for(&format!("{PUBLIC}/twiml"), &form)),
            ("another port", Try::signed_for(&format!("{PUBLIC}:8443/whatsapp"), &form)),
            ("the other scheme's port", Try::signed_for(&format!("{PUBLIC}:80/whatsapp"), &form)),
            ("another scheme", Try::signed_for("http://callme.example/whatsapp", &form)),
            ("another host", Try::signed_for("https://callme.example.org/whatsapp", &form)),
            ("where the server really is", Try::signed_for(&format!("{}/whatsapp", world.url), &form)),
        ];
        let before = state(&world, &id).await;
        for (what, attempt) in &tries {
            assert_eq!(attempt.send(&world).await, (401, String::new()), "{what}");
            assert_eq!(state(&world, &id).await, before, "{what}");
        }
        assert_eq!(webhooks(&world, "forged").await, tries.len() as u64);
        // Both spellings of the port that belongs to the scheme are the carrier's; nobody has written this.
        for port in ["", ":443"] {
            let foreign = with(&form, &[("Author", &format!("whatsapp:{STRANGER}"))]);
            let attempt = Try::signed_for(&format!("{PUBLIC}{port}/whatsapp"), &foreign);
            assert_eq!(attempt.send(&world).await, (200, String::new()), "{port:?}");
        }
        assert_eq!(state(&world, &id).await, before, "a stranger's message");
        chat.write("Yes.").await;
    };
    let (answer, ()) = tokio::join!(world.call(QUESTION), attack);
    assert_eq!((answer.status, answer.at("/response"), answer.at("/earlier")), (200, json!("Yes."), json!([])));
}

#[tokio::test(start_paused = true)]
async fn what_was_signed_once_can_be_sent_again_and_changes_nothing_more() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    let conversation = world.conversation();
    let forms = [
        in_conversation(&conversation, 7, PERSON, "And call the customer."),
        plain(8, PERSON, "Then go home."),
        in_conversation(&conversation, 9, STRANGER, "Who is this?"),
        with(&in_conversation(&conversation, 10, PERSON, "For another account."), &[("AccountSid", "AC1")]),
    ];
    for form in &forms {
        assert_eq!(world.knock(form).await, 200);
    }
    // What is in them has been read when this is answered.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = state(&world, &id).await;
    let texts: Vec<_> = world.look(&id).await.at("/replies").as_array().into_iter().flatten().cloned().collect();
    let texts: Vec<_> = texts.iter().map(|said| said["text"].as_str().unwrap_or_default()).collect();
    assert_eq!(texts, ["And call the customer.", "Then go home."], "the person's, and nobody else's");
    for _ in 0..4 {
        for form in &forms {
            assert_eq!(world.knock(form).await, 200);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(state(&world, &id).await, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replayed_message_restarts_no_timer() {
    let world = World::writing_under(&[("CALLME_INACTIVITY_TIMEOUT_MINUTES", "5")]).await;
    let id = world.answered_in_writing().await;
    let conversation = world.conversation();
    let forms = [
        in_conversation(&conversation, 7, PERSON, "And call the customer."),
        in_conversation(&conversation, 8, STRANGER, "Who is this?"),
        with(&in_conversation(&conversation, 9, PERSON, "For another account."), &[("AccountSid", "AC1")]),
        in_conversation(&conversation, 10, PERSON, "\u{202e}\u{feff}"),
        in_conversation(&conversation, 11, PERSON, &"x".repeat(65_537)),
    ];
    for form in &forms {
        assert_eq!(world.knock(form).await, 200);
    }
    let began = Instant::now();
    while world.sessions.running() > 0 {
        tokio::time::sleep(Duration::from_secs(30)).await;
        for form in &forms {
            assert_eq!(world.knock(form).await, 200);
        }
    }
    assert!(began.elapsed() <= Duration::from_secs(331), "{:?}", began.elapsed());
    assert_eq!(world.look(&id).await.at("/outcome/endedBy"), "inactivity");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_too_large_or_too_slow_are_given_up() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    let before = state(&world, &id).await;
    let form = plain(7, PERSON, &"x".repeat(300 * 1024));
    let attempt = Try::good(&form);
    assert_eq!(attempt.send(&world).await, (413, String::new()), "well signed, and too large");
    let unsigned = Try { signatures: vec![], ..attempt };
    assert_eq!(unsigned.send(&world).await, (401, String::new()));
    for signed in [true, false] {
        let mut raw = Raw::open(&world).await;
        let signature = if signed { format!("X-Twilio-Signature: {}\r\n", "x".repeat(28)) } else { String::new() };
        raw.send(&format!("POST /whatsapp HTTP/1.1\r\nHost: x\r\n{signature}Content-Length: 1000\r\n\r\n")).await;
        let began = Instant::now();
        while !raw.is_answered().await && began.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if !raw.try_send(b"x").await {
                break;
            }
        }
        let (status, limit) = if signed { (400, 6) } else { (401, 1) };
        assert_eq!(raw.answer().await.status, status);
        assert!(began.elapsed() < Duration::from_secs(limit), "{:?}", began.elapsed());
    }
    assert_eq!(state(&world, &id).await, before);
}

#[tokio::test(start_paused = true)]
async fn whoever_forges_without_end_is_shut_out_while_the_carrier_is_let_in() {
    let world = World::writing().await;
    let good = Try::good(&plain(7, STRANGER, "Who is this?"));
    let forged = Try { signatures: vec!["x".to_owned()], ..Try::good(&plain(7, STRANGER, "Who is this?")) };
    for number in 1..=30 {
        assert_eq!(forged.send(&world).await.0, 401, "number {number}");
    }
    let missing = Try { signatures: vec![], ..Try::good(&plain(8, STRANGER, "Who?")) };
    for attempt in [&forged, &missing] {
        assert_eq!(attempt.send(&world).await, (429, String::new()));
    }
    assert_eq!(good.send(&world).await, (200, String::new()), "the carrier comes from the same address");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(forged.send(&world).await.0, 401);
    assert_eq!((webhooks(&world, "forged").await, webhooks(&world, "shut-out").await), (31, 2));
    // The whole time nobody was written to, nor rung.
    assert!(world.emulator.conversations().is_empty() && world.emulator.calls().is_empty());
}
