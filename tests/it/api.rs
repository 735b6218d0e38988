//! The running server's edge over real sockets, in virtual time: what clients do wrong, and what they read then.

mod connections;
mod deletion;
pub(crate) mod description;
pub(crate) mod raw;

use std::time::Duration;

use callme::emulator::{PickUp, Script};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{Answer, KEY, World};
use description::Description;
use raw::Raw;

/// A person who listens and says nothing.
fn silent() -> Script {
    Script::answers()
}

/// A refusal as the table of errors has it, and with everything that its status promises.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)), "{answer:?}");
    assert!(answer.error().len() > 5, "no sentence: {answer:?}");
    if matches!(status, 408..=410) {
        let complete = ["callId", "contactMode"].iter().all(|field| answer.body[*field].is_string());
        assert!(complete && answer.body["outcome"].is_object(), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_message_is_refused_and_nobody_is_rung() {
    let world = World::new().await;
    let long = format!(r#"{{"message":"{}"}}"#, "é".repeat(4097));
    let bodies: [(&[u8], &str); 15] = [
        (b"", "not JSON"),
        (b"message=Hello", "not JSON"),
        (b"{\"message\":\"Hello\"", "not JSON"),
        (b"{\"message\":\"Hello\"} {}", "not JSON"),
        (b"{\"message\":\"\\ud800\"}", "not JSON"),
        (b"{\"message\":\"\xc3\x28\"}", "not UTF-8"),
        (b"\xef\xbb\xbf{\"message\":7}", "not JSON"),
        (b"\0\0\0\0", "not JSON"),
        (b"[{\"message\":\"Hello\"}]", "not a JSON object"),
        (b"\"Hello\"", "not a JSON object"),
        (b"{}", "message is required"),
        (b"{\"message\":null}", "message is required"),
        (b"{\"message\":\" \\t\\r\\n \"}", "message is required"),
        (b"{\"message\":[\"Hello\"]}", "must be a string"),
        (long.as_bytes(), "4097 characters"),
    ];
    let id = "call-1-1790000000000";
    let paths =
        ["/api/call".to_owned()].into_iter().chain(["continue", "speak", "end"].map(|v| format!("/api/call/{id}/{v}")));
    for path in paths {
        for (body, want) in bodies {
            for kind in ["application/json", "text/plain"] {
                let request = world.client().post(format!("{}{path}", world.url)).bearer_auth(KEY);
                let answer = raw::answer(request.header("content-type", kind).body(body.to_vec())).await;
                refused(&answer, 400, "invalid_request");
                assert!(answer.error().contains(want), "{path} {want}: {answer:?}");
            }
        }
    }
    assert!(world.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_refused_and_the_refusal_can_be_read() {
    let world = World::new().await;
    let body = format!(r#"{{"message":"{}"}}"#, "x".repeat(200 * 1024));
    let post = || world.client().post(format!("{}/api/call", world.url)).bearer_auth(KEY);
    for _ in 0..20 {
        refused(&raw::answer(post().body(body.clone())).await, 413, "too_large");
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
            body.as_bytes().chunks(1000).map(|c| Ok(c.to_vec())).collect();
        let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        refused(&raw::answer(post().body(chunked)).await, 413, "too_large");
    }
    assert!(world.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_may_come_in_chunks_in_any_script_and_with_4096_characters() {
    let world = World::new().await;
    world.person(Script::converses(["Sì, perché no? 好的。", "Va bene."]));
    let question = "Grüße aus 東京! Ça va? עברית 👩🏽‍💻 \"quotes\" \\ </Say> & more";
    let mut raw = Raw::open(&world).await;
    raw.send(&format!(
        "POST /api/call HTTP/1.1\r\nHost: x\r\nAuthorization: bearer {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ))
    .await;
    let body = json!({ "message": question, "other": 1 }).to_string();
    for piece in body.as_bytes().chunks(7) {
        raw.send_bytes(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await;
    }
    raw.send("0\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.at("/response")), (200, json!("Sì, perché no? 好的。")), "{answer:?}");
    let id = answer.call_id();
    world.say("end", &id, "Bye.").await;
    world.settled().await;
    let history = world.get("/api/history").await;
    assert_eq!(history.at("/conversations/0/messages/0/message"), question, "{history:?}");
    assert_eq!(history.at("/conversations/0/messages/1/message"), "Sì, perché no? 好的。", "{history:?}");
    // A message of the greatest length is taken; saying it would take four minutes.
    world.person(Script::unanswered(PickUp::Busy));
    refused(&world.call(&("é ".repeat(2047) + "ok")).await, 408, "no_answer");
    assert_eq!(world.emulator.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_unknown_over_or_nonsense_are_refused_by_every_verb() {
    let world = World::new().await;
    world.person(Script::unanswered(PickUp::Busy));
    let over = world.call("Are you there?").await;
    refused(&over, 408, "no_answer");
    let over = over.call_id();
    world.settled().await;
    let long = "x".repeat(3000);
    for id in
        ["call-9-1790000000000", "msg-1-1790000000000", "call-1", "null", "%00", "%ff%fe", "..", "{id}", "🦊", &long]
    {
        for verb in ["continue", "speak", "end", "wait"] {
            let answer = world.say(verb, id, "Hello?").await;
            // `..` is resolved by the client itself, and names another route.
            let code = if id == ".." { "not_found" } else { "no_active_call" };
            refused(&answer, 404, code);
            assert!(answer.error().len() < 200, "{answer:?}");
        }
        if id != ".." {
            refused(&world.look(id).await, 404, "no_active_call");
        }
    }
    for verb in ["continue", "speak", "wait"] {
        let answer = world.say(verb, &over, "Hello?").await;
        refused(&answer, 404, "no_active_call");
        assert!(answer.error().contains(&over) && answer.error().contains("initiate_call"), "{answer:?}");
    }
    let end = world.say("end", &over, "Bye.").await;
    assert_eq!((end.status, end.at("/durationSeconds")), (200, json!(0)), "{end:?}");
    assert_eq!(world.look(&over).await.at("/state"), "ended");
}

#[tokio::test(start_paused = true)]
async fn an_id_in_an_answer_is_never_a_phone_number() {
    let world = World::new().await;
    for id in [
        "+393331234567",
        "%2B393331234567",
        "call-7-393331234567",
        "call-393331234567-1",
        "msg-00393331234567-1790000000000",
    ] {
        let answer = world.look(id).await;
        refused(&answer, 404, "no_active_call");
        assert!(!answer.error().contains("3331234567"), "{id}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_of_bad_form_is_refused() {
    let world = World::new().await;
    let long = "k".repeat(256);
    let keys: [&[&[u8]]; 6] =
        [&[b""], &[b"two words"], &[b"\xc3\xa9"], &[long.as_bytes()], &[b"a", b"a"], &[b"tab\tbed"]];
    for key in keys {
        let mut request = world.client().post(format!("{}/api/call", world.url)).bearer_auth(KEY);
        for value in key {
            request =
                request.header("idempotency-key", reqwest::header::HeaderValue::from_bytes(value).expect("a header"));
        }
        refused(&raw::answer(request.json(&json!({ "message": "Hello?" }))).await, 400, "invalid_request");
    }
    assert!(world.emulator.calls().is_empty());
    world.person(Script::unanswered(PickUp::Busy));
    let body = json!({ "message": "Hello?" });
    let key = [("Idempotency-Key", &long[..255])];
    refused(&world.post_with("/api/call", body.clone(), &key).await, 408, "no_answer");
    refused(&world.post_with("/api/call", body, &key).await, 408, "no_answer");
    refused(&world.post_with("/api/call", json!({ "message": "Bye?" }), &key).await, 422, "idempotency_mismatch");
    assert_eq!(world.emulator.calls().len(), 1, "a repeat under the same key is the same call");
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_a_call_tells_which_what_and_how_it_stands() {
    let world = World::with(&[("CALLME_TRANSCRIPT_TIMEOUT_MS", "20000")]).await;
    world.person(silent());
    let no_reply = world.call("Are you there?").await;
    refused(&no_reply, 408, "no_reply");
    let id = no_reply.call_id();
    let (asked, others) = tokio::join!(world.say("continue", &id, "Can you hear me?"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let elsewhere = world.call("Another call").await;
        refused(&elsewhere, 409, "busy");
        assert_eq!(elsewhere.call_id(), id);
        let other = world.say("continue", &id, "Another question").await;
        refused(&other, 409, "busy");
        world.say("end", &id, "Goodbye.").await
    });
    refused(&asked, 410, "call_ended");
    assert_eq!((others.status, others.at("/outcome/endedBy")), (200, json!("agent")), "{others:?}");
    world.settled().await;
    world.person(silent().wait(Duration::from_secs(6)).hang_up());
    let hung_up = world.call("Are you still there?").await;
    refused(&hung_up, 410, "call_ended");
    assert!(hung_up.error().starts_with("Call was hung up by user"), "{hung_up:?}");
    for pick_up in [PickUp::Never, PickUp::Busy, PickUp::Failed, PickUp::Declines(Duration::from_secs(3))] {
        world.person(Script::unanswered(pick_up));
        refused(&world.call(&format!("And now, {pick_up:?}?")).await, 408, "no_answer");
    }
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_clients_do_and_the_refusal_is_whole() {
    let world =
        World::with(&[("CALLME_TRANSCRIPT_TIMEOUT_MS", "400000"), ("CALLME_INACTIVITY_TIMEOUT_MS", "900000")]).await;
    world.person(silent());
    let began = Instant::now();
    let answer = world.call("Are you there?").await;
    refused(&answer, 408, "no_reply");
    assert_eq!(began.elapsed().as_secs(), 285);
    let id = answer.call_id();
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_changes_nothing() {
    let world = World::new().await;
    let head = |length: usize| {
        format!("POST /api/call HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {length}\r\n\r\n")
    };
    // In the middle of the head, and of the body: nothing was asked.
    for part in ["POST /api/ca".to_owned(), head(100), head(100) + "{\"message\":"] {
        let mut raw = Raw::open(&world).await;
        raw.send(&part).await;
        drop(raw);
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(world.emulator.calls().is_empty());
    // With the request whole: it is carried out, and its repeat gets the answer.
    world.person(Script::converses(["Yes, go on."]));
    let body = json!({ "message": "Shall I go on?" }).to_string();
    let mut raw = Raw::open(&world).await;
    raw.send(&(head(body.len()) + &body)).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(raw);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let answer = world.call("Shall I go on?").await;
    assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes, go on.")), "{answer:?}");
    assert_eq!(world.emulator.calls().len(), 1);
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_as_it_is_described() {
    let world = World::with(&[("CALLME_TRANSCRIPT_TIMEOUT_MS", "20000")]).await;
    let description = Description::new(world.get("/api/openapi.json").await.body);
    let holds = |method: &str, path: &str, answer: &Answer| {
        let wrong = description.differences(method, path, answer);
        assert!(wrong.is_empty(), "{method} {path}: {wrong:?}\n{answer:?}");
    };
    world.person(Script::converses(["Yes, do it."]).when_silent(Duration::from_secs(1)).say("Stop it right now."));
    let call = world.call("Shall I do it?").await;
    holds("post", "/api/call", &call);
    let id = call.call_id();
    holds("get", "/api/call/{id}", &world.look(&id).await);
    holds("post", "/api/call/{id}/speak", &world.say("speak", &id, "I begin.").await);
    holds("post", "/api/call/{id}/wait", &world.wait(&id).await);
    holds("post", "/api/call/{id}/continue", &world.say("continue", &id, "Anything else?").await);
    holds("get", "/api/history", &world.get("/api/history").await);
    holds("post", "/api/call", &world.call("Another").await);
    holds("post", "/api/call/{id}/end", &world.say("end", &id, "Bye.").await);
    world.settled().await;
    holds("get", "/api/call/{id}", &world.look(&id).await);
    holds("post", "/api/call/{id}/wait", &world.wait(&id).await);
    holds("post", "/api/call", &world.post("/api/call", json!({})).await);
    holds("get", "/api/history", &world.get("/api/history?limit=x").await);
    holds("get", "/api/health", &world.get("/api/health").await);
    holds("get", "/health", &world.get("/health").await);
    let bare = raw::answer(world.client().get(format!("{}/api/history", world.url))).await;
    assert_eq!(bare, Answer { status: 401, body: json!({ "error": "Unauthorized", "code": "unauthorized" }) });
    holds("get", "/api/history", &bare);
    for (path, code) in [("/api/nothing", "not_found"), ("/nothing", "not_found"), ("/api/call", "method_not_allowed")]
    {
        let answer = world.get(path).await;
        refused(&answer, if code == "not_found" { 404 } else { 405 }, code);
    }
    for token in ["0123", "%ff", &"x".repeat(5000)] {
        refused(&world.get(&format!("/media-stream/{token}")).await, 400, "invalid_request");
    }
}

#[test]
fn the_check_of_answers_can_fail() {
    let schema = json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "string" } } });
    let whole = json!({ "paths": { "/x": { "get": { "responses": { "200": { "content": { "application/json": { "schema": schema } } } } } } } });
    let description = Description::new(whole);
    let of = |status, body: Value| description.differences("get", "/x", &Answer { status, body }).len();
    assert_eq!(of(200, json!({ "a": "b" })), 0);
    assert_eq!(of(200, json!({ "a": 1 })), 1);
    assert_eq!(of(200, json!({})), 1);
    assert_eq!(of(200, json!({ "a": "b", "c": 1 })), 1);
    assert_eq!(of(418, json!({ "a": "b" })), 1);
}
