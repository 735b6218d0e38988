//! Two processes at one damaged file. A lock is an open file's, so that two backends stand for two processes.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::*;

/// When the second process comes by while the first is at the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    /// The first has opened the file, and not looked into it.
    BeforeTheLook,
    /// The first has found the damage, and not set the file aside.
    AfterTheLook,
}

/// A damaged file.
fn damaged() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path()).expect("a directory");
    fs::write(scratch.path().join(FILE), b"not a database".repeat(1_000)).expect("our own file");
    scratch
}

/// A process that meets another one at the file, once: that one opens the file whole and keeps a conversation.
fn meeting(scratch: &Scratch, comes: Comes) -> (Embedded, Arc<Mutex<Option<Embedded>>>) {
    let (other, path) = (Arc::<Mutex<Option<Embedded>>>::default(), scratch.path());
    let (into, came) = (Arc::clone(&other), AtomicBool::new(false));
    let put_on: PutOn = Box::new(move |builder, file| {
        let create = |file| builder.create_with_backend(FileBackend::new(file)?);
        let comes_by = || {
            if !came.swap(true, Ordering::SeqCst) {
                let mut other = Embedded::new(path.clone());
                other.open().expect("it begins a new one");
                other.write(&[talk(2)]).expect("durable");
                *into.lock().expect("no panic holds it") = Some(other);
            }
        };
        if comes == Comes::BeforeTheLook {
            comes_by();
            return create(file);
        }
        let created = create(file);
        comes_by();
        created
    });
    (Embedded { put_on, ..Embedded::new(scratch.path()) }, other)
}

#[test]
fn of_two_processes_at_a_damaged_file_one_begins_a_new_one_and_the_other_waits_for_it() {
    for comes in [Comes::BeforeTheLook, Comes::AfterTheLook] {
        let scratch = damaged();
        let (mut first, second) = meeting(&scratch, comes);
        assert_eq!(first.open(), Err(OpenError::Locked), "{comes:?}");
        assert_eq!(set_aside(&scratch), 1, "{comes:?}: what the other has begun stays where it is");
        let mut other = second.lock().expect("no panic holds it").take().expect("it came by");
        other.write(&[talk(3)]).expect("durable");
        assert_eq!(first.open(), Err(OpenError::Locked), "{comes:?}");
        drop(other);
        first.open().expect("it is free");
        first.write(&[talk(4)]).expect("durable");
        assert_eq!(first.conversations(9).expect("history").len(), 3, "{comes:?}");
        assert_eq!(set_aside(&scratch), 1, "{comes:?}");
    }
}

#[test]
fn what_another_process_began_instead_of_the_damaged_file_and_left_again_is_taken_over() {
    for comes in [Comes::BeforeTheLook, Comes::AfterTheLook] {
        let scratch = damaged();
        let (Embedded { put_on, .. }, other) = meeting(&scratch, comes);
        let put_on: PutOn = Box::new(move |builder, file| {
            let created = put_on(builder, file);
            // It has ended by now.
            drop(other.lock().expect("no panic holds it").take());
            created
        });
        let mut first = Embedded { put_on, ..Embedded::new(scratch.path()) };
        first.open().expect("it is whole");
        assert_eq!(first.conversations(9).expect("history"), [conversation(2, None)], "{comes:?}");
        assert_eq!(set_aside(&scratch), 1, "{comes:?}");
    }
}

#[test]
fn a_file_that_was_set_aside_before_it_was_locked_is_not_written_to() {
    let scratch = Scratch::new();
    let (path, moved) = (scratch.path(), AtomicBool::new(false));
    let put_on: PutOn = Box::new(move |builder, file| {
        if !moved.swap(true, Ordering::SeqCst) {
            fs::rename(path.join(FILE), path.join("callme.redb.damaged-1")).expect("our own file");
        }
        builder.create_with_backend(FileBackend::new(file)?)
    });
    let mut backend = Embedded { put_on, ..Embedded::new(scratch.path()) };
    assert_eq!(backend.open(), Err(OpenError::Locked));
    backend.open().expect("it begins a new one");
    backend.write(&[talk(1)]).expect("durable");
    drop(backend);
    let mut next = Embedded::new(scratch.path());
    next.open().expect("it is free");
    assert_eq!(next.conversations(9).expect("history").len(), 1);
}

#[test]
fn however_many_processes_begin_at_a_damaged_file_it_is_set_aside_once_and_nothing_after_it_is_lost() {
    const PROCESSES: u64 = 4;
    for round in 0..10 {
        let scratch = damaged();
        std::thread::scope(|scope| {
            for n in 1..=PROCESSES {
                let path = scratch.path();
                scope.spawn(move || {
                    let mut backend = Embedded::new(path);
                    while backend.open().is_err() {
                        std::thread::yield_now();
                    }
                    backend.write(&[talk(n)]).expect("durable");
                });
            }
        });
        let mut last = Embedded::new(scratch.path());
        last.open().expect("it is free");
        assert_eq!(last.conversations(9).expect("history").len() as u64, PROCESSES, "round {round}");
        assert_eq!(set_aside(&scratch), 1, "round {round}");
    }
}
