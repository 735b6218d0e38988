//! What comes while a session is busy, or on its way out, or over.

use super::*;
use crate::clock::Clock;
use crate::domain::media::Told;
use crate::domain::session::{Failure, Sense};
use crate::ids::{EntryId, StretchId};

fn wrote(words: &str, at: Millis) -> Input {
    let text = PersonText(words.to_owned());
    Input::Wrote { text, sense: Sense::Reply, at, channel: Channel::WhatsApp }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_the_inbox_is_full_is_to_be_told_again() {
    let ports = Ports::new(limits(), 1);
    let pending = ports.manager.call(text("Shall I deploy?"), None).expect("there is room");
    tokio::time::sleep(Duration::from_millis(10)).await;
    let id = &pending.session;
    ports.manager.news(Some(id.clone()), ports.call_of(id), CarrierNews::Answered);
    ports.happens(id, MediaEvent::Connected);
    tokio::time::sleep(Duration::from_millis(10)).await;
    while ports.manager.tell(id, Input::FloorTaken).is_ok() {}
    let words = || MediaEvent::NoWords { stretch: StretchId(1) };
    assert_eq!(ports.tells(id, words()), Some(Told::Later(words())));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(ports.tells(id, words()), Some(Told::Taken));
    ports.manager.close(Duration::from_mins(1)).await;
    assert_eq!(ports.tells(id, words()), Some(Told::Nobody));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_media_takes_no_command_fails_and_nobody_waits_for_it() {
    let ports = Ports::new(Limits::default(), 1);
    ports.breaks_media();
    let pending = ports.manager.call(text("Shall I deploy?"), None).expect("there is room");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let given = pending.given().expect("it waits no longer");
    assert!(matches!(given.answer.body, Body::Failed { failure: Failure::Speech(_), .. }), "{given:?}");
    assert_eq!((ports.manager.running(), ports.hung_up().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_session_that_the_person_began_takes_leave_waits_for_the_next() {
    let ports = Ports::new(Limits::default(), 2);
    let (shared, now) = (&ports.manager.shared, ports.clock.now());
    let id = shared.ids.call(now);
    shared.line(|line, _| line.take(&id, 1)).expect("nobody is on the phone");
    ports.manager.call_back(id.clone(), EntryId(1));
    tokio::time::sleep(Duration::from_millis(10)).await;
    ports.manager.news(Some(id.clone()), ports.call_of(&id), CarrierNews::Over(CallEnd::Failed));
    ports.manager.entrust(&id, wrote("Are you there?", now), EntryId(2)).expect("it has not ended yet");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(ports.manager.running(), 0);
    let held = shared.line(|line, now| line.take_held(now));
    assert_eq!(held.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["Are you there?"]);
}
