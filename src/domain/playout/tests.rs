//! The playout machine, scenario by scenario.

mod phone;
mod random;

use std::time::Duration;

use super::MarkName;
use crate::domain::media::MediaEvent;
use crate::domain::outcome::MessageHeard;
use crate::ids::UtteranceId;
use phone::{Phone, START, Sent, byte_of};

#[test]
fn sound_goes_out_in_frames_of_100_ms_and_never_more_than_5_s_ahead() {
    let mut phone = Phone::up();
    phone.say(1).sound(1, 12_000).whole(1);
    assert_eq!(phone.sent_millis(), 5000, "at once as much as may be");
    while phone.told().is_empty() {
        let elapsed = phone.elapsed() + 1;
        phone.at(elapsed);
        let ahead = phone.sent_millis().saturating_sub(elapsed);
        assert!(ahead <= 5000, "{ahead} ms ahead at {elapsed} ms");
        assert!(elapsed + 4900 > 12_000 || ahead >= 4900, "{ahead} ms ahead at {elapsed} ms");
    }
    assert_eq!(phone.frames(), vec![800; 120]);
    assert_eq!(phone.told(), ["12000: 1 ended, 12000 of 12000"]);
}

#[test]
fn the_last_frame_is_what_is_left() {
    let mut phone = Phone::new();
    phone.say(1).bytes(1, 1903);
    phone.whole(1).connects();
    assert_eq!(phone.frames(), [800, 800, 303]);
}

#[test]
fn the_first_sound_goes_out_at_once_and_a_starving_ear_gets_what_there_is() {
    let mut phone = Phone::up();
    phone.say(1).sound(1, 19);
    assert!(phone.frames().is_empty(), "a carrier takes no less than 20 ms");
    phone.sound(1, 1);
    assert_eq!((phone.frames(), phone.began()), (vec![160], vec![(0, 1)]));
    phone.sound(1, 55);
    assert_eq!(phone.frames(), [160, 320], "in whole 20 ms");
    phone.sound(1, 145);
    assert_eq!(phone.frames(), [160, 320, 800, 480], "220 ms ahead, with nothing left to send");
    phone.sound(1, 60);
    assert_eq!(phone.sent_millis(), 220, "enough ahead to wait for a frame");
    phone.sound(1, 40);
    assert_eq!(phone.sent_millis(), 320);
    phone.sound(1, 60).at(119);
    assert_eq!(phone.sent_millis(), 320);
    phone.at(120);
    assert_eq!((phone.sent_millis(), phone.playout.take_gaps()), (380, 0));
}

#[test]
fn a_mark_follows_each_second_and_the_end() {
    for (millis, marks) in
        [(50, vec![50]), (900, vec![900]), (1000, vec![1000]), (2000, vec![1000, 2000]), (2550, vec![1000, 2000, 2550])]
    {
        let mut phone = Phone::up();
        phone.say(1).sound(1, millis).whole(1);
        assert_eq!(phone.marks(), marks, "{millis} ms");
    }
    let mut late = Phone::up();
    late.say(1).sound(1, 1500).at(2000);
    assert_eq!(late.marks(), [1000]);
    late.whole(1);
    assert_eq!(late.marks(), [1000, 1500], "the end became known after the sound was gone");
}

#[test]
fn an_utterance_is_over_when_its_last_mark_is_back() {
    let mut phone = Phone::up();
    phone.say(1).say(2).sound(1, 2000).sound(2, 1000).whole(2).whole(1).at(1999);
    assert!(phone.told().is_empty());
    assert_eq!(phone.began(), [(0, 1)], "one at a time");
    phone.at(9000);
    assert_eq!(phone.told(), ["2000: 1 ended, 2000 of 2000", "3000: 2 ended, 1000 of 1000"]);
    assert!(phone.playout.is_idle() && phone.playout.next_deadline().is_none());
}

