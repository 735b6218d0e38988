//! What comes while a session is busy, or on its way out, or over.

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture, ready};

use super::shelf::Shelf;
use super::texts::Letters;
use super::*;
use crate::clock::Clock;
use crate::domain::line::{Line, NoRing, Notice};
use crate::domain::media::Told;
use crate::domain::messaging::Inbound;
use crate::domain::session::{Failure, Sense};
use crate::ids::{EntryId, MessageId, StretchId};
use crate::session::mail::Cause;
use crate::store::memory::MemoryStore;
use crate::store::{Mail, Store};

fn wrote(words: &str, at: Millis) -> Input {
    let text = PersonText(words.to_owned());
    Input::Wrote { text, sense: Sense::Reply, at, channel: Channel::WhatsApp }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_carrier_does_not_hang_up_is_hung_up_when_it_does_again() {
    for fails in [3, 4, 7, 8, 60] {
        let ports = Ports::new(limits(), 1);
        let pending = ports.manager.call(text("Shall I deploy?"), None).expect("there is room");
        tokio::time::sleep(Duration::from_millis(10)).await;
        let call = ports.call_of(&pending.session);
        ports.manager.answered(Some(pending.session.clone()), call.clone());
        ports.fails_to_hang_up(fails);
        let end = |request| Input::End { request, text: text("Bye.") };
        ports.manager.request(&pending.session, None, end).expect("it runs");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(ports.manager.running(), 0, "the agent does not wait for it");
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(ports.hung_up(), [call], "after {fails} failures");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_inbox_is_full_runs_and_is_to_be_told_again() {
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
    // It runs all the same, and so does its call.
    let asked = ports.manager.request(id, None, |request| Input::Wait { request });
    assert_eq!(asked.expect_err("it has no room"), NotTaken::Busy);
    ports.manager.news(Some(id.clone()), ports.call_of(id), CarrierNews::Ringing);
    ports.manager.answered(Some(id.clone()), ports.call_of(id));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(ports.tells(id, words()), Some(Told::Taken));
    assert_eq!(ports.hung_up(), []);
    ports.manager.close(Duration::from_mins(1)).await;
    assert_eq!(ports.tells(id, words()), Some(Told::Nobody));
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_inbox_is_full_when_its_turn_comes_asks_all_the_same() {
    let letters = Arc::new(Letters::default());
    let store = Arc::new(MemoryStore::new(Duration::from_hours(48)));
    let ports = Ports::over(limits(), 2, store, Arc::clone(&letters), Millis(1_790_000_000_000));
    let first = ports.manager.write(text("Shall I deploy?"), Form::Free, None).expect("there is room");
    tokio::time::sleep(Duration::from_millis(10)).await;
    let second = ports.manager.write(text("Where to?"), Form::Free, None).expect("there is room");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(letters.taken(), ["Shall I deploy?"], "the second waits for its turn");
    while ports.manager.tell(&second.session, Input::FloorTaken).is_ok() {}
    let shared = &ports.manager.shared;
    shared.grant_floor(shared.line(|line, _| line.yield_floor(&first.session)));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(letters.taken(), ["Shall I deploy?", "Where to?"]);
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
    ports.manager.call_back(id.clone(), EntryId(1)).expect("there is room");
    tokio::time::sleep(Duration::from_millis(10)).await;
    ports.manager.news(Some(id.clone()), ports.call_of(&id), CarrierNews::Over(CallEnd::Failed));
    ports.manager.entrust(&id, wrote("Are you there?", now), EntryId(2)).expect("it has not ended yet");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(ports.manager.running(), 0);
    let held = shared.line(Line::take_held);
    assert_eq!(held.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["Are you there?"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_there_until_it_has_kept_its_last() {
    let letters = Arc::new(Letters::default());
    let ports = Ports::over(Limits::default(), 1, Arc::new(Shelf::slow()), letters, Millis(1_790_000_000_000));
    let pending = ports.manager.call(text("Shall I deploy?"), None).expect("there is room");
    let id = &pending.session;
    tokio::time::sleep(Duration::from_secs(5)).await;
    ports.manager.news(Some(id.clone()), ports.call_of(id), CarrierNews::Over(CallEnd::Failed));
    let name = RequestName { key: RequestKey("k".to_owned()), content: String::new(), keyed: false };
    let waits = ports.manager.request(id, Some(name), |request| Input::Wait { request }).expect("it runs");
    // By now its first answer is given, and it sees to the second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(pending.given().is_some() && waits.given().is_none());
    assert!(ports.manager.look(id).await.is_none(), "it takes nothing any more");
    assert!(ports.manager.channel(id).is_some());
    ports.manager.has_left(id).await;
    assert!(waits.given().is_some() && ports.manager.channel(id).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_collected_while_its_session_takes_leave_is_not_handed_out_again() {
    let (shelf, letters) = (Arc::new(Shelf::new()), Arc::<Letters>::default());
    let store: Arc<dyn Store> = Arc::<Shelf>::clone(&shelf);
    let ports = Ports::over(limits(), 1, store, letters, Millis(1_790_000_000_000));
    let pending = ports.manager.write(text("Shall I deploy?"), Form::Free, None).expect("there is room");
    let id = &pending.session;
    tokio::time::sleep(Duration::from_millis(10)).await;
    ports.manager.tell(id, wrote("Yes.", ports.clock.now())).expect("it runs");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(pending.given().is_some_and(|given| matches!(given.answer.body, Body::Reply(_))));
    let left = async || shelf.conversation(id).await.expect("it is read").expect("it is kept").uncollected.len();
    assert_eq!(left().await, 1, "nobody has it yet");
    ports.manager.tell(id, Input::Quit).expect("it runs");
    assert!(ports.manager.collected(&pending), "it has not closed its inbox");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!((ports.manager.running(), left().await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_asked_for_a_call_is_told_when_there_is_no_room_after_all() {
    let letters = Arc::new(Letters::default());
    let store = Arc::new(MemoryStore::new(Duration::from_hours(48)));
    let ports = Ports::over(limits(), 1, store, Arc::clone(&letters), Millis(1_790_000_000_000));
    let manager = &ports.manager;
    let _another = manager.write(text("Shall I deploy?"), Form::Free, None).expect("there is room");
    tokio::time::sleep(Duration::from_millis(10)).await;
    let message = Inbound {
        message: MessageId("IM-call".to_owned()),
        conversation: None,
        quotes: None,
        text: PersonText("Call me".to_owned()),
    };
    let received = manager.received(Channel::WhatsApp, Mail::Message(message), None);
    let id = manager.shared.ids.call(ports.clock.now());
    manager.shared.line(|line, now| line.ring(&id, 1, now)).expect("nobody is on the phone");
    manager.ring_back(id, &received, Cause { entry: Some(received.entry), again: false, kept: kept() });
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(letters.taken().last().map(String::as_str), Some(Notice::NoRing(NoRing::Full).text()));
    assert!(manager.shared.read_line(|line, _| line.has_room(1).is_ok()), "the line is free again");
}

/// It is kept already.
fn kept() -> future::Shared<BoxFuture<'static, bool>> {
    ready(true).boxed().shared()
}
