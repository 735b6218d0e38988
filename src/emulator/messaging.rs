//! The carrier's text side, with WhatsApp and SMS behind it: Twilio Conversations and plain Messaging and their webhooks, or
//! Telnyx's messages and events.
//!
//! Twilio's REST API is below `/v1`, for SMS below `/2010-04-01`, Telnyx's below `/v2`. What the server sends goes its way in `delivery`; what somebody writes comes in by
//! `inbound`. The phones themselves are in [`super::chat`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;

use super::chat::{Handset, Shown};
use super::rest::Refusal;
use super::timeline::{TextForm, TextState};
use super::world::World;

mod content;
mod conversations;
pub(super) mod delivery;
mod errand;
pub(super) mod inbound;
mod messages;
mod page;
mod participants;
mod rules;
mod sms;
mod telnyx;
mod webhook;

pub use conversations::{ConversationRecord, ConversationState};
pub use rules::{Failing, ReceiptWebhooks, TextRules, WindowRule};

use conversations::Conversation;
use delivery::Journey;

/// The routes of the REST API.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/Conversations", post(conversations::create))
        .route(
            "/v1/Conversations/{conversation}",
            get(conversations::read).post(conversations::change).delete(conversations::delete),
        )
        .route("/v1/Conversations/{conversation}/Participants", post(participants::add).get(participants::list))
        .route("/v1/ParticipantConversations", get(participants::find))
        .route("/v1/Conversations/{conversation}/Messages", post(messages::send).get(messages::list))
        .route("/v1/Conversations/{conversation}/Messages/{message}", get(messages::read))
        .route("/v1/Conversations/{conversation}/Messages/{message}/Receipts", get(delivery::receipts))
        .merge(sms::router())
        .merge(telnyx::router())
}

/// Everything the text side remembers. Nothing is noted in the timeline while it is held: who waits for an event may
/// look in here.
#[derive(Default)]
pub(super) struct Exchange {
    pub(super) rules: TextRules,
    /// Oldest first, without those that were deleted.
    conversations: Vec<Conversation>,
    /// By phone number; whoever is not in here has the phone of somebody who joined and never wrote.
    handsets: BTreeMap<String, Handset>,
    /// The numbers that the carrier sends no SMS to, because their owners said so.
    pub(super) stopped: BTreeSet<String>,
    /// Every text either way; the first is number 1.
    texts: Vec<Text>,
    /// What arrived and was not read.
    unread: Vec<Arc<Journey>>,
}

/// A text on its way between the carrier and a phone.
struct Text {
    /// Whose phone.
    number: String,
    /// When its state changed last.
    updated: Timestamp,
    shown: Shown,
}

impl Text {
    fn is_sms(&self) -> bool {
        self.shown.form == TextForm::Sms
    }
}

impl Exchange {
    pub(super) fn new(rules: TextRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// A conversation by its sid or its unique name.
    fn find(&self, key: &str) -> Result<&Conversation, Refusal> {
        self.conversations.iter().find(|conversation| conversation.is_called(key)).ok_or_else(Refusal::not_found)
    }

    fn find_mut(&mut self, key: &str) -> Result<&mut Conversation, Refusal> {
        self.conversations.iter_mut().find(|conversation| conversation.is_called(key)).ok_or_else(Refusal::not_found)
    }

    pub(super) fn records(&self) -> Vec<ConversationRecord> {
        self.conversations.iter().map(Conversation::record).collect()
    }

    pub(super) fn handset(&mut self, number: &str) -> &mut Handset {
        self.handsets.entry(number.to_owned()).or_default()
    }

    /// The texts of somebody's chat, on WhatsApp or by SMS, in the order in which they were sent.
    pub(super) fn chat(&self, number: &str, by_sms: bool) -> Vec<Shown> {
        let is_here = |text: &&Text| text.number == number && text.is_sms() == by_sms;
        self.texts.iter().filter(is_here).map(|text| text.shown.clone()).collect()
    }

    /// Whether a text, by its number, goes by SMS.
    pub(super) fn is_sms(&self, text: usize) -> bool {
        self.texts[text - 1].is_sms()
    }

    /// The text that arrived last on a phone.
    pub(super) fn latest_arrival(&self, number: &str) -> Option<usize> {
        let arrived = self.texts.iter().filter(|text| text.number == number && text.shown.arrived.is_some());
        arrived.max_by_key(|text| (text.shown.arrived, text.shown.number)).map(|text| text.shown.number)
    }

    /// Keeps a text; gives its number.
    fn keep(&mut self, number: &str, now: Timestamp, mut shown: Shown) -> usize {
        shown.number = self.texts.len() + 1;
        self.texts.push(Text { number: number.to_owned(), updated: now, shown });
        self.texts.len()
    }

    /// Moves a text to a state, `at` since the start.
    fn advance(&mut self, text: usize, state: TextState, at: Duration, now: Timestamp) {
        let text = &mut self.texts[text - 1];
        (text.shown.state, text.updated) = (state, now);
        if state.has_arrived() && text.shown.arrived.is_none() {
            text.shown.arrived = Some(at);
        }
    }
}

impl World {
    pub(super) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().expect("no holder of the lock panics")
    }

    /// How the server's number is written on WhatsApp.
    fn proxy(&self) -> String {
        format!("whatsapp:{}", self.config.whatsapp_number)
    }

    /// The one service that all conversations belong to.
    fn service(&self) -> String {
        self.config.account_sid.replacen("AC", "IS", 1)
    }
}
