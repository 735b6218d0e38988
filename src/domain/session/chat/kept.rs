//! What of the texts outlives the process.

use super::{Chat, Post, Sent};
use crate::clock::Millis;
use crate::domain::messaging::Form;

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
    /// What is written goes by SMS.
    pub by_sms: bool,
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
            by_sms: self.by_sms,
        }
    }

    /// The texts as they were kept; `sms` is whether that is still allowed.
    pub(in crate::domain::session) fn restore(kept: ChatSnapshot, sms: bool) -> Self {
        let ChatSnapshot { mut outbox, sent, posts, messages, lead, first, rest, window, reached, by_sms } = kept;
        for post in outbox.iter_mut().filter(|post| post.form == Form::Sms && !sms) {
            post.form = Form::Free;
        }
        let by_sms = by_sms && sms;
        Self { outbox, sent, posts, messages, lead, first, rest, window, reached, by_sms, ..Self::default() }
    }
}
