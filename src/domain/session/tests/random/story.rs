//! What may happen to a session: steps of a story, in any order.

use std::time::Duration;

use proptest::prelude::*;

use crate::clock::Millis;
use crate::domain::carrier::{CallEnd, CallProgress, ErrorClass, ProviderError, Verdict};
use crate::domain::media::{MediaEvent, MediaLoss, Progress};
use crate::domain::messaging::MessagingClass;
use crate::domain::session::{CarrierNews, Input};
use crate::ids::{CarrierCallId, StretchId, UtteranceId};

use super::super::scenario::error;

/// One step of a story, before it is known which requests and texts there are.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Time goes by, in milliseconds.
    Pass(u64),
    Ask,
    Say,
    Wait,
    End,
    /// Of one of the requests so far, or of none.
    Collect(u64),
    /// As [`Step::Collect`].
    OutOfTime(u64),
    /// Words are made unlike any others.
    Words(u64, u64),
    /// The person writes, for a reply or on the side.
    Writes {
        aside: bool,
    },
    CallMe {
        tell: bool,
    },
    Stop,
    /// The line grants the floor, asked or not.
    Floor,
    /// The carrier answers for the text on its way, or for one of the last few.
    Posted {
        ago: u64,
        trouble: Option<MessagingClass>,
    },
    /// News of one of the last few texts.
    Receipt {
        ago: u64,
        trouble: Option<MessagingClass>,
    },
    /// The window is open for so many milliseconds.
    Window(u64),
    /// The process dies, and the next one begins so many milliseconds later.
    Crash(u64),
    Other(Input),
}

fn call() -> impl Strategy<Value = CarrierCallId> {
    prop_oneof![9 => Just("CA1"), 3 => Just("CA2")].prop_map(|name| CarrierCallId(name.to_owned()))
}

fn failure() -> impl Strategy<Value = ProviderError> {
    prop_oneof![Just(ErrorClass::Refused), Just(ErrorClass::Busy), Just(ErrorClass::Unknown)]
        .prop_map(|class| error(class, "E"))
}

fn ending() -> impl Strategy<Value = CallEnd> {
    use CallEnd::{Busy, Canceled, Completed, Failed, NoAnswer};
    prop_oneof![Just(Completed), Just(NoAnswer), Just(Busy), Just(Failed), Just(Canceled)]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![2 => Just(Verdict::Human), 1 => Just(Verdict::Machine), 1 => Just(Verdict::Unknown)]
}

fn progress() -> impl Strategy<Value = Progress> {
    (0..5_u64, 0..5_u64).prop_map(|(heard, more)| Progress {
        heard: Duration::from_secs(heard),
        whole: Duration::from_secs(heard + more),
    })
}

fn trouble() -> impl Strategy<Value = MessagingClass> {
    prop_oneof![
        4 => Just(MessagingClass::Transient),
        4 => Just(MessagingClass::Unknown),
        2 => Just(MessagingClass::Window),
        1 => Just(MessagingClass::OptIn),
        1 => Just(MessagingClass::OptedOut),
        1 => Just(MessagingClass::BadNumber),
        1 => Just(MessagingClass::Permanent),
    ]
}

/// What happens all the time in a call.
fn talk() -> impl Strategy<Value = Step> {
    let utterance = || (0..20_u64).prop_map(UtteranceId);
    let stretch = || (0..12_u64).prop_map(StretchId);
    let media = prop_oneof![
        utterance().prop_map(|utterance| MediaEvent::UtteranceStarted { utterance }),
        (utterance(), progress(), prop::option::weighted(0.1, failure()))
            .prop_map(|(utterance, heard, failed)| MediaEvent::UtteranceEnded { utterance, heard, failed }),
        (utterance(), progress()).prop_map(|(utterance, heard)| MediaEvent::Interrupted { utterance, heard }),
        (utterance(), progress()).prop_map(|(utterance, heard)| MediaEvent::Progress { utterance, heard }),
        stretch().prop_map(|stretch| MediaEvent::SpeechStarted { stretch, began_at: Millis(0) }),
        stretch().prop_map(|stretch| MediaEvent::SpeechStopped { stretch }),
        stretch().prop_map(|stretch| MediaEvent::NoWords { stretch }),
        Just(MediaEvent::Connected),
        Just(MediaEvent::Drained),
    ];
    let news = prop_oneof![
        1 => Just(CarrierNews::Queued),
        1 => Just(CarrierNews::Ringing),
        3 => Just(CarrierNews::Answered),
    ];
    prop_oneof![
        6 => (0..1500_u64).prop_map(Step::Pass),
        2 => (0..70_000_u64).prop_map(Step::Pass),
        2 => Just(Step::Ask),
        1 => Just(Step::Say),
        1 => Just(Step::Wait),
        2 => (0..40_u64).prop_map(Step::Collect),
        1 => (0..10_u64).prop_map(Step::OutOfTime),
        4 => (0..12_u64, 0..6000_u64).prop_map(|(stretch, ago)| Step::Words(stretch, ago)),
        12 => media.prop_map(|event| Step::Other(Input::Media(event))),
        1 => (call(), news).prop_map(|(call, news)| Step::Other(Input::Carrier { call, news })),
    ]
}

