//! The forms of running sessions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::Dice;
use super::{BadRecord, Kept, keep_enum, keep_struct};
use crate::clock::Millis;
use crate::domain::messaging::{Form, MessagingError};
use crate::domain::outcome::{Channel, MessageHeard, Outcome};
use crate::domain::session::snapshot::{
    Asking, Calls, ChatSnapshot, Deadline, Heard, Post, Purpose, Question, Sent, Snapshot, Stage, TurnsSnapshot,
};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{CarrierCallId, MessageId, PostId, RequestId, SessionId, UtteranceId};
use crate::store::{Owner, SessionRecord};

keep_struct!(SessionRecord => SessionForm {
    id: SessionId,
    snapshot: Snapshot,
    kept_at: Millis,
    by_person: bool,
    #[serde(default)]
    owner: Owner,
});

keep_struct!(Owner => OwnerRecord { instance: String, fence: u64 });

impl Default for OwnerRecord {
    fn default() -> Self {
        Owner::default().keep()
    }
}

keep_struct!(Snapshot => SnapshotRecord {
    stage: Stage,
    began_at: Millis,
    outcome: Outcome,
    calls: Calls,
    turns: TurnsSnapshot,
    chat: ChatSnapshot,
    deadlines: Vec<(Deadline, Millis)>,
});

keep_enum!(Stage => StageRecord {
    {Voice call: Option<CarrierCallId>},
    {Messaging hanging: Option<CarrierCallId>},
    {Parting hanging: Option<CarrierCallId>},
});

keep_struct!(Calls => CallsRecord {
    dialed_at: Millis,
    in_the_air: bool,
    asked_for: bool,
    answered_at: Option<Millis>,
    ended_at: Option<Millis>,
    talked_before: Duration,
    named: Vec<CarrierCallId>,
});

keep_struct!(TurnsSnapshot => TurnsRecord {
    question: Option<Question>,
    asking: Vec<Asking>,
    saying: Vec<RequestId>,
    leaving: Vec<RequestId>,
    heard: Vec<Heard>,
    rounds: u64,
    given: Vec<(RequestId, u64)>,
    words_at: Millis,
});

keep_struct!(Question => QuestionRecord {
    utterance: Option<UtteranceId>,
    text: AgentText,
    asked_at: Option<Millis>,
    message: Option<u64>,
    written_at: Option<Millis>,
    sent: bool,
    interrupted: bool,
    heard: MessageHeard,
    open: bool,
});

keep_struct!(Asking => AskingRecord { request: RequestId, brought: bool });

keep_struct!(Heard => HeardRecord {
    began_at: Millis,
    text: PersonText,
    channel: Channel,
    aside: bool,
    round: Option<u64>,
    recorded: bool,
});

keep_struct!(ChatSnapshot => ChatRecord {
    outbox: Vec<Post>,
    sent: Vec<Sent>,
    posts: u64,
    messages: u64,
    lead: Option<String>,
    first: Option<Form>,
    rest: Option<String>,
    window: Option<Millis>,
    reached: bool,
    #[serde(default)]
    in_doubt: bool,
    #[serde(default)]
    by_sms: bool,
    #[serde(default)]
    whatsapp_error: Option<MessagingError>,
});

keep_struct!(Post => PostRecord {
    id: PostId,
    message: u64,
    part: usize,
    text: String,
    purpose: Purpose,
    last: bool,
    form: Form,
    tries: usize,
    again: bool,
    #[serde(default)]
    instead_of: Option<PostId>,
});

keep_struct!(Sent => SentRecord { message: MessageId, post: Post, fine: bool, checks: Vec<Millis> });

keep_enum!(Purpose => PurposeRecord { Question, Goodbye, Farewell, Prompt, (Statement request: RequestId), });

keep_enum!(Form => FormRecord { Free, Template, Sms, });

keep_enum!(Deadline => DeadlineRecord {
    Settle, Ring, Connect, Verdict, Reply, Grace, Extension, Collect, Inactivity, Longest, Reconnect, LastWords, Goodbye,
    HangUp, Resend, Receipt, OpenQuestion, Window,
});
