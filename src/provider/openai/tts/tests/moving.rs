//! What becomes of a text when its model is gone.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_model_that_ends_is_left_for_good_and_the_text_is_said_by_the_next() {
    for own in [None, Some("tts-1"), Some("gpt-4o-mini-tts")] {
        let peer = Peer::new(own).await;
        let mut call = Call::of(&peer);
        assert_eq!(call.say(TEXT).await.1, None);
        assert_eq!(peer.sockets(), 0);
        peer.emulator.set_era(Era::January);
        assert_eq!(call.say(TEXT).await, (peer.sound_of(&[TEXT.to_owned()]).await, None), "{own:?}");
        assert_eq!(peer.sockets(), 1, "{own:?}");
        let refused = |what: &What| matches!(what, What::SpeechAsked { status: 404, .. });
        let refusals = peer.count(refused);
        assert_eq!(refusals, if own == Some("tts-1") { 2 } else { 1 });
        assert_eq!(call.say("Yes.").await.1, None);
        assert_eq!(Call::of(&peer).say("Yes.").await.1, None);
        assert_eq!(peer.count(refused), refusals, "{own:?}: nobody asks for it again");
        assert_eq!(peer.asked(), [TEXT, TEXT, "Yes.", "Yes."], "{own:?}: each is said once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_realtime_model_that_is_gone_is_left_too() {
    // Where it is told so: as the upgrade's answer, about the settings, and where it was to speak.
    let faults = [
        Fault::VoiceRefused { status: 404, code: "model_not_found" },
        Fault::VoiceError { code: "invalid_model" },
        Fault::SpeechRefused { status: 404, code: "model_not_found" },
    ];
    for fault in faults {
        let peer = Peer::new(Some("gpt-realtime-2.1-mini")).await;
        peer.fault(fault.clone());
        let mut call = Call::of(&peer);
        assert_eq!(call.say(TEXT).await, (peer.sound_of(&[TEXT.to_owned()]).await, None), "{fault:?}");
        let spoken = |what: &What| matches!(what, What::SpeechAsked { status: 200, .. });
        assert_eq!(peer.count(spoken), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_no_model_is_left_the_refusal_stands_and_the_next_text_tries_all_again() {
    let peer = Peer::new(None).await;
    peer.emulator.faults().add(Fault::SpeechRefused { status: 404, code: "model_not_found" }, Times::Count(2));
    let mut call = Call::of(&peer);
    let error = call.say(TEXT).await.1.expect("a refusal");
    assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Refused, Some("model_not_found")));
    assert_eq!(call.say(TEXT).await.1, None);
    assert_eq!(peer.sockets(), 1, "the first preset speaks");
}

#[tokio::test(start_paused = true)]
async fn a_host_of_ones_own_is_asked_for_the_model_set_by_hand_and_no_other() {
    for alone in [true, false] {
        let peer = Peer::alone("tts-1", alone).await;
        peer.fault(Fault::SpeechRefused { status: 404, code: "model_not_found" });
        let mut call = Call::of(&peer);
        assert_eq!(call.say(TEXT).await.1.is_some(), alone, "the refusal stands");
        assert_eq!(call.say(TEXT).await.1, None, "and the next text is tried with the same again");
        let refused = peer.count(|what| matches!(what, What::SpeechAsked { status: 404, .. }));
        assert_eq!((refused, peer.sockets()), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn other_refusals_leave_no_model() {
    let peer = Peer::new(None).await;
    for (status, code) in [(401, "invalid_api_key"), (400, "invalid_value"), (429, "insufficient_quota")] {
        peer.fault(Fault::SpeechRefused { status, code });
        assert!(Call::of(&peer).say(TEXT).await.1.is_some(), "{code}");
    }
    assert_eq!(Call::of(&peer).say(TEXT).await.1, None);
    assert_eq!(peer.sockets(), 0);
}
