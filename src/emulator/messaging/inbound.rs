//! What somebody writes to the server's number: at Twilio into the conversation that their number is bound to, or else to the
//! number's own webhook; at Telnyx always to its own.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::oneshot;

use super::super::chat::{Guise, Shown};
use super::super::config::Telephony;
use super::super::form::set;
use super::super::timeline::{Side, TextForm, TextState, TextWebhook, What};
use super::super::world::World;
use super::messages::Message;
use super::webhook::Letter;
use super::{Exchange, sms, telnyx, webhook};

/// Something that is written.
pub(in crate::emulator) struct Writing<'a> {
    /// Whose phone it comes from.
    pub(in crate::emulator) number: &'a str,
    pub(in crate::emulator) form: TextForm,
    pub(in crate::emulator) words: &'a str,
    pub(in crate::emulator) quotes: Option<&'a Shown>,
    /// How often each webhook is delivered.
    pub(in crate::emulator) copies: usize,
    pub(in crate::emulator) guise: Option<Guise>,
}

impl Writing<'_> {
    /// In whose chat it is: what somebody wrote in the person's place is not in theirs.
    pub(super) fn phone(&self) -> &str {
        match &self.guise {
            None => self.number,
            Some(Guise::Author(other) | Guise::Account(other)) => other,
        }
    }
}

/// What the carrier made of it.
pub(in crate::emulator) struct Received {
    /// As the phone shows it.
    pub(in crate::emulator) shown: Shown,
    /// What each webhook about it is answered with, once it is.
    pub(in crate::emulator) answers: Vec<oneshot::Receiver<Option<u16>>>,
}

/// Takes it in, and tells the server.
pub(in crate::emulator) fn receive(world: &Arc<World>, writing: Writing<'_>) -> Received {
    let by_sms = writing.form == TextForm::Sms;
    let (shown, webhooks) = if by_sms { sms::take_in(world, &writing) } else { take(world, &writing) };
    let (text, words) = (shown.number, shown.words.clone());
    world.note(if writing.phone() == world.config.person {
        What::PersonWrites { text, form: shown.form, words }
    } else {
        What::StrangerWrites { text, words }
    });
    let answers = webhooks
        .into_iter()
        .map(|(name, letter)| webhook::deliver(world, Some(text), name, letter, writing.copies))
        .collect();
    Received { shown, answers }
}

/// What the server is to be told, and by which webhooks.
pub(super) type Webhooks = Vec<(TextWebhook, Letter)>;
type Forms = Vec<(TextWebhook, webhook::Form)>;

fn take(world: &World, writing: &Writing<'_>) -> (Shown, Webhooks) {
    let (at, now) = (world.recorder.elapsed(), world.now());
    let mut exchange = world.exchange();
    let is_picture = writing.form == TextForm::Picture;
    let plain_sid = world.sid(if is_picture { "MM" } else { "SM" });
    let mut shown = Shown {
        number: 0,
        from: Side::Person,
        form: writing.form,
        words: writing.words.to_owned(),
        sid: plain_sid.clone(),
        channel_sid: plain_sid.clone(),
        at,
        arrived: Some(at),
        state: TextState::Delivered,
    };
    let handset = exchange.handset(writing.number);
    let joins = writing.words.trim().eq_ignore_ascii_case(&format!("join {}", world.config.sandbox_code));
    let is_for_us = handset.joined && !joins;
    handset.joined |= joins;
    match (handset.joined, &writing.guise) {
        (true, None) => handset.write(at),
        (true, Some(_)) => {}
        // The sandbox takes nothing else from somebody who has not joined.
        (false, _) => (shown.state, shown.arrived) = (TextState::Failed(63015), None),
    }
    let webhooks = match (is_for_us, world.config.telephony) {
        (false, _) => Vec::new(),
        (true, Telephony::Twilio) => by_twilio(world, &mut exchange, writing, &mut shown),
        (true, Telephony::Telnyx) => {
            let event = telnyx::received(world, writing, &mut shown);
            vec![(TextWebhook::Added, Letter::Event { event, url: None })]
        }
    };
    shown.number = exchange.keep(writing.phone(), now, shown.clone());
    (shown, webhooks)
}

fn by_twilio(world: &World, exchange: &mut Exchange, writing: &Writing<'_>, shown: &mut Shown) -> Webhooks {
    let plain_sid = shown.sid.clone();
    let mut webhooks = into_conversation(world, exchange, writing, shown);
    if webhooks.is_empty() || exchange.rules.plain_too {
        webhooks.push((TextWebhook::Plain, webhook::plain(world, &plain_sid, writing.number, shown)));
    }
    for (_, form) in &mut webhooks {
        if let Some(quoted) = writing.quotes {
            let of_server = quoted.from == Side::Server;
            let sender = if of_server { world.proxy() } else { format!("whatsapp:{}", writing.number) };
            set(form, "OriginalRepliedMessageSid", quoted.channel_sid.clone());
            set(form, "OriginalRepliedMessageSender", sender);
        }
        if let Some(Guise::Account(account)) = &writing.guise {
            set(form, "AccountSid", account.clone());
        }
    }
    webhooks.into_iter().map(|(name, form)| (name, Letter::Form { form, url: None })).collect()
}

/// Puts it into the open conversation that the number is bound to, if there is one.
fn into_conversation(world: &World, exchange: &mut Exchange, writing: &Writing<'_>, shown: &mut Shown) -> Forms {
    let source = exchange.rules.source;
    let is_writer = |number: Option<&str>| number == Some(writing.number);
    let bound = exchange.conversations.iter_mut().filter(|conversation| conversation.is_open()).find_map(|c| {
        let participant = c.participants.iter().find(|p| is_writer(p.number()))?.sid.clone();
        Some((c, participant))
    });
    let Some((conversation, participant)) = bound else { return Vec::new() };
    let media = (writing.form == TextForm::Picture).then(|| {
        json!([{"Sid": world.sid("ME"), "Filename": null, "ContentType": "image/jpeg", "Size": 48_213, "Category": "media"}])
    });
    let author = match &writing.guise {
        Some(Guise::Author(author)) => author.clone(),
        Some(Guise::Account(_)) | None => format!("whatsapp:{}", writing.number),
    };
    let message = Message {
        sid: world.sid("IM"),
        author,
        body: (!writing.words.is_empty()).then(|| writing.words.to_owned()),
        attributes: "{}".to_owned(),
        participant: Some(participant),
        content: None,
        media,
        created: world.now(),
        parcels: Vec::new(),
    };
    shown.sid.clone_from(&message.sid);
    let index = conversation.add(message);
    let (sid, message) = (&conversation.sid, &conversation.messages[index]);
    vec![(TextWebhook::Added, webhook::added(world, sid, index, message, source))]
}
