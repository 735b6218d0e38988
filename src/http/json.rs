//! The shapes of answers, as they stand on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::outcome::{Channel, EndedBy, MessageHeard, Outcome};
use crate::service::{Ended, Reply, Spoken, View};
use crate::store::{Conversation, Line, Speaker};

mod contact;

use contact::ContactJson;

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    /// What happened and what to do next.
    pub(super) error: String,
    /// The kind of refusal.
    pub(super) code: &'static str,
    /// The session it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call_id: Option<String>,
    /// The channel of that session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact_mode: Option<&'static str>,
    /// What happened in that session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<OutcomeJson>,
}

/// Nobody has replied for as long as the client wanted to wait.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotYetJson {
    /// Always `waiting`.
    pub(super) status: &'static str,
    /// What to do next.
    pub(super) next: String,
    /// Where its answer will be: `/api/request/{requestId}`. Not there where nothing was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<String>,
    /// The session.
    pub(super) call_id: Option<String>,
    /// The channel it is on.
    pub(super) contact_mode: Option<&'static str>,
    /// What happened so far.
    pub(super) outcome: Option<OutcomeJson>,
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeletedJson {
    /// How many sessions.
    pub(super) deleted: usize,
}

/// What happened, truthfully.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutcomeJson {
    /// `answered`, `no-answer`, `busy`, `failed`, `canceled`, `voicemail` or `not-dialed`.
    dial: &'static str,
    /// `human`, `machine`, `unknown` or `nobody`.
    answered_by: &'static str,
    /// How much of the last message was heard: `full`, `partial` or `none`; null where it was written.
    message_heard: Option<&'static str>,
    /// What was heard of it, where that is a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_text: Option<String>,
    /// How the reply came: `voice`, `whatsapp`, `sms` or `none`.
    reply_channel: &'static str,
    /// `person`, `agent`, `inactivity`, `max-length`, `opt-out`, `shutdown`, `crash` or `carrier`; null while it runs.
    ended_by: Option<&'static str>,
}

impl From<&Outcome> for OutcomeJson {
    fn from(outcome: &Outcome) -> Self {
        let (message_heard, heard_text) = match &outcome.message_heard {
            MessageHeard::None => (Some("none"), None),
            MessageHeard::Partial(text) => (Some("partial"), Some(text.clone())),
            MessageHeard::Full => (Some("full"), None),
            MessageHeard::Written => (None, None),
        };
        Self {
            dial: outcome.dial.as_str(),
            answered_by: outcome.answered_by.as_str(),
            message_heard,
            heard_text,
            reply_channel: outcome.reply_channel.map_or("none", Channel::as_str),
            ended_by: outcome.ended_by.map(EndedBy::as_str),
        }
    }
}

/// Words of the person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WordsJson {
    /// What was said.
    text: String,
    /// When, in epoch milliseconds.
    at: u64,
    /// On which channel.
    channel: &'static str,
}

impl From<&Line> for WordsJson {
    fn from(line: &Line) -> Self {
        Self { text: line.text.clone(), at: line.at.0, channel: line.channel.as_str() }
    }
}

/// The answer to `continue` and `wait`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplyJson {
    /// The person's words; words older than the question stand before them in a line that begins with `Earlier:`.
    response: String,
    /// The person cut the question short.
    interrupted: bool,
    /// The channel the session is on.
    contact_mode: &'static str,
    #[serde(flatten)]
    contact: ContactJson,
    /// Words of the person that are older than the question, oldest first.
    earlier: Vec<WordsJson>,
    outcome: OutcomeJson,
}

/// The answer to a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallJson {
    /// The session's id, for the other routes.
    call_id: String,
    #[serde(flatten)]
    reply: ReplyJson,
}

/// The answer to a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenJson {
    /// The session's id under another name: it stands wherever an `{id}` does.
    message_id: String,
    #[serde(flatten)]
    call: CallJson,
}

impl From<Reply> for ReplyJson {
    fn from(reply: Reply) -> Self {
        Self {
            response: with_earlier(&reply.earlier, reply.response),
            interrupted: reply.interrupted,
            contact_mode: reply.channel.as_str(),
            contact: reply.contact.into(),
            earlier: reply.earlier.iter().map(WordsJson::from).collect(),
            outcome: (&reply.outcome).into(),
        }
    }
}

impl From<Reply> for CallJson {
    fn from(reply: Reply) -> Self {
        Self { call_id: reply.session.as_str().to_owned(), reply: reply.into() }
    }
}

