//! A session with a virtual clock, a person who can be told what to do, and a carrier that does as it is asked.

mod sight;
mod texts;

use std::time::Duration;

pub(super) use texts::{texting, trouble, without_template};

use crate::clock::Millis;
use crate::domain::carrier::{CallEnd, ErrorClass, ProviderError, Verdict};
use crate::domain::media::{MediaCommand, MediaEvent, Progress};
use crate::domain::session::{CarrierNews, Effect, Input, Limits, Session};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{CarrierCallId, RequestId, StretchId, UtteranceId};
use texts::Mail;

/// When every scenario begins.
const START: Millis = Millis(1_000_000);
/// What the first request asks.
pub(super) const QUESTION: &str = "Shall I deploy the new version now?";

#[derive(Clone)]
pub(super) struct Scenario {
    pub(super) session: Session,
    limits: Limits,
    pub(super) now: Millis,
    /// Everything the session has asked for.
    pub(super) effects: Vec<Effect>,
    /// The carrier and the media answer what they are asked at once, and well.
    pub(super) obliging: bool,
    mail: Mail,
    stretches: u64,
    requests: u64,
}

/// How a session comes to its start.
impl Scenario {
    /// Request 1 rings the person and asks [`QUESTION`].
    pub(super) fn dialing() -> Self {
        Self::dialing_with(Limits::default())
    }

    pub(super) fn dialing_with(limits: Limits) -> Self {
        let mut scenario = Self::of(Session::call(RequestId(1), text(QUESTION), limits.clone(), START), limits, 1);
        scenario.carry_out();
        scenario
    }

    /// A session that has just begun, with so many requests.
    fn of(session: Session, limits: Limits, requests: u64) -> Self {
        let (effects, mail) = (Vec::new(), Mail::default());
        Self { session, limits, now: START, effects, obliging: true, mail, stretches: 0, requests }
    }

    pub(super) fn ringing() -> Self {
        Self::ringing_with(Limits::default())
    }

    pub(super) fn ringing_with(limits: Limits) -> Self {
        let mut scenario = Self::dialing_with(limits);
        scenario.give(Input::Dialed(Ok(call())));
        scenario.news(CarrierNews::Ringing);
        scenario
    }

    /// Picked up at 0 ms; no verdict and no media yet.
    pub(super) fn picked_up() -> Self {
        Self::picked_up_with(Limits::default())
    }

    pub(super) fn picked_up_with(limits: Limits) -> Self {
        let mut scenario = Self::ringing_with(limits);
        scenario.news(CarrierNews::Answered);
        scenario
    }

    /// The media is up since 0 ms; no verdict yet.
    pub(super) fn connected() -> Self {
        Self::connected_with(Limits::default())
    }

    pub(super) fn connected_with(limits: Limits) -> Self {
        let mut scenario = Self::picked_up_with(limits);
        scenario.media(MediaEvent::Connected);
        scenario
    }

    /// A person is listening to the question since 100 ms; at 1,100 ms, when the opening guard is over.
    pub(super) fn asking() -> Self {
        Self::asking_with(Limits::default())
    }

    pub(super) fn asking_with(limits: Limits) -> Self {
        let mut scenario = Self::connected_with(limits);
        scenario.news(CarrierNews::Machine(Verdict::Human));
        scenario.at(100).starts(1).at(1100);
        scenario
    }

    /// A person has heard the question, at 2,000 ms.
    pub(super) fn asked() -> Self {
        Self::asked_with(Limits::default())
    }

    pub(super) fn asked_with(limits: Limits) -> Self {
        let mut scenario = Self::asking_with(limits);
        scenario.at(2000).ends(1);
        scenario
    }

    /// A person has answered "Yes.", at 4,000 ms, and request 1 has the reply, uncollected.
    pub(super) fn replied() -> Self {
        let mut scenario = Self::asked();
        scenario.at(3000).says("Yes.");
        scenario.at(4000);
        assert_eq!(scenario.told(1), "reply: Yes.");
        scenario
    }
}

