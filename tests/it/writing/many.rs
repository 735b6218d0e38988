//! Many sessions at once, and nothing that is left of them.

use callme::emulator::{EmulatorConfig, What};
use futures_util::future::join_all;
use tokio::time::sleep;

use super::secs;
use crate::world::{Answer, World};

/// How many are begun and ended at the same moment.
const BATCH: usize = 100;

/// As many as a few seconds allow, and the whole number where there is time.
fn sessions() -> usize {
    if std::env::var_os("CALLME_TEST_LONG").is_some() { 10_000 } else { 300 }
}

#[tokio::test(start_paused = true)]
async fn of_thousands_of_sessions_in_writing_nothing_is_left_when_they_have_ended() {
    let settings = [
        ("CALLME_MAX_SESSIONS", "20000"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "0"),
        // Nobody answers: each question is asked, and the next one gets its turn.
        ("CALLME_TRANSCRIPT_TIMEOUT_MS", "1000"),
    ];
    let world = World::writing_with(EmulatorConfig::default(), &settings).await;
    let empty = format!("{:?}", world.sessions);
    let questions: Vec<String> = (0..sessions()).map(|n| format!("Question number {n}?")).collect();
    let mut ids = Vec::new();
    for batch in questions.chunks(BATCH) {
        for answer in join_all(batch.iter().map(|question| world.message(question))).await {
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
        for end in join_all(batch.iter().map(|id| world.say("end", id, "Goodbye."))).await {
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
    let metrics = world.client().get(format!("{}/metrics", world.url)).bearer_auth(crate::world::KEY);
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
