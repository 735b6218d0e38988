//! Who may tell the server what the person wrote, and what they learn by it.

use callme::emulator::What;
use reqwest::header::HeaderMap;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{QUESTION, REPLY, secs};
use crate::webhook::{account, signature};
use crate::world::{PERSON, World};

const PATH: &str = "/whatsapp";

/// A message of the person's as the carrier writes it; `more` replaces fields of the same name, or takes them away.
fn message<'a>(
    conversation: &'a str,
    account: &'a str,
    more: &[(&'a str, Option<&'a str>)],
) -> Vec<(&'a str, &'a str)> {
    let plain = [
        ("EventType", "onMessageAdded"),
        ("AccountSid", account),
        ("ConversationSid", conversation),
        ("MessageSid", "IM00000000000000000000000000000001"),
        ("Index", "7"),
        ("DateCreated", "2026-11-21T10:00:00.000Z"),
        ("Author", "whatsapp:+393331234567"),
        ("Attributes", "{}"),
        ("Source", "WHATSAPP"),
        ("Body", REPLY),
    ];
    let kept = plain.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more.iter().filter_map(|(name, value)| Some((*name, (*value)?)))).collect()
}

/// The sid of the one conversation, once something was sent in it.
async fn conversation(world: &World) -> String {
    world.event(|what| matches!(what, What::TextSent { .. })).await;
    world.emulator.conversations()[0].sid.clone()
}

#[tokio::test(start_paused = true)]
async fn what_the_carrier_did_not_sign_is_refused_and_changes_nothing() {
    let world = World::writing().await;
    let forging = async {
        let (sid, account) = (conversation(&world).await, account());
        let form = message(&sid, &account, &[]);
        let good = signature(PATH, &form);
        let other = message(&sid, &account, &[("Body", Some("No, stop it."))]);
        let less = message(&sid, &account, &[("Index", None)]);
        let more = message(&sid, &account, &[("Extra", Some("1"))]);
        let twice = [form.clone(), vec![("Body", "No, stop it.")]].concat();
        let end = if good.starts_with('A') { "B" } else { "A" };
        let altered = format!("{end}{}", &good[1..]);
        let cut = good[..27].to_owned();
        let of_path = signature("/twiml", &form);
        let (lower, padded) = (good.to_lowercase(), format!("{good}="));
        let with_query = format!("{PATH}?s=1");
        for (what, path, form, signatures) in [
            ("none", PATH, &form, &[][..]),
            ("an empty one", PATH, &form, &[""]),
            ("a forged one", PATH, &form, &["Zm9yZ2VkIGZvcmdlZCBmb3JnZWQ="]),
            ("an altered one", PATH, &form, &[&altered]),
            ("a shortened one", PATH, &form, &[&cut]),
            ("a lengthened one", PATH, &form, &[&padded]),
            ("one in another case", PATH, &form, &[&lower]),
            ("another path's", PATH, &form, &[&of_path]),
            ("the good one twice", PATH, &form, &[&good, &good]),
            ("the good one and another", PATH, &form, &[&good, &altered]),
            ("other words", PATH, &other, &[&good]),
            ("a field less", PATH, &less, &[&good]),
            ("a field more", PATH, &more, &[&good]),
            ("a field twice", PATH, &twice, &[&good]),
            ("another query", &with_query, &form, &[&good]),
        ] {
            let answer = world.webhook(path, form, signatures).await;
            assert_eq!(answer, (401, String::new()), "{what}");
            sleep(secs(1)).await;
        }
        let id = world.newest().await;
        assert_eq!(world.look(&id).await.at("/replies"), json!([]));
        assert_eq!(world.look(&id).await.at("/waiting"), json!(true), "{}", world.emulator.timeline());
        // The very same message, signed: so nothing but the signature was wrong with it.
        assert_eq!(world.webhook(PATH, &form, &[&good]).await, (200, String::new()));
    };
    let (answer, ()) = tokio::join!(world.message(QUESTION), forging);
    world.wrote(&answer, REPLY);
    world.settled().await;
}

