//! What of the texts outlives the process.

use super::{Chat, Post, Sent};
use crate::clock::Millis;
use crate::domain::messaging::{Form, MessagingError};

/// What a session writes, as it is kept. The floor is not part of it: the line keeps that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatSnapshot {
    /// Texts that the carrier has not taken, as far as is known, oldest first.
    pub outbox: Vec<Post>,
    /// Texts whose fate is not settled.
    pub sent: Vec<Sent>,
    /// How many texts there have been.
    pub posts: u64,
    /// How many messages there have been.
    pub messages: u64,
    /// Stands before the next message.
    pub lead: Option<String>,
    /// What the first message goes out as.
    pub first: Option<Form>,
    /// What a template had no room for.
    pub rest: Option<String>,
    /// When the window closes, where that is known.
    pub window: Option<Millis>,
    /// Something got through, either way.
    pub reached: bool,
    /// Something of ours may have got through.
    pub in_doubt: bool,
    /// What is written goes by SMS.
    pub by_sms: bool,
    /// Why it does.
    pub whatsapp_error: Option<MessagingError>,
}

impl Chat {
    /// The texts as they are; one that is on its way now may have been sent by the time it is read.
    pub(in crate::domain::session) fn snapshot(&self) -> ChatSnapshot {
        let mut outbox = self.outbox.clone();
        for post in &mut outbox {
            post.again |= self.on_its_way == Some(post.id);
        }
        ChatSnapshot {
            outbox,
            sent: self.sent.clone(),
            posts: self.posts,
            messages: self.messages,
            lead: self.lead.clone(),
            first: self.first,
            rest: self.rest.clone(),
            window: self.window,
            reached: self.reached,
            in_doubt: self.in_doubt,
            by_sms: self.by_sms,
            whatsapp_error: self.whatsapp_error.clone(),
        }
    }

    /// The texts as they were kept; `sms` is whether that is still allowed.
    pub(in crate::domain::session) fn restore(kept: ChatSnapshot, sms: bool) -> Self {
        let ChatSnapshot {
            mut outbox,
            mut sent,
            posts,
            messages,
            lead,
            first,
            rest,
            window,
            reached,
            in_doubt,
            by_sms,
            whatsapp_error,
        } = kept;
        if !sms {
            // One that may have gone out is told so, and goes nowhere else.
            for post in outbox.iter_mut().filter(|post| post.form == Form::Sms && !post.again) {
                post.form = Form::Free;
            }
            // There is nobody left to ask what became of them.
            sent.retain(|sent| sent.post.form != Form::Sms);
        }
        let by_sms = by_sms && sms;
        Self {
            outbox,
            sent,
            posts,
            messages,
            lead,
            first,
            rest,
            window,
            reached,
            in_doubt,
            by_sms,
            whatsapp_error,
            ..Self::default()
        }
    }
}
