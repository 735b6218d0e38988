//! The order of things heard, from honest servers and from servers that send anything.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Milliseconds after the test's beginning.
fn at(ms: u64) -> Millis {
    Millis(1_000_000 + ms)
}

/// What came out, in short: `+1` started, `.1` stopped, `-1` nothing, `1:words`.
fn drain(transcript: &mut Transcript) -> String {
    let mut out = Vec::new();
    while let Some(heard) = transcript.next() {
        out.push(match heard {
            Heard::Started { stretch, .. } => format!("+{}", stretch.0),
            Heard::Stopped { stretch } => format!(".{}", stretch.0),
            Heard::Words { stretch, text, .. } => format!("{}:{text}", stretch.0),
            Heard::Nothing { stretch } => format!("-{}", stretch.0),
            Heard::BargedIn { .. } => continue,
            Heard::Failed(error) => panic!("{error}"),
        });
    }
    out.join(" ")
}

/// A script: `s A 100` speech of A started at position 100, `e A 200` ended, `c A` committed, `w A text` words,
/// `f A` failed, `lost`, `back 50`, `abandon`, `wait 500`.
fn play(script: &str) -> String {
    let (mut transcript, mut now) = (Transcript::default(), at(0));
    for line in script.split(';').map(str::trim) {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let number = |n: usize| words[n].parse::<u64>().unwrap();
        match words[0] {
            "s" => transcript.speech_started(words[1].to_owned(), number(2), at(number(2)), now),
            "e" => transcript.speech_stopped(words[1], number(2), now),
            "c" => transcript.committed(words[1], now),
            "w" => transcript.completed(words[1].to_owned(), words.get(2).unwrap_or(&""), at(7), now),
            "f" => transcript.failed(words[1].to_owned()),
            "lost" => transcript.socket_lost(),
            "back" => transcript.socket_back(number(1), now),
            "abandon" => transcript.abandon(),
            "wait" => {
                now = now + Duration::from_millis(number(1));
                transcript.expire(now);
            }
            other => panic!("{other}"),
        }
    }
    drain(&mut transcript)
}

#[test]
fn stretches_end_in_the_order_of_their_starts_whatever_the_server_does() {
    let cases = [
        ("one stretch", "s A 0; e A 9; c A; w A  hello ", "+1 .1 1:hello"),
        ("still spoken", "s A 0; wait 60000", "+1"),
        ("noise", "s A 0; e A 9; c A; w A   ", "+1 .1 -1"),
        ("failed", "s A 0; e A 9; c A; f A; f A; w A late", "+1 .1 -1"),
        ("finals out of order", "s A 0; e A 9; c A; s B 10; e B 19; c B; w B two; w A one", "+1 .1 +2 .2 1:one 2:two"),
        ("first lost", "s A 0; e A 9; c A; wait 5000; s B 10; e B 19; c B; w B two; wait 3000", "+1 .1 +2 .2 -1 2:two"),
        ("all repeated", "s A 0; s A 0; e A 9; e A 9; c A; c A; w A x; w A x; s A 0; c A; w A x", "+1 .1 1:x"),
        ("unknown items", "e A 9; c A; f B; wait 99000", ""),
        ("words without a start", "w A hello", "+1 1:hello"),
        ("words before the start", "w A hello; s A 0; e A 9; c A", "+1 1:hello"),
        ("no words, no start", "w A  ; s A 0; wait 99000", ""),
        ("words before the commit", "s A 0; w A hello; e A 9; c A", "+1 .1 1:hello"),
        ("no commit", "s A 0; e A 9; wait 9999", "+1 .1"),
        ("no commit, given up", "s A 0; e A 9; wait 10000", "+1 .1 -1"),
        ("no words, not yet given up", "s A 0; e A 9; c A; wait 7999", "+1 .1"),
        ("no words, given up", "s A 0; e A 9; c A; wait 8000", "+1 .1 -1"),
        ("words after they were given up", "s A 0; e A 9; c A; wait 8000; w A x; w A x", "+1 .1 -1 +2 2:x"),
        ("given up behind another", "s A 0; s B 5; c B; wait 8000; w B two; w A one", "+1 .1 +2 .2 1:one 2:two"),
        ("no end of speech", "s A 0; s B 10; wait 10000; w B two", "+1 .1 +2 -1 .2 2:two"),
        ("no end at all", "s A 0; wait 90000", "+1 -1"),
        ("abandoned", "s A 0; e A 9; s B 10; abandon", "+1 .1 +2 -1 -2"),
    ];
    for (what, script, want) in cases {
        assert_eq!(play(script), want, "{what}: {script}");
    }
}

