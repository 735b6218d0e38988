//! Transcription sessions against a provider that the test plays by hand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;
use crate::clock::Millis;
use crate::emulator::Voice;
use crate::emulator::voice::Speaker;
use crate::provider::{ErrorClass, Heard};

mod lost;
mod own;
mod played;

use played::{Call, Order, Peer, Provider, sound};

const SECOND: Duration = Duration::from_secs(1);

/// A second of silence, somebody speaking, and a second of silence.
async fn talk() -> Vec<u8> {
    let said = Voice::babble().say_ulaw(Speaker::Person, "No, wait until the review is done").await;
    [&[0xFF; 8_000], &*said, &[0xFF; 8_000]].concat()
}

#[tokio::test(start_paused = true)]
async fn audio_waits_until_the_settings_are_in_force() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    call.frames(5).await;
    let mut peer = provider.accept().await;
    assert_eq!(peer.asked, ("/v1/realtime?intent=transcription".to_owned(), "Bearer sk-test-key".to_owned()));
    peer.says_nothing_for(SECOND).await;
    peer.say(r#"{"type":"session.created","session":{"type":"transcription"}}"#).await;
    let want = json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input": {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 800},
    }}}});
    assert_eq!(peer.event().await, want);
    call.frames(5).await;
    peer.says_nothing_for(SECOND).await;
    peer.say(r#"{"type":"session.updated"}"#).await;
    assert_eq!(peer.audio_of(1_600).await, sound(0, 10));
    peer.says_nothing_for(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn audio_from_before_the_session_is_bounded() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.accept().await;
    for _ in 0..1_000 {
        call.frame();
    }
    // All of them are heard before the provider goes on.
    sleep(Duration::from_millis(1)).await;
    peer.say(r#"{"type":"session.created"}"#).await;
    peer.event().await;
    peer.say(r#"{"type":"session.updated"}"#).await;
    assert_eq!(peer.audio_of(80_000).await, sound(500, 1_000));
}

#[tokio::test(start_paused = true)]
async fn two_frames_make_an_append_and_a_lone_one_waits_25_ms() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    sleep(SECOND).await;
    call.frame();
    let began = Instant::now();
    assert_eq!(peer.audio().await, sound(0, 1));
    let waited = began.elapsed();
    assert!((Duration::from_millis(25)..Duration::from_millis(28)).contains(&waited), "{waited:?}");
    for pair in 0..3 {
        call.frame();
        sleep(Duration::from_millis(20)).await;
        call.frame();
        let began = Instant::now();
        assert_eq!(peer.audio().await, sound(1 + 2 * pair, 3 + 2 * pair));
        assert!(began.elapsed() < Duration::from_millis(2), "{:?}", began.elapsed());
    }
    peer.says_nothing_for(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn an_error_before_the_settings_are_in_force_is_final() {
    for before in [true, false] {
        let provider = Provider::new().await;
        let mut call = Call::new(&provider);
        let mut peer = provider.accept().await;
        if before {
            peer.say(r#"{"type":"session.created"}"#).await;
            peer.event().await;
        }
        peer.say(r#"{"type":"error","error":{"type":"invalid_request_error","code":"invalid_value","message":"No sk-abc123."}}"#)
            .await;
        let error = call.fails().await;
        assert_eq!((error.class, error.to_string().as_str()), (ErrorClass::Refused, "No sk-… (code invalid_value)"));
        call.frames(10).await;
        call.hears_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_upgrade_is_final_and_a_busy_one_is_tried_again() {
    let body = r#"{"error":{"message":"Incorrect API key.","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let provider = Provider::new().await;
        let mut call = Call::new(&provider);
        provider.refuse(status, body).await;
        let error = call.fails().await;
        assert_eq!(error.class, ErrorClass::Refused, "{status}");
    }
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let began = Instant::now();
    provider.refuse("503 Service Unavailable", "").await;
    provider.refuse("429 Too Many Requests", r#"{"error":{"message":"Slow.","code":"rate_limit_exceeded"}}"#).await;
    let mut peer = provider.open().await;
    assert!((SECOND..2 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
    peer.item("A", "words hello").await;
    call.hears("+1@0 1:hello").await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_given_up_in_the_end() {
    // Seven tries of ten seconds, and the waits between them.
    let tries = Duration::from_secs(7 * 10 + 31);
    for upgraded in [false, true] {
        let provider = Provider::new().await;
        let mut call = Call::new(&provider);
        let began = Instant::now();
        let mut sockets = (Vec::new(), Vec::new());
        for _ in 0..7 {
            if upgraded {
                sockets.0.push(provider.accept().await);
            } else {
                sockets.1.push(provider.tcp().await);
            }
        }
        let error = call.fails().await;
        assert_eq!(error.class, ErrorClass::Unknown);
        assert!((tries..tries + SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn finals_come_in_the_order_of_the_speech_with_its_times() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(200).await;
    peer.audio_of(32_000).await;
    peer.item("A", "started 700").await;
    peer.item("A", "stopped 1900").await;
    peer.item("A", "committed").await;
    peer.say(r#"{"type":"rate_limits.updated"}"#).await;
    peer.say(r#"{"type":"error","error":{"type":"invalid_request_error","message":"What?"}}"#).await;
    peer.say("no json").await;
    peer.item("B", "started 2500").await;
    peer.item("B", "stopped 3500").await;
    peer.item("B", "committed").await;
    peer.item("B", "words two").await;
    call.hears("+1@1000 .1 +2@2800 .2").await;
    call.hears_nothing().await;
    peer.item("A", "words  one ").await;
    call.hears("1:one 2:two").await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_final_holds_nothing_up_for_longer_than_eight_seconds() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(100).await;
    peer.audio_of(16_000).await;
    peer.item("A", "started 700").await;
    peer.item("A", "committed").await;
    call.hears("+1@1000 .1").await;
    let began = Instant::now();
    call.hears("-1").await;
    assert!((8 * SECOND..9 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_socket_lost_in_mid_speech_is_replaced_and_the_words_come_once() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(80).await;
    peer.audio_of(12_800).await;
    peer.item("A", "started 1000").await;
    call.hears("+1@1300").await;
    call.frames(72).await;
    let began = Instant::now();
    drop(peer);
    let mut peer = provider.open().await;
    assert!(began.elapsed() < SECOND, "the first try is at once");
    // From the beginning of the stretch on, the prefix included.
    assert_eq!(peer.audio_of(16_320).await, sound(50, 152));
    call.frames(2).await;
    assert_eq!(peer.audio().await, sound(152, 154));
    peer.item("X", "started 20").await;
    peer.item("X", "stopped 2080").await;
    peer.item("X", "committed").await;
    peer.item("X", "words hello").await;
    call.hears(".1 1:hello").await;
    call.hears_nothing().await;
    // The audio of a stretch that has its words is not heard again.
    call.frames(8).await;
    peer.audio_of(1_280).await;
    let close = CloseFrame { code: 4000.into(), reason: "bye".into() };
    peer.socket.send(Message::Close(Some(close))).await.unwrap();
    let mut peer = provider.open().await;
    assert_eq!(peer.audio_of(1_280).await, sound(154, 162));
}

#[tokio::test(start_paused = true)]
async fn a_stretch_without_words_is_heard_again_and_one_with_words_is_not() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    for (item, from, to) in [("A", 1_000, 2_000), ("B", 3_000, 4_000), ("C", 5_000, 6_000)] {
        call.frames(100).await;
        peer.audio_of(16_000).await;
        peer.item(item, &format!("started {from}")).await;
        peer.item(item, &format!("stopped {to}")).await;
        peer.item(item, "committed").await;
    }
    call.frames(100).await;
    peer.item("B", "words two").await;
    call.hears("+1@1300 .1 +2@3300 .2 +3@5300 .3").await;
    // The server may be slow; the words of B are in before the end.
    sleep(SECOND).await;
    drop(peer);
    let mut peer = provider.open().await;
    let again = peer.audio_of(56_000).await;
    assert_eq!(again[..16_000], sound(50, 150));
    assert!(again[16_000..24_000].iter().all(|byte| *byte == 0xFF), "B is silenced");
    assert_eq!(again[24_000..], sound(200, 400));
    peer.item("X", "started 0").await;
    peer.item("X", "stopped 1000").await;
    peer.item("X", "committed").await;
    peer.item("X", "words one").await;
    call.hears("1:one 2:two").await;
    // C is never heard again.
    call.hears("-3").await;
}

#[tokio::test(start_paused = true)]
async fn with_nobody_speaking_a_lost_socket_costs_one_second_of_audio_to_hear_again() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(200).await;
    peer.audio_of(32_000).await;
    drop(peer);
    let mut peer = provider.open().await;
    assert_eq!(peer.audio_of(8_000).await, sound(150, 200));
    peer.item("X", "started 400").await;
    call.hears("+1@3700").await;
}

#[tokio::test(start_paused = true)]
async fn tries_start_anew_after_a_session_that_lasted() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut losses = Vec::new();
    for lasted in [0, 0, 11, 0] {
        let peer = provider.open().await;
        sleep(Duration::from_secs(lasted)).await;
        let began = Instant::now();
        drop(peer);
        drop(provider.tcp().await);
        losses.push(began.elapsed().as_secs());
    }
    assert_eq!(losses, [0, 2, 0, 2]);
    call.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_open_ends_before_the_recogniser_is_gone() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(100).await;
    peer.item("A", "started 700").await;
    call.hears("+1@1000").await;
    drop(peer);
    provider.refuse("401 Unauthorized", r#"{"error":{"message":"No.","code":"invalid_api_key"}}"#).await;
    call.hears("-1").await;
    assert_eq!(call.fails().await.to_string(), "No. (code invalid_api_key)");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_call_feeds_the_silence_that_ends_a_stretch() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(50).await;
    assert_eq!(peer.audio_of(8_000).await, sound(0, 50));
    call.orders.send(Order::Finish(call.now())).unwrap();
    assert_eq!(peer.audio_of(8_800).await, [0xFF; 8_800]);
    peer.item("A", "started 200").await;
    peer.item("A", "stopped 1800").await;
    peer.item("A", "committed").await;
    peer.item("A", "words bye").await;
    call.hears("+1@500 .1 1:bye").await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_and_the_end_says_goodbye() {
    let provider = Provider::new().await;
    let call = Call::new(&provider);
    let mut peer = provider.open().await;
    peer.socket.send(Message::Ping("hi".into())).await.unwrap();
    assert_eq!(peer.socket.next().await.unwrap().unwrap(), Message::Pong("hi".into()));
    drop(call);
    assert_eq!(peer.socket.next().await.unwrap().unwrap(), Message::Close(None));
}
