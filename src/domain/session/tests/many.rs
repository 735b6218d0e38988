//! Ten thousand sessions with every timer set: ended in any way, they leave nothing behind.

use crate::domain::carrier::CallEnd;
use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::messaging::{Form, MessagingClass};
use crate::domain::session::state::Timer;
use crate::domain::session::{CarrierNews, Input};

use super::scenario::{Scenario, texting};

const TIMERS: [Timer; 18] = [
    Timer::Settle,
    Timer::Ring,
    Timer::Connect,
    Timer::Verdict,
    Timer::Reply,
    Timer::Grace,
    Timer::Extension,
    Timer::Collect,
    Timer::Inactivity,
    Timer::Longest,
    Timer::Reconnect,
    Timer::LastWords,
    Timer::Goodbye,
    Timer::HangUp,
    Timer::Resend,
    Timer::Receipt,
    Timer::OpenQuestion,
    Timer::Window,
];

/// Sessions that wait for all kinds of things.
fn waiting() -> Vec<Scenario> {
    let of = |mut scenario: Scenario, happens: fn(&mut Scenario)| {
        happens(&mut scenario);
        scenario
    };
    let asked = || Scenario::asked_with(texting());
    let written = || {
        let mut scenario = Scenario::unanswered();
        let until = crate::clock::Millis(1_000_000 + 20 * 3_600_000);
        scenario.give(Input::Window { until });
        scenario
    };
    let called = || of(written(), |it| _ = it.wants_a_call());
    vec![
        Scenario::dialing_with(texting()),
        Scenario::ringing_with(texting()),
        Scenario::picked_up_with(texting()),
        Scenario::asking_with(texting()),
        asked(),
        of(asked(), |it| _ = it.says("Yes.")),
        of(asked(), |it| _ = it.says("Yes.").after(1000)),
        of(asked(), |it| _ = it.media(MediaEvent::MediaGone(MediaLoss::Broken))),
        of(asked(), |it| _ = it.leaves()),
        of(asked(), |it| {
            it.obliging = false;
            it.begins_to_speak();
            it.over(CallEnd::Completed);
        }),
        of(Scenario::ringing_with(texting()), |it| {
            it.obliging = false;
            it.at(37_000);
        }),
        written(),
        of(written(), |it| _ = it.writes("Yes.").collects(1)),
        of(written(), |it| {
            it.next_fails(MessagingClass::Transient).writes("Yes.");
            it.speaks("So.");
        }),
        of(written(), |it| {
            it.carrier_is_slow();
            it.leaves();
        }),
        Scenario::writing_with(texting(), Form::Free, |it| _ = it.floor_is_taken()),
        Scenario::writing_with(texting(), Form::Template, |it| _ = it.next_fails(MessagingClass::Unknown)),
        called(),
        of(called(), |it| _ = it.rings_again()),
        of(called(), |it| _ = it.picks_up_again()),
        Scenario::called_back(),
        of(Scenario::called_back(), |it| _ = it.picks_up_again().starts(1).ends(1)),
    ]
}

/// The ways out; after each, what is still awaited comes or runs out.
const ENDINGS: [fn(&mut Scenario); 7] = [
    |it| _ = it.leaves(),
    |it| _ = it.give(Input::Quit),
    |it| _ = it.give(Input::Shutdown),
    |it| _ = it.line_is_opted_out().stops_messages(),
    |it| _ = it.over(CallEnd::Completed).second(CarrierNews::Over(CallEnd::NoAnswer)),
    |it| _ = it.news(CarrierNews::Answered).media(MediaEvent::Connected).wants_a_call(),
    |_| (),
];

#[test]
fn ten_thousand_sessions_with_all_timers_set_leave_no_timer_and_no_request() {
    let waiting = waiting();
    for timer in TIMERS {
        assert!(waiting.iter().any(|it| it.session.deadlines.is_set(timer)), "nobody waits for {timer:?}");
    }
    for n in 0..10_000_u64 {
        let pick = |from: usize, of: usize| usize::try_from(n).expect("small") / from % of;
        let mut scenario = waiting[pick(1, waiting.len())].clone();
        scenario.waits();
        // At any moment of whatever it waits for.
        scenario.after(n * 7919 % 45_000);
        ENDINGS[pick(waiting.len(), ENDINGS.len())](&mut scenario);
        scenario.obliging = true;
        scenario.after(n * 104_729 % 5000).hung_up(Ok(())).run_out();
        scenario.check_ended();
        assert!(!scenario.wants_the_floor() && !scenario.session.is_on_phone(), "session {n}");
    }
}
