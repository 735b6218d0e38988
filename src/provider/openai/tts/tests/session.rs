//! What holds for speech that is made in a session.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_session_that_rewords_is_counted_and_heard() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    let counted = |count: u64| peer.metrics.render().contains(&format!("\ncallme_speech_deviations_total {count}\n"));
    let mut call = Call::of(&peer);
    assert_eq!(call.say(TEXT).await.1, None);
    assert!(counted(0));
    let other = "They are green. I will deploy now.";
    peer.fault(Fault::SpeechReworded(other));
    assert_eq!(call.say(TEXT).await, (peer.sound_of(&[other.to_owned()]).await, None));
    assert!(counted(1));
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_sessions_do_not_have_is_replaced() {
    for (asked, used) in [("nova", "marin"), ("onyx", "cedar"), ("fable", "ballad"), ("coral", "coral")] {
        let peer = Peer::with(Some("gpt-realtime-2.1-mini"), asked).await;
        assert_eq!(Call::of(&peer).say(TEXT).await.1, None, "{asked}");
        let configured =
            |what: &What| matches!(what, What::Voicing { what: Voicing::Configured(voice), .. } if voice == used);
        assert_eq!(peer.count(configured), 1, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_in_a_pause_before_its_hour_is_over() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    let mut call = Call::of(&peer);
    assert_eq!(call.say(TEXT).await.1, None);
    call.pause(Duration::from_mins(49)).await;
    assert_eq!(peer.sockets(), 1);
    call.pause(Duration::from_mins(2)).await;
    assert_eq!(peer.sockets(), 2);
    assert_eq!(call.say(TEXT).await, (peer.sound_of(&[TEXT.to_owned()]).await, None));
    assert_eq!(peer.sockets(), 2, "it was there before it was needed");
    let expired = |what: &What| matches!(what, What::Voicing { what: Voicing::Refused(_), .. });
    assert_eq!(peer.count(expired), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_lost_when_it_is_asked_stumbles_once() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    let mut call = Call::of(&peer);
    assert_eq!(call.say(TEXT).await.1, None);
    peer.fault(Fault::VoiceDropped);
    let (sound, error) = call.say(TEXT).await;
    assert_eq!((sound.len(), error.unwrap().class), (0, ErrorClass::Unknown));
    assert_eq!(call.say(TEXT).await.1, None);
    assert_eq!(peer.sockets(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_opens_is_given_up_after_ten_seconds() {
    let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
    peer.fault(Fault::VoiceDeaf);
    let mut call = Call::of(&peer);
    let began = Instant::now();
    let (sound, error) = call.say(TEXT).await;
    assert_eq!((sound.len(), error.unwrap().class), (0, ErrorClass::Unknown));
    assert!((secs(10)..secs(11)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(call.say(TEXT).await.1, None);
}
