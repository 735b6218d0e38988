//! Media that breaks, stops or falls silent in the middle of a call, and what comes back.

use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::outcome::EndedBy;
use crate::domain::session::Phase;

use super::scenario::Scenario;

#[test]
fn lost_media_may_come_back_within_two_seconds() {
    let mut back = Scenario::asked();
    back.at(3000)
        .media(MediaEvent::MediaGone(MediaLoss::Broken))
        .at(4000)
        .media(MediaEvent::MediaGone(MediaLoss::Stopped));
    back.at(4999).media(MediaEvent::Connected).says("Yes.").at(6000);
    assert_eq!((back.told(1).as_str(), back.session.phase()), ("reply: Yes.", Phase::Connected));

    // The carrier's word that it ended the media counts whenever it comes.
    for (loss, later, by) in [
        (MediaLoss::Broken, MediaLoss::Broken, "carrier"),
        (MediaLoss::Stopped, MediaLoss::Broken, "person"),
        (MediaLoss::Broken, MediaLoss::Stopped, "person"),
    ] {
        let mut gone = Scenario::asked();
        gone.at(3000).media(MediaEvent::MediaGone(loss));
        gone.at(4000).media(MediaEvent::MediaGone(later)).at(4999);
        assert_eq!((gone.told(1).as_str(), gone.session.phase()), ("nothing yet", Phase::Listening));
        gone.at(5000).media(MediaEvent::Connected);
        assert_eq!((gone.told(1), gone.truth(1)), ("CallEnded".to_owned(), format!("answered human full none {by}")));
        assert_eq!(gone.hang_ups(), 1, "the leg may live on");
        gone.check_ended();
    }
}

#[test]
fn media_that_fell_silent_may_come_back_within_five_seconds() {
    for (comes_back, phase) in [(true, Phase::Connected), (false, Phase::Ended)] {
        let mut silent = Scenario::replied();
        silent.collects(1).at(5000).media(MediaEvent::MediaGone(MediaLoss::Silent)).at(9999);
        assert_eq!(silent.hang_ups(), 0);
        if comes_back {
            silent.media(MediaEvent::Connected);
        }
        silent.at(10_000);
        assert_eq!((silent.session.phase(), silent.hang_ups()), (phase, usize::from(!comes_back)));
    }
}

#[test]
fn a_line_that_breaks_and_comes_back_does_not_put_the_end_for_silence_off() {
    let mut silent = Scenario::replied();
    silent.collects(1);
    for at in [100_000, 200_000, 300_000, 400_000] {
        silent.at(at).media(MediaEvent::MediaGone(MediaLoss::Broken)).at(at + 1000).media(MediaEvent::Connected);
    }
    silent.at(3000 + 420_000 - 1);
    assert_eq!(silent.session.phase(), Phase::Connected);
    silent.at(3000 + 420_000);
    assert_eq!(silent.session.outcome().ended_by.map(EndedBy::as_str), Some("inactivity"));
    silent.check_ended();
    // While it is gone, too.
    let mut gone = Scenario::replied();
    gone.collects(1).at(3000 + 420_000 - 1000).media(MediaEvent::MediaGone(MediaLoss::Broken)).at(3000 + 420_000);
    assert_eq!(gone.session.outcome().ended_by.map(EndedBy::as_str), Some("inactivity"));
    gone.check_ended();
}

#[test]
fn media_that_is_lost_in_the_goodbye_ends_it() {
    let mut scenario = Scenario::replied();
    let end = scenario.leaves();
    scenario.at(5000).media(MediaEvent::MediaGone(MediaLoss::Broken));
    assert_eq!((scenario.told(end).as_str(), scenario.hang_ups()), ("ended after 5000", 1));
}
