//! Streams that are shuffled, repeated and thinned out, and counters that lie.

use proptest::prelude::*;

use super::*;

/// Bytes of a frame here.
const LENGTH: usize = 2;

/// The frame of a place: two bytes that are it.
fn frame(place: u64) -> [u8; LENGTH] {
    u16::try_from(place).expect("a test's stream is short").to_be_bytes()
}

/// What comes out of these frames: places, `None` for a frame of silence; and what went wrong.
fn out(places: &[u64]) -> (Vec<Option<u64>>, Faults) {
    let (mut order, mut got) = (InOrder::default(), Vec::new());
    let mut take = |piece: Piece<'_>| match piece {
        Piece::Sound(sound) => got.push(Some(u64::from(u16::from_be_bytes(sound.try_into().expect("two bytes"))))),
        Piece::Silence(bytes) => got.extend(std::iter::repeat_n(None, bytes / LENGTH)),
    };
    for place in places {
        order.take(*place, &frame(*place), &mut take);
        assert!(order.waiting.len() <= MOST_WAITING, "{places:?}");
    }
    order.end(&mut take);
    (got, order.take_faults())
}

fn sounds(places: impl IntoIterator<Item = u64>) -> Vec<Option<u64>> {
    places.into_iter().map(Some).collect()
}

#[test]
fn what_overtook_waits_and_what_is_lost_is_silence() {
    let faults = |lost, late| Faults { lost, late };
    for (places, want, wrong) in [
        (&[1, 2, 3][..], sounds([1, 2, 3]), faults(0, 0)),
        (&[3, 1, 2], sounds([1, 2, 3]), faults(0, 0)),
        (&[1, 1, 2, 2, 1, 3], sounds([1, 2, 3]), faults(0, 3)),
        // Counted from 0, as some do.
        (&[0, 1, 2], sounds([0, 1, 2]), faults(0, 0)),
        (&[1, 4, 4, 2, 3], sounds([1, 2, 3, 4]), faults(0, 1)),
        // Five wait for the second; with the sixth it is given up, and comes too late.
        (&[1, 3, 4, 5, 6, 7, 2], sounds(1..=7), faults(0, 0)),
        (&[1, 3, 4, 5, 6, 7, 8, 2], [sounds([1]), vec![None], sounds(3..=8)].concat(), faults(1, 1)),
        (&[1, 4, 5], [sounds([1]), vec![None; 2], sounds([4, 5])].concat(), faults(2, 0)),
        // A stream that is joined late has lost nothing that was ours.
        (&[900, 901], sounds([900, 901]), faults(0, 0)),
        // A leap is not filled up.
        (&[1, 2, 500, 501], sounds([1, 2, 500, 501]), faults(497, 0)),
    ] {
        assert_eq!(out(places), (want, wrong), "{places:?}");
    }
}

#[test]
fn a_counter_that_begins_anew_costs_half_a_second_and_no_more() {
    let places: Vec<u64> = (1..=100).chain(1..=100).collect();
    let (got, faults) = out(&places);
    assert_eq!(got, sounds((1..=100).chain(25..=100)));
    assert_eq!(faults, Faults { lost: 0, late: 25 });
}

#[test]
fn frames_that_are_lost_were_as_long_as_their_neighbours() {
    let (mut order, mut bytes) = (InOrder::default(), Vec::new());
    for (place, length) in [(1, 80), (3, 80), (4, 80)] {
        order.take(place, &vec![7; length], |piece| match piece {
            Piece::Sound(sound) => bytes.push(sound.len()),
            Piece::Silence(length) => bytes.push(length),
        });
    }
    order.end(|piece| bytes.push(if let Piece::Silence(length) = piece { length } else { 1 }));
    assert_eq!(bytes, [80, 80, 1, 1]);
}

/// A stream as it may come: each frame late by up to [`MOST_WAITING`] places, one in twenty lost, one in ten twice.
fn delivered() -> impl Strategy<Value = (u64, Vec<u64>)> {
    let late = 0..=MOST_WAITING as u64;
    let fate = (late.clone(), 0..20_u8, 0..10_u8, late);
    prop::collection::vec(fate, 1..300).prop_map(|fates| {
        let mut sent = Vec::new();
        for (place, (late, lost, twice, later)) in (1..).zip(&fates) {
            if *lost > 0 {
                sent.push((place + late, place));
            }
            if *lost > 0 && *twice == 0 {
                sent.push((place + late + later, place));
            }
        }
        // In the order of their arrival; those of one moment as they were sent.
        sent.sort_by_key(|(arrives, _)| *arrives);
        (fates.len() as u64, sent.into_iter().map(|(_, place)| place).collect())
    })
}

proptest! {
    #[test]
    fn order_is_restored_and_nothing_is_heard_twice((_, places) in delivered()) {
        let (got, faults) = out(&places);
        let last = places.iter().max().copied().unwrap_or_default();
        let want: Vec<Option<u64>> = (1..=last).map(|place| places.contains(&place).then_some(place)).collect();
        let lost = want.iter().filter(|place| place.is_none()).count() as u64;
        prop_assert_eq!(&got, &want);
        prop_assert_eq!(faults.lost, lost);
        let came = got.iter().flatten().count() as u64;
        prop_assert_eq!(faults.late, places.len() as u64 - came);
    }

    #[test]
    fn whatever_is_counted_it_ends_and_no_frame_is_long_held(places in prop::collection::vec(any::<u64>(), 0..200)) {
        let (mut order, mut sound) = (InOrder::default(), 0);
        for place in &places {
            order.take(*place, &[0; LENGTH], |piece| if let Piece::Sound(_) = piece { sound += 1 });
            prop_assert!(order.waiting.len() <= MOST_WAITING);
        }
        order.end(|piece| if let Piece::Sound(_) = piece { sound += 1 });
        prop_assert!(sound <= places.len());
    }
}

#[test]
fn who_counts_by_more_than_one_is_not_filled_up_without_end() {
    let places: Vec<u64> = (0..1000).map(|n| 1 + n * 40).collect();
    let (got, _) = out(&places);
    let filled = got.iter().filter(|place| place.is_none()).count();
    assert!(filled <= 1000 + 50, "as long as what came, and a second: {filled}");
    assert_eq!(got.len() - filled, 1000, "and all that came comes out");
}
