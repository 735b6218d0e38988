//! The sentences of refusals. Agents read them and nothing else: what happened, what the person said, what to do next.

use std::time::Duration;

use super::{Refusal, RefusalKind, View};
use crate::domain::messaging::{MessagingClass, MessagingError};
use crate::domain::outcome::{AnsweredBy, Channel, Dial, EndedBy, MessageHeard, Outcome};
use crate::domain::session::{Failure, Said};
use crate::ids::SessionId;
use crate::privacy;
use crate::session::{Delivered, NotStarted, Pending};

/// When there are too many sessions, one is likely to end within this.
const FULL_AGAIN: Duration = Duration::from_secs(60);

/// What to do when a session is over.
const BEGIN_ANEW: &str = "Use initiate_call to begin a new one.";

/// A call that is being ended is over within this, unless the carrier is in trouble.
const LEFT_AGAIN: Duration = Duration::from_secs(5);

/// What a failed request is told. `opt_in` is what the person must do before texts arrive.
pub(super) fn failed(id: &SessionId, failure: &Failure, said: &[Said], answered: &Delivered, opt_in: &str) -> Refusal {
    let (outcome, channel) = (&answered.answer.outcome, answered.channel);
    let writing = channel != Channel::Voice;
    let (kind, what) = match failure {
        Failure::NoReply if writing => (RefusalKind::NoReply, not_yet(id, channel)),
        Failure::Queued => (RefusalKind::NoReply, not_asked(id, channel)),
        Failure::NoReply => (
            RefusalKind::NoReply,
            format!(
                "Nobody replied in time. The call is still open: use continue_call with {id} to ask again, or end_call with {id} to hang up."
            ),
        ),
        Failure::NoAnswer => (
            RefusalKind::NoAnswer,
            format!("{} Call {id} has ended; use initiate_call to try again later.", unreached(outcome)),
        ),
        Failure::Busy => (
            RefusalKind::Busy,
            format!(
                "Another message waits for its reply in {id}. Wait for that reply, or repeat that message word for word to join it."
            ),
        ),
        Failure::CallEnded => (RefusalKind::CallEnded, format!("{} {BEGIN_ANEW}", ended(id, outcome, channel))),
        Failure::NoActiveCall => return gone(id, said, outcome, channel),
        Failure::Speech(error) => (
            RefusalKind::SpeechFailed,
            format!("The speech provider failed in call {id}: {error}. What was to be said may not have been heard."),
        ),
        Failure::Carrier(error) => {
            (RefusalKind::ProviderError, format!("The carrier did not place the call: {error}. Nobody was rung."))
        }
        Failure::OptedOut => (
            RefusalKind::OptedOut,
            format!(
                "{}The person stopped messages: nothing more is written until they write \"start\". {} has ended; calls still ring: use initiate_call to try one.",
                called(outcome),
                name(id, channel)
            ),
        ),
        Failure::TemplateRequired => (
            RefusalKind::TemplateRequired,
            format!(
                "{}The person has not written for 24 hours, so that only an approved template arrives, and none is set: set CALLME_WHATSAPP_TEMPLATE_SID. Once the person has written, use continue_call with {id}; until then, only a call reaches them (initiate_call).",
                called(outcome)
            ),
        ),
        Failure::Undelivered { error, untouched, open } => {
            let (kind, what) = undelivered(id, error, channel, *untouched, *open, outcome, opt_in);
            let before = if channel == Channel::Sms {
                "This session goes on by SMS, since WhatsApp did not carry a message. "
            } else {
                ""
            };
            (kind, format!("{before}{what}"))
        }
        Failure::Stopping => (
            RefusalKind::ShuttingDown,
            format!("The server is being stopped. Repeat the request in a minute to go on in {id}."),
        ),
    };
    Refusal { channel: Some(channel), ..about(id, kind, with_words(what, said), Some(outcome)) }
}

