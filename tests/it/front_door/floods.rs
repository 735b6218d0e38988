//! Floods at each limit and just below, and what becomes of what they turned away.

use std::fmt::Write;
use std::time::Duration;

use callme::emulator::{Fault, RestFault, RestVerb, Times, What};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Form, STRANGER, earlier, encoded, in_conversation, plain, sid, signature, token, webhooks};
use crate::world::{PERSON, PUBLIC, World};

const OFF: [(&str, &str); 3] = [
    ("CALLME_RATE_LIMIT_PER_PHONE", "0"),
    ("CALLME_RATE_LIMIT_PER_CONVERSATION", "0"),
    ("CALLME_RATE_LIMIT_GLOBAL", "0"),
];

/// The answers to these messages.
async fn knock_all(world: &World, forms: impl IntoIterator<Item = Form>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for form in forms {
        statuses.push(world.knock(&form).await);
    }
    statuses
}

/// So many that are let in, and then so many that are not.
fn some_then(taken: usize, away: usize) -> Vec<u16> {
    [vec![200; taken], vec![429; away]].concat()
}

fn number(n: usize) -> String {
    format!("+49151{n:08}")
}

#[tokio::test(start_paused = true)]
async fn each_limit_holds_as_it_stands_in_the_settings() {
    let world = World::writing().await;
    let chat = sid("CH", 1);
    let phone = (0..14).map(|n| plain(n, STRANGER, "Hello?"));
    assert_eq!(knock_all(&world, phone).await, some_then(10, 4), "of one phone");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let conversation = (100..124).map(|n| in_conversation(&chat, n, &number(n), "Hello?"));
    assert_eq!(knock_all(&world, conversation).await, some_then(20, 4), "in one conversation");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let all = (200..304).map(|n| in_conversation(&sid("CH", n), n, &number(n), "Hello?"));
    assert_eq!(knock_all(&world, all).await, some_then(100, 4), "in all");
    assert_eq!(webhooks(&world, "limited").await, 12);
    assert_eq!((world.written(), world.sessions.running()), (Vec::new(), 0), "and nobody was answered");
}

#[tokio::test(start_paused = true)]
async fn other_settings_are_other_limits_and_zero_is_none() {
    for (name, value, forms) in [
        (0, "3", (|n| plain(n, STRANGER, "Hello?")) as fn(usize) -> Form),
        (1, "4", |n| in_conversation(&sid("CH", 1), n, &number(n), "Hello?")),
        (2, "5", |n| in_conversation(&sid("CH", n), n, &number(n), "Hello?")),
    ] {
        let mut settings = OFF;
        settings[name].1 = value;
        let world = World::writing_under(&settings).await;
        let most = value.parse().expect("a number");
        assert_eq!(knock_all(&world, (0..most + 2).map(forms)).await, some_then(most, 2), "{settings:?}");
    }
    let world = World::writing_under(&OFF).await;
    let chat = sid("CH", 1);
    let flood = (0..300).map(|n| in_conversation(&chat, n, STRANGER, "Hello?"));
    assert_eq!(knock_all(&world, flood).await, some_then(300, 0));
}

