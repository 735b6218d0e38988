//! Any inputs in any order: whatever happens, a session ends in time, answers everybody once and loses no word.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::clock::Millis;
use crate::domain::carrier::{CallEnd, CallProgress, ErrorClass, Verdict};
use crate::domain::media::{MediaCommand, MediaEvent, Progress};
use crate::domain::outcome::Dial;
use crate::domain::session::{Body, CarrierNews, Effect, Input, Limits, Phase, Session};
use crate::domain::sweep::cases;
use crate::domain::text::PersonText;
use crate::ids::{CarrierCallId, RequestId, StretchId, UtteranceId};

use super::scenario::{error, text};

/// The last words, their verdict, and four hang-ups that nobody answers.
const SLACK: Duration = Duration::from_secs(80);
/// From the last input: a search for a lost dial, the ringing, and [`SLACK`].
const UNANSWERED: Duration = Duration::from_mins(5);

/// One step of a story, before it is known which requests there are.
#[derive(Clone, Debug)]
enum Step {
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
    Other(Input),
}

fn call() -> impl Strategy<Value = CarrierCallId> {
    prop_oneof![9 => Just("CA1"), 1 => Just("CA2")].prop_map(|name| CarrierCallId(name.to_owned()))
}

fn failure() -> impl Strategy<Value = crate::domain::carrier::ProviderError> {
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
        prop_oneof![Just(Ok(())), failure().prop_map(Err)].prop_map(Input::HangUpAnswered),
        (call(), verdict()).prop_map(|(call, verdict)| Input::Carrier { call, news: CarrierNews::Machine(verdict) }),
        (call(), ending()).prop_map(|(call, end)| Input::Carrier { call, news: CarrierNews::Over(end) }),
        any::<bool>().prop_map(|stopped| Input::Media(MediaEvent::MediaGone { stopped })),
        failure().prop_map(|error| Input::Media(MediaEvent::HearingFailed(error))),
        Just(Input::Shutdown),
    ];
    prop_oneof![9 => input.prop_map(Step::Other), 1 => Just(Step::End), 2 => (0..600_000_u64).prop_map(Step::Pass)]
}

/// A story: some way into a call, then anything.
fn story(steps: impl Into<prop::collection::SizeRange>, talks: u32) -> impl Strategy<Value = (usize, Vec<Step>, bool)> {
    let step = prop_oneof![talks => talk(), 1 => turn()];
    (0..=5_usize, prop::collection::vec(step, steps), any::<bool>())
}

