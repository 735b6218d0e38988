//! What reaches a session, and what it asks of the runtime.

use crate::clock::Millis;
use crate::domain::carrier::{CallEnd, CallProgress, ProviderError, Verdict};
use crate::domain::media::{MediaCommand, MediaEvent};
use crate::domain::messaging::{Delivery, Form, MessagingError};
use crate::domain::outcome::{Channel, Outcome};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{CarrierCallId, MessageId, PostId, RequestId};

/// Everything that can happen to a session besides time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `continue`: say this, then wait for the reply.
    Ask {
        /// Addresses the answer.
        request: RequestId,
        /// What to say.
        text: AgentText,
    },
    /// `speak`: say this.
    Say {
        /// Addresses the answer.
        request: RequestId,
        /// What to say.
        text: AgentText,
    },
    /// `wait`: wait for a reply without saying anything.
    Wait {
        /// Addresses the answer.
        request: RequestId,
    },
    /// `end`: say this goodbye, then hang up.
    End {
        /// Addresses the answer.
        request: RequestId,
        /// The goodbye.
        text: AgentText,
    },
    /// An agent has taken the answer to this request.
    Collected {
        /// Whose answer it was.
        request: RequestId,
    },
    /// The client of this request has got an answer without the session, because its time was up. What it asked stays
    /// asked, and no longer keeps another message from being asked.
    OutOfTime {
        /// Which request.
        request: RequestId,
    },
    /// That client has come back for its answer: nothing else is asked meanwhile, unless something was.
    Back {
        /// Which request.
        request: RequestId,
    },
    /// The carrier's REST answer to [`Effect::Dial`].
    Dialed(Result<CarrierCallId, ProviderError>),
    /// The carrier's REST answer to [`Effect::FindCall`]: our call, where there is one.
    Found(Result<Option<(CarrierCallId, CallProgress)>, ProviderError>),
    /// The carrier's REST answer to [`Effect::HangUp`].
    HangUpAnswered {
        /// Which call.
        call: CarrierCallId,
        /// Whether that is done.
        result: Result<(), ProviderError>,
    },
    /// A webhook of the carrier about our call; any order, any number of times.
    Carrier {
        /// Which call, by the carrier's name.
        call: CarrierCallId,
        /// What it says.
        news: CarrierNews,
    },
    /// From the call's media.
    Media(MediaEvent),
    /// What the person wrote while no session was there to take it, oldest first; or that something was refused.
    Earlier(Vec<Said>),
    /// The line's answer to [`Effect::Claim`]: the floor is the session's, now or when its turn comes.
    Floor,
    /// The line's answer to [`Effect::Claim`] while another session has the floor: [`Input::Floor`] follows in its turn.
    FloorTaken,
    /// The answer to [`Effect::Post`].
    Posted {
        /// Which text.
        post: PostId,
        /// Its name at the carrier, or why it has none.
        result: Result<MessageId, PostError>,
    },
    /// What became of a text; any number of times.
    Receipt {
        /// Which text.
        message: MessageId,
        /// What became of it.
        delivery: Delivery,
    },
    /// The person wrote.
    Wrote {
        /// What.
        text: PersonText,
        /// What it is for.
        sense: Sense,
        /// When: a moment ago, or longer where it is known only now.
        at: Millis,
        /// Where.
        channel: Channel,
    },
    /// The person stopped messages with these words.
    OptedOut {
        /// The words.
        text: PersonText,
        /// Where.
        channel: Channel,
    },
    /// The person ended the session with a word.
    Quit,
    /// The window is open until then, says a message of the person's.
    Window {
        /// When it closes.
        until: Millis,
    },
    /// The server stops.
    Shutdown,
    /// Stands for any bug of ours; the runtime must contain it.
    #[cfg(test)]
    Panic,
}

/// What a text of the person's is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// A reply, or words for whoever listens next.
    Reply,
    /// It came while the session talks by voice: no reply to what was said there.
    Aside,
    /// A request to be called, for which the line was taken; `tell` when the agent should read it too.
    CallMe {
        /// It says more than that.
        tell: bool,
    },
}

/// Why a text was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostError {
    /// The person stopped messages.
    OptedOut,
    /// The carrier's answer, or the line's own [`MessagingClass::Window`](crate::domain::messaging::MessagingClass).
    Carrier(MessagingError),
}

