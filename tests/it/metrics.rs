//! Each metric is seen to move by what it is about.

use std::collections::BTreeSet;
use std::time::Duration;

use callme::emulator::{Callback, DialFault, Fault, PickUp, Script, Telephony, Times};
use tokio::time::sleep;

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

/// By how much series grew, one after the other.
#[track_caller]
fn grew(before: &str, after: &str, want: &[(&str, u64)]) {
    for (series, want) in want {
        let (was, is) = (value(before, series), value(after, series));
        assert_eq!(is - was, *want, "{series} was {was} and is {is}\n{after}");
    }
}

/// The series of a text, without their values.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
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

#[tokio::test(start_paused = true)]
async fn each_step_of_a_call_is_timed_once_and_each_turn_counted() {
    let world = World::new().await;
    world.person(
        Script::answers()
            .when_silent(Duration::from_secs(1))
            .say("Yes, please.")
            .when_silent(Duration::from_secs(1))
            .say("Only the first one."),
    );
    // Carriers repeat themselves.
    world.emulator.faults().add(Fault::CallbackTripled(Callback::Ringing), Times::Once);
    let (_, before) = scrape(&world, KEY).await;
    let id = world.call("Shall I deploy the release now?").await.call_id();
    let (_, during) = scrape(&world, KEY).await;
    grew(
        &before,
        &during,
        &[
            ("callme_dials_total{result=\"placed\"}", 1),
            ("callme_dial_seconds_count", 1),
            ("callme_request_to_dial_seconds_count", 1),
            ("callme_dial_to_ring_seconds_count", 1),
            ("callme_ring_to_answer_seconds_count", 1),
            ("callme_answer_to_audio_seconds_count", 1),
            ("callme_tts_first_byte_seconds_count", 1),
            ("callme_stt_final_seconds_count", 1),
            ("callme_reply_to_response_seconds_count", 1),
            ("callme_turns_total{channel=\"voice\",result=\"replied\"}", 1),
            ("callme_sessions_by_state{state=\"connected\"}", 1),
            ("callme_calls_total{dial=\"answered\",ended_by=\"agent\"}", 0),
            ("callme_dials_ended_total{dial=\"answered\"}", 0),
        ],
    );
    assert_eq!(world.say("continue", &id, "To every server?").await.status, 200);
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
    let (_, after) = scrape(&world, KEY).await;
    grew(
        &during,
        &after,
        &[
            ("callme_dials_total{result=\"placed\"}", 0),
            ("callme_ring_to_answer_seconds_count", 0),
            ("callme_answer_to_audio_seconds_count", 0),
            ("callme_tts_first_byte_seconds_count", 2),
            ("callme_reply_to_response_seconds_count", 1),
            ("callme_turns_total{channel=\"voice\",result=\"replied\"}", 1),
            ("callme_calls_total{dial=\"answered\",ended_by=\"agent\"}", 1),
            ("callme_dials_ended_total{dial=\"answered\"}", 1),
        ],
    );
    for series in ["callme_webhook_seconds_count", "callme_store_commit_seconds_count"] {
        assert!(value(&after, series) > 0, "{series}\n{after}");
    }
    for state in ["dialing", "ringing", "answered", "connected", "speaking", "listening", "messaging", "ending"] {
        assert_eq!(value(&after, &format!("callme_sessions_by_state{{state=\"{state}\"}}")), 0, "{state}\n{after}");
    }
    assert_eq!(value(&after, "callme_late_frames_total"), 0, "nothing else runs here\n{after}");
    assert_eq!(series(&after), series(&before), "everything was there from the start");
}

