//! Calls that are connected to their media by command.

use crate::domain::carrier::{ErrorClass, Verdict};
use crate::domain::media::{MediaLoss, Progress};
use crate::domain::outcome::EndedBy;
use crate::ids::UtteranceId;
use crate::provider::Connects;

use super::*;

/// A call that was answered, and for which the first stream was asked.
async fn answered() -> (Ports, Pending, CarrierCallId) {
    let ports = Ports::commanded(Limits { reconnect: Duration::from_secs(5), ..Limits::default() });
    let pending = ports.manager.call(text("Shall I deploy?"), None).expect("there is room");
    settled().await;
    let call = ports.call_of(&pending.session);
    ports.manager.answered(Some(pending.session.clone()), call.clone());
    settled().await;
    assert_eq!(ports.streams(), ["t1"]);
    (ports, pending, call)
}

/// One whose question was heard.
async fn asked() -> (Ports, Pending, CarrierCallId) {
    let (ports, pending, call) = answered().await;
    let id = &pending.session;
    ports.happens(id, MediaEvent::Connected);
    ports.manager.news(Some(id.clone()), call.clone(), CarrierNews::Machine(Verdict::Human));
    let heard = Progress { heard: Duration::from_secs(2), whole: Duration::from_secs(2) };
    ports.happens(id, MediaEvent::UtteranceStarted { utterance: UtteranceId(1) });
    ports.happens(id, MediaEvent::UtteranceEnded { utterance: UtteranceId(1), heard, failed: None });
    settled().await;
    (ports, pending, call)
}

async fn settled() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

async fn a_second() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_names_no_stream_counts_only_while_no_other_was_asked_for() {
    let (ports, pending, call) = answered().await;
    let fails = async |token: Option<&str>| {
        let (id, token) = (pending.session.clone(), token.map(str::to_owned));
        ports.manager.not_connected(Some(id), call.clone(), token, MediaLoss::Broken);
        a_second().await;
        ports.streams()
    };
    assert_eq!(fails(None).await, ["t1", "t2"], "it can only mean the first");
    assert_eq!(fails(None).await, ["t1", "t2"], "it may be told late, or once more");
    assert_eq!(fails(Some("t1")).await, ["t1", "t2"], "so may this");
    ports.happens(&pending.session, MediaEvent::Connected);
    settled().await;
    for token in [None, Some("t1"), Some("another")] {
        assert_eq!(fails(token).await, ["t1", "t2"], "{token:?}: another is up");
    }
}

#[tokio::test(start_paused = true)]
async fn the_stream_that_is_up_is_asked_for_again_when_the_carrier_says_that_it_is_gone() {
    for loss in [MediaLoss::Broken, MediaLoss::Stopped] {
        let (ports, pending, call) = asked().await;
        for _ in 0..2 {
            ports.manager.not_connected(Some(pending.session.clone()), call.clone(), Some("t1".to_owned()), loss);
            a_second().await;
            assert_eq!(ports.streams(), ["t1", "t2"], "{loss:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_could_not_be_had_back_was_not_hung_up_by_the_person() {
    for (answer, by) in [
        (Ok(Connects::Tries), EndedBy::Carrier),
        (Err(ErrorClass::Refused), EndedBy::Carrier),
        (Ok(Connects::CallIsOver), EndedBy::Person),
    ] {
        let (ports, pending, call) = asked().await;
        ports.answers_to_connect(answer);
        ports.happens(&pending.session, MediaEvent::MediaGone(MediaLoss::Stopped));
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(pending.given().is_none(), "it may come back");
        a_second().await;
        settled().await;
        let given = pending.given().expect("it is over");
        assert_eq!(given.answer.outcome.ended_by, Some(by), "{answer:?}");
        settled().await;
        assert_eq!(ports.hung_up(), [call], "it may be up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_is_asked_for_again_until_the_session_gives_its_media_up() {
    let (ports, pending, _) = asked().await;
    for _ in 0..100 {
        ports.answers_to_connect(Err(ErrorClass::Refused));
    }
    ports.happens(&pending.session, MediaEvent::MediaGone(MediaLoss::Broken));
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Each half second of five, and perhaps at the end of the last.
    let again = ports.streams().len() - 1;
    assert!(matches!(again, 10 | 11), "{again}");
    // Where the call is over, once.
    let (ports, pending, _) = asked().await;
    ports.answers_to_connect(Ok(Connects::CallIsOver));
    ports.happens(&pending.session, MediaEvent::MediaGone(MediaLoss::Broken));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(ports.streams().len(), 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_stray_call_is_hung_up_though_the_session_ends_meanwhile() {
    let (ports, pending, call) = asked().await;
    let (id, stray) = (pending.session.clone(), CarrierCallId("CA-stray".to_owned()));
    ports.fails_to_hang_up(3);
    ports.manager.answered(Some(id.clone()), stray.clone());
    settled().await;
    ports.manager.news(Some(id), call, CarrierNews::Over(CallEnd::Failed));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((ports.manager.running(), ports.hung_up()), (0, vec![stray]));
}

#[tokio::test(start_paused = true)]
async fn a_second_call_for_one_dial_is_hung_up_with_patience_and_the_session_goes_on() {
    let (ports, pending, call) = asked().await;
    let stray = CarrierCallId("CA-stray".to_owned());
    ports.fails_to_hang_up(2);
    ports.manager.tell(&pending.session, Input::Dialed(Ok(stray.clone()))).expect("it runs");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((ports.manager.running(), ports.hung_up()), (1, vec![stray]));
    // Its own is tried again just the same.
    ports.fails_to_hang_up(1);
    ports.manager.tell(&pending.session, Input::Shutdown).expect("it runs");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((ports.manager.running(), ports.hung_up().last()), (0, Some(&call)));
}

#[tokio::test(start_paused = true)]
async fn news_of_a_call_that_is_hung_up_for_it_is_to_be_told_once_more_after_a_crash() {
    let (ports, pending, call) = asked().await;
    let told = |call: &CarrierCallId, news| ports.manager.news(Some(pending.session.clone()), call.clone(), news);
    assert!(told(&call, CarrierNews::Ringing), "its session has it");
    assert!(told(&call, CarrierNews::Over(CallEnd::Completed)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(ports.manager.running(), 0);
    assert!(told(&call, CarrierNews::Ringing), "the session is done with it");
    let stray = CarrierCallId("CA-stray".to_owned());
    assert!(told(&stray, CarrierNews::Over(CallEnd::Completed)), "there is nothing to hang up");
    assert!(!told(&stray, CarrierNews::Ringing));
}
