//! Conversations: what they are, and the REST API to make, read, change and delete them.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::form::{Form, field};
use super::super::rest::Refusal;
use super::super::timeline::RestVerb;
use super::super::world::{World, iso8601};
use super::errand::{Done, Errand};
use super::messages::Message;
use super::participants::Participant;

/// One conversation.
pub(super) struct Conversation {
    pub(super) sid: String,
    pub(super) unique_name: Option<String>,
    friendly_name: Option<String>,
    /// JSON text.
    attributes: String,
    pub(super) state: ConversationState,
    created: Timestamp,
    updated: Timestamp,
    pub(super) participants: Vec<Participant>,
    /// In the order of their index.
    pub(super) messages: Vec<Message>,
}

/// Whether a conversation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationState {
    /// It can.
    Active,
    /// It can; what is written in it makes it active.
    Inactive,
    /// It never can be again, and its participants' numbers are free for another.
    Closed,
}

impl ConversationState {
    /// The wire's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
        }
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        let all = [Self::Active, Self::Inactive, Self::Closed];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Refusal::new(400, 20001, "Invalid 'State' value."))
    }
}

/// What a conversation came to, for tests and the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRecord {
    /// `CH…`.
    pub sid: String,
    /// The name that the server gave it.
    pub unique_name: Option<String>,
    /// Whether it can be used.
    pub state: ConversationState,
    /// How many take part.
    pub participants: usize,
    /// How many messages are in its list, either way.
    pub messages: usize,
}

impl Conversation {
    pub(super) fn record(&self) -> ConversationRecord {
        ConversationRecord {
            sid: self.sid.clone(),
            unique_name: self.unique_name.clone(),
            state: self.state,
            participants: self.participants.len(),
            messages: self.messages.len(),
        }
    }

    pub(super) fn is_called(&self, key: &str) -> bool {
        self.sid == key || self.unique_name.as_deref() == Some(key)
    }

    pub(super) fn is_open(&self) -> bool {
        self.state != ConversationState::Closed
    }

    /// Refuses what a closed conversation cannot do.
    pub(super) fn must_be_open(&self) -> Result<(), Refusal> {
        if self.is_open() {
            return Ok(());
        }
        Err(Refusal::new(400, 50377, "Can't update conversation as it's in final closed state"))
    }

    /// Takes a message in; gives its index. One that was inactive is active again.
    pub(super) fn add(&mut self, message: Message) -> usize {
        (self.state, self.updated) = (ConversationState::Active, message.created);
        self.messages.push(message);
        self.messages.len() - 1
    }

    fn resource(&self, world: &World) -> Value {
        let url = format!("{}/v1/Conversations/{}", world.url, self.sid);
        json!({
            "sid": self.sid, "account_sid": world.config.account_sid, "chat_service_sid": world.service(),
            "messaging_service_sid": null, "friendly_name": self.friendly_name, "unique_name": self.unique_name,
            "attributes": self.attributes, "state": self.state.as_str(), "timers": {}, "bindings": {},
            "date_created": iso8601(self.created), "date_updated": iso8601(self.updated), "url": url,
            "links": {"participants": format!("{url}/Participants"), "messages": format!("{url}/Messages"),
                "webhooks": format!("{url}/Webhooks")},
        })
    }

    /// As `ParticipantConversations` shows it.
    pub(super) fn seen_by(&self, participant: &Participant, world: &World) -> Value {
        let url = format!("{}/v1/Conversations/{}", world.url, self.sid);
        json!({
            "account_sid": world.config.account_sid, "chat_service_sid": world.service(),
            "participant_sid": participant.sid, "participant_user_sid": null,
            "participant_identity": participant.identity, "participant_messaging_binding": participant.binding(),
            "conversation_sid": self.sid, "conversation_unique_name": self.unique_name,
            "conversation_friendly_name": self.friendly_name, "conversation_attributes": self.attributes,
            "conversation_date_created": iso8601(self.created), "conversation_date_updated": iso8601(self.updated),
            "conversation_created_by": "system", "conversation_state": self.state.as_str(),
            "conversation_timers": {}, "links": {"conversation": url,
                "participant": format!("{url}/Participants/{}", participant.sid)},
        })
    }
}

/// `POST Conversations`.
pub(super) async fn create(errand: Errand) -> Response {
    errand
        .run(RestVerb::CreateConversation, |errand| {
            let (world, form) = (&errand.world, &errand.form);
            let state = field(form, "State").map_or(Ok(ConversationState::Active), ConversationState::read)?;
            if state == ConversationState::Closed {
                return Err(Refusal::new(400, 50384, "Initial state can't be 'closed'"));
            }
            let mut exchange = world.exchange();
            let unique_name = field(form, "UniqueName").map(str::to_owned);
            if let Some(name) = &unique_name {
                check_name(name)?;
                if exchange.find(name).is_ok() {
                    return Err(Refusal::new(409, 50353, "Conversation with provided unique name already exists"));
                }
            }
            let conversation = Conversation {
                sid: world.sid("CH"),
                unique_name,
                friendly_name: field(form, "FriendlyName").map(str::to_owned),
                attributes: attributes(form)?,
                state,
                created: world.now(),
                updated: world.now(),
                participants: Vec::new(),
                messages: Vec::new(),
            };
            let resource = conversation.resource(world);
            exchange.conversations.push(conversation);
            Ok(Done::Made(resource))
        })
        .await
}

/// A name that looks like a sid could not be told from one.
fn check_name(name: &str) -> Result<(), Refusal> {
    let is_sid =
        name.strip_prefix("CH").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    if is_sid {
        return Err(Refusal::new(400, 50390, "Unique name should not match conversation sid pattern"));
    }
    Ok(())
}

/// `GET Conversations/{CH or UniqueName}`.
pub(super) async fn read(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ReadConversation, |errand| {
            Ok(Done::Found(errand.world.exchange().find(&key)?.resource(&errand.world)))
        })
        .await
}

/// `POST Conversations/{CH or UniqueName}`.
pub(super) async fn change(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ChangeConversation, |errand| {
            let (world, form) = (&errand.world, &errand.form);
            let mut exchange = world.exchange();
            let conversation = exchange.find_mut(&key)?;
            conversation.must_be_open()?;
            if let Some(state) = field(form, "State") {
                conversation.state = ConversationState::read(state)?;
            }
            if let Some(name) = field(form, "FriendlyName") {
                conversation.friendly_name = Some(name.to_owned());
            }
            if field(form, "Attributes").is_some() {
                conversation.attributes = attributes(form)?;
            }
            conversation.updated = world.now();
            Ok(Done::Found(conversation.resource(world)))
        })
        .await
}

/// `DELETE Conversations/{CH or UniqueName}`.
pub(super) async fn delete(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::DeleteConversation, |errand| {
            let mut exchange = errand.world.exchange();
            let sid = exchange.find(&key)?.sid.clone();
            exchange.conversations.retain(|conversation| conversation.sid != sid);
            Ok(Done::Gone)
        })
        .await
}

/// `Attributes`, which is JSON text.
pub(super) fn attributes(form: &Form) -> Result<String, Refusal> {
    let text = field(form, "Attributes").unwrap_or("{}");
    match serde_json::from_str::<Value>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Refusal::new(400, 20001, "Invalid 'Attributes' value.")),
    }
}