/// What happens.
impl Scenario {
    /// Goes to this time, in milliseconds from the start; what is due on the way is done when it is due.
    pub(super) fn at(&mut self, millis: u64) -> &mut Self {
        let then = START + Duration::from_millis(millis);
        while let Some(due) = self.session.next_deadline().filter(|due| *due <= then) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.carry_out();
        }
        assert!(self.now <= then, "time goes forward");
        self.now = then;
        self
    }

    /// Goes to this time, and the timers that are due come too late to be first.
    pub(super) fn at_once(&mut self, millis: u64) -> &mut Self {
        self.now = START + Duration::from_millis(millis);
        self
    }

    pub(super) fn after(&mut self, millis: u64) -> &mut Self {
        let at = self.elapsed() + millis;
        self.at(at)
    }

    pub(super) fn elapsed(&self) -> u64 {
        self.now.0 - START.0
    }

    /// Lets every deadline run out; ends when nothing is waited for any more.
    pub(super) fn run_out(&mut self) -> &mut Self {
        for _ in 0..1000 {
            let Some(due) = self.session.next_deadline() else { return self };
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.carry_out();
        }
        panic!("the deadlines never run out");
    }

    pub(super) fn give(&mut self, input: Input) -> &mut Self {
        self.session.handle(input, self.now);
        self.carry_out();
        self
    }

    /// The process dies, and the next one begins so many milliseconds later; nobody answers what the first one asked.
    pub(super) fn restarts(&mut self, millis: u64) -> &mut Self {
        let kept = self.session.snapshot().expect("it has not ended");
        let kept_at = self.now;
        self.now = kept_at + Duration::from_millis(millis);
        self.session = Session::restore(kept, kept_at, self.limits.clone(), self.now);
        self.carry_out();
        self
    }

    /// The next process is to be without messaging.
    pub(super) fn without_texts(&mut self) -> &mut Self {
        self.limits.texting = None;
        self
    }

    pub(super) fn news(&mut self, news: CarrierNews) -> &mut Self {
        self.give(Input::Carrier { call: call(), news })
    }

    pub(super) fn over(&mut self, end: CallEnd) -> &mut Self {
        self.news(CarrierNews::Over(end))
    }

    /// The carrier answers the last hang-up.
    pub(super) fn hung_up(&mut self, result: Result<(), ProviderError>) -> &mut Self {
        let asked = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::HangUp { call } => Some(call.clone()),
            _ => None,
        });
        self.give(Input::HangUpAnswered { call: asked.unwrap_or_else(call), result })
    }

    pub(super) fn media(&mut self, event: MediaEvent) -> &mut Self {
        self.give(Input::Media(event))
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            self.effects.push(effect.clone());
            if self.obliging {
                match &effect {
                    Effect::HangUp { call } => {
                        let (call, result) = (call.clone(), Ok(()));
                        self.session.handle(Input::HangUpAnswered { call, result }, self.now);
                    }
                    Effect::Media(MediaCommand::Drain) => {
                        self.session.handle(Input::Media(MediaEvent::Drained), self.now);
                    }
                    _ => {}
                }
            }
            if let Some(input) = self.mail.answer(&effect) {
                self.session.handle(input, self.now);
            }
        }
    }
}

/// What the agents do; each gives its request's number.
impl Scenario {
    fn request(&mut self, input: impl FnOnce(RequestId) -> Input) -> u64 {
        self.requests += 1;
        self.give(input(RequestId(self.requests)));
        self.requests
    }

    pub(super) fn asks(&mut self, words: &str) -> u64 {
        self.request(|request| Input::Ask { request, text: text(words) })
    }

    pub(super) fn speaks(&mut self, words: &str) -> u64 {
        self.request(|request| Input::Say { request, text: text(words) })
    }

    pub(super) fn waits(&mut self) -> u64 {
        self.request(|request| Input::Wait { request })
    }

    pub(super) fn leaves(&mut self) -> u64 {
        self.request(|request| Input::End { request, text: text("Goodbye then.") })
    }

    pub(super) fn collects(&mut self, request: u64) -> &mut Self {
        self.give(Input::Collected { request: RequestId(request) })
    }
}

/// What becomes of what the agent says: the `n`-th utterance, four seconds long.
impl Scenario {
    pub(super) fn starts(&mut self, n: u64) -> &mut Self {
        self.media(MediaEvent::UtteranceStarted { utterance: UtteranceId(n) })
    }

    pub(super) fn ends(&mut self, n: u64) -> &mut Self {
        self.media(MediaEvent::UtteranceEnded { utterance: UtteranceId(n), heard: heard(4000), failed: None })
    }

    pub(super) fn progresses(&mut self, n: u64, millis: u64) -> &mut Self {
        self.media(MediaEvent::Progress { utterance: UtteranceId(n), heard: heard(millis) })
    }

    pub(super) fn is_cut(&mut self, n: u64, millis: u64) -> &mut Self {
        self.media(MediaEvent::Interrupted { utterance: UtteranceId(n), heard: heard(millis) })
    }

    /// It could not be made: not at all, or no further than `millis`.
    pub(super) fn fails(&mut self, n: u64, millis: u64) -> &mut Self {
        let heard = if millis == 0 { Progress::default() } else { heard(millis) };
        let failed = Some(error(ErrorClass::Refused, "model_not_found"));
        self.media(MediaEvent::UtteranceEnded { utterance: UtteranceId(n), heard, failed })
    }
}

/// What the person does.
impl Scenario {
    pub(super) fn begins_to_speak(&mut self) -> StretchId {
        self.stretches += 1;
        let stretch = StretchId(self.stretches);
        self.media(MediaEvent::SpeechStarted { stretch, began_at: self.now });
        stretch
    }

    pub(super) fn words(&mut self, stretch: StretchId, began: u64, words: &str) -> &mut Self {
        let began_at = START + Duration::from_millis(began);
        self.media(MediaEvent::Words { stretch, began_at, text: PersonText(words.to_owned()) })
    }

    pub(super) fn falls_silent(&mut self, stretch: StretchId) -> &mut Self {
        self.media(MediaEvent::NoWords { stretch })
    }

    /// Says something and is understood at once.
    pub(super) fn says(&mut self, words: &str) -> &mut Self {
        let stretch = self.begins_to_speak();
        self.words(stretch, self.elapsed(), words)
    }
}

pub(super) fn text(words: &str) -> AgentText {
    AgentText::parse(words).expect("a short text")
}

pub(super) fn call() -> CarrierCallId {
    CarrierCallId("CA1".to_owned())
}

pub(super) fn error(class: ErrorClass, code: &str) -> ProviderError {
    ProviderError { class, code: Some(code.to_owned()), message: "no".to_owned() }
}

/// Of an utterance of four seconds.
fn heard(millis: u64) -> Progress {
    Progress { heard: Duration::from_millis(millis), whole: Duration::from_secs(4) }
}
