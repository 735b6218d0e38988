//! Whose a session is.

use super::*;

#[test]
fn a_session_is_its_newest_owners() {
    let server = running(&[]);
    let owned = |n: u64, fence: u64, at: u64| {
        let owner = Owner { instance: "one".to_owned(), fence };
        Write::Session(Box::new(SessionRecord { kept_at: Millis(at), owner, ..session(n) }))
    };
    for (n, before, fence, is_kept) in [
        (1, 0, 0, true),
        (2, 0, 1, true),
        (3, 1, 1, true),
        (4, 1, 0, false),
        (5, 9, 10, true),
        (6, 10, 9, false),
        (7, u64::MAX - 1, u64::MAX, true),
        (8, u64::MAX, u64::MAX - 1, false),
        (9, (1 << 53) + 1, 1 << 53, false),
    ] {
        let mut backend = open(&server);
        let (of_it, beside) = (conversation(n, None), conversation(100 + n, None));
        let asked = RequestRecord { session: id(n), ..request(n) };
        backend.write(&[owned(n, before, 1)]).expect("durable");
        let list = [
            owned(n, fence, 2),
            Write::Conversation(Box::new(of_it.clone())),
            Write::Request(Box::new(asked.clone())),
            owned(100 + n, 5, 2),
            Write::Conversation(Box::new(beside.clone())),
        ];
        backend.write(&list).expect("the rest is durable");
        let left = backend.left().expect("it is read");
        let at = |n: u64| left.sessions.iter().find(|session| session.id == id(n)).map(|session| session.kept_at.0);
        assert_eq!((at(n), at(100 + n)), (Some(if is_kept { 2 } else { 1 }), Some(2)), "{before} {fence}");
        let talks = backend.conversations(999).expect("history");
        assert_eq!((talks.contains(&of_it), talks.contains(&beside)), (is_kept, true), "{before} {fence}");
        assert_eq!(left.requests.contains(&asked), is_kept, "{before} {fence}");
        // Nor does it come back to life.
        backend.write(&[Write::Ended(id(n))]).expect("durable");
        backend.write(&[owned(n, before.min(fence), 3)]).expect("there is nothing else");
        let left = backend.left().expect("it is read");
        let is_back = left.sessions.iter().any(|session| session.id == id(n));
        assert_eq!(is_back, before.min(fence) == before.max(fence), "{before} {fence}");
    }
}

#[test]
fn an_old_owners_last_words_on_a_session_count_no_more_than_its_others() {
    let server = running(&[]);
    let owned = |n: u64, fence: u64| {
        let owner = Owner { instance: "one".to_owned(), fence };
        Write::Session(Box::new(SessionRecord { owner, ..session(n) }))
    };
    let (newer, older) = (conversation(1, None), conversation(1, Some(Millis(3))));
    let asked = RequestRecord { session: id(1), ..request(1) };
    let beside = conversation(2, None);
    let words = [
        vec![Write::Conversation(Box::new(older.clone()))],
        vec![Write::Ended(id(1)), Write::Conversation(Box::new(older.clone()))],
        vec![Write::Request(Box::new(asked.clone()))],
        // The agent's, not the owner's.
        vec![Write::Delete(id(1))],
    ];
    for (n, words) in words.into_iter().enumerate() {
        let mut both = [open(&server), open(&server)];
        both[0].write(&[owned(1, 1)]).expect("durable");
        // It has its claim from what it has read.
        both[1].left().expect("it is read");
        both[1].write(&[owned(1, 2), Write::Conversation(Box::new(newer.clone()))]).expect("durable");
        let words: Vec<_> = words.into_iter().chain([Write::Conversation(Box::new(beside.clone()))]).collect();
        both[0].write(&words).expect("the rest is durable");
        let (left, talks) = (both[1].left().expect("it is read"), both[1].conversations(9).expect("history"));
        assert_eq!((left.sessions.len(), left.requests.len()), (1, 0), "{n}");
        assert_eq!((talks.contains(&newer), talks.contains(&beside)), (n < 3, true), "{n}");
        // The same words are the newer owner's to say.
        both[1].write(&words).expect("durable");
        assert_eq!(both[1].conversations(9).expect("history").contains(&newer), n == 2, "{n}");
        both[1].write(&[Write::Ended(id(1))]).expect("durable");
        cmd("FLUSHALL").exec(&mut raw(&server)).expect("it is empty");
    }
}
