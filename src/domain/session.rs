//! The session machine: one exchange between an agent and the person, from the first ring to the last answer.
//!
//! ```text
//! Dialing ──accepted──▶ Ringing ──picked up──▶ Answered ──media up──▶ Talking ──▶ Ending ──▶ Ended
//!    │ refused             │ no answer, busy …     │ no media             │ hang-up, end, limits
//!    └──────▶ Ended ◀──────┴──▶ Ending ◀───────────┴──────────────────────┘
//! ```
//!
//! `Ending` says the goodbye, collects the last words and gets the carrier to hang up. A webhook or event that no longer
//! applies to the state it meets changes nothing: carriers repeat and reorder them.

mod ending;
mod input;
mod turns;
mod voice;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use input::{Answer, Body, CarrierNews, Effect, Failure, Input, Reply, Said};

use crate::clock::Millis;
use crate::domain::carrier::ProviderError;
use crate::domain::deadlines::Deadlines;
use crate::domain::media::MediaEvent;
use crate::domain::outcome::{MessageHeard, Outcome};
use crate::domain::text::AgentText;
use crate::ids::{CarrierCallId, RequestId};
use ending::Why;
use turns::Turns;

/// How long a session waits for what.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Ring time, asked of the carrier.
    pub ring: Duration,
    /// From a question's end to its reply (`CALLME_TRANSCRIPT_TIMEOUT_MS`).
    pub reply: Duration,
    /// Without a word either way (`CALLME_INACTIVITY_TIMEOUT_MS`).
    pub inactivity: Duration,
    /// Longest call (`CALLME_MAX_CALL_MINUTES`).
    pub longest: Duration,
    /// From the media's coming up; speech that begins within neither cuts nor completes a turn (`CALLME_BARGE_IN_GUARD_MS`).
    pub guard: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(25),
            reply: Duration::from_mins(3),
            inactivity: Duration::from_mins(7),
            longest: Duration::from_mins(55),
            guard: Duration::from_secs(1),
        }
    }
}

/// A dial, or a search for one, that is not answered at all counts as unknown after this; the adapter gives up sooner.
const REST_PATIENCE: Duration = Duration::from_secs(15);
/// Added to the ring time before we stop trusting the carrier to report the end of the ringing.
const RING_SLACK: Duration = Duration::from_secs(12);
/// From the pick-up to the carrier's media (answered but no media is a failed call).
const CONNECT: Duration = Duration::from_secs(10);
/// What machine detection gets for its verdict.
const VERDICT: Duration = Duration::from_secs(6);
/// A pause within a reply: speech that begins again sooner extends it.
const GRACE: Duration = Duration::from_millis(600);
/// The longest a reply is extended, and the longest a timed-out turn waits for someone who is speaking.
const EXTENSION: Duration = Duration::from_mins(1);
/// A reply that nobody collects in a live call ends it after this.
const COLLECT: Duration = Duration::from_mins(1);
/// A dropped media socket may come back within this.
const RECONNECT: Duration = Duration::from_secs(2);
/// How long the words of somebody who has hung up are awaited.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// The same at a shutdown, which leaves the rest of its 8 s to the goodbye and the hang-up.
const LAST_WORDS_AT_SHUTDOWN: Duration = Duration::from_millis(1500);
/// The goodbye at a shutdown.
const SHORT_GOODBYE: Duration = Duration::from_secs(4);
/// What is said when nobody collects a reply.
const PASS_ON: &str = "I will pass that on. Goodbye.";
/// What is said when the server stops in a call.
const LEAVING: &str = "I have to go now. Goodbye.";

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    limits: Limits,
    state: State,
    turns: Turns,
    outcome: Outcome,
    began_at: Millis,
    answered_at: Option<Millis>,
    /// When the call, or without one the session, was over.
    ended_at: Option<Millis>,
    /// The server stops and cannot wait.
    hurried: bool,
    deadlines: Deadlines<Timer>,
    effects: VecDeque<Effect>,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// The carrier was asked to ring; it has not named the call yet. `looked` counts the searches for a `lost` answer.
    Dialing { looked: usize, lost: Option<ProviderError> },
    /// The carrier has the call; nobody has picked up.
    Ringing { call: CarrierCallId },
    /// Picked up; the media is not up yet.
    Answered { call: CarrierCallId },
    /// The line is up, or was and may come back.
    Talking { call: CarrierCallId, line: Line },
    /// On the way out.
    Ending(Ending),
    /// Over. Nothing changes any more.
    Ended,
}

/// The media of a talking session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Up,
    /// Gone, and by whose word: the carrier's `stop`, or a broken socket.
    Dropped {
        stopped: bool,
    },
}