/// What a sender of a webhook sees of its answer: all but the time and the request's own number.
async fn seen(world: &World, form: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let request = world.client().post(format!("{}{PATH}", world.url)).form(form);
    let began = Instant::now();
    let response = request.header("x-twilio-signature", signature(PATH, form)).send().await.expect("an answer");
    assert!(began.elapsed().is_zero(), "an answer waits for nothing: {:?}", began.elapsed());
    let (status, mut headers) = (response.status().as_u16(), response.headers().clone());
    for name in ["date", "x-request-id"] {
        headers.remove(name);
    }
    (status, headers, response.text().await.expect("the answer is text"))
}

#[tokio::test(start_paused = true)]
async fn no_answer_tells_whether_a_session_a_conversation_or_a_sender_is_known() {
    let (idle, off) = (World::writing().await, World::new().await);
    let world = World::writing().await;
    let asking = async {
        let (sid, account) = (conversation(&world).await, account());
        let unknown = format!("CH{}", "0".repeat(32));
        let of = |more: &[(&'static str, Option<&'static str>)]| message(&sid, &account, more);
        let long = "x".repeat(70_000);
        let forms = [
            ("a stranger", of(&[("Author", Some("whatsapp:+393337654321"))])),
            (
                "an unknown conversation of a stranger",
                message(&unknown, &account, &[("Author", Some("whatsapp:+393337654321"))]),
            ),
            ("another account", message(&sid, "AC00000000000000000000000000000000", &[])),
            ("a name for an author", of(&[("Author", Some("somebody"))])),
            ("no author", of(&[("Author", None)])),
            ("no words", of(&[("Body", None)])),
            ("blank words", of(&[("Body", Some(" \t"))])),
            ("too many words", message(&sid, &account, &[("Body", Some(&long))])),
            ("a conversation's name that is none", of(&[("ConversationSid", Some("CH1"))])),
            ("an echo", of(&[("Source", Some("API"))])),
            ("another event", of(&[("EventType", Some("onConversationUpdated"))])),
            ("a receipt of nothing", of(&[("EventType", Some("onDeliveryUpdated")), ("Status", Some("failed"))])),
            (
                "plain words of a stranger",
                vec![
                    ("AccountSid", account.as_str()),
                    ("MessageSid", "SM00000000000000000000000000000001"),
                    ("From", "whatsapp:+393337654321"),
                    ("Body", REPLY),
                ],
            ),
            ("no account", vec![("From", PERSON)]),
            ("nothing", vec![]),
        ];
        // What is wrong in its words alone has been taken note of under its name.
        let good = of(&[("MessageSid", Some("IM00000000000000000000000000000002"))]);
        let mut answers = Vec::new();
        for (what, form) in &forms {
            answers.push((*what, seen(&world, form).await));
            // Where nobody waits, and where there is no messaging at all.
            answers.push((*what, seen(&idle, form).await));
            answers.push((*what, seen(&off, form).await));
        }
        let id = world.newest().await;
        sleep(secs(1)).await;
        assert_eq!(world.look(&id).await.at("/waiting"), json!(true), "none of them is a reply");
        answers.push(("the person, asked", seen(&world, &good).await));
        answers.push(("a repeat", seen(&world, &good).await));
        answers.push(("the person, not asked", seen(&idle, &good).await));
        answers.push(("the person, without messaging", seen(&off, &good).await));
        let first = answers[0].1.clone();
        assert_eq!((first.0, first.2.as_str()), (200, ""), "{first:?}");
        for (what, answer) in answers {
            assert_eq!(answer, first, "{what}");
        }
    };
    let (answer, ()) = tokio::join!(world.message(QUESTION), asking);
    let response = answer.at("/response").as_str().unwrap_or_default().to_owned();
    assert!(response.starts_with("Earlier: [A message was refused: "), "{response}");
    assert_eq!(response.lines().last(), Some(REPLY), "{answer:?}");
    world.settled().await;
    idle.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_too_large_or_too_slow_is_refused_the_same_whoever_sends_it() {
    let world = World::writing().await;
    let body = "x".repeat(257 * 1024);
    for signed in [true, false] {
        let form = [("Body", body.as_str())];
        let good = signature(PATH, &form);
        let signatures: &[&str] = if signed { &[&good] } else { &["Zm9yZ2VkIGZvcmdlZCBmb3JnZWQ="] };
        assert_eq!(world.webhook(PATH, &form, signatures).await, (413, String::new()), "{signed}");
    }
    assert_eq!(world.webhook(PATH, &[("Body", &body)], &[]).await, (401, String::new()), "no signature, no reading");
}
