//! The forms of requests and their answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::Dice;
use super::{BadRecord, Kept, keep_enum, keep_struct};
use crate::clock::Millis;
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::messaging::{Contact, MessagingClass, MessagingError, Window};
use crate::domain::outcome::{Channel, Outcome};
use crate::domain::session::{Answer, Body, Failure, Reply, Said};
use crate::domain::text::PersonText;
use crate::ids::{ConversationId, RequestId, RequestKey, SessionId};
use crate::store::{Given, RequestRecord};

keep_struct!(RequestRecord => RequestForm {
    key: RequestKey,
    request: RequestId,
    session: SessionId,
    content: String,
    keyed: bool,
    begun_at: Millis,
    answer: Option<Given>,
    collected: bool,
    #[serde(default)]
    deleted: bool,
});

keep_struct!(Given => GivenRecord { answer: Answer, at: Millis, channel: Channel, contact: Option<Contact> });

keep_struct!(Contact => ContactRecord { conversation: Option<ConversationId>, window: Option<Window> });

keep_struct!(Window => WindowRecord { until: Millis, left: Duration });

keep_struct!(Answer => AnswerRecord { body: Body, outcome: Outcome });

keep_enum!(Body => BodyRecord {
    (Reply reply: Reply),
    {Spoken interrupted: bool},
    {Ended talked: u64},
    {Failed failure: Failure, said: Vec<Said>},
});

keep_struct!(Reply => ReplyRecord { words: Vec<Said>, earlier: Vec<Said>, interrupted: bool });

keep_struct!(Said => SaidRecord { text: PersonText, at: Millis, channel: Channel });

keep_enum!(Failure => FailureRecord {
    NoReply, Queued, NoAnswer, Busy, CallEnded, NoActiveCall, OptedOut, TemplateRequired, Stopping,
    (Speech error: ProviderError),
    (Carrier error: ProviderError),
    {Undelivered error: MessagingError, untouched: bool, open: bool},
});

keep_struct!(ProviderError => ProviderErrorRecord { class: ErrorClass, code: Option<String>, message: String });

keep_enum!(ErrorClass => ErrorClassRecord { Refused, Busy, Unknown, });

keep_struct!(MessagingError => MessagingErrorRecord {
    class: MessagingClass,
    code: Option<String>,
    message: String,
    retry_after: Option<Duration>,
});

keep_enum!(MessagingClass => MessagingClassRecord {
    OptIn, Window, OptedOut, BadNumber, Configuration, Closed, Transient, Unknown, Permanent,
});