/// A message that did not arrive, or perhaps did.
fn undelivered(
    id: &SessionId,
    error: &MessagingError,
    channel: Channel,
    untouched: bool,
    open: bool,
    outcome: &Outcome,
    opt_in: &str,
) -> (RefusalKind, String) {
    let called = called(outcome);
    match error.class {
        MessagingClass::OptIn => (
            RefusalKind::OptInRequired,
            format!("{called}WhatsApp does not reach the person yet. {opt_in} Then use continue_call with {id}."),
        ),
        MessagingClass::Configuration if untouched => (
            RefusalKind::NotConfigured,
            format!(
                "{} is set up wrongly: {error}. Nothing reached the person: have the CALLME_WHATSAPP_* and CALLME_PHONE_* settings checked, or use initiate_call.",
                channel.name()
            ),
        ),
        MessagingClass::OptedOut => (
            RefusalKind::OptedOut,
            format!(
                "{called}The carrier lets no SMS through to the person, who stopped them there: {error}. They have to send \"start\" by SMS to this server's number, or to write on WhatsApp."
            ),
        ),
        MessagingClass::Unknown => (
            RefusalKind::NoReply,
            format!(
                "{called}Nobody knows whether the message arrived: {error}. Wait for a reply with wait_for_reply, or write again with continue_call, with {id}."
            ),
        ),
        _ if untouched => (
            RefusalKind::ProviderError,
            format!(
                "The message was not sent: {error}. Nothing reached the person: try again later, or use initiate_call."
            ),
        ),
        _ if open => (
            RefusalKind::NoReply,
            format!(
                "{called}The message did not arrive: {error}. The conversation is still open: use continue_call with {id}."
            ),
        ),
        _ => (
            RefusalKind::NoAnswer,
            format!(
                "{called}The message did not arrive either: {error}. Call {id} has ended; use initiate_call to try again later."
            ),
        ),
    }
}

/// What became of the call before the message, where there was one.
fn called(outcome: &Outcome) -> String {
    match outcome.dial {
        Dial::NotDialed => String::new(),
        _ => format!("{} ", unreached(outcome)),
    }
}

fn not_yet(id: &SessionId, channel: Channel) -> String {
    let place = channel.name();
    format!(
        "Nobody has replied yet. The question stays open on {place}, and the reply is kept: wait for it with wait_for_reply, or write again with continue_call, with {id}."
    )
}

/// The session's question was not written yet.
fn not_asked(id: &SessionId, channel: Channel) -> String {
    let place = channel.name();
    format!(
        "Nobody has been asked yet: the person has an older question of another session to answer on {place}. This one is written after that: wait for the reply with wait_for_reply, or give the question up with end_call, with {id}."
    )
}

/// There never was such a session, or it is forgotten. The id is the client's own invention and may be anything, a phone
/// number too: it is repeated masked, and as text only.
pub(super) fn unknown(id: &SessionId) -> Refusal {
    bare(RefusalKind::NoActiveCall, &format!("No active call: {}", privacy::mask(id.as_str())))
}

/// No request is known by this name, or not any more.
pub(super) fn no_such_request() -> Refusal {
    bare(
        RefusalKind::NoSuchRequest,
        "No request has this id, or its answer is not kept any more. Use get_call_history to see what was said.",
    )
}

/// The session is over.
pub(super) fn gone(id: &SessionId, said: &[Said], outcome: &Outcome, channel: Channel) -> Refusal {
    let what = format!("No active call: {id}. {} {BEGIN_ANEW}", ended(id, outcome, channel));
    let refusal = about(id, RefusalKind::NoActiveCall, with_words(what, said), Some(outcome));
    Refusal { channel: Some(channel), ..refusal }
}

/// There is no messaging to write by.
pub(super) fn no_messaging() -> Refusal {
    bare(
        RefusalKind::NotConfigured,
        "WhatsApp is not set up on this server. Set CALLME_WHATSAPP_ENABLED=true, or use initiate_call.",
    )
}

/// Our own fault ended the session.
pub(super) fn crashed(id: &SessionId) -> Refusal {
    let outcome = Outcome { ended_by: Some(EndedBy::Crash), ..Outcome::default() };
    let what = format!("Call {id} ended because of a fault in the server. Use initiate_call to try again.");
    about(id, RefusalKind::SpeechFailed, what, Some(&outcome))
}

