use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::emulator::Voice;
use crate::emulator::voice::Speaker;

/// Somebody who speaks twice, with a second of silence around it.
static TALK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let say = |text| runtime.block_on(Voice::babble().say_ulaw(Speaker::Person, text));
    let pause = [mulaw::SILENCE; mulaw::RATE];
    [&pause, &*say("No, wait until the review is done"), &pause, &*say("then you may go on"), &pause].concat()
});

fn hear_all<'a>(settings: Settings, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let (mut vad, mut events, mut given) = (Vad::new(settings), Vec::new(), 0);
    for piece in pieces {
        vad.hear(piece, |event| events.push(event));
        given += piece.len() as u64;
        assert_eq!(vad.heard(), given);
    }
    vad.finish(|event| events.push(event));
    events
}

/// What holds of all events, whatever was heard.
#[track_caller]
fn assert_sound(events: &[Event], heard: usize) {
    let (mut open, mut last) = (None, 0);
    for &event in events {
        match event {
            Event::Started { from, began } => {
                assert!(open.is_none() && last <= from && from <= began, "{events:?}");
                assert!(began - from <= PRE_ROLL as u64, "{events:?}");
                open = Some(began);
            }
            Event::BargedIn { began } => assert!(open.is_some_and(|open| open <= began), "{events:?}"),
            Event::Ended { ended } => {
                assert!(open.take().is_some_and(|began| began < ended), "{events:?}");
                last = ended;
            }
        }
    }
    assert!(open.is_none() && last <= heard as u64, "{events:?}");
}