#[tokio::test(start_paused = true)]
async fn what_the_carrier_refuses_is_an_error_of_its_with_the_code() {
    for (fault, result, code) in [
        (DialFault::Refused { status: 400, code: 21215 }, "refused", "21215"),
        (DialFault::Refused { status: 400, code: 13999 }, "refused", "other"),
    ] {
        let world = World::new().await;
        world.emulator.faults().add(Fault::Dial(fault), Times::Always);
        let (_, before) = scrape(&world, KEY).await;
        world.call("Shall I deploy?").await;
        let (_, after) = scrape(&world, KEY).await;
        let error = format!("callme_provider_errors_total{{provider=\"carrier\",code=\"{code}\"}}");
        let dials = format!("callme_dials_total{{result=\"{result}\"}}");
        let turns = "callme_turns_total{channel=\"voice\",result=\"failed\"}";
        grew(&before, &after, &[(&error, 1), (&dials, 1), (turns, 1), ("callme_dial_seconds_count", 1)]);
        assert_eq!(series(&after), series(&before), "everything was there from the start");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_speech_provider_does_not_do_is_an_error_of_its() {
    let world = World::new().await;
    world.emulator.faults().add(Fault::SpeechRefused { status: 401, code: "invalid_api_key" }, Times::Always);
    world.person(Script::answers());
    let (_, before) = scrape(&world, KEY).await;
    world.call("Shall I deploy?").await;
    world.settled().await;
    let (_, after) = scrape(&world, KEY).await;
    let error = "callme_provider_errors_total{provider=\"tts\",code=\"invalid_api_key\"}";
    assert!(value(&after, error) > value(&before, error), "{after}");
    let turns = "callme_turns_total{channel=\"voice\",result=\"failed\"}";
    grew(&before, &after, &[(turns, 1), ("callme_tts_first_byte_seconds_count", 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_hit_is_counted_under_its_name() {
    let world = World::writing_under(&[
        ("CALLME_MAX_CALLS_PER_HOUR", "1"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "1"),
        ("CALLME_RATE_LIMIT_PER_PHONE", "2"),
    ])
    .await;
    world.person(Script::converses(["Yes."]));
    let (_, before) = scrape(&world, KEY).await;
    let id = world.call("Shall I deploy?").await.call_id();
    assert_eq!(world.call("And now?").await.status, 409, "the person is in a call");
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
    assert_eq!(world.call("And now?").await.status, 429);
    world.emulator.chat().opens_window();
    let (first, _) = tokio::join!(world.message("Shall I?"), async {
        world.emulator.chat().receives("Shall I?").await.expect("a text");
        world.emulator.chat().write("Yes.").await
    });
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(world.message("And this?").await.status, 429);
    for word in ["One", "Two", "Three", "Four", "Five"] {
        world.emulator.chat().write(word).await;
    }
    sleep(Duration::from_secs(1)).await;
    let (_, after) = scrape(&world, KEY).await;
    for limit in ["live-calls", "calls-per-hour", "messages-per-hour", "phone", "blocked"] {
        let series = format!("callme_limits_total{{limit=\"{limit}\"}}");
        assert!(value(&after, &series) > value(&before, &series), "{limit}\n{after}");
    }
    assert_eq!(series(&after), series(&before), "everything was there from the start");
}

#[tokio::test(start_paused = true)]
async fn what_became_of_a_dial_is_counted_as_soon_as_its_call_is_over_at_both_carriers() {
    for telephony in [Telephony::Twilio, Telephony::Telnyx] {
        let world = World::writing_on(telephony).await;
        world.person(Script::unanswered(PickUp::Busy));
        let (_, before) = scrape(&world, KEY).await;
        let person = world.replies("Shall I deploy?", "Yes, go on.");
        let (answer, _) = tokio::join!(world.call("Shall I deploy?"), person);
        assert_eq!(answer.status, 200, "{answer:?}");
        let (_, during) = scrape(&world, KEY).await;
        let (dial, session) =
            ("callme_dials_ended_total{dial=\"busy\"}", "callme_calls_total{dial=\"busy\",ended_by=\"agent\"}");
        let writes = ("callme_sessions_by_state{state=\"messaging\"}", 1);
        grew(&before, &during, &[(dial, 1), (session, 0), writes, ("callme_dials_total{result=\"placed\"}", 1)]);
        world.say("end", &answer.call_id(), "Goodbye.").await;
        world.settled().await;
        let (_, after) = scrape(&world, KEY).await;
        grew(&during, &after, &[(dial, 0), (session, 1)]);
        assert_eq!(series(&after), series(&before), "everything was there from the start");
    }
}

#[tokio::test(start_paused = true)]
async fn texts_are_counted_both_ways_and_once_however_often_the_carrier_tells() {
    let world = World::writing().await;
    world.person(Script::unanswered(PickUp::Busy));
    let chat = world.emulator.chat();
    let (_, before) = scrape(&world, KEY).await;
    let (answer, _) = tokio::join!(world.call("Shall I deploy?"), async {
        chat.receives("Shall I deploy?").await.expect("a text");
        chat.write_twice("Yes, go on.").await
    });
    assert_eq!(answer.status, 200, "{answer:?}");
    // The receipts come in a moment.
    sleep(Duration::from_secs(30)).await;
    let (_, after) = scrape(&world, KEY).await;
    grew(
        &before,
        &after,
        &[
            ("callme_messages_total{direction=\"out\",result=\"sent\"}", 1),
            ("callme_messages_total{direction=\"out\",result=\"delivered\"}", 1),
            ("callme_turns_total{channel=\"whatsapp\",result=\"replied\"}", 1),
            ("callme_sessions_by_state{state=\"messaging\"}", 1),
            ("callme_reply_to_response_seconds_count", 0),
        ],
    );
    world.say("end", &answer.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_not_joined_is_no_error_of_the_provider() {
    let world = World::writing().await;
    world.emulator.chat().leaves();
    let (_, before) = scrape(&world, KEY).await;
    assert_eq!(world.message("Shall I?").await.status, 422);
    let (_, after) = scrape(&world, KEY).await;
    let turns = "callme_turns_total{channel=\"whatsapp\",result=\"failed\"}";
    grew(&before, &after, &[("callme_messages_total{direction=\"out\",result=\"opt-in\"}", 1), (turns, 1)]);
    let errors = |text: &str| -> u64 {
        let lines = text.lines().filter_map(|line| line.strip_prefix("callme_provider_errors_total")?.rsplit_once(' '));
        lines.map(|(_, count)| count.parse::<u64>().expect("a count")).sum()
    };
    assert_eq!(errors(&after), errors(&before), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_fails_by_its_receipt_is_an_error_of_the_provider_unless_it_is_about_the_person() {
    for (code, result, error, errors) in [
        (63020, "configuration", "63020", 1),
        (63013, "permanent", "63013", 1),
        (63003, "bad-number", "other", 0),
        (63016, "window", "other", 0),
    ] {
        let world = World::writing().await;
        world.emulator.chat().opens_window();
        world.emulator.faults().add(Fault::ReceiptFails { code }, Times::Always);
        let (_, before) = scrape(&world, KEY).await;
        let answer = world.message("Shall I?").await;
        assert_ne!(answer.status, 200, "{code}: {answer:?}");
        sleep(Duration::from_secs(60)).await;
        let (_, after) = scrape(&world, KEY).await;
        let result = format!("callme_messages_total{{direction=\"out\",result=\"{result}\"}}");
        let error = format!("callme_provider_errors_total{{provider=\"messaging\",code=\"{error}\"}}");
        grew(&before, &after, &[(&result, 1), (&error, errors)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_question_counts_while_its_window_closes_within_the_hour() {
    let world =
        World::writing_under(&[("CALLME_INACTIVITY_TIMEOUT_MINUTES", "1440"), ("CALLME_OPEN_QUESTION_HOURS", "48")])
            .await;
    let expiring = async || value(&scrape(&world, KEY).await.1, "callme_windows_expiring");
    let chat = world.emulator.chat();
    let (answer, _) = tokio::join!(world.message("Shall I?"), async {
        chat.receives("Shall I?").await.expect("a text");
        chat.write("Yes.").await
    });
    assert_eq!(expiring().await, 0, "the window has just opened");
    sleep(Duration::from_secs(23 * 3600 - 600)).await;
    let id = answer.call_id();
    let asking = async {
        sleep(Duration::from_secs(60)).await;
        let before = expiring().await;
        sleep(Duration::from_secs(700)).await;
        let soon = expiring().await;
        (before, soon)
    };
    let (_, (before, soon)) = tokio::join!(world.say("continue", &id, "And the other one?"), asking);
    assert_eq!((before, soon), (0, 1));
    sleep(Duration::from_hours(1)).await;
    assert_eq!(expiring().await, 0, "the window has closed");
}
