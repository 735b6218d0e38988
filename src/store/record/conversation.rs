//! The forms of conversations, their lines and their outcome.

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::Dice;
use super::{BadRecord, Kept, keep_enum, keep_struct};
use crate::clock::Millis;
use crate::domain::outcome::{AnsweredBy, Channel, Dial, EndedBy, MessageHeard, Outcome};
use crate::ids::{ConversationId, SessionId};
use crate::store::{Conversation, Line, Speaker};

keep_struct!(Conversation => ConversationRecord {
    id: SessionId,
    channel: Channel,
    conversation: Option<ConversationId>,
    lines: Vec<Line>,
    created_at: Millis,
    ended_at: Option<Millis>,
    duration_seconds: u64,
    outcome: Outcome,
    uncollected: Vec<Line>,
});

keep_struct!(Line => LineRecord { speaker: Speaker, text: String, at: Millis, channel: Channel });

keep_enum!(Speaker => SpeakerRecord { Agent, Person, });

keep_enum!(Channel => ChannelRecord { Voice, WhatsApp, Sms, });

/// What came in before there was SMS.
impl Default for ChannelRecord {
    fn default() -> Self {
        ChannelRecord::WhatsApp
    }
}

keep_struct!(Outcome => OutcomeRecord {
    dial: Dial,
    answered_by: AnsweredBy,
    message_heard: MessageHeard,
    reply_channel: Option<Channel>,
    ended_by: Option<EndedBy>,
});

keep_enum!(Dial => DialRecord { NotDialed, Answered, NoAnswer, Busy, Failed, Canceled, Voicemail, });

keep_enum!(AnsweredBy => AnsweredByRecord { Nobody, Human, Machine, Unknown, });

keep_enum!(MessageHeard => MessageHeardRecord { None, Full, Written, (Partial heard: String), });

keep_enum!(EndedBy => EndedByRecord {
    Person, Agent, Inactivity, MaxLength, OptOut, Shutdown, Crash, Carrier,
});
