//! Sessions whose turns we find ourselves, and calls that move on to one.

use super::*;
use crate::ids::StretchId;

const LIVE: &str = "gpt-live-transcribe";

pub(super) async fn live(change: impl FnOnce(&mut SttSettings)) -> Provider {
    Provider::with(|settings| {
        settings.model = Some(LIVE.to_owned());
        settings.audio = Some(SttAudio::Ulaw);
        change(settings);
    })
    .await
}

/// Opens a session, whatever its settings; gives those.
pub(super) async fn configure(provider: &Provider) -> (Peer, Value) {
    let mut peer = provider.accept().await;
    peer.say(r#"{"type":"session.created"}"#).await;
    let update = peer.event().await;
    assert_eq!(update["type"], "session.update");
    peer.say(r#"{"type":"session.updated"}"#).await;
    (peer, update["session"]["audio"]["input"].clone())
}

/// What a peer is sent up to a commit, and the name of that.
pub(super) async fn turn(peer: &mut Peer) -> (Vec<u8>, String) {
    let mut sound = Vec::new();
    loop {
        let event = peer.event().await;
        if event["type"] == "input_audio_buffer.commit" {
            return (sound, event["event_id"].as_str().unwrap().to_owned());
        }
        sound.extend(STANDARD.decode(event["audio"].as_str().unwrap()).unwrap());
    }
}

/// Whether a sound has another in it.
fn has(sound: &[u8], part: &[u8]) -> bool {
    sound.windows(part.len()).any(|window| window == part)
}

#[tokio::test(start_paused = true)]
async fn only_what_is_said_is_sent_and_each_turn_is_committed_once() {
    let provider = live(|settings| {
        settings.languages = vec!["en".to_owned(), "de".to_owned()];
        settings.keywords = vec!["Acme".to_owned()];
    })
    .await;
    let mut call = Call::new(&provider);
    let (mut peer, input) = configure(&provider).await;
    let want = json!({
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": LIVE, "languages": ["en", "de"], "keywords": ["Acme"]},
        "turn_detection": null,
    });
    assert_eq!(input, want);
    let talk = talk().await;
    for n in 1..=2_u64 {
        call.plays(&talk).await;
        let (sound, name) = turn(&mut peer).await;
        assert_eq!(name, format!("commit-{n}"));
        assert!(has(&sound, &talk[8_000..talk.len() - 8_000]), "all that was said is sent");
        assert!(sound.len() < talk.len() - 4_000, "and not all of the silence: {} of {}", sound.len(), talk.len());
        // Some servers say that they noticed speech, too.
        peer.item("Z", "started 100").await;
        peer.item(&format!("I{n}"), "committed").await;
        peer.item(&format!("I{n}"), &format!("words {n} is said")).await;
        let heard = [call.next().await, call.next().await, call.next().await];
        let began = Millis((n - 1) * (talk.len() as u64 / 8) + 1_000);
        let [Heard::Started { began_at, .. }, Heard::Stopped { .. }, Heard::Words { text, .. }] = &heard else {
            panic!("{heard:?}")
        };
        assert!(began_at.0.abs_diff(began.0) <= 60 && *text == format!("{n} is said"), "{began} {heard:?}");
    }
    peer.says_nothing_for(SECOND).await;
    call.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn sound_is_sent_at_24_khz_where_nothing_else_is_known_to_work() {
    let provider = live(|settings| settings.audio = None).await;
    let mut call = Call::new(&provider);
    let (mut peer, input) = configure(&provider).await;
    assert_eq!(input["format"], json!({"type": "audio/pcm", "rate": 24_000}));
    let talk = talk().await;
    call.plays(&talk).await;
    let (sound, _) = turn(&mut peer).await;
    let samples: Vec<i16> = sound.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
    let slow: Vec<i16> = samples.into_iter().step_by(3).collect();
    let mut ulaw = Vec::new();
    crate::audio::mulaw::encode(&slow, &mut ulaw);
    let plus = |sound: &[u8]| sound.iter().map(|&code| if code == 0x7F { 0xFF } else { code }).collect::<Vec<u8>>();
    assert!(has(&plus(&ulaw), &plus(&talk[8_000..talk.len() - 8_000])), "every third sample is the line's");
}

#[tokio::test(start_paused = true)]
async fn a_turn_whose_socket_is_lost_is_sent_again_and_its_words_come_once() {
    let provider = live(|_| {}).await;
    let mut call = Call::new(&provider);
    let (mut peer, _) = configure(&provider).await;
    let talk = talk().await;
    call.plays(&talk).await;
    let first = turn(&mut peer).await;
    peer.item("A", "committed").await;
    drop(peer);
    let (mut peer, _) = configure(&provider).await;
    let again = turn(&mut peer).await;
    assert_eq!(again.1, first.1);
    // Of the silence that ended it, only what was needed.
    assert!(first.0.starts_with(&again.0) && has(&again.0, &talk[8_000..talk.len() - 8_000]), "the same again");
    peer.item("A", "words of another session").await;
    peer.item("B", "committed").await;
    peer.item("B", "words hello").await;
    peer.item("B", "words hello").await;
    let heard = [call.next().await, call.next().await, call.next().await];
    assert!(matches!(&heard[2], Heard::Words { stretch: StretchId(1), .. }), "{heard:?}");
    call.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_refused_is_a_turn_without_words_and_no_error() {
    for about in [r#""event_id":"commit-1","#, ""] {
        let provider = live(|_| {}).await;
        let mut call = Call::new(&provider);
        let (mut peer, _) = configure(&provider).await;
        call.plays(&talk().await).await;
        turn(&mut peer).await;
        let code = "input_audio_buffer_commit_empty";
        peer.say(&format!(r#"{{"type":"error","error":{{{about}"code":"{code}","message":"too small"}}}}"#)).await;
        let began = Instant::now();
        let heard = [call.next().await, call.next().await, call.next().await];
        assert!(matches!(&heard[2], Heard::Nothing { stretch: StretchId(1) }), "{about} {heard:?}");
        assert!(began.elapsed() < SECOND, "it is not waited for: {:?}", began.elapsed());
        peer.says_nothing_for(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_gone_in_mid_speech_is_left_within_the_call_and_nothing_said_is_lost() {
    let gone =
        r#"{"type":"error","error":{"type":"invalid_request_error","code":"model_not_found","message":"Gone."}}"#;
    for met in ["on the next socket", "in the session"] {
        let provider = Provider::with(|_| {}).await;
        let mut call = Call::new(&provider);
        let mut peer = provider.open().await;
        let talk = talk().await;
        call.plays(&talk[..12_000]).await;
        peer.audio_of(12_000).await;
        peer.item("A", "started 700").await;
        call.hears("+1@1000").await;
        if met == "in the session" {
            peer.say(gone).await;
        } else {
            drop(peer);
            let mut peer = provider.accept().await;
            peer.say(r#"{"type":"session.created"}"#).await;
            assert_eq!(peer.event().await["session"]["audio"]["input"]["transcription"]["model"], "gpt-4o-transcribe");
            peer.say(gone).await;
        }
        let (mut peer, input) = configure(&provider).await;
        assert_eq!(input["transcription"]["model"], LIVE, "{met}");
        call.plays(&talk[12_000..]).await;
        let (sound, _) = turn(&mut peer).await;
        let said = (talk.len() - 16_000) * 6;
        assert!(sound.len() > said, "{met}: from its beginning: {} of {said}", sound.len());
        peer.item("B", "committed").await;
        peer.item("B", "words hello").await;
        call.hears(".1 1:hello").await;
        call.hears_nothing().await;
        let next = Call::new(&provider);
        assert_eq!(configure(&provider).await.1["transcription"]["model"], LIVE, "for the whole process");
        drop(next);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_there_moves_no_model_that_listens() {
    let provider = Provider::with(|_| {}).await;
    let mut call = Call::new(&provider);
    provider.refuse("404 Not Found", "<html>no such route</html>").await;
    assert_eq!(call.fails().await.code.as_deref(), Some("not_found"));
    let _next = Call::new(&provider);
    let model = configure(&provider).await.1["transcription"]["model"].clone();
    assert_eq!(model, "gpt-4o-transcribe");
}

#[tokio::test(start_paused = true)]
async fn a_host_of_ones_own_is_asked_for_no_other_model_than_the_one_set_by_hand() {
    for alone in [true, false] {
        let provider = live(|settings| settings.alone = alone).await;
        let mut call = Call::new(&provider);
        let mut peer = provider.accept().await;
        peer.say(r#"{"type":"session.created"}"#).await;
        peer.event().await;
        peer.say(r#"{"type":"error","error":{"code":"model_not_found","message":"Gone."}}"#).await;
        if alone {
            assert_eq!(call.fails().await.code.as_deref(), Some("model_not_found"));
            let _next = Call::new(&provider);
            assert_eq!(configure(&provider).await.1["transcription"]["model"], LIVE);
        } else {
            assert_eq!(configure(&provider).await.1["transcription"]["model"], "gpt-4o-transcribe");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_takes_no_turn_detection_keeps_listening_without_it() {
    let provider = Provider::with(|settings| settings.model = Some("some-model".to_owned())).await;
    let mut call = Call::new(&provider);
    let mut peer = provider.accept().await;
    peer.say(r#"{"type":"session.created"}"#).await;
    assert_eq!(peer.event().await["session"]["audio"]["input"]["turn_detection"]["type"], "server_vad");
    let message = "Turn detection is not supported for this transcription model";
    peer.say(&format!(r#"{{"type":"error","error":{{"code":"invalid_value","message":"{message}"}}}}"#)).await;
    let (mut peer, input) = configure(&provider).await;
    assert_eq!((&input["transcription"]["model"], &input["turn_detection"]), (&json!("some-model"), &Value::Null));
    call.plays(&talk().await).await;
    turn(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_last_model_is_gone_the_call_hears_of_it() {
    let provider = Provider::with(|_| {}).await;
    let mut call = Call::new(&provider);
    for _ in 0..2 {
        let mut peer = provider.accept().await;
        peer.say(r#"{"type":"session.created"}"#).await;
        peer.event().await;
        peer.say(r#"{"type":"error","error":{"code":"model_not_found","message":"Gone."}}"#).await;
    }
    assert_eq!(call.fails().await.code.as_deref(), Some("model_not_found"));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_replaced_before_the_provider_ends_it_and_nothing_said_is_lost() {
    let provider = live(|_| {}).await;
    let mut call = Call::new(&provider);
    let (mut peer, _) = configure(&provider).await;
    let began = Instant::now();
    let talk = talk().await;
    peer.says_nothing_for(Duration::from_secs(49 * 60 + 58)).await;
    // Somebody speaks as the time comes: it waits for the end, and for the words.
    call.plays(&talk).await;
    turn(&mut peer).await;
    peer.item("A", "committed").await;
    peer.item("A", "words hello").await;
    let heard = [call.next().await, call.next().await, call.next().await];
    assert!(matches!(&heard[2], Heard::Words { .. }), "{heard:?}");
    let (mut next, _) = configure(&provider).await;
    assert!(began.elapsed() < Duration::from_mins(51), "{:?}", began.elapsed());
    call.plays(&talk).await;
    assert_eq!(turn(&mut next).await.1, "commit-2");
}

#[tokio::test(start_paused = true)]
async fn words_for_silence_are_nobody_s() {
    let provider = Provider::new().await;
    let mut call = Call::new(&provider);
    let mut peer = provider.open().await;
    call.plays(&[0xFF; 4_000]).await;
    peer.audio_of(4_000).await;
    peer.item("A", "started 100").await;
    call.hears("+1@400").await;
    call.plays(&[0xFF; 12_000]).await;
    peer.audio_of(12_000).await;
    peer.item("A", "stopped 1900").await;
    peer.item("A", "committed").await;
    peer.item("A", "words Thank you for watching.").await;
    call.hears(".1 -1").await;
}