/// The ways out, in the order in which a session may pass through them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// Ended before the carrier named the call; it is hung up as soon as it has a name.
    Unplaced { looked: usize },
    /// The goodbye plays; then hang up.
    Goodbye { call: CarrierCallId },
    /// What the person was saying is still awaited, or the verdict on who said it; `over` when nothing is left to hang up.
    LastWords { call: CarrierCallId, over: bool },
    /// The carrier was asked to hang up, for the `tries`-th time.
    HangingUp { call: CarrierCallId, tries: usize },
}

/// Why a session wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// Look for a dial whose result is unknown.
    Settle,
    /// The carrier never reported the end of the ringing.
    Ring,
    /// The media never came up.
    Connect,
    /// Machine detection gave no verdict.
    Verdict,
    /// No reply came.
    Reply,
    /// The person's pause was the end of the reply.
    Grace,
    /// The reply was extended long enough.
    Extension,
    /// Nobody collected the reply.
    Collect,
    /// Nothing was said for too long.
    Inactivity,
    /// The call is as long as it may be.
    Longest,
    /// The media did not come back.
    Reconnect,
    /// The last words took too long.
    LastWords,
    /// The goodbye took too long.
    Goodbye,
    /// Ask the carrier to hang up once more.
    HangUp,
}

/// Where a session stands, for people and machines outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The carrier was asked to ring.
    Dialing,
    /// It rings.
    Ringing,
    /// Picked up, no media yet.
    Answered,
    /// The line is up; nothing is being said and nothing awaited.
    Connected,
    /// The agent speaks.
    Speaking,
    /// A reply is awaited.
    Listening,
    /// On the way out.
    Ending,
    /// Over.
    Ended,
}

impl Phase {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Dialing => "dialing",
            Phase::Ringing => "ringing",
            Phase::Answered => "answered",
            Phase::Connected => "connected",
            Phase::Speaking => "speaking",
            Phase::Listening => "listening",
            Phase::Ending => "ending",
            Phase::Ended => "ended",
        }
    }
}

impl Session {
    /// A session that begins with a call: rings, and asks `text` as soon as somebody listens.
    pub fn call(request: RequestId, text: AgentText, limits: Limits, now: Millis) -> Self {
        let mut session = Self {
            limits,
            state: State::Dialing { looked: 0, lost: None },
            turns: Turns::default(),
            outcome: Outcome::default(),
            began_at: now,
            answered_at: None,
            ended_at: None,
            hurried: false,
            deadlines: Deadlines::default(),
            effects: VecDeque::new(),
        };
        session.ask(request, text, now);
        session.deadlines.set(Timer::Settle, now + REST_PATIENCE);
        session.effects.push_back(Effect::Dial);
        session
    }

    /// Takes one input at `now`.
    pub fn handle(&mut self, input: Input, now: Millis) {
        match input {
            Input::Ask { request, text } => self.ask(request, text, now),
            Input::Say { request, text } => self.say(request, text, now),
            Input::Wait { request } => self.wait(request, now),
            Input::End { request, text } => self.end(request, text, now),
            Input::Collected { request } => self.collected(request),
            Input::OutOfTime { request } => self.turns.out_of_time(request),
            Input::Dialed(Ok(call)) => self.placed(call, now),
            Input::Dialed(Err(error)) => self.not_placed(error, now),
            Input::Found(found) => self.found(found, now),
            Input::HangUpAnswered(result) => self.hang_up_answered(result, now),
            Input::Carrier { call, news } => self.carrier(&call, news, now),
            Input::Media(event) => self.media(event, now),
            Input::Shutdown => self.shutdown(now),
            #[cfg(test)]
            Input::Panic => panic!("asked to"),
        }
    }

    /// Does what is due at `now`. To be called at [`Session::next_deadline`], and harmless at any other time.
    pub fn handle_timeout(&mut self, now: Millis) {
        while let Some(timer) = self.deadlines.due(now) {
            match timer {
                Timer::Settle => self.look_for_the_call(now),
                Timer::Ring => self.rang_out(now),
                Timer::Connect => self.never_connected(now),
                Timer::Verdict => self.verdict_settled(now),
                Timer::Reply => self.reply_overdue(now),
                Timer::Grace => self.reply_if_complete(now),
                Timer::Extension => self.reply_as_it_stands(now),
                Timer::Collect => self.nobody_collected(now),
                Timer::Inactivity => self.inactive(now),
                Timer::Longest => self.too_long(now),
                Timer::Reconnect => self.never_reconnected(now),
                Timer::LastWords => self.last_words_done(now),
                Timer::Goodbye => self.goodbye_done(now),
                Timer::HangUp => self.hang_up_again(now),
            }
        }
    }

