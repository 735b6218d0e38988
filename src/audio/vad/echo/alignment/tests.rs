use super::*;

/// A course of levels that is like speech and never repeats: syllables of 60 to 180 ms with pauses between.
fn course(seed: u32, frames: usize) -> Vec<f32> {
    let mut levels = Vec::new();
    let mut state = seed;
    let mut draw = |of: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % of
    };
    while levels.len() < frames {
        let loud = -24.0 + f32::from(u16::try_from(draw(12)).unwrap());
        levels.extend(std::iter::repeat_n(loud, 3 + draw(6) as usize));
        levels.extend(std::iter::repeat_n(-60.0, 1 + draw(4) as usize));
    }
    levels.truncate(frames);
    levels
}

/// We play `ours`; the line has the most of -70 dB, the echo, and what else there is in it (all of which is speech).
fn play(alignment: &mut Alignment, ours: &[f32], from: usize, delay: usize, gain: f32, person: f32) {
    for n in from..ours.len() {
        alignment.we_play(ours[n]);
        let echo = n.checked_sub(delay).map_or(SILENCE, |then| ours[then] + gain);
        let level = echo.max(person).max(-70.0);
        let loudest = max(&ours[n.saturating_sub(DELAYS)..=n]);
        let speech = if alignment.bound(loudest).is_some_and(|bound| level > bound) { 1.0 } else { 0.0 };
        alignment.take(level, speech, false, loudest);
    }
}

#[test]
fn delay_and_gain_are_known_after_two_seconds_of_us() {
    for delay in [0, 1, 7, 20, 39] {
        for gain in [-20.0, -35.0] {
            let ours = course(5, 100 + delay);
            let mut alignment = Alignment::default();
            play(&mut alignment, &ours, 0, delay, gain, SILENCE);
            let Some(found) = alignment.found else { panic!("{delay} {gain}: {:?}", alignment.likeness) };
            assert_eq!(found.delay, delay, "at {gain} dB");
            // A frame more of ours may be in each: what is shown can be softer than what came.
            assert!((found.gain - gain).abs() < 0.01, "{delay}: {} is not {gain}", found.gain);
            let least = -13.0 - FILLS + gain + MARGIN;
            let bound = alignment.bound(-13.0).unwrap();
            assert!((least..=-13.0 + gain + MARGIN).contains(&bound), "{bound}");
        }
    }
}

#[test]
fn nothing_is_known_of_a_line_that_goes_its_own_way() {
    let ours = course(5, 500);
    let theirs = course(77, 500);
    let others: [(&str, &dyn Fn(usize) -> f32); 3] = [
        ("noise", &|_| -50.0),
        ("uneven noise", &|n| -50.0 + [0.0, 0.7, -0.9, 0.3][n % 4]),
        ("speech", &|n| theirs[n]),
    ];
    for (name, line) in others {
        let mut alignment = Alignment::default();
        for (n, &level) in ours.iter().enumerate() {
            alignment.we_play(level);
            alignment.take(line(n), 0.0, false, -13.0);
            assert!(alignment.found.is_none(), "{name} at {n}: {:?}", alignment.found);
        }
        assert!(alignment.is_other());
    }
}

#[test]
fn nothing_is_learned_from_the_person_nor_from_our_silence() {
    for (person, loudest) in [(true, -13.0), (false, SILENCE)] {
        let mut alignment = Alignment::default();
        for &level in &course(5, 300) {
            alignment.we_play(level);
            alignment.take(level - 20.0, 0.0, person, loudest);
        }
        assert!(alignment.found.is_none());
    }
}

#[test]
fn louder_than_the_echo_is_somebody_else() {
    let ours = course(5, 220);
    let mut alignment = Alignment::default();
    play(&mut alignment, &ours[..215], 0, 9, -20.0, SILENCE);
    assert!(!alignment.is_other(), "nobody has spoken");
    play(&mut alignment, &ours, 215, 9, -20.0, -22.0);
    assert!(alignment.is_other());
}

#[test]
fn an_echo_whose_delay_has_changed_is_nobody_and_soon_not_known() {
    for delay in [8, 12, 14, 18] {
        let ours = course(5, 300);
        let mut alignment = Alignment::default();
        play(&mut alignment, &ours[..200], 0, 10, -20.0, SILENCE);
        for n in 201..=300 {
            play(&mut alignment, &ours[..n], n - 1, delay, -20.0, SILENCE);
            assert!(alignment.found.is_none() || !alignment.is_other(), "{delay}: believed at {n}");
        }
        let doubts: Vec<bool> = (0..4).map(|_| alignment.doubt()).collect();
        assert_eq!(doubts, [false, false, false, true], "{delay}");
        assert!(alignment.found.is_none() && alignment.is_other(), "{delay}: all is forgotten");
    }
}