#[tokio::test(start_paused = true)]
async fn a_block_ends_when_it_was_to_end_however_often_it_is_tried() {
    for (setting, seconds) in [(None, 300), (Some("60"), 60)] {
        let settings: Vec<_> = setting.map(|value| ("CALLME_RATE_LIMIT_BLOCK_SECONDS", value)).into_iter().collect();
        let world = World::writing_under(&settings).await;
        let mut count = 0;
        let mut next = || {
            count += 1;
            plain(count, STRANGER, "Hello?")
        };
        for _ in 0..10 {
            assert_eq!(world.knock(&next()).await, 200);
        }
        for second in 0..seconds {
            assert_eq!(world.knock(&next()).await, 429, "second {second} of {seconds}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for _ in 0..10 {
            assert_eq!(world.knock(&next()).await, 200, "after {seconds} s");
        }
        assert_eq!(world.knock(&next()).await, 429);
    }
}

#[tokio::test(start_paused = true)]
async fn receipts_and_echoes_come_through_any_flood() {
    let limits = [("CALLME_RATE_LIMIT_GLOBAL", "1"), ("CALLME_RATE_LIMIT_PER_PHONE", "1")];
    let world = World::writing_under(&limits).await;
    world.emulator.change_text_rules(|rules| rules.echoes = true);
    let id = world.answered_in_writing().await;
    for n in 0..12 {
        let spoken = world.say("speak", &id, &format!("Step {n} is done.")).await;
        assert_eq!(spoken.status, 200, "{spoken:?}");
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let timeline = world.emulator.timeline();
    let refused = timeline.count(|what| matches!(what, What::TextWebhook { status, .. } if *status != Some(200)));
    assert_eq!(refused, 0, "{timeline}");
    assert!(webhooks(&world, "taken").await > 40, "receipts and echoes of twelve texts");
}

#[tokio::test(start_paused = true)]
async fn what_was_turned_away_is_read_back_once_when_the_block_is_over() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    let chat = world.emulator.chat();
    let lists = || world.emulator.timeline().count(|what| matches!(what, What::Rest { verb: "list messages", .. }));
    let (mut written, before) = (Vec::new(), lists());
    // One was let in a moment ago; so were its nine first.
    for n in 1..=15 {
        let words = format!("Number {n}.");
        let answer = chat.write(&words).await.answers;
        assert_eq!(answer, [Some(if n <= 9 { 200 } else { 429 })], "{n}");
        written.push(words);
    }
    let replies = async || {
        // What came in is read a moment after it was answered.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let replies = world.look(&id).await.at("/replies");
        let words =
            replies.as_array().into_iter().flatten().map(|said| said["text"].as_str().unwrap_or_default().to_owned());
        words.collect::<Vec<_>>()
    };
    assert_eq!(replies().await, written[..9]);
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!((replies().await.len(), lists()), (9, before), "not while the block lasts");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(replies().await, written, "each once, in the order in which they were written");
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!((replies().await.len(), lists()), (15, before + 1), "and that was all");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_was_turned_away_answers_the_question_when_it_is_read_back() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    let chat = world.emulator.chat();
    // One was let in a moment ago; so are its nine first.
    for n in 1..=9 {
        chat.write(&format!("Number {n}.")).await;
    }
    // What came in is read a moment after it was answered.
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(world.wait(&id).await.status, 200, "they are collected");
    let (answer, ()) = tokio::join!(world.say("continue", &id, "And the tests?"), async {
        chat.receives("And the tests?").await.expect("it arrives");
        let shown = chat.write("They are green.").await;
        assert_eq!(shown.answers, [Some(429)]);
    });
    // By then the client has been told that nobody replied yet; the reply is kept.
    assert_eq!((answer.status, answer.body["code"].as_str()), (408, Some("no_reply")), "{answer:?}");
    let late = world.wait(&id).await;
    assert_eq!((late.status, late.at("/response")), (200, json!("They are green.")), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_is_read_back_for_the_next_session() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    world.say("end", &id, "Goodbye.").await;
    world.sessions_end().await;
    let chat = world.emulator.chat();
    let written: Vec<String> = (1..=12).map(|n| format!("Number {n}.")).collect();
    for words in &written {
        chat.write(words).await;
    }
    tokio::time::sleep(Duration::from_mins(6)).await;
    let (answer, ()) = tokio::join!(world.ask_in_writing("Are you there?"), async {
        chat.receives("Are you there?").await.expect("it arrives");
        chat.write("Here I am.").await;
    });
    assert!(answer.at("/response").as_str().is_some_and(|words| words.ends_with("\nHere I am.")), "{answer:?}");
    assert_eq!(earlier(&answer), written);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_by_both_ways_counts_once_and_is_read_once() {
    let world = World::writing().await;
    world.emulator.change_text_rules(|rules| rules.plain_too = true);
    let id = world.answered_in_writing().await;
    let chat = world.emulator.chat();
    for n in 1..=9 {
        assert_eq!(chat.write(&format!("Number {n}.")).await.answers, [Some(200); 2], "{n}");
    }
    assert_eq!(chat.write("Number 10.").await.answers, [Some(429); 2]);
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!(world.look(&id).await.at("/replies").as_array().map(Vec::len), Some(10));
}

#[tokio::test(start_paused = true)]
async fn reading_back_is_tried_again_where_that_can_help() {
    for (fault, times, found) in [
        (RestFault::Broken { status: 502, done: false }, Times::Count(2), true),
        (RestFault::Hangs { done: false }, Times::Once, true),
        (RestFault::Refused { status: 401, code: 20003, retry_after: None }, Times::Once, false),
    ] {
        let world = World::writing().await;
        let id = world.answered_in_writing().await;
        let chat = world.emulator.chat();
        for n in 1..=9 {
            chat.write(&format!("Number {n}.")).await;
        }
        assert_eq!(chat.write("The last.").await.answers, [Some(429)]);
        world.emulator.faults().add(Fault::Text { verb: RestVerb::ListMessages, fault }, times);
        tokio::time::sleep(Duration::from_mins(6)).await;
        let replies = world.look(&id).await.at("/replies");
        assert_eq!(replies.to_string().contains("The last."), found, "{fault:?}: {replies}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_does_not_wait_for_a_block_to_end() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    let chat = world.emulator.chat();
    for n in 1..=12 {
        chat.write(&format!("Number {n}.")).await;
    }
    world.say("end", &id, "Goodbye.").await;
    world.sessions_end().await;
    let began = tokio::time::Instant::now();
    drop(world.shut_down().await);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// Posts as fast as one connection can: many requests at once, and then their answers.
struct Flood(TcpStream);

impl Flood {
    async fn begin(world: &World) -> Self {
        let address = world.url.strip_prefix("http://").expect("an http URL");
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("it is a TCP socket");
        Self(stream)
    }

    /// Whether all of these are let in.
    async fn are_let_in(&mut self, forms: impl Iterator<Item = Form>) -> bool {
        let (mut requests, mut count) = (String::new(), 0);
        for form in forms {
            let (body, signature) = (encoded(&form), signature(&format!("{PUBLIC}/whatsapp"), &form, &token()));
            let _ = write!(
                requests,
                "POST /whatsapp HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 X-Twilio-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            count += 1;
        }
        let (mut read, mut write) = self.0.split();
        let answers = async {
            let (mut answers, mut heads, mut looked_at) = (Vec::new(), 0, 0);
            while heads < count {
                let length = read.read_buf(&mut answers).await.expect("the connection is open");
                assert!(length > 0, "the server closed the connection");
                // An answer is its head and nothing else.
                while let Some(end) = answers[looked_at..].windows(4).position(|end| end == b"\r\n\r\n") {
                    looked_at += end + 4;
                    heads += 1;
                }
            }
            String::from_utf8(answers).expect("heads are text")
        };
        let (sent, answers) = tokio::join!(write.write_all(requests.as_bytes()), answers);
        sent.expect("the connection is open");
        answers.matches("HTTP/1.1 200 OK").count() == count
    }
}

/// This process's memory, in bytes.
fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number");
    resident * 4096
}

#[tokio::test(start_paused = true)]
async fn a_million_senders_need_no_more_memory_than_some_thousands() {
    // The short run shows that the way is right; what it needs by key, the limit's own tests show.
    let long = std::env::var_os("CALLME_TEST_LONG").is_some();
    let senders = if long { 1_000_000 } else { 4_000 };
    let mut settings = OFF;
    settings[0].1 = "10";
    settings[1].1 = "10";
    let world = World::writing_under(&settings).await;
    let mut flood = Flood::begin(&world).await;
    let mut before = 0;
    for hundred in 0..senders / 100 {
        let crowd = (hundred * 100..).take(100);
        let forms = crowd.map(|n| in_conversation(&sid("CH", n), n, &number(n), "Hello?"));
        assert!(flood.are_let_in(forms).await, "the {hundred}th hundred");
        if hundred * 100 == 20_000 {
            // Both generations of each table are full.
            before = memory();
        }
    }
    let grown = if long { memory().saturating_sub(before) } else { 0 };
    assert!(grown < 8 << 20, "{grown} bytes more");
    // Nobody was answered, and the person is let in as ever.
    assert!(world.written().is_empty() && world.sessions.running() == 0);
    assert!(flood.are_let_in(std::iter::once(plain(0, PERSON, "Hello!"))).await);
}