#[test]
fn when_marks_get_lost_it_is_over_by_the_clock() {
    let mut phone = Phone::up();
    phone.deaf = true;
    phone.say(1).sound(1, 2000).whole(1).at(3499);
    assert!(phone.told().is_empty());
    phone.at(3500);
    assert_eq!(phone.told(), ["3500: 1 ended, 2000 of 2000"]);
    // The lost marks arrive after all, in the next utterance.
    phone.say(2).sound(2, 3000).whole(2).mark("0-1").mark("0-2").at(6000);
    assert_eq!(phone.told().len(), 1);
}

#[test]
fn small_pieces_do_not_bring_the_computed_end_forward() {
    let mut phone = Phone::up();
    phone.deaf = true;
    phone.say(1);
    for piece in 0..1000 {
        phone.at(piece * 20);
        // 20 ms and a little: what would be a fraction of a millisecond each time must not add up.
        phone.bytes(1, if piece % 2 == 0 { 167 } else { 153 });
    }
    phone.whole(1).at(21_499);
    assert!(phone.told().is_empty());
    phone.at(21_600);
    assert_eq!(phone.told().len(), 1);
}

#[test]
fn speaking_up_cuts_what_plays_at_once() {
    let mut phone = Phone::speaking(8000);
    phone.say(2).sound(2, 500).at(2550);
    let before = phone.sent.len();
    phone.person_speaks();
    assert_eq!(phone.sent[before..], [(2550, Sent::Clear)], "and nothing of it follows");
    assert_eq!(phone.told(), ["2550: 1 cut, 2000 of 8000"], "heard as far as the last mark says");
    let wanted = phone.bytes(1, 800);
    phone.whole(1).at(4000);
    assert!(!wanted);
    // The marks that the clear echoed have come back and meant nothing: the next utterance waits for the person.
    assert_eq!((phone.sent.len(), phone.told().len()), (before + 1, 1));
}

#[test]
fn an_answer_that_is_faster_than_the_last_mark_interrupts_nothing() {
    for (millis, told) in [(1999, "1999: 1 cut, 0 of 2000"), (2000, "2000: 1 ended, 2000 of 2000")] {
        let mut phone = Phone::up();
        // The marks are on their way back.
        phone.deaf = true;
        phone.say(1).sound(1, 2000).whole(1).at(millis).person_speaks();
        assert_eq!(phone.told(), [told]);
    }
}

#[test]
fn after_a_cut_the_next_utterance_has_the_whole_bound_to_itself() {
    let mut phone = Phone::speaking(8000);
    phone.person_speaks().at(2000).person_pauses();
    let before = phone.sent_millis();
    phone.say(2).sound(2, 20);
    assert_eq!(phone.sent_millis() - before, 20, "its first sound goes out at once");
    phone.sound(2, 9980).whole(2);
    assert_eq!(phone.sent_millis() - before, 4920, "no whole frame more fits");
    phone.deaf = true;
    phone.at(30_000);
    assert_eq!(phone.told().last().map(String::as_str), Some("13500: 2 ended, 10000 of 10000"));
}

#[test]
fn speech_that_began_within_the_opening_guard_cuts_nothing() {
    for (began, first_ends, cuts) in
        [(0, None, false), (999, None, false), (1000, None, true), (599, Some(600), false), (600, Some(600), true)]
    {
        let mut phone = Phone::up();
        let n = match first_ends {
            Some(millis) => {
                phone.say(1).sound(1, millis).whole(1).at(600);
                2
            }
            None => 1,
        };
        phone.say(n).sound(n, 8000).whole(n);
        phone.at(1200);
        phone.playout.speech_started(phone.now);
        phone.playout.barged_in(START + Duration::from_millis(began), phone.now);
        phone.pump();
        assert_eq!(phone.sent.iter().any(|(_, sent)| *sent == Sent::Clear), cuts, "began at {began} ms");
    }
}

#[test]
fn a_goodbye_is_heard_to_its_end() {
    let mut phone = Phone::up();
    phone.say_text(1, "Goodbye then.", false).sound(1, 3000).whole(1).at(1500).person_speaks().at(9000);
    assert_eq!(phone.told(), ["3000: 1 ended, 3000 of 3000"]);
}

