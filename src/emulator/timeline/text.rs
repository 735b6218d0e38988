//! What is done with texts, in the wire's words where it has some.

/// What the server asks of the carrier's REST API for texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RestVerb {
    /// `POST Conversations`.
    CreateConversation,
    /// `GET Conversations/{CH or UniqueName}`.
    ReadConversation,
    /// `POST Conversations/{CH or UniqueName}`, such as `State=closed`.
    ChangeConversation,
    /// `DELETE Conversations/{CH or UniqueName}`.
    DeleteConversation,
    /// `POST …/Participants`.
    AddParticipant,
    /// `GET …/Participants`.
    ListParticipants,
    /// `GET ParticipantConversations`.
    FindConversations,
    /// `POST …/Messages`.
    SendMessage,
    /// `GET …/Messages/{IM}`.
    ReadMessage,
    /// `GET …/Messages`.
    ListMessages,
    /// `GET …/Messages/{IM}/Receipts`.
    ReadReceipts,
    /// `POST Messages.json`; Telnyx's `POST /v2/messages`.
    SendSms,
    /// `GET Messages/{SM}.json`; Telnyx's `GET /v2/messages/{id}` of an SMS.
    ReadSms,
    /// `GET Messages.json`.
    ListSms,
}

impl RestVerb {
    /// As [`What::Rest`](super::What::Rest) names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateConversation => "create conversation",
            Self::ReadConversation => "read conversation",
            Self::ChangeConversation => "change conversation",
            Self::DeleteConversation => "delete conversation",
            Self::AddParticipant => "add participant",
            Self::ListParticipants => "list participants",
            Self::FindConversations => "find conversations",
            Self::SendMessage => "send message",
            Self::ReadMessage => "read message",
            Self::ListMessages => "list messages",
            Self::ReadReceipts => "read receipts",
            Self::SendSms => "send sms",
            Self::ReadSms => "read sms",
            Self::ListSms => "list sms",
        }
    }
}

/// The webhooks about texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextWebhook {
    /// `onMessageAdded`: somebody wrote in a conversation.
    Added,
    /// `onDeliveryUpdated`: what became of a text of the server's.
    Delivery,
    /// The plain Messaging webhook of the number: somebody wrote to it.
    Plain,
    /// Somebody wrote an SMS.
    Sms,
    /// What became of an SMS of the server's.
    SmsDelivery,
}

impl TextWebhook {
    /// `EventType`'s word (and another, where it has none).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "onMessageAdded",
            Self::Delivery => "onDeliveryUpdated",
            Self::Plain => "message",
            Self::Sms => "sms",
            Self::SmsDelivery => "sms status",
        }
    }
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextForm {
    /// Just words.
    Free,
    /// An approved template with its variables filled in.
    Template,
    /// A tap on a button.
    Button,
    /// A picture; its words are the caption, if it has any.
    Picture,
    /// Just words, by SMS rather than on WhatsApp.
    Sms,
}

/// What has become of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextState {
    /// The carrier has it.
    Accepted,
    /// `sent`: the channel has it.
    Sent,
    /// `delivered`: it is on the phone.
    Delivered,
    /// `read`: the person has seen it.
    Read,
    /// It did not arrive and will not, for the reason with this code of Twilio's.
    Failed(u32),
}

impl TextState {
    /// It is on the phone.
    pub fn has_arrived(self) -> bool {
        matches!(self, Self::Delivered | Self::Read)
    }

    /// The wire's word; `None` while there is no receipt.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Accepted => None,
            Self::Sent => Some("sent"),
            Self::Delivered => Some("delivered"),
            Self::Read => Some("read"),
            // Not joined, or no such recipient: the channel never took it.
            Self::Failed(63003 | 63015 | 63024) => Some("failed"),
            Self::Failed(_) => Some("undelivered"),
        }
    }
}
