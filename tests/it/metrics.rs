//! Each metric is seen to move by what it is about.

use std::time::Duration;

use callme::emulator::Script;

use crate::world::{KEY, World};

/// The value of a series, 0 where it is not there yet.
fn value(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().expect("a count is a whole number"))
}

async fn scrape(world: &World, key: &str) -> (u16, String) {
    let request = world.client().get(format!("{}/metrics", world.url)).bearer_auth(key);
    let response = request.send().await.expect("the server answers");
    (response.status().as_u16(), response.text().await.expect("text"))
}

#[tokio::test(start_paused = true)]
async fn a_call_moves_every_metric_it_touches() {
    let world = World::with(&[("CALLME_METRICS_TOKEN", "for-the-scraper")]).await;
    world.person(
        Script::answers()
            .when_heard(Duration::from_secs(2))
            .say("Stop, I have heard enough.")
            .wait(Duration::from_secs(3))
            .drop_socket()
            .wait(Duration::from_secs(3))
            .say("I am back."),
    );
    let (_, before) = scrape(&world, KEY).await;
    let answer = world.call("This is a rather long question, which the person will not hear to its end.").await;
    let (_, during) = scrape(&world, "for-the-scraper").await;
    assert_eq!(value(&during, "callme_sessions"), 1, "{during}");
    let id = answer.call_id();
    let late = world.wait(&id).await;
    assert_eq!(late.body["response"], "I am back.", "{late:?}\n{}", world.emulator.timeline());
    let forged = world.client().post(format!("{}/twiml", world.url)).header("x-twilio-signature", "forged");
    assert_eq!(forged.body("CallSid=CA1").send().await.expect("an answer").status(), 401);
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
    let (_, after) = scrape(&world, "for-the-scraper").await;
    for series in [
        "callme_calls_total{dial=\"answered\",ended_by=\"agent\"}",
        "callme_webhooks_total{result=\"taken\"}",
        "callme_webhooks_total{result=\"forged\"}",
        "callme_media_reconnects_total",
        "callme_frame_to_stt_seconds_count",
        "callme_tts_to_frame_seconds_count",
        "callme_speech_to_clear_seconds_count",
    ] {
        let (was, is) = (value(&before, series), value(&after, series));
        assert!(is > was, "{series} was {was} and is {is}\n{after}");
    }
    assert_eq!(value(&after, "callme_sessions"), 0);
    assert_eq!(value(&after, "callme_audio_gaps_total"), 0, "a provider that keeps up leaves no gap");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_keep_up_leaves_gaps_that_are_counted() {
    let slow = callme::emulator::EmulatorConfig { speech_rate: 0.5, ..Default::default() };
    let world = World::built(slow, &[]).await;
    world.person(Script::converses(["Yes."]));
    let answer = world.call("A question that comes in pieces, because its voice is made too slowly.").await;
    let (_, text) = scrape(&world, KEY).await;
    assert!(value(&text, "callme_audio_gaps_total") > 0, "{text}\n{}", world.emulator.timeline());
    world.say("end", &answer.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn the_metrics_are_for_those_with_the_key_or_the_token() {
    let world = World::with(&[("CALLME_METRICS_TOKEN", "for-the-scraper")]).await;
    for (key, status) in [(KEY, 200), ("for-the-scraper", 200), ("", 401), ("for-the-scrape", 401)] {
        assert_eq!(scrape(&world, key).await.0, status, "{key:?}");
    }
    let without = World::new().await;
    assert_eq!(scrape(&without, "").await.0, 401, "an unset token opens nothing");
    // The scraper's token opens nothing else.
    let history = world.client().get(format!("{}/api/history", world.url)).bearer_auth("for-the-scraper");
    assert_eq!(history.send().await.expect("an answer").status(), 401);
}