/// What happens all the time in writing.
fn writing() -> impl Strategy<Value = Step> {
    let fate = || prop::option::weighted(0.3, trouble());
    prop_oneof![
        4 => (0..3000_u64).prop_map(Step::Pass),
        2 => (0..70_000_u64).prop_map(Step::Pass),
        1 => (0..5_000_000_u64).prop_map(Step::Pass),
        3 => Just(Step::Ask),
        2 => Just(Step::Say),
        1 => Just(Step::Wait),
        2 => (0..40_u64).prop_map(Step::Collect),
        1 => (0..10_u64).prop_map(Step::OutOfTime),
        4 => prop::bool::weighted(0.2).prop_map(|aside| Step::Writes { aside }),
        2 => Just(Step::Floor),
        6 => (prop_oneof![3 => Just(0_u64), 1 => 0..4_u64], fate()).prop_map(|(ago, trouble)| Step::Posted { ago, trouble }),
        4 => (0..6_u64, fate()).prop_map(|(ago, trouble)| Step::Receipt { ago, trouble }),
        1 => (0..90_000_000_u64).prop_map(Step::Window),
    ]
}

/// What changes the course of a call.
fn turn() -> impl Strategy<Value = Step> {
    let input = prop_oneof![
        call().prop_map(|call| Input::Dialed(Ok(call))),
        failure().prop_map(|error| Input::Dialed(Err(error))),
        prop_oneof![
            (call(), prop_oneof![Just(CallProgress::Ringing), ending().prop_map(CallProgress::Over)])
                .prop_map(|found| Input::Found(Ok(Some(found)))),
            Just(Input::Found(Ok(None))),
            failure().prop_map(|error| Input::Found(Err(error))),
        ],
        (call(), prop_oneof![Just(Ok(())), failure().prop_map(Err)])
            .prop_map(|(call, result)| Input::HangUpAnswered { call, result }),
        (call(), verdict()).prop_map(|(call, verdict)| Input::Carrier { call, news: CarrierNews::Machine(verdict) }),
        (call(), ending()).prop_map(|(call, end)| Input::Carrier { call, news: CarrierNews::Over(end) }),
        prop_oneof![Just(MediaLoss::Stopped), Just(MediaLoss::Broken), Just(MediaLoss::Silent)]
            .prop_map(|loss| Input::Media(MediaEvent::MediaGone(loss))),
        failure().prop_map(|error| Input::Media(MediaEvent::HearingFailed(error))),
        Just(Input::Shutdown),
    ];
    prop_oneof![9 => input.prop_map(Step::Other), 1 => Just(Step::End), 2 => (0..600_000_u64).prop_map(Step::Pass)]
}

/// A process dies at any moment, and is away for a moment or for long.
fn crash() -> impl Strategy<Value = Step> {
    prop_oneof![3 => 0..2000_u64, 1 => 0..400_000_u64].prop_map(Step::Crash)
}

/// What changes the course of a session that may write.
fn change() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any::<bool>().prop_map(|tell| Step::CallMe { tell }),
        1 => Just(Step::Stop),
        1 => Just(Step::Other(Input::Quit)),
    ]
}

/// A story: how far a usual beginning goes, what follows, and whether the carrier, the media and the line oblige.
pub(super) type Story = (usize, Vec<Step>, bool);

/// Some way into a call, then anything.
pub(super) fn calls(steps: impl Into<prop::collection::SizeRange>, talks: u32) -> impl Strategy<Value = Story> {
    let step = prop_oneof![talks => talk(), 1 => turn()];
    (0..=5_usize, prop::collection::vec(step, steps), any::<bool>())
}

/// The same where the person can be written to.
pub(super) fn texts(steps: impl Into<prop::collection::SizeRange>, talks: u32) -> impl Strategy<Value = Story> {
    let step = prop_oneof![talks => talk(), 2 * talks => writing(), 3 => turn(), 2 => change()];
    (0..=5_usize, prop::collection::vec(step, steps), any::<bool>())
}

/// Either, in processes that die again and again.
pub(super) fn crashes(story: impl Strategy<Value = Story>) -> impl Strategy<Value = Story> {
    (story, prop::collection::vec((any::<prop::sample::Index>(), crash()), 1..6)).prop_map(
        |((begun, mut steps, obliging), crashes)| {
            for (at, crash) in crashes {
                steps.insert(at.index(steps.len() + 1), crash);
            }
            (begun, steps, obliging)
        },
    )
}

/// A usual beginning, of which a story takes the first few.
pub(super) fn beginning() -> [Step; 5] {
    let call = || CarrierCallId("CA1".to_owned());
    let news = |news| Step::Other(Input::Carrier { call: call(), news });
    let media = |event| Step::Other(Input::Media(event));
    [
        Step::Other(Input::Dialed(Ok(call()))),
        news(CarrierNews::Answered),
        media(MediaEvent::Connected),
        news(CarrierNews::Machine(Verdict::Human)),
        media(MediaEvent::UtteranceStarted { utterance: UtteranceId(1) }),
    ]
}
