//! The session machine: one exchange between an agent and the person, from the first ring to the last answer.
//!
//! ```text
//! Dialing ──accepted──▶ Ringing ──picked up──▶ Answered ──media up──▶ Talking ──▶ Ending ──▶ Ended
//!  ▲ │ refused             │ no answer, busy …     │ no media             │ hang-up, end, limits
//!  │ └──────▶ Ended ◀──────┴──▶ Ending ◀───────────┴──────────────────────┘
//!  │                       │ the message did not get through by voice (messaging is on)
//!  └────"call me"──── Messaging ──▶ Ending ──▶ Ended
//! ```
//!
//! `Ending` says the goodbye, collects the last words and gets the carrier to hang up. A webhook or event that no longer
//! applies to the state it meets changes nothing: carriers repeat and reorder them.

mod calls;
mod chat;
mod ending;
mod input;
mod limits;
pub mod snapshot;
mod state;
mod switch;
mod turns;
mod voice;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use ending::HANG_UP_AGAIN;
pub use input::{Answer, Body, CarrierNews, Effect, Failure, Input, PostError, Reply, Said, Sense};
pub use limits::{Limits, Texting};
pub use state::Phase;

use crate::clock::Millis;
use crate::domain::carrier::ProviderError;
use crate::domain::deadlines::Deadlines;
use crate::domain::media::MediaEvent;
use crate::domain::messaging::Form;
use crate::domain::outcome::{Channel, MessageHeard, Outcome};
use crate::domain::text::AgentText;
use crate::ids::{CarrierCallId, RequestId};
use calls::Calls;
use chat::Chat;
use ending::Why;
use limits::{
    ASK_FOR_MESSAGE, CALL_BROKE_OFF, CALL_BROKE_OFF_HERE, COLLECT, CONNECT, COULD_NOT_CALL, EXTENSION, GRACE,
    INSPECT_AFTER, LAST_WORDS, LAST_WORDS_AT_SHUTDOWN, LEAVING, LONGEST_WAIT, MESSAGE_PAUSE, PARTING, PASS_ON,
    RECONNECT_SILENT, REST_PATIENCE, RING_SLACK, SEND_AGAIN, SHORT_GOODBYE, TRIED_TO_CALL, VERDICT, WINDOW_WARNING,
};
use state::{Ending, Hanging, Line, State, Timer};
use turns::{Purpose, Turns};

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    limits: Limits,
    state: State,
    turns: Turns,
    chat: Chat,
    outcome: Outcome,
    calls: Calls,
    began_at: Millis,
    /// How long a dial is looked for whose answer an earlier process was to get.
    looks_until: Millis,
    /// The server stops and cannot wait.
    hurried: bool,
    deadlines: Deadlines<Timer>,
    effects: VecDeque<Effect>,
}

impl Session {
    /// A session that begins with a call: rings, and asks `text` as soon as somebody listens.
    pub fn call(request: RequestId, text: AgentText, limits: Limits, now: Millis) -> Self {
        let mut session = Self::new(State::Dialing { looked: 0, lost: None }, limits, now);
        session.ask(request, text, now);
        session.dial(now);
        session
    }

    /// A session that begins with a text; `form` is [`Form::Template`] where nobody should rely on the window.
    pub fn message(request: RequestId, text: AgentText, form: Form, limits: Limits, now: Millis) -> Self {
        let mut session = Self::new(State::Messaging { hanging: None }, limits, now);
        session.outcome.message_heard = MessageHeard::Written;
        session.chat.first_form(form);
        session.ask(request, text, now);
        session
    }

    /// A session that the person began by asking to be called: rings, and takes a message for whichever agent comes next.
    pub fn call_back(limits: Limits, now: Millis) -> Self {
        let mut session = Self::new(State::Messaging { hanging: None }, limits, now);
        session.chat.reached();
        session.ring_back(now);
        session
    }

