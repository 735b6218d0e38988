//! The forms of lines, and of messages on their way to a session.

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::Dice;
use super::{BadRecord, Kept, keep_enum, keep_struct};
use crate::clock::Millis;
use crate::domain::line::{For, Name, Snapshot, Taken, Twin, Way, WindowState};
use crate::domain::messaging::Inbound;
use crate::domain::outcome::Channel;
use crate::domain::session::Said;
use crate::domain::text::{BadWords, PersonText};
use crate::ids::{ConversationId, EntryId, MessageId, SessionId};
use crate::store::{Mail, Received};

keep_struct!(Snapshot => LineForm {
    opted_out: Option<Millis>,
    window: WindowState,
    conversation: Option<ConversationId>,
    since: Option<Millis>,
    #[serde(default)]
    sms_since: Option<Millis>,
    noticed: bool,
    #[serde(default)]
    noticed_by_sms: bool,
    floor: Vec<SessionId>,
    texts: Vec<Name>,
    writers: Vec<SessionId>,
    twins: Vec<Twin>,
    rings: Vec<Millis>,
    told: Option<Millis>,
    held: Vec<Said>,
});

keep_enum!(WindowState => WindowStateRecord { Unknown, (Wrote at: Millis), (Closed at: Millis), });

keep_struct!(Name => NameRecord { message: MessageId, session: SessionId, sent_at: Millis });

keep_struct!(Twin => TwinRecord { way: Way, words: u64, at: Millis });

keep_enum!(Way => WayRecord { Conversation, Plain, });

keep_struct!(Received => ReceivedRecord {
    entry: EntryId,
    at: Millis,
    late: Option<Millis>,
    #[serde(default)]
    channel: Channel,
    mail: Mail,
    decided: Option<Taken>,
});

keep_enum!(Mail => MailRecord { (Message message: Inbound), (Refused message: MessageId, why: BadWords), });

keep_struct!(Inbound => InboundRecord {
    message: MessageId,
    conversation: Option<ConversationId>,
    quotes: Option<MessageId>,
    text: PersonText,
});

keep_enum!(BadWords => BadWordsRecord { Empty, {TooLong length: usize, longest: usize}, });

keep_enum!(Taken => TakenRecord {
    Repeated, Stopped, Resumed, Help,
    (Session session: SessionId, what: For),
    {Held tell: bool},
    {CallMe tell: bool},
});

keep_enum!(For => ForRecord { Reply, Aside, Quit, {CallMe tell: bool}, });