#[test]
fn a_stretch_whose_socket_was_lost_goes_on_on_the_next_one() {
    let cases = [
        ("spoken on", "s A 100; lost; back 100; s X 100; e X 150; c X; w X hello", "+1 .1 1:hello"),
        ("heard again late", "s A 100; lost; wait 40000; back 100; s X 120; c X; w X hello", "+1 .1 1:hello"),
        ("being transcribed", "s A 100; e A 150; c A; lost; back 100; s X 101; e X 150; c X; w X one", "+1 .1 1:one"),
        (
            "two in flight",
            "s A 100; e A 150; c A; s B 160; lost; back 100; s X 99; e X 150; c X; s Y 160; e Y 190; w Y two; w X one",
            "+1 .1 +2 .2 1:one 2:two",
        ),
        (
            "two heard as one",
            "s A 100; e A 150; c A; s B 160; e B 190; lost; back 100; s X 100; e X 190; w X both",
            "+1 .1 +2 .2 1:both -2",
        ),
        ("not heard again", "s A 100; e A 150; lost; back 100; s X 150; w X new", "+1 .1 -1 +2 .2 2:new"),
        ("never heard again", "s A 100; e A 150; lost; back 100; wait 10000", "+1 .1 -1"),
        ("audio gone", "s A 100; e A 150; lost; back 150", "+1 .1 -1"),
        ("lost twice", "s A 100; lost; back 100; s X 100; lost; back 100; s Y 100; w Y hello", "+1 .1 1:hello"),
        ("old items mean nothing", "s A 100; lost; back 100; e A 120; c A; s X 100; w X x", "+1 .1 1:x"),
        ("never back", "s A 100; e A 150; lost; wait 90000", "+1 .1 -1"),
    ];
    for (what, script, want) in cases {
        assert_eq!(play(script), want, "{what}: {script}");
    }
}

#[test]
fn the_audio_that_is_needed_reaches_back_to_the_oldest_stretch_without_words() {
    let mut transcript = Transcript::default();
    assert_eq!((transcript.needed_from(), transcript.done_to()), (None, 0));
    transcript.speech_started("A".to_owned(), 100, at(0), at(0));
    transcript.speech_stopped("A", 150, at(0));
    transcript.speech_started("B".to_owned(), 160, at(0), at(0));
    transcript.speech_stopped("B", 190, at(0));
    transcript.completed("B".to_owned(), "two", at(0), at(0));
    assert_eq!((transcript.needed_from(), transcript.done_to()), (Some(100), 0));
    assert_eq!(transcript.settled().collect::<Vec<_>>(), [(160, 190)]);
    transcript.failed("A".to_owned());
    assert_eq!((transcript.needed_from(), transcript.done_to()), (None, 190));
}

#[test]
fn began_at_is_kept_over_a_lost_socket_and_over_being_given_up() {
    let mut transcript = Transcript::default();
    transcript.speech_started("A".to_owned(), 100, at(5), at(300));
    transcript.socket_lost();
    transcript.socket_back(100, at(400));
    transcript.speech_started("X".to_owned(), 100, at(450), at(460));
    transcript.committed("X", at(500));
    transcript.expire(at(9_000));
    transcript.completed("X".to_owned(), "hello", at(9_000), at(9_100));
    let began: Vec<Millis> = std::iter::from_fn(|| transcript.next())
        .filter_map(|heard| match heard {
            Heard::Started { began_at, .. } | Heard::Words { began_at, .. } => Some(began_at),
            _ => None,
        })
        .collect();
    assert_eq!(began, [at(5), at(5), at(5)]);
}

