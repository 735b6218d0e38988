//! Any inputs in any order: whatever happens, sound goes out in order and not too far ahead, and every utterance ends once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::audio::mulaw::{PER_MS, duration_of};
use crate::domain::media::MediaEvent;
use crate::domain::sweep::cases;

use super::phone::{Phone, Sent, byte_of};

/// One step of a story; utterances are counted back from the newest.
#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Say { interruptible: bool },
    Sound { ago: u64, bytes: usize },
    Whole(u64),
    Fails(u64),
    PersonSpeaks { ago: u64 },
    PersonPauses,
    Mark(u64, u64),
    Wake,
    Deaf(bool),
    Connects,
    Disconnects,
    Hush,
}

fn story(steps: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..400_u64).prop_map(Step::Pass),
        2 => (0..20_000_u64).prop_map(Step::Pass),
        3 => prop::bool::weighted(0.8).prop_map(|interruptible| Step::Say { interruptible }),
        8 => (0..3_u64, 0..9000_usize).prop_map(|(ago, bytes)| Step::Sound { ago, bytes }),
        2 => (0..3_u64, 0..80_000_usize).prop_map(|(ago, bytes)| Step::Sound { ago, bytes }),
        4 => (0..4_u64).prop_map(Step::Whole),
        1 => (0..4_u64).prop_map(Step::Fails),
        2 => (0..2000_u64).prop_map(|ago| Step::PersonSpeaks { ago }),
        2 => Just(Step::PersonPauses),
        1 => (0..10_u64, 0..60_u64).prop_map(|(generation, number)| Step::Mark(generation, number)),
        1 => Just(Step::Wake),
        1 => any::<bool>().prop_map(Step::Deaf),
        2 => Just(Step::Connects),
        1 => Just(Step::Disconnects),
        1 => Just(Step::Hush),
    ];
    prop::collection::vec(step, steps)
}

/// Which utterances were dropped before they had ended.
type Hushed = HashSet<u64>;

fn take(phone: &mut Phone, said: &mut u64, hushed: &mut Hushed, step: &Step) {
    let newest = *said;
    match *step {
        Step::Pass(millis) => _ = phone.at(phone.elapsed() + millis),
        Step::Say { interruptible } => {
            *said += 1;
            phone.say_text(*said, "Shall I deploy now?", interruptible);
        }
        Step::Sound { ago, bytes } => _ = phone.bytes(newest.saturating_sub(ago), bytes),
        Step::Whole(ago) => _ = phone.whole(newest.saturating_sub(ago)),
        Step::Fails(ago) => _ = phone.fails(newest.saturating_sub(ago)),
        Step::PersonSpeaks { ago } => {
            let began_at = phone.now - Duration::from_millis(ago);
            phone.playout.speech_started(phone.now);
            phone.playout.barged_in(began_at, phone.now);
            phone.pump();
        }
        Step::PersonPauses => _ = phone.person_pauses(),
        Step::Mark(generation, number) => _ = phone.mark(&format!("{generation}-{number}")),
        Step::Wake => {
            phone.playout.handle_timeout(phone.now);
            phone.pump();
        }
        Step::Deaf(deaf) => phone.deaf = deaf,
        Step::Connects => _ = phone.connects(),
        Step::Disconnects => _ = phone.disconnects(),
        Step::Hush => {
            hushed.extend((1..=newest).filter(|n| ends(phone, *n) == 0));
            phone.hush();
        }
    }
}

/// How often an utterance has ended.
fn ends(phone: &Phone, n: u64) -> usize {
    let ended = |(_, event): &&(u64, MediaEvent)| match event {
        MediaEvent::UtteranceEnded { utterance, .. } | MediaEvent::Interrupted { utterance, .. } => utterance.0 == n,
        _ => false,
    };
    phone.events.iter().filter(ended).count()
}

/// Reads what was written as the carrier does, and gives how far each utterance went out.
///
/// Each frame goes on where the last one ended; or begins a later utterance; or, on a new line, goes back to a mark.
fn read(phone: &Phone, said: u64) -> HashMap<u64, usize> {
    let mut gone: HashMap<u64, usize> = HashMap::new();
    let (mut utterance, mut next, mut marks) = (0, 0, Vec::new());
    let (mut plays_until, mut resumed) = (0, false);
    let mut ups = phone.ups.iter().peekable();
    for (at, (now, sent)) in phone.sent.iter().enumerate() {
        while ups.next_if(|up| **up <= at).is_some() {
            (plays_until, resumed) = (*now, true);
        }
        match sent {
            Sent::Clear => plays_until = *now,
            Sent::Mark(_) => marks.push(next),
            Sent::Audio(sound) => {
                let fits = |n, from| sound.iter().enumerate().all(|(at, byte)| *byte == byte_of(n, from + at));
                let back =
                    marks.iter().copied().chain([0]).find(|from| resumed && *from <= next && fits(utterance, *from));
                if let Some(from) = back {
                    next = from;
                } else if utterance == 0 || !fits(utterance, next) {
                    let newer = (utterance + 1..=said).find(|n| fits(*n, 0));
                    (utterance, next) = (newer.expect("sound that was made, in its place"), 0);
                    marks.clear();
                }
                next += sound.len();
                let reached = gone.entry(utterance).or_default();
                *reached = next.max(*reached);
                resumed = false;
                plays_until = plays_until.max(*now) + sound.len().div_ceil(PER_MS) as u64;
                assert!(sound.len() <= 800 && plays_until - now <= 5000, "{} ms ahead at {now} ms", plays_until - now);
            }
        }
    }
    gone
}

fn check(cases: u32, story: &impl Strategy<Value = Vec<Step>>) {
    let config = Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() };
    let tried = TestRunner::new(config).run(story, |steps| {
        let (mut phone, mut said, mut hushed) = (Phone::new(), 0, Hushed::new());
        for step in &steps {
            take(&mut phone, &mut said, &mut hushed, step);
        }
        phone.connects();
        for n in 1..=said {
            phone.whole(n);
        }
        for _ in 0..10_000 {
            if phone.playout.is_idle() {
                break;
            }
            phone.at(phone.elapsed() + 10_000);
        }
        assert!(phone.playout.is_idle() && phone.playout.next_deadline().is_none());
        for n in 1..=said {
            assert_eq!(ends(&phone, n), usize::from(!hushed.contains(&n)), "ends of utterance {n}");
        }
        let gone = read(&phone, said);
        for (_, event) in &phone.events {
            if let MediaEvent::UtteranceEnded { utterance, heard, failed } = event {
                let gone = gone.get(&utterance.0).copied().unwrap_or_default();
                assert_eq!(gone, phone.made(utterance.0), "what was made of {utterance:?} went out");
                assert_eq!(heard.heard, duration_of(gone));
                assert!(heard.heard <= heard.whole && (failed.is_some() || heard.is_whole()));
            }
        }
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

#[test]
fn whatever_happens_sound_goes_out_in_order_and_every_utterance_ends_once() {
    check(cases(64), &story(0..300));
}

#[test]
fn a_playout_to_which_ten_thousand_things_happen_is_no_exception() {
    check(cases(1), &story(10_000));
}