    /// When to call [`Session::handle_timeout`] next.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.deadlines.next()
    }

    /// The next thing to do for the session, in order.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Where the session stands.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Dialing { .. } => Phase::Dialing,
            State::Ringing { .. } => Phase::Ringing,
            State::Answered { .. } => Phase::Answered,
            State::Talking { .. } if self.turns.is_speaking() => Phase::Speaking,
            State::Talking { .. } if self.turns.is_asking() => Phase::Listening,
            State::Talking { .. } => Phase::Connected,
            State::Ending(_) => Phase::Ending,
            State::Ended => Phase::Ended,
        }
    }

    /// Whether the carrier, asking what to do with `call`, should be told to connect its media.
    pub fn wants_media(&self, call: &CarrierCallId) -> bool {
        match &self.state {
            State::Answered { call: ours } | State::Talking { call: ours, .. } => ours == call,
            State::Dialing { .. } | State::Ringing { .. } | State::Ending(_) | State::Ended => false,
        }
    }

    /// The carrier's name for the call, while it may be live.
    pub fn live_call(&self) -> Option<&CarrierCallId> {
        match &self.state {
            State::Ending(Ending::LastWords { over: true, .. }) => None,
            _ => self.known_call(),
        }
    }

    /// The carrier's name for the call, until the session has ended.
    fn known_call(&self) -> Option<&CarrierCallId> {
        match &self.state {
            State::Ringing { call }
            | State::Answered { call }
            | State::Talking { call, .. }
            | State::Ending(
                Ending::Goodbye { call } | Ending::LastWords { call, .. } | Ending::HangingUp { call, .. },
            ) => Some(call),
            State::Dialing { .. } | State::Ending(Ending::Unplaced { .. }) | State::Ended => None,
        }
    }

    /// What happened so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What the person said and no agent has collected. Until machine detection's verdict it may be a greeting, and is
    /// not told.
    pub fn uncollected(&self) -> Vec<Said> {
        if self.awaits_verdict() { Vec::new() } else { self.turns.uncollected() }
    }

    /// Whether a request waits for a reply.
    pub fn is_waiting(&self) -> bool {
        self.turns.is_asking()
    }

    /// From the pick-up to the end of the call, or to `now` while it runs.
    pub fn talked(&self, now: Millis) -> Duration {
        let end = self.ended_at.unwrap_or(now);
        self.answered_at.map_or(Duration::ZERO, |answered| end.since(answered))
    }

    /// When the session began.
    pub fn began_at(&self) -> Millis {
        self.began_at
    }

    fn media(&mut self, event: MediaEvent, now: Millis) {
        match event {
            MediaEvent::Connected => self.connected(now),
            MediaEvent::MediaGone { stopped } => self.media_gone(stopped, now),
            MediaEvent::UtteranceStarted { utterance } => self.turns.started(utterance, now),
            MediaEvent::UtteranceEnded { utterance, heard, failed } => self.uttered(utterance, heard, failed, now),
            MediaEvent::Interrupted { utterance, heard } => self.interrupted(utterance, heard, now),
            MediaEvent::Progress { utterance, heard } => self.progress(utterance, heard, now),
            MediaEvent::SpeechStarted { stretch, .. } => self.speech_started(stretch, now),
            MediaEvent::Words { stretch, began_at, text } => self.words(stretch, began_at, text, now),
            MediaEvent::NoWords { stretch } => self.no_words(stretch, now),
            MediaEvent::HearingFailed(error) => self.speech_failed(error, now),
            MediaEvent::Drained => self.last_words_done(now),
        }
    }

    fn answer(&mut self, request: RequestId, body: Body) {
        self.answer_about(request, self.outcome.message_heard.clone(), body);
    }

    /// Answers a request about a message of which this much was heard.
    fn answer_about(&mut self, request: RequestId, message_heard: MessageHeard, body: Body) {
        let mut outcome = Outcome { message_heard, ..self.outcome.clone() };
        if let Body::Reply(reply) = &body {
            outcome.reply_channel = reply.words.last().map(|said| said.channel);
        }
        self.effects.push_back(Effect::Answer { request, answer: Answer { body, outcome } });
    }

    /// Answers with a failure, and with what the person said meanwhile.
    fn fail(&mut self, request: RequestId, failure: Failure) {
        let said = self.uncollected();
        self.answer(request, Body::Failed { failure, said });
    }

    fn speech_failed(&mut self, error: ProviderError, now: Millis) {
        self.finish(&Why::Speech(error), now);
    }
}