/// What a carrier's webhook says about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierNews {
    /// Accepted, not ringing yet.
    Queued,
    /// The phone rings.
    Ringing,
    /// Picked up (also: the carrier asks what to do with the call).
    Answered,
    /// Who picked up.
    Machine(Verdict),
    /// Over.
    Over(CallEnd),
}

/// What a session asks of the runtime, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ring the person; answer with [`Input::Dialed`].
    Dial,
    /// Look whether a dial with unknown result was placed at or after `since`; answer with [`Input::Found`].
    FindCall {
        /// When it was dialled.
        since: Millis,
    },
    /// Hang up; answer with [`Input::HangUpAnswered`], where it is the session's live call. Another one is nobody's, and
    /// the runtime's to see off.
    HangUp {
        /// Which call.
        call: CarrierCallId,
    },
    /// For the call's media.
    Media(MediaCommand),
    /// The call is over for good: its media is not needed any more.
    CloseMedia,
    /// Ask the line for the floor; answer with [`Input::Floor`], or with [`Input::FloorTaken`] and then that.
    Claim,
    /// Give the floor back, or the place in its queue.
    Yield,
    /// Send a text; answer with [`Input::Posted`].
    Post {
        /// Which.
        post: PostId,
        /// As what.
        form: Form,
        /// The text, or the template's variable.
        text: String,
        /// It may have been sent: look for its mark first.
        again: bool,
        /// This text may have been sent on WhatsApp, for which it stands: look for that first.
        instead_of: Option<PostId>,
    },
    /// Ask what became of a text; answer with [`Input::Receipt`] where that is known.
    Inspect {
        /// Which.
        message: MessageId,
        /// The channel that it went by.
        channel: Channel,
    },
    /// The window closes within the hour.
    WindowCloses,
    /// The answer to a request; each request gets exactly one.
    Answer {
        /// Which request.
        request: RequestId,
        /// The answer.
        answer: Answer,
    },
    /// A line for the history.
    Said {
        /// Said by the person, not the agent.
        by_person: bool,
        /// The words.
        text: String,
        /// When.
        at: Millis,
        /// How.
        channel: Channel,
    },
    /// The session is over and wants nothing any more.
    Finished,
}

/// The answer to a request, with the truth at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the request gets.
    pub body: Body,
    /// What happened.
    pub outcome: Outcome,
}

/// The kinds of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The person's reply.
    Reply(Reply),
    /// Said (`speak`).
    Spoken {
        /// The person cut it short.
        interrupted: bool,
    },
    /// Ended (`end`).
    Ended {
        /// Talk time in milliseconds.
        talked: u64,
    },
    /// No better answer.
    Failed {
        /// Why.
        failure: Failure,
        /// What the person said that no agent has collected; it stays to be collected.
        said: Vec<Said>,
    },
}

/// A reply of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The words, oldest first.
    pub words: Vec<Said>,
    /// Words older than the question.
    pub earlier: Vec<Said>,
    /// The person cut the question short.
    pub interrupted: bool,
}

/// Something the person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: PersonText,
    /// When the person began to say them.
    pub at: Millis,
    /// How they came.
    pub channel: Channel,
}

/// Why a request has no better answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody replied in time; the session is open.
    NoReply,
    /// The same, and nobody was asked: the question waits behind another session's.
    Queued,
    /// Nobody picked up; the session has ended.
    NoAnswer,
    /// Another message waits for its reply.
    Busy,
    /// The session ended while the request waited.
    CallEnded,
    /// The session had ended before the request came.
    NoActiveCall,
    /// The speech provider failed once the carrier had accepted the call.
    Speech(ProviderError),
    /// The carrier refused; nothing reached the person.
    Carrier(ProviderError),
    /// The person stopped messages.
    OptedOut,
    /// The window is closed and there is no template.
    TemplateRequired,
    /// The message was not delivered, or nobody knows.
    Undelivered {
        /// Why.
        error: MessagingError,
        /// Nothing of this session has reached the person.
        untouched: bool,
        /// The session is open.
        open: bool,
    },
    /// The server stops; the session goes on without it.
    Stopping,
}

impl Failure {
    /// Whether nothing was done: the next try may do it.
    pub fn is_untouched(&self) -> bool {
        matches!(self, Failure::Carrier(_) | Failure::Undelivered { untouched: true, .. })
    }
}
