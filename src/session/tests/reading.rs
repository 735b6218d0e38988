//! What is read at the carrier of texts, which now and then cannot be read.

use super::texts::Letters;
use super::*;
use crate::clock::Clock;
use crate::domain::messaging::{Author, MessagingClass, PastMessage};
use crate::ids::MessageId;
use crate::store::memory::MemoryStore;

#[tokio::test(start_paused = true)]
async fn the_window_is_looked_for_again_where_that_failed_and_may_yet_succeed() {
    for (class, is_known) in [(MessagingClass::Transient, true), (MessagingClass::Permanent, false)] {
        let letters = Arc::new(Letters::default());
        let store = Arc::new(MemoryStore::new(Duration::from_hours(48)));
        let ports = Ports::over(limits(), 1, store, Arc::clone(&letters), Millis(1_790_000_000_000));
        letters.receives(PastMessage {
            message: MessageId("IM-old".to_owned()),
            author: Author::Person(PersonText("Good night.".to_owned())),
            at: ports.clock.now() - Duration::from_hours(30),
        });
        letters.is_blind(class);
        let asked = ports.manager.write(text("Shall I deploy?"), Form::Free, None).expect("there is room");
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(letters.taken(), ["Shall I deploy?"], "{class:?}: it is sent all the same, and once");
        let say = |request| Input::Say { request, text: text("I begin.") };
        ports.manager.request(&asked.session, None, say).expect("it runs");
        tokio::time::sleep(Duration::from_secs(30)).await;
        let is_unknown = ports.manager.shared.read_line(|line, _| line.is_window_unknown());
        assert_eq!(!is_unknown, is_known, "{class:?}");
    }
}
