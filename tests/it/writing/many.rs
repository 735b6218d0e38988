//! Many sessions at once, and nothing that is left of them.

use callme::emulator::{EmulatorConfig, ReceiptWebhooks, TextRules, What};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use super::secs;
use crate::api::raw;
use crate::world::{Answer, KEY, World};

/// How many are begun and ended at the same moment.
const BATCH: usize = 100;

/// As many as a few seconds allow, and the whole number where there is time.
fn sessions() -> usize {
    if std::env::var_os("CALLME_TEST_LONG").is_some() { 10_000 } else { 1_000 }
}

/// Agents who keep their connections. With a new one for each request the ports run out, and while the machine's own clock
/// decides when one is free, the paused one runs on for days.
struct Agents<'a> {
    world: &'a World,
    client: reqwest::Client,
}

impl Agents<'_> {
    async fn post(&self, path: &str, message: &str) -> Answer {
        let request = self.client.post(format!("{}{path}", self.world.url)).bearer_auth(KEY);
        raw::answer(request.json(&json!({ "message": message }))).await
    }
}

#[tokio::test(start_paused = true)]
async fn of_thousands_of_sessions_in_writing_nothing_is_left_when_they_have_ended() {
    let settings = [
        ("CALLME_MAX_SESSIONS", "20000"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "0"),
        // Nobody answers: each question is asked, and the next one gets its turn.
        ("CALLME_TRANSCRIPT_TIMEOUT_MS", "1000"),
    ];
    // Receipts are asked for, by connections that are kept.
    let text_rules = TextRules { receipts: ReceiptWebhooks::Never, ..TextRules::default() };
    let config = EmulatorConfig { text_rules, ..EmulatorConfig::default() };
    let world = World::writing_with(config, &settings).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let agents = Agents { world: &world, client };
    let empty = format!("{:?}", world.sessions);
    let questions: Vec<String> = (0..sessions()).map(|n| format!("Question number {n}?")).collect();
    let mut ids = Vec::new();
    for batch in questions.chunks(BATCH) {
        for answer in join_all(batch.iter().map(|question| agents.post("/api/message", question))).await {
            world.refused(&answer, 408, "no_reply");
            ids.push(Answer::call_id(&answer));
        }
    }
    sleep(secs(60)).await;
    assert_eq!(world.sessions.running(), questions.len());
    let mut words = world.words();
    words.sort_unstable();
    let mut want = questions.clone();
    want.sort_unstable();
    assert!(words == want, "each question is asked, once");
    // Everybody learns when the window closes, and one of them what was written.
    world.emulator.chat().write("One answer for all of you.").await;
    sleep(secs(1)).await;
    let (half, rest) = ids.split_at(ids.len() / 2);
    for batch in half.chunks(BATCH) {
        let paths: Vec<_> = batch.iter().map(|id| format!("/api/call/{id}/end")).collect();
        for end in join_all(paths.iter().map(|path| agents.post(path, "Goodbye."))).await {
            assert_eq!(end.status, 200, "{end:?}");
        }
    }
    assert_eq!(world.sessions.running(), rest.len());
    // The others by time: a question stays open for a day.
    sleep(secs(24 * 3600)).await;
    world.settled().await;
    sleep(secs(60)).await;
    assert_eq!(format!("{:?}", world.sessions), empty);
    let sends = |what: &What| matches!(what, What::TextSent { .. });
    assert_eq!(world.emulator.timeline().count(sends), questions.len() + half.len());
    let metrics = world.client().get(format!("{}/metrics", world.url)).bearer_auth(KEY);
    let metrics = metrics.send().await.expect("an answer").text().await.expect("text");
    assert!(metrics.lines().any(|line| line == "callme_sessions 0"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_can_be_seen() {
    let world = World::writing().await;
    let empty = format!("{:?}", world.sessions);
    let id = world.in_writing().await;
    assert_ne!(format!("{:?}", world.sessions), empty);
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
    assert_eq!(format!("{:?}", world.sessions), empty);
}