#[test]
fn an_utterance_waits_while_the_person_speaks_but_no_longer_than_5_s() {
    for (pause, begins) in [(Some(3000), 3000), (None, 7000)] {
        let mut phone = Phone::up();
        phone.say(1).sound(1, 1000).whole(1).at(2000).person_speaks();
        phone.say(2).sound(2, 1000).whole(2);
        if let Some(pause) = pause {
            phone.at(pause).person_pauses();
        }
        phone.at(10_000);
        assert_eq!(phone.began(), [(0, 1), (begins, 2)], "paused: {pause:?}");
        assert_eq!(phone.told().len(), 2);
    }
}

#[test]
fn an_utterance_that_comes_late_in_a_long_answer_waits_for_it_too() {
    let mut phone = Phone::up();
    phone.say(1).sound(1, 1000).whole(1).at(2000).person_speaks();
    phone.at(20_000).say(2).sound(2, 1000).whole(2).at(23_000).person_pauses();
    phone.at(30_000);
    assert_eq!(phone.began(), [(0, 1), (23_000, 2)]);
}

#[test]
fn the_first_utterance_of_a_call_waits_for_nobody() {
    let mut phone = Phone::up();
    phone.at(500).person_speaks().say(1).sound(1, 1000).whole(1);
    assert_eq!(phone.began(), [(500, 1)]);
}

#[test]
fn nothing_goes_out_before_the_line_is_up() {
    let mut phone = Phone::new();
    phone.say(1).sound(1, 1000).whole(1).at(20_000);
    assert!(phone.sent.is_empty() && phone.told().is_empty());
    phone.connects();
    assert_eq!(phone.began(), [(20_000, 1)]);
}

#[test]
fn what_was_not_heard_before_a_drop_is_sent_again() {
    for seen in [true, false] {
        let mut phone = Phone::speaking(4000);
        if seen {
            phone.disconnects();
        }
        phone.at(2500 + u64::from(!seen)).connects();
        let frames: Vec<_> = phone.sent.iter().filter(|(at, _)| *at > 2400).collect();
        let from = if seen { 1000 } else { 2000 } * 8;
        assert_eq!(frames[0].1, Sent::Audio((from..from + 800).map(|at| byte_of(1, at)).collect()));
        phone.at(20_000);
        let told = phone.told();
        assert_eq!((told.len(), &told[0][5..], &told[1][4..]), (3, " gone", ": up"), "{told:?}");
        assert!(told[2].ends_with("1 ended, 4000 of 4000"), "{told:?}");
        assert_eq!((phone.began().len(), phone.playout.take_gaps()), (1, 0), "it began once");
    }
}

#[test]
fn an_utterance_that_could_not_be_made_ends_with_its_error() {
    let mut mute = Phone::new();
    mute.say(1).say(2).fails(2).fails(1);
    assert_eq!(mute.told(), ["0: 1 failed, 0 of 0", "0: 2 failed, 0 of 0"], "even before anybody listens, in order");

    let mut broken = Phone::up();
    broken.say(1).sound(1, 700).fails(1).at(5000);
    assert_eq!(broken.told(), ["700: 1 failed, 700 of 2450"], "35 characters take some 2.5 s");

    let mut empty = Phone::up();
    empty.say(1).whole(1);
    assert_eq!(empty.told(), ["0: 1 ended, 0 of 0"]);
}

#[test]
fn an_utterance_behind_one_that_is_cut_and_has_no_sound_ends_with_it() {
    let mut phone = Phone::speaking(8000);
    phone.say(2).fails(2).person_speaks();
    assert_eq!(phone.told(), ["1500: 1 cut, 1000 of 8000", "1500: 2 failed, 0 of 0"]);
}

#[test]
fn speech_without_end_is_cut_off() {
    let mut phone = Phone::up();
    phone.say_text(1, "Hi.", true);
    let mut seconds = 0;
    while phone.bytes(1, 8000) {
        seconds += 1;
    }
    assert_eq!(seconds, 16, "15 s and 0.4 s a character");
    assert!(!phone.bytes(1, 8000) && !phone.playout.wants_audio(UtteranceId(1)));
    phone.at(30_000);
    assert_eq!(phone.told(), ["16000: 1 failed, 16000 of 16020"]);
}