/// A usual beginning, of which a story takes the first few.
fn beginning() -> [Step; 5] {
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

/// A session, and what must be true of it.
struct Trial {
    session: Session,
    longest: Duration,
    now: Millis,
    /// The carrier and the media answer at once.
    obliging: bool,
    requests: u64,
    answers: HashMap<u64, usize>,
    /// The words of each reply.
    replies: HashMap<u64, Vec<String>>,
    said: Vec<String>,
    collected: HashSet<String>,
    picked_up: Option<Millis>,
    finished: Option<Millis>,
    last_input: Millis,
}

impl Trial {
    fn new(limits: Limits, obliging: bool) -> Self {
        let now = Millis(1_000_000);
        let mut trial = Self {
            longest: limits.longest,
            session: Session::call(RequestId(1), text("Shall I?"), limits, now),
            now,
            obliging,
            requests: 1,
            answers: HashMap::new(),
            replies: HashMap::new(),
            said: Vec::new(),
            collected: HashSet::new(),
            picked_up: None,
            finished: None,
            last_input: now,
        };
        trial.carry_out();
        trial
    }

    fn take(&mut self, step: Step) {
        let mut request = || {
            self.requests += 1;
            RequestId(self.requests)
        };
        let input = match step {
            Step::Pass(millis) => return self.pass(millis),
            Step::Ask => Input::Ask { request: request(), text: text("And?") },
            Step::Say => Input::Say { request: request(), text: text("So.") },
            Step::Wait => Input::Wait { request: request() },
            Step::End => Input::End { request: request(), text: text("Bye.") },
            Step::Collect(ago) => {
                let request = self.requests.saturating_sub(ago);
                self.collected.extend(self.replies.get(&request).into_iter().flatten().cloned());
                Input::Collected { request: RequestId(request) }
            }
            Step::OutOfTime(ago) => Input::OutOfTime { request: RequestId(self.requests.saturating_sub(ago)) },
            Step::Words(stretch, ago) => {
                let words = format!("words {}", self.said.len());
                self.said.push(words.clone());
                let began_at = self.now - Duration::from_millis(ago);
                Input::Media(MediaEvent::Words { stretch: StretchId(stretch), began_at, text: PersonText(words) })
            }
            Step::Other(input) => input,
        };
        self.last_input = self.now;
        self.session.handle(input, self.now);
        self.carry_out();
    }

    fn pass(&mut self, millis: u64) {
        let then = self.now + Duration::from_millis(millis);
        while self.session.next_deadline().is_some_and(|due| due <= then) {
            self.wake();
        }
        self.now = then;
    }

    fn wake(&mut self) {
        let due = self.session.next_deadline().expect("a deadline is armed");
        self.now = self.now.max(due);
        self.session.handle_timeout(self.now);
        let left = self.session.next_deadline();
        assert!(left.is_none_or(|next| next > self.now), "woken at {}, it wants to be woken at {left:?}", self.now);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            match effect {
                Effect::Answer { request, answer } => {
                    *self.answers.entry(request.0).or_default() += 1;
                    assert_eq!(answer.outcome.reply_channel.is_some(), matches!(answer.body, Body::Reply(_)));
                    if let Body::Reply(reply) = answer.body {
                        assert!(!reply.words.is_empty(), "a reply has words");
                        let words = reply.words.iter().chain(&reply.earlier).map(|said| said.text.0.clone());
                        self.replies.insert(request.0, words.collect());
                    }
                }
                Effect::Finished => {
                    assert_eq!(self.finished, None, "finished once");
                    self.finished = Some(self.now);
                }
                Effect::HangUp { .. } if self.obliging => {
                    self.session.handle(Input::HangUpAnswered(Ok(())), self.now);
                }
                Effect::Media(MediaCommand::Drain) if self.obliging => {
                    self.session.handle(Input::Media(MediaEvent::Drained), self.now);
                }
                _ => {}
            }
        }
        if self.session.outcome().dial == Dial::Answered {
            self.picked_up.get_or_insert(self.now);
        }
        if self.finished.is_some() {
            assert_eq!((self.session.phase(), self.session.next_deadline()), (Phase::Ended, None));
        }
    }

    fn check_ended(mut self) {
        for _ in 0..1000 {
            if self.session.next_deadline().is_none() {
                break;
            }
            self.wake();
        }
        assert_eq!((self.session.phase(), self.session.next_deadline()), (Phase::Ended, None));
        let finished = self.finished.expect("an ended session has said so");
        let latest = match self.picked_up {
            Some(at) => at + self.longest + SLACK,
            None => self.last_input + UNANSWERED,
        };
        assert!(finished <= latest, "ended at {finished}, {:?} too late", finished.since(latest));
        for request in 1..=self.requests {
            assert_eq!(self.answers.get(&request), Some(&1), "answers to request {request}");
        }
        if self.session.outcome().dial != Dial::Voicemail {
            let kept: HashSet<String> = self.session.uncollected().into_iter().map(|said| said.text.0).collect();
            for words in &self.said {
                assert!(self.collected.contains(words) || kept.contains(words), "{words} are lost");
            }
        }
    }
}

fn check(cases: u32, limits: &Limits, story: &impl Strategy<Value = (usize, Vec<Step>, bool)>) {
    let config = Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() };
    let tried = TestRunner::new(config).run(story, |(begun, steps, obliging)| {
        let mut trial = Trial::new(limits.clone(), obliging);
        for step in beginning().into_iter().take(begun).chain(steps) {
            trial.take(step);
        }
        trial.check_ended();
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

#[test]
fn whatever_happens_a_session_ends_in_time_answers_everybody_once_and_loses_no_word() {
    check(cases(64), &Limits::default(), &story(0..300, 30));
}

#[test]
fn a_session_to_which_ten_thousand_things_happen_is_no_exception() {
    let limits = Limits { longest: Duration::from_hours(24), ..Limits::default() };
    check(cases(1), &limits, &story(10_000, 10_000));
}