/// A line on which somebody talks, breaks off, and what else can be in bytes.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (any::<proptest::sample::Index>(), 1..12_000_usize).prop_map(|(begin, length)| {
            let begin = begin.index(TALK.len());
            TALK[begin..(begin + length).min(TALK.len())].to_vec()
        }),
        proptest::collection::vec(any::<u8>(), 0..3_000),
        (any::<u8>(), 0..9_000_usize).prop_map(|(code, length)| vec![code; length]),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_heard_starts_and_ends_alternate_and_places_go_on(
        line in line(),
        silence in 0..2_000_u64,
        barge_in in 0..500_u64,
        ours in proptest::collection::vec(proptest::option::of(-60.0..0.0_f32), 1..20),
    ) {
        let settings =
            Settings { silence: Duration::from_millis(silence), barge_in: Duration::from_millis(barge_in) };
        let (mut vad, mut events) = (Vad::new(settings), Vec::new());
        for (piece, ours) in line.chunks(line.len() / ours.len() + 1).zip(&ours) {
            vad.we_play(ours.map(Loudness::from_db));
            vad.hear(piece, |event| events.push(event));
        }
        vad.finish(|event| events.push(event));
        assert_sound(&events, line.len());
    }

    #[test]
    fn how_the_line_is_cut_changes_nothing(
        line in line(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(line.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(line.len());
        let mut begin = 0;
        let pieces = cuts.iter().map(|&end| &line[std::mem::replace(&mut begin, end)..end]);
        let whole = hear_all(Settings::default(), [line.as_slice()]);
        prop_assert_eq!(hear_all(Settings::default(), pieces), whole);
    }
}

#[test]
fn single_bytes_and_frames_give_the_same_events() {
    let frames = hear_all(Settings::default(), TALK.chunks(FRAME));
    assert_eq!(frames.len(), 4, "{frames:?}");
    assert_eq!(hear_all(Settings::default(), TALK.chunks(1)), frames);
    assert_eq!(hear_all(Settings::default(), TALK.chunks(333)), frames);
}

#[test]
fn a_stretch_ends_as_soon_as_the_silence_asked_for_has_passed() {
    for millis in [100, 300, 800, 1_500] {
        let silence = Duration::from_millis(millis);
        let mut vad = Vad::new(Settings { silence, ..Settings::default() });
        let (mut at, mut ends) = (0, Vec::new());
        for frame in TALK.chunks(FRAME) {
            at += frame.len() as u64;
            vad.hear(frame, |event| {
                if let Event::Ended { ended } = event {
                    ends.push(at - ended);
                }
            });
        }
        // A pause of a second parts the two sentences; a silence of 1.5 s never comes.
        let least = if millis > 1_000 { 0 } else { 2 };
        assert!(ends.len() >= least, "{millis}: {ends:?}");
        for end in ends {
            assert!((samples(millis)..samples(millis + 20)).contains(&end), "{millis}: after {end}");
        }
    }
}

#[test]
fn the_onset_comes_with_its_pre_roll_and_nothing_belongs_to_two_stretches() {
    let settings = Settings { silence: Duration::from_millis(800), ..Settings::default() };
    let events = hear_all(settings, [TALK.as_slice()]);
    let [Event::Started { from, began }, Event::Ended { .. }, Event::Started { from: again, .. }, _] = events[..]
    else {
        panic!("{events:?}")
    };
    assert!(began.abs_diff(mulaw::RATE as u64) < samples(40), "{events:?}");
    assert_eq!(began - from, PRE_ROLL as u64);
    // The first stretch was closed 800 ms after its end; of the second's pre-roll only the rest of the pause is left.
    let mut vad = Vad::new(settings);
    let mut closed = 0;
    for frame in TALK.chunks(FRAME) {
        let at = vad.heard() + FRAME as u64;
        vad.hear(frame, |event| {
            if closed == 0 && matches!(event, Event::Ended { .. }) {
                closed = at;
            }
        });
    }
    assert!(again >= closed && closed > 0, "{again} {closed}");
}

/// Where the line stood at each barge-in, and where its run had begun, when we are audible `from..to` milliseconds.
fn barge_ins(audible: std::ops::Range<u64>, barge_in: u64) -> Vec<(u64, u64)> {
    let mut vad = Vad::new(Settings { barge_in: Duration::from_millis(barge_in), ..Settings::default() });
    let mut found = Vec::new();
    for frame in TALK.chunks(FRAME) {
        let ours = audible.contains(&(vad.heard() / 8)).then(|| Loudness::from_db(-30.0));
        vad.we_play(ours);
        let at = vad.heard() / 8 + 20;
        vad.hear(frame, |event| {
            if let Event::BargedIn { began } = event {
                found.push((at, began / 8));
            }
        });
    }
    found
}

#[test]
fn who_speaks_while_we_are_audible_interrupts_after_the_time_asked_for() {
    for millis in [0, 200, 400] {
        let found = barge_ins(0..1_900, millis);
        let &[(at, began)] = found.as_slice() else { panic!("{millis}: {found:?}") };
        assert!(began.abs_diff(1_000) <= 40, "{millis}: {found:?}");
        assert!(at >= began + millis && at <= 1_000 + millis.max(200) + 100, "{millis}: {found:?}");
    }
    assert_eq!(barge_ins(0..0, 200), [], "nobody is interrupted while we are silent");
    assert_eq!(barge_ins(0..900, 200), [], "or was, before they spoke");
}

#[test]
fn who_spoke_before_we_began_interrupts_when_they_go_on_for_as_long() {
    let found = barge_ins(1_500..2_500, 200);
    let &[(at, _), ..] = found.as_slice() else { panic!("{found:?}") };
    assert!((1_700..1_900).contains(&at), "{found:?}");
}

#[test]
fn our_own_voice_at_20_db_below_is_nobody_s() {
    let mut pcm = Vec::new();
    mulaw::decode(&TALK, &mut pcm);
    let soft: Vec<i16> = pcm.iter().map(|sample| sample / 10).collect();
    let mut echo = Vec::new();
    mulaw::encode(&soft, &mut echo);
    let with = |ours: bool| {
        let (mut vad, mut events) = (Vad::new(Settings::default()), Vec::new());
        for (far, near) in TALK.chunks(FRAME).zip(echo.chunks(FRAME)) {
            vad.we_play(ours.then(|| Loudness::of(far)));
            vad.hear(near, |event| events.push(event));
        }
        events
    };
    assert_eq!(with(true), []);
    assert!(!with(false).is_empty(), "it is speech, though");
}

#[test]
fn a_line_that_goes_ends_what_was_said_and_the_next_is_heard_as_well() {
    let (mut vad, mut events) = (Vad::new(Settings::default()), Vec::new());
    vad.hear(&TALK[..14_000], |event| events.push(event));
    assert!(matches!(events[..], [Event::Started { .. }]), "{events:?}");
    vad.finish(|event| events.push(event));
    vad.finish(|event| events.push(event));
    assert!(matches!(events[..], [_, Event::Ended { .. }]), "{events:?}");
    vad.hear(&TALK, |event| events.push(event));
    vad.finish(|event| events.push(event));
    assert_eq!(events.len(), 6, "{events:?}");
    assert_sound(&events, 14_000 + TALK.len());
}

#[test]
fn it_is_small_and_has_nothing_on_the_heap() {
    assert!(!std::mem::needs_drop::<Vad>());
    assert!(size_of::<Vad>() <= 8 * 1024, "{}", size_of::<Vad>());
}

#[test]
fn loudness_is_that_of_the_samples() {
    for (amplitude, want) in [(32_124_i16, -0.17), (8_031, -12.2), (804, -32.2), (0, -96.0)] {
        let mut ulaw = Vec::new();
        mulaw::encode(&[amplitude, -amplitude].repeat(80), &mut ulaw);
        let db = Loudness::of(&ulaw).db();
        // A code of µ-law is up to 2 % off its sample.
        assert!((db - want).abs() < 0.2, "{amplitude}: {db}");
    }
    assert!((Loudness::of(&[]).db() - -96.0).abs() < f32::EPSILON);
    assert!((Loudness::from_db(3.0).db() - 0.0).abs() < f32::EPSILON);
}
