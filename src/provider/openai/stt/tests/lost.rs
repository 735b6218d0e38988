//! Sockets that are silent, sessions that are refused half way, and turns that nobody answers.

use super::own::{configure, live, turn};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_socket_that_gives_no_sign_for_twenty_seconds_after_a_ping_is_replaced() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(200).await;
    peer.audio_of(32_000).await;
    peer.item("A", "started 3000").await;
    call.hears("+1@3300").await;
    let began = Instant::now();
    // Open, and not read from any more: no ping is answered.
    let mut next = provider.open().await;
    let waited = began.elapsed();
    assert!((25 * SECOND..27 * SECOND).contains(&waited), "10 s to the ping, and 20 s: {waited:?}");
    assert_eq!(next.audio_of(8_000).await, sound(150, 200), "what is without words is heard again");
    next.item("X", "started 0").await;
    next.item("X", "words hello").await;
    call.hears(".1 1:hello").await;
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_gives_any_sign_is_kept_however_long_nobody_speaks() {
    for answers in [true, false] {
        let provider = Provider::new().await;
        let mut call = Call::new(&provider);
        let mut peer = provider.open().await;
        if answers {
            peer.says_nothing_for(Duration::from_mins(10)).await;
        } else {
            // No ping is answered, but something comes now and then.
            for _ in 0..20 {
                sleep(15 * SECOND).await;
                peer.say(r#"{"type":"rate_limits.updated"}"#).await;
            }
        }
        call.frames(2).await;
        assert_eq!(peer.audio().await, sound(0, 2), "{answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_left_unanswered_is_asked_again_elsewhere_and_shifts_no_words() {
    let provider = live(|_| {}).await;
    let mut call = Call::new(&provider);
    let (mut peer, _) = configure(&provider).await;
    let talk = talk().await;
    call.plays(&talk).await;
    assert_eq!(turn(&mut peer).await.1, "commit-1");
    let began = Instant::now();
    call.plays(&talk).await;
    let (mut next, _) = configure(&provider).await;
    let waited = began.elapsed();
    assert!((7 * SECOND..9 * SECOND).contains(&waited), "{waited:?}");
    while let Some(Ok(Message::Text(text))) = peer.socket.next().await {
        assert!(!text.contains("commit-"), "a second commit waits until the first has its item");
    }
    for (name, item) in [("commit-1", "A"), ("commit-2", "B")] {
        assert_eq!(turn(&mut next).await.1, name);
        next.item(item, "committed").await;
    }
    next.item("B", "words two").await;
    next.item("A", "words one").await;
    let heard = call.words(2).await;
    assert_eq!(heard, ["1:one", "2:two"]);
    call.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_left_unanswered_twice_has_no_words_and_the_next_has_its_own() {
    let provider = live(|_| {}).await;
    let mut call = Call::new(&provider);
    let talk = talk().await;
    let (mut peer, _) = configure(&provider).await;
    call.plays(&talk).await;
    turn(&mut peer).await;
    let (mut peer, _) = configure(&provider).await;
    assert_eq!(turn(&mut peer).await.1, "commit-1");
    let (mut next, _) = configure(&provider).await;
    // What comes of it after all is read by nobody.
    let _ = peer.socket.send(Message::text(r#"{"type":"input_audio_buffer.committed","item_id":"A"}"#)).await;
    assert_eq!(call.words(1).await, ["-1"]);
    call.plays(&talk).await;
    assert_eq!(turn(&mut next).await.1, "commit-2");
    next.item("B", "committed").await;
    next.item("B", "words two").await;
    assert_eq!(call.words(1).await, ["2:two"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_expired_is_replaced_at_once() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.frames(50).await;
    peer.audio_of(8_000).await;
    let expired =
        r#"{"type":"error","error":{"type":"invalid_request_error","code":"session_expired","message":"60 minutes."}}"#;
    peer.say(expired).await;
    let began = Instant::now();
    // Also where the next one says the same on its way.
    let mut peer = provider.accept().await;
    peer.say(r#"{"type":"session.created"}"#).await;
    peer.event().await;
    peer.say(expired).await;
    let mut peer = provider.open().await;
    assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    assert_eq!(peer.audio_of(8_000).await, sound(0, 50));
    call.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_an_unknown_reason_is_forgiven_once_after_a_session_that_worked() {
    for worked in [true, false] {
        let provider = Provider::new().await;
        let mut call = Call::new(&provider);
        if worked {
            drop(provider.open().await);
        }
        for _ in 0..=usize::from(worked) {
            let mut peer = provider.accept().await;
            peer.say(
                r#"{"type":"error","error":{"type":"invalid_request_error","code":"of_tomorrow","message":"No."}}"#,
            )
            .await;
        }
        assert_eq!(call.fails().await.to_string(), "No. (code of_tomorrow)", "{worked}");
    }
}