#[derive(Clone, Debug)]
enum Act {
    Start(u8, u64),
    Stop(u8, u64),
    Commit(u8),
    Words(u8, bool),
    Fail(u8),
    Lost,
    Back(u64),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let item = 0..12_u8;
    prop_oneof![
        4 => (item.clone(), 0..500_u64).prop_map(|(item, from)| Act::Start(item, from)),
        4 => (item.clone(), 0..500_u64).prop_map(|(item, to)| Act::Stop(item, to)),
        3 => item.clone().prop_map(Act::Commit),
        3 => (item.clone(), any::<bool>()).prop_map(|(item, blank)| Act::Words(item, blank)),
        1 => item.prop_map(Act::Fail),
        1 => Just(Act::Lost),
        1 => (0..500_u64).prop_map(Act::Back),
        2 => (0..12_000_u64).prop_map(Act::Wait),
    ]
}

/// Checks the port's promise over everything that came out; gives how many stretches have not ended.
fn open_after(heard: &[Heard]) -> usize {
    let (mut started, mut ended, mut stopped, mut texts) = (0, 0, HashSet::new(), HashSet::new());
    for one in heard {
        match one {
            Heard::Started { stretch, .. } => {
                started += 1;
                assert_eq!(stretch.0, started, "starts are counted: {heard:?}");
            }
            Heard::Stopped { stretch } => {
                assert!(stretch.0 <= started && stretch.0 > ended && stopped.insert(stretch.0), "{heard:?}");
            }
            Heard::Words { stretch, .. } | Heard::Nothing { stretch } => {
                ended += 1;
                assert_eq!(stretch.0, ended, "ends come once and in the order of the starts: {heard:?}");
                assert!(ended <= started, "no end before its start: {heard:?}");
                if let Heard::Words { text, .. } = one {
                    assert!(!text.is_empty() && texts.insert(text), "nothing twice: {heard:?}");
                }
            }
            Heard::BargedIn { .. } => assert!(started > ended, "nobody interrupts in silence: {heard:?}"),
            Heard::Failed(error) => panic!("{error}"),
        }
    }
    usize::try_from(started - ended).unwrap()
}

proptest! {
    #[test]
    fn any_events_keep_the_promise_and_leave_nothing_open(acts in proptest::collection::vec(act(), 0..120)) {
        let (mut transcript, mut now, mut heard) = (Transcript::default(), at(0), Vec::new());
        let name = |item: u8| format!("item_{item}");
        for act in acts {
            match act {
                Act::Start(item, from) => transcript.speech_started(name(item), from, now, now),
                Act::Stop(item, to) => transcript.speech_stopped(&name(item), to, now),
                Act::Commit(item) => transcript.committed(&name(item), now),
                Act::Words(item, blank) => {
                    let words = if blank { " ".to_owned() } else { format!("w{item}") };
                    transcript.completed(name(item), &words, now, now);
                }
                Act::Fail(item) => transcript.failed(name(item)),
                Act::Lost => transcript.socket_lost(),
                Act::Back(from) => transcript.socket_back(from, now),
                Act::Wait(ms) => {
                    now = now + Duration::from_millis(ms);
                    transcript.expire(now);
                }
            }
            heard.extend(std::iter::from_fn(|| transcript.next()));
            open_after(&heard);
        }
        let spoken = transcript.stretches.iter().any(|stretch| matches!(stretch.state, State::Open | State::Lost));
        transcript.expire(now + Duration::from_secs(10));
        heard.extend(std::iter::from_fn(|| transcript.next()));
        prop_assert!(spoken || open_after(&heard) == 0);
        transcript.expire(now + LONGEST);
        heard.extend(std::iter::from_fn(|| transcript.next()));
        prop_assert_eq!(open_after(&heard), 0);
        prop_assert_eq!(transcript.deadline(), None);
        prop_assert_eq!(transcript.needed_from(), None);
    }

    #[test]
    fn a_server_that_only_opens_stretches_is_bounded(count in 0..400_u64) {
        let mut transcript = Transcript::default();
        for n in 0..count {
            transcript.speech_started(format!("item_{n}"), n, at(n), at(n));
        }
        prop_assert!(transcript.stretches.len() <= MOST_OPEN);
        transcript.abandon();
        let heard: Vec<Heard> = std::iter::from_fn(|| transcript.next()).collect();
        prop_assert_eq!(open_after(&heard), 0);
    }
}