#[test]
fn a_hush_drops_everything_and_tells_nothing() {
    let mut phone = Phone::speaking(8000);
    phone.say(2).sound(2, 1000).hush();
    assert_eq!(phone.sent.last(), Some(&(1500, Sent::Clear)));
    assert!(!phone.bytes(1, 800) && !phone.bytes(2, 800));
    phone.at(20_000);
    assert!(phone.told().is_empty() && phone.playout.is_idle());
    phone.say(3).sound(3, 1000).whole(3).at(30_000);
    assert_eq!(phone.told(), ["21000: 3 ended, 1000 of 1000"]);

    let mut unheard = Phone::up();
    unheard.say(1).hush();
    assert!(unheard.sent.is_empty(), "nothing to clear");
}

#[test]
fn sound_that_came_too_late_is_counted() {
    let mut phone = Phone::up();
    phone.say(1).sound(1, 100).at(100).sound(1, 100).at(250).sound(1, 100).at(400).sound(1, 100).whole(1).at(5000);
    assert_eq!((phone.playout.take_gaps(), phone.playout.take_gaps()), (2, 0));
    phone.say(2).sound(2, 100).whole(2);
    assert_eq!(phone.playout.take_gaps(), 0, "a pause between utterances is no gap");
}

#[test]
fn no_more_is_claimed_to_have_been_heard_than_was() {
    let partial = || MessageHeard::Partial("Shall I deploy".to_owned());
    // Text, how much of it was made and whether that is all, when it is cut, what was heard.
    for (text, made, whole, cut, want) in [
        ("Shall I deploy the new version now?", 4000, true, 2600, partial()),
        ("Shall I deploy the new version now?", 2000, false, 2000, partial()),
        ("Shall I deploy now?", 1000, false, 1700, partial()),
        // Slower than any estimate, all of it heard, and more is to come.
        ("Shall I deploy now?", 3000, false, 3700, partial()),
        ("Shall I deploy now?", 4000, true, 1400, MessageHeard::None),
    ] {
        let mut phone = Phone::up();
        phone.at(500).say_text(1, text, true).sound(1, made);
        if whole {
            phone.whole(1);
        }
        phone.at(cut).person_speaks();
        let heard = phone.events.iter().find_map(|(_, event)| match event {
            MediaEvent::Interrupted { heard, .. } => Some(*heard),
            _ => None,
        });
        assert_eq!(heard.map(|progress| MessageHeard::of(progress, text)), Some(want), "{made} ms, cut at {cut}");
    }
}

#[test]
fn making_is_read_on_until_256_kb_wait_and_never_stopped_by_what_comes_later() {
    let mut phone = Phone::new();
    phone.say(1).say(2);
    let long = "word ".repeat(100);
    phone.hush().say_text(1, &long, true).say_text(2, &long, true);
    while phone.playout.wants_audio(UtteranceId(2)) {
        phone.sound(2, 1000);
    }
    assert!(phone.playout.wants_audio(UtteranceId(1)), "the one in front would never end");
    let mut seconds = 0;
    while phone.playout.wants_audio(UtteranceId(1)) {
        phone.sound(1, 1000);
        seconds += 1;
    }
    assert_eq!(seconds, 33, "256 KB");
    phone.connects();
    assert!(phone.playout.wants_audio(UtteranceId(1)), "5 s are gone");
    assert!(!phone.playout.wants_audio(UtteranceId(2)) && !phone.playout.wants_audio(UtteranceId(3)));
    phone.whole(1);
    assert!(!phone.playout.wants_audio(UtteranceId(1)));
}

#[test]
fn marks_that_are_not_ours_mean_nothing() {
    let mut phone = Phone::speaking(8000);
    let progress = |phone: &Phone| phone.events.len();
    let before = progress(&phone);
    for name in ["", "1", "-", "x-1", "1-x", "0-1-2", "9-9", "1-2", "utt-7"] {
        phone.mark(name);
    }
    assert_eq!(progress(&phone), before);
    let name = MarkName::parse("3-14").expect("one of ours");
    assert_eq!(name.to_string(), "3-14");
}