    fn new(state: State, limits: Limits, now: Millis) -> Self {
        Self {
            limits,
            state,
            turns: Turns::default(),
            chat: Chat::default(),
            outcome: Outcome::default(),
            calls: Calls::none(now),
            began_at: now,
            looks_until: now,
            hurried: false,
            deadlines: Deadlines::default(),
            effects: VecDeque::new(),
        }
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
            Input::Back { request } => self.turns.back(request),
            Input::Dialed(result) => self.dialed(result, now),
            Input::Found(found) => self.found(found, now),
            Input::HangUpAnswered { call, result } => self.hang_up_answered(&call, result, now),
            Input::Carrier { call, news } => self.carrier(&call, news, now),
            Input::Media(event) => self.media(event, now),
            Input::Earlier(said) => self.earlier(said),
            Input::Floor => self.floor_granted(now),
            Input::FloorTaken => self.floor_taken(now),
            Input::Posted { post, result } => self.posted(post, result, now),
            Input::Receipt { message, delivery } => self.receipt(&message, delivery, now),
            Input::Wrote { text, sense, at, channel } => self.wrote(Said { text, at, channel }, sense, now),
            Input::OptedOut { text, channel } => self.stopped(Said { text, at: now, channel }, now),
            Input::Quit => self.finish(&Why::Quit, now),
            Input::Window { until } => self.window(until, now),
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
                Timer::Resend => self.tend(now),
                Timer::Receipt => self.inspect(now),
                Timer::OpenQuestion => self.inactive(now),
                Timer::Window => self.window_closes(),
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
            State::Messaging { .. } => Phase::Messaging,
            State::Ending(_) => Phase::Ending,
            State::Ended => Phase::Ended,
        }
    }

    /// Whether the carrier, asking what to do with `call`, should be told to connect its media.
    pub fn wants_media(&self, call: &CarrierCallId) -> bool {
        match &self.state {
            State::Answered { call: ours } | State::Talking { call: ours, .. } => ours == call,
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Messaging { .. }
            | State::Ending(_)
            | State::Ended => false,
        }
    }

    /// Whether what the agent says is written.
    fn is_writing(&self) -> bool {
        matches!(self.state, State::Messaging { .. } | State::Ending(Ending::Parting { .. }))
    }

    /// The channel the session is on.
    pub fn channel(&self) -> Channel {
        match &self.state {
            State::Messaging { .. } | State::Ending(Ending::Parting { .. }) => self.chat.channel(),
            State::Ended if self.outcome.message_heard == MessageHeard::Written => self.chat.channel(),
            _ => Channel::Voice,
        }
    }

    /// Whether anything of the session was written, either way.
    pub fn has_written(&self) -> bool {
        self.chat.has_reached()
    }

    /// Whether the session needs the person's phone line: it rings, talks, or has a call that is not hung up yet.
    pub fn is_on_phone(&self) -> bool {
        match &self.state {
            State::Messaging { hanging } | State::Ending(Ending::Parting { hanging }) => {
                hanging.is_some() || self.calls.is_in_the_air()
            }
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Answered { .. }
            | State::Talking { .. }
            | State::Ending(_) => true,
            State::Ended => false,
        }
    }

    /// The call whose media is not there: not yet, or not any more. Where the carrier has ended it in form the call is mostly
    /// over, of which its own news tells; but a stream can end in a call that goes on.
    pub fn lacks_media(&self) -> Option<&CarrierCallId> {
        match &self.state {
            State::Answered { call } | State::Talking { call, line: Line::Dropped { .. } } => Some(call),
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Talking { .. }
            | State::Messaging { .. }
            | State::Ending(_)
            | State::Ended => None,
        }
    }

    /// When the carrier was asked to ring, the last time.
    pub fn dialed_at(&self) -> Millis {
        self.calls.dialed_at()
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
                Ending::Goodbye { call } | Ending::LastWords { call, .. } | Ending::HangingUp(Hanging { call, .. }),
            ) => Some(call),
            State::Messaging { hanging } | State::Ending(Ending::Parting { hanging }) => {
                hanging.as_ref().map(|hanging| &hanging.call)
            }
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

    /// Whether a question still waits for its reply, whether or not a request waits with it.
    pub fn has_open_question(&self) -> bool {
        self.turns.open_question().is_some()
    }

    /// From the pick-up to the end of the call, or to `now` while it runs; all calls of the session together.
    pub fn talked(&self, now: Millis) -> Duration {
        self.calls.talked(now)
    }

    /// When the session began.
    pub fn began_at(&self) -> Millis {
        self.began_at
    }

    fn media(&mut self, event: MediaEvent, now: Millis) {
        // The media of a call that is over for this session has nothing to say any more.
        if self.is_writing() {
            return;
        }
        match event {
            MediaEvent::Connected => self.connected(now),
            MediaEvent::MediaGone(loss) => self.media_gone(loss, now),
            MediaEvent::UtteranceStarted { utterance } => self.turns.started(utterance, now),
            MediaEvent::UtteranceEnded { utterance, heard, failed } => self.uttered(utterance, heard, failed, now),
            MediaEvent::Interrupted { utterance, heard } => self.interrupted(utterance, heard, now),
            MediaEvent::Progress { utterance, heard } => self.progress(utterance, heard, now),
            MediaEvent::SpeechStarted { stretch, .. } => self.speech_started(stretch, now),
            // The words decide.
            MediaEvent::SpeechStopped { .. } => {}
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