/// The request waited as long as a client will; the session goes on.
pub(super) fn out_of_time(id: &SessionId, kind: RefusalKind, view: Option<&View>) -> Refusal {
    let session = view.map(|view| &view.conversation);
    let channel = session.map_or(Channel::Voice, |session| session.channel);
    let what = match channel {
        Channel::WhatsApp | Channel::Sms if view.is_some_and(|view| view.queued) => not_asked(id, channel),
        Channel::Voice => format!(
            "Nobody has replied yet. The call is still open: wait for the reply with wait_for_reply, or ask again with continue_call, with {id}."
        ),
        Channel::WhatsApp | Channel::Sms => not_yet(id, channel),
    };
    let outcome = session.map(|session| &session.outcome);
    Refusal { channel: Some(channel), ..about(id, kind, what, outcome) }
}

/// It runs, and has more to do than it can.
pub(super) fn takes_nothing(id: &SessionId) -> Refusal {
    let what = format!("{id} is overloaded and takes nothing at the moment. Try again in a few seconds.");
    Refusal { retry_after: Some(LEFT_AGAIN), ..about(id, RefusalKind::Busy, what, None) }
}

/// What is kept of a running session is not to be deleted.
pub(super) fn still_runs(id: &SessionId) -> Refusal {
    about(id, RefusalKind::Busy, format!("{id} is still running. End it with end_call, then delete it."), None)
}

/// The answer to this request was a reply, and has been deleted with what else was said.
pub(super) fn deleted(request: &Pending) -> Refusal {
    let id = &request.session;
    let what = format!("The reply in {id} was deleted, with all that was said there. {BEGIN_ANEW}");
    let given = request.given();
    let outcome = given.as_ref().map(|given| &given.answer.outcome);
    let channel = given.as_ref().map_or(Channel::Voice, |given| given.channel);
    Refusal { channel: Some(channel), ..about(id, RefusalKind::CallEnded, what, outcome) }
}

/// Nothing is said to be deleted that may come back.
pub(super) fn not_deleted() -> Refusal {
    bare(
        RefusalKind::ProviderError,
        "The store is out of order: what was deleted may come back with a restart. Look at /health, and delete it again then.",
    )
}

/// The key stands for another message.
pub(super) fn mismatch() -> Refusal {
    bare(
        RefusalKind::IdempotencyMismatch,
        "This Idempotency-Key was used for another message. Use a new key for a new message.",
    )
}

/// No session was started.
pub(super) fn not_started(why: &NotStarted) -> Refusal {
    match why {
        NotStarted::Busy(id) => about(
            id,
            RefusalKind::Busy,
            format!("The person is already in a live call, {id}. Use continue_call with {id}, or end it first."),
            None,
        ),
        NotStarted::Full => Refusal {
            retry_after: Some(FULL_AGAIN),
            ..bare(RefusalKind::RateLimited, "As many sessions are open as this server allows. Try again in a minute.")
        },
        NotStarted::NoMessaging => no_messaging(),
        NotStarted::NoTemplate => bare(
            RefusalKind::TemplateRequired,
            "A first contact needs an approved template, and none is set: set CALLME_WHATSAPP_TEMPLATE_SID, or leave firstContact out.",
        ),
        NotStarted::Closing => bare(RefusalKind::ShuttingDown, "The server is being stopped. Try again in a minute."),
    }
}

/// The person's last call is on its way out; there is nothing in it to go on with.
pub(super) fn still_leaving(id: &SessionId) -> Refusal {
    let what = format!("The person's last call, {id}, is just being ended. Try again in a few seconds.");
    Refusal { retry_after: Some(LEFT_AGAIN), ..about(id, RefusalKind::Busy, what, None) }
}

/// An agent that dials without end.
pub(super) fn too_many_calls(wait: Duration) -> Refusal {
    let minutes = wait.as_secs().div_ceil(60);
    let what = format!(
        "Too many calls in the last hour. The next one is allowed in {minutes} min; write down what you need until then."
    );
    Refusal { retry_after: Some(wait), ..bare(RefusalKind::RateLimited, &what) }
}

