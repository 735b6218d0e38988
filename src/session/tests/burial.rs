//! A session that dies of a fault of ours: what whoever asks for it is told, and what becomes of its call and of the person's words.

use tokio::sync::oneshot;

use super::shelf::Shelf;
use super::texts::Letters;
use super::*;
use crate::clock::Clock;
use crate::domain::line::Line;
use crate::domain::messaging::Inbound;
use crate::domain::outcome::EndedBy;
use crate::domain::session::Sense;
use crate::ids::MessageId;
use crate::session::task::Message;
use crate::store::{Mail, Store, Write};

fn over(shelf: &Arc<Shelf>) -> Ports {
    let store: Arc<dyn Store> = Arc::<Shelf>::clone(shelf);
    Ports::over(limits(), 2, store, Arc::<Letters>::default(), Millis(1_790_000_000_000))
}

/// A session whose call is live.
async fn called(ports: &Ports) -> SessionId {
    let pending = ports.manager.call(text("Shall I deploy?"), None).expect("there is room");
    tokio::time::sleep(Duration::from_millis(1)).await;
    pending.session
}

/// It is to do what brings it down.
fn dies(ports: &Ports, id: &SessionId) {
    ports.traps_media();
    let (answer, _) = oneshot::channel();
    ports.manager.send(id, Message::Fetch { call: ports.call_of(id), answer }).expect("it runs");
}

#[tokio::test(start_paused = true)]
async fn of_a_session_that_died_the_end_is_told_at_once_and_the_line_is_free_when_its_call_is_hung_up() {
    let shelf = Arc::new(Shelf::new());
    let ports = over(&shelf);
    let id = called(&ports).await;
    ports.fails_to_hang_up(2);
    dies(&ports, &id);
    tokio::time::sleep(Duration::from_millis(1)).await;
    // As whoever goes on with it, or waits for it, does.
    ports.manager.has_left(&id).await;
    let kept = shelf.conversation(&id).await.expect("it is read").expect("it is kept");
    assert_eq!((kept.ended_at.is_some(), kept.outcome.ended_by), (true, Some(EndedBy::Crash)));
    let is_free = || ports.manager.shared.read_line(|line, _| line.has_room(1).is_ok());
    assert_eq!((ports.hung_up(), is_free()), (Vec::new(), false), "it still talks");
    assert_eq!(shelf.everything_left().sessions.len(), 1, "the next process would hang up");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((ports.hung_up(), is_free()), (vec![ports.call_of(&id)], true));
    assert_eq!((shelf.everything_left().sessions.len(), ports.manager.running(), ports.tasks.len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_the_person_wrote_to_a_session_that_died_before_it_took_it_is_the_next_ones() {
    let shelf = Arc::new(Shelf::new());
    let ports = over(&shelf);
    let id = called(&ports).await;
    let mail = Mail::Message(Inbound {
        message: MessageId("IM1".to_owned()),
        conversation: None,
        quotes: None,
        text: PersonText("Where are you?".to_owned()),
    });
    let received = ports.manager.received(Channel::WhatsApp, mail, None);
    shelf.commit(vec![Write::Received(Box::new(received.clone()))]).await.expect("it is kept");
    let (text, at) = (PersonText("Where are you?".to_owned()), ports.clock.now());
    dies(&ports, &id);
    let wrote = Input::Wrote { text, sense: Sense::Aside, at, channel: Channel::WhatsApp };
    ports.manager.entrust(&id, wrote, received.entry).expect("it runs");
    tokio::time::sleep(Duration::from_millis(1)).await;
    let held = ports.manager.shared.line(Line::take_held);
    assert_eq!(held.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["Where are you?"]);
    assert_eq!(shelf.everything_left().received, [], "and it does not come to anybody again");
}

#[tokio::test(start_paused = true)]
async fn what_a_session_has_kept_before_it_died_is_nobody_elses() {
    let shelf = Arc::new(Shelf::new());
    let ports = over(&shelf);
    let id = called(&ports).await;
    let (text, at) = (PersonText("I am here.".to_owned()), ports.clock.now());
    let wrote = Input::Wrote { text, sense: Sense::Aside, at, channel: Channel::WhatsApp };
    ports.manager.entrust(&id, wrote, crate::ids::EntryId(1)).expect("it runs");
    tokio::time::sleep(Duration::from_millis(1)).await;
    dies(&ports, &id);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(ports.manager.shared.line(Line::take_held), []);
    let kept = shelf.conversation(&id).await.expect("it is read").expect("it is kept");
    assert_eq!(kept.uncollected.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["I am here."]);
}