impl From<Reply> for WrittenJson {
    fn from(reply: Reply) -> Self {
        Self { message_id: reply.session.as_str().to_owned(), call: reply.into() }
    }
}

/// The response with the earlier words as its first line: some clients show their agent nothing else.
fn with_earlier(earlier: &[Line], response: String) -> String {
    if earlier.is_empty() {
        return response;
    }
    let words: Vec<String> =
        earlier.iter().map(|line| line.text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    format!("Earlier: {}\n{response}", words.join(" / "))
}

/// The answer to `speak`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SpokenJson {
    /// The person cut it short.
    interrupted: bool,
    outcome: OutcomeJson,
}

impl From<Spoken> for SpokenJson {
    fn from(spoken: Spoken) -> Self {
        Self { interrupted: spoken.interrupted, outcome: (&spoken.outcome).into() }
    }
}

/// The answer to `end`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndedJson {
    /// Talk time in all.
    duration_seconds: u64,
    outcome: OutcomeJson,
}

impl From<Ended> for EndedJson {
    fn from(ended: Ended) -> Self {
        Self { duration_seconds: ended.duration.as_secs(), outcome: (&ended.outcome).into() }
    }
}

/// A session as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ViewJson {
    call_id: String,
    /// The state's name.
    state: &'static str,
    /// The channel the session is on.
    contact_mode: &'static str,
    #[serde(flatten)]
    contact: ContactJson,
    /// When it began, in epoch milliseconds.
    created_at: u64,
    /// When it ended, in epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<u64>,
    /// Talk time so far.
    duration_seconds: u64,
    /// A request waits for the person's reply.
    waiting: bool,
    /// The question is not written yet: the person has one of another session to answer first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    queued: bool,
    outcome: OutcomeJson,
    /// The person's words that no request has collected yet.
    replies: Vec<WordsJson>,
}

impl From<View> for ViewJson {
    fn from(View { conversation, state, waiting, queued, contact }: View) -> Self {
        Self {
            call_id: conversation.id.as_str().to_owned(),
            state,
            contact_mode: conversation.channel.as_str(),
            contact: contact.into(),
            created_at: conversation.created_at.0,
            ended_at: conversation.ended_at.map(|at| at.0),
            duration_seconds: conversation.duration_seconds,
            waiting,
            queued,
            outcome: (&conversation.outcome).into(),
            replies: conversation.uncollected.iter().map(WordsJson::from).collect(),
        }
    }
}

/// Finished and running sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryJson {
    conversations: Vec<ConversationJson>,
    /// How many are here.
    count: usize,
    /// How many there are in all.
    total: usize,
}

impl HistoryJson {
    pub(super) fn new(conversations: &[Conversation], total: usize) -> Self {
        let conversations: Vec<_> = conversations.iter().map(ConversationJson::from).collect();
        Self { count: conversations.len(), conversations, total }
    }
}

/// A session in history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConversationJson {
    id: String,
    contact_mode: &'static str,
    message_count: usize,
    /// Oldest first.
    messages: Vec<MessageJson>,
    /// When it began, in epoch milliseconds.
    created_at: u64,
    metadata: MetadataJson,
}

/// What is known of a session beside its words.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetadataJson {
    /// Talk time.
    duration_seconds: u64,
    /// The carrier's conversation that its texts are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_sid: Option<String>,
}

/// A line of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageJson {
    /// `claude` is the agent, `user` the person.
    speaker: &'static str,
    message: String,
    /// In epoch milliseconds.
    timestamp: u64,
}

impl From<&Conversation> for ConversationJson {
    fn from(conversation: &Conversation) -> Self {
        let messages: Vec<_> = conversation.lines.iter().map(MessageJson::from).collect();
        Self {
            id: conversation.id.as_str().to_owned(),
            contact_mode: conversation.channel.as_str(),
            message_count: messages.len(),
            messages,
            created_at: conversation.created_at.0,
            metadata: MetadataJson {
                duration_seconds: conversation.duration_seconds,
                conversation_sid: contact::sid(conversation.conversation.as_ref()),
            },
        }
    }
}

impl From<&Line> for MessageJson {
    fn from(line: &Line) -> Self {
        let speaker = match line.speaker {
            Speaker::Agent => "claude",
            Speaker::Person => "user",
        };
        Self { speaker, message: line.text.clone(), timestamp: line.at.0 }
    }
}