/// An agent that writes without end.
pub(super) fn too_many_messages(wait: Duration) -> Refusal {
    let minutes = wait.as_secs().div_ceil(60);
    let what = format!("Too many messages in the last hour. The next one is allowed in {minutes} min.");
    Refusal { retry_after: Some(wait), ..bare(RefusalKind::RateLimited, &what) }
}

/// The same refusal, about a session that goes on in writing on this channel.
pub(super) fn about_writing(id: &SessionId, channel: Channel, refusal: Refusal) -> Refusal {
    Refusal { session: Some(id.clone()), channel: Some(channel), ..refusal }
}

fn bare(kind: RefusalKind, sentence: &str) -> Refusal {
    Refusal {
        kind,
        sentence: sentence.to_owned(),
        session: None,
        channel: None,
        outcome: None,
        retry_after: None,
        request: None,
    }
}

fn about(id: &SessionId, kind: RefusalKind, sentence: String, outcome: Option<&Outcome>) -> Refusal {
    Refusal {
        session: Some(id.clone()),
        channel: Some(Channel::Voice),
        outcome: outcome.cloned(),
        ..bare(kind, &sentence)
    }
}

fn with_words(what: String, said: &[Said]) -> String {
    if said.is_empty() {
        return what;
    }
    let words: Vec<&str> = said.iter().map(|said| said.text.as_str()).collect();
    let did = if said.iter().any(|said| said.channel == Channel::Voice) { "said" } else { "wrote" };
    format!("{what} They {did}: \"{}\"", words.join(" "))
}

/// What the session is to the agent. One that began as a call and went on in writing is no call any more.
fn name(id: &SessionId, channel: Channel) -> String {
    match channel {
        Channel::Voice => format!("Call {id}"),
        Channel::WhatsApp | Channel::Sms => format!("Conversation {id}"),
    }
}

fn unreached(outcome: &Outcome) -> &'static str {
    match (outcome.dial, outcome.ended_by) {
        (Dial::Voicemail, _) => "Voicemail picked up, and nothing was left on it.",
        (Dial::Busy, _) => "The line was busy.",
        (Dial::Canceled, _) => "The call was canceled before anyone picked up.",
        (Dial::Answered, _) if outcome.message_heard == MessageHeard::Written => {
            "The call did not get the message through."
        }
        (Dial::Answered, Some(EndedBy::Person)) => "The person picked up and hung up before anything was said.",
        (Dial::Failed, _) if outcome.answered_by != AnsweredBy::Nobody => {
            "Somebody picked up, but the carrier brought no sound."
        }
        (Dial::Failed, _) => "The call could not be put through.",
        (Dial::NoAnswer | Dial::NotDialed | Dial::Answered, _) => "Nobody picked up.",
    }
}

fn ended(id: &SessionId, outcome: &Outcome, channel: Channel) -> String {
    let session = name(id, channel);
    match (outcome.ended_by, channel) {
        (Some(EndedBy::Person), Channel::Voice) => "Call was hung up by user.".to_owned(),
        (Some(EndedBy::Person), Channel::WhatsApp | Channel::Sms) => format!("{session} was ended by the person."),
        (Some(EndedBy::Agent), _) => format!("{session} was ended by end_call."),
        (Some(EndedBy::Inactivity), Channel::Voice) => {
            format!("{session} ended because nothing was said for too long.")
        }
        (Some(EndedBy::Inactivity), Channel::WhatsApp | Channel::Sms) => {
            format!("{session} ended because nothing was written for too long.")
        }
        (Some(EndedBy::MaxLength), _) => format!("{session} reached the longest time a call may take."),
        (Some(EndedBy::OptOut), _) => format!("{session} ended because the person stopped messages."),
        (Some(EndedBy::Shutdown), _) => format!("{session} ended because the server was stopped."),
        (Some(EndedBy::Crash), _) => format!("{session} ended because of a fault in the server."),
        (Some(EndedBy::Carrier), _) => format!("The carrier lost call {id}."),
        (None, _) => format!("{session} has ended."),
    }
}
