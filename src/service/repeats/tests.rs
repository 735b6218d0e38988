//! Repeats of what has been deleted.

use super::*;
use crate::domain::outcome::{Channel, MessageHeard, Outcome};
use crate::domain::session::{Answer, Failure, Reply, Said};
use crate::domain::text::PersonText;
use crate::ids::RequestId;

const WORDS: &str = "Yes, deploy it.";

fn session(n: u64) -> SessionId {
    SessionId::parse(&format!("call-{n}-{n}")).expect("a valid id")
}

/// A request of another process, in the session of its number, that was answered so.
fn asked(n: u64, body: Body) -> Recalled {
    let heard = MessageHeard::Partial("Shall I".to_owned());
    let answer = Answer { body, outcome: Outcome { message_heard: heard, ..Outcome::default() } };
    let given = Given { answer, at: Millis(100), channel: Channel::Voice, contact: None };
    recalled(RequestRecord {
        key: RequestKey(n.to_string()),
        request: RequestId(n),
        session: session(n),
        content: String::new(),
        keyed: true,
        begun_at: Millis(1),
        answer: Some(given),
        collected: true,
        deleted: false,
    })
}

/// As the next process gets it.
fn recalled(record: RequestRecord) -> Recalled {
    let given = record.answer.clone().map(Delivered::from).expect("it was answered");
    let pending = Pending::answered(record.session.clone(), record.request, given);
    Recalled { record, pending }
}

fn said() -> Vec<Said> {
    vec![Said { text: PersonText(WORDS.to_owned()), at: Millis(50), channel: Channel::Voice }]
}

fn joins(repeats: &mut Repeats, n: u64) -> Begun {
    let name = RequestName { key: RequestKey(n.to_string()), content: String::new(), keyed: true };
    match repeats.join(name, Millis(200), |_| Err(())) {
        Joined::Begun(begun) => begun,
        Joined::Mismatch | Joined::Refused(()) => panic!("it would be done again"),
    }
}

#[test]
fn what_is_deleted_leaves_no_word_and_is_not_done_again_in_this_process_or_the_next() {
    let reply = Body::Reply(Reply { words: said(), earlier: said(), interrupted: false });
    let mut repeats = Repeats::default();
    repeats.recall(asked(1, reply.clone()), Millis(200));
    repeats.recall(asked(2, Body::Failed { failure: Failure::CallEnded, said: said() }), Millis(200));
    repeats.recall(asked(3, reply), Millis(200));
    let kept = repeats.delete(|id| *id != session(3));
    assert_eq!(kept.len(), 2);
    let mut next = Repeats::default();
    for record in kept {
        let answer = record.answer.as_ref().expect("there was one");
        let Body::Failed { said, .. } = &answer.answer.body else { panic!("{answer:?}") };
        assert_eq!((said.len(), &answer.answer.outcome.message_heard), (0, &MessageHeard::Partial(String::new())));
        next.recall(recalled(record), Millis(200));
    }
    for repeats in [&mut repeats, &mut next] {
        for (n, is_deleted) in [(1, true), (2, false)] {
            let begun = joins(repeats, n);
            let given = begun.pending.given().expect("it was answered");
            assert!(matches!(&given.answer.body, Body::Failed { said, .. } if said.is_empty()), "{given:?}");
            assert_eq!(begun.is_deleted(), is_deleted);
        }
    }
    let other = joins(&mut repeats, 3);
    assert!(
        matches!(other.pending.given().expect("it was answered").answer.body, Body::Reply(_)) && !other.is_deleted()
    );
}
