//! As what texts go out, and as what else where that does not arrive: free, as a template's variable, at last by SMS.

use crate::clock::Millis;
use crate::domain::messaging::{Form, MessagingClass, MessagingError};
use crate::domain::text::{parts, sms_parts, template_variable};

use super::{Chat, Post};
use crate::domain::session::{Purpose, Session};

impl Session {
    /// Whether it can be found out what became of a sending of this form that was not answered.
    pub(super) fn settles(&self, form: Form) -> bool {
        form != Form::Sms && self.limits.texting.is_some_and(|texting| texting.settles)
    }

    /// Whether SMS is the way out of such a failure that no other try mends. Where the text may have arrived, and nobody can
    /// look for it, a second one is not risked.
    pub(super) fn may_resort_to_sms(&self, form: Form, class: MessagingClass) -> bool {
        let failed = match class {
            MessagingClass::OptedOut => false,
            MessagingClass::Unknown => self.settles(form),
            _ => true,
        };
        failed && form != Form::Sms && self.limits.texting.is_some_and(|texting| texting.sms)
    }

    /// A template has gone out: what it had no room for follows as soon as it may.
    pub(super) fn owe_rest(&mut self, post: &Post, now: Millis) {
        let Some(rest) = post.rest() else { return };
        let before = self.chat.rest.take();
        self.chat.rest = Some(before.map_or(rest.clone(), |before| format!("{before}\n\n{rest}")));
        if self.chat.window.is_some_and(|until| until > now) {
            self.write_rest(now);
        }
    }
}

impl Chat {
    /// The texts that a message is as this form; a free one is at most `longest` characters long.
    pub(super) fn cut(&mut self, text: &str, purpose: Purpose, message: u64, form: Form, longest: usize) -> Vec<Post> {
        let parts = match form {
            Form::Free => parts(text, longest),
            Form::Template => vec![text.to_owned()],
            Form::Sms => sms_parts(text),
        };
        let count = parts.len();
        let posts = parts.into_iter().enumerate().map(|(part, text)| {
            let (id, last) = (self.next_id(), part + 1 == count);
            Post { id, message, part, text, purpose, last, form, tries: 0, again: false, instead_of: None }
        });
        posts.collect()
    }

    /// What is not known to be there of a message goes out as a template; its parts become one.
    pub(super) fn as_template(&mut self, message: u64) {
        self.as_another(message, Form::Template, |form| form == Form::Free);
    }

    /// A message does not get through by WhatsApp, and neither will those that wait behind it: they go by SMS. One that is
    /// on its way now, or may have been sent, has its own fate.
    pub(super) fn resort_to_sms(&mut self, message: u64, error: MessagingError) {
        self.by_sms = true;
        self.whatsapp_error = Some(error);
        let has_begun = |post: &Post| post.again || self.on_its_way == Some(post.id);
        let begun: Vec<u64> = self.outbox.iter().filter(|post| has_begun(post)).map(|post| post.message).collect();
        let waiting = self.outbox.iter().map(|post| post.message).filter(|waits| !begun.contains(waits));
        let mut messages: Vec<u64> = waiting.chain([message]).collect();
        messages.dedup();
        for message in messages {
            self.as_another(message, Form::Sms, |form| form != Form::Sms);
        }
    }

    /// What is not known to be there of a message, of the texts in these forms, goes out in another. Those that were taken,
    /// without news since, will not arrive either.
    fn as_another(&mut self, message: u64, form: Form, of: impl Fn(Form) -> bool) {
        let waits = |post: &Post| post.message == message && of(post.form);
        let Some(at) = self.outbox.iter().position(waits) else { return };
        let sent: Vec<Post> =
            self.sent.extract_if(.., |sent| waits(&sent.post) && !sent.fine).map(|sent| sent.post).collect();
        for template in sent.iter().filter(|post| post.form == Form::Template) {
            self.withdraw_rest(&template.text);
        }
        let mut parts: Vec<Post> = sent.into_iter().map(Post::unawaited).collect();
        parts.extend(self.outbox.extract_if(.., |post| waits(post)));
        parts.sort_by_key(|post| post.part);
        let Some(purpose) = parts.last().map(|post| post.purpose) else { return };
        let in_doubt = match &parts[..] {
            [Post { id, again: true, .. }] if form == Form::Sms => Some(*id),
            _ => None,
        };
        let text = parts.into_iter().map(|post| post.text).collect::<Vec<_>>().join(" ");
        let mut posts = self.cut(&text, purpose, message, form, usize::MAX);
        if let [post] = &mut posts[..] {
            post.instead_of = in_doubt;
        }
        self.outbox.splice(at..at, posts);
    }

    /// What is told of a text that does not go by SMS either: also why it went that way.
    pub(super) fn with_what_was_before(&self, form: Form, error: MessagingError) -> MessagingError {
        match &self.whatsapp_error {
            Some(before) if form == Form::Sms => {
                let message = format!("{}; before that, on WhatsApp: {before}", error.message);
                MessagingError { message, ..error }
            }
            _ => error,
        }
    }

    /// A template with this text did not arrive: what it had no room for does not wait for the window any more.
    pub(super) fn withdraw_rest(&mut self, text: &str) {
        let Some(rest) = template_variable(text).1 else { return };
        let others = self.rest.take().map(|all| all.replacen(&rest, "", 1).trim().to_owned());
        self.rest = others.filter(|others| !others.is_empty());
    }
}

impl Post {
    /// What of its text goes out now.
    pub(super) fn at_once(&self) -> String {
        match self.form {
            Form::Free | Form::Sms => self.text.clone(),
            Form::Template => template_variable(&self.text).0,
        }
    }

    /// What of its text a template has no room for.
    fn rest(&self) -> Option<String> {
        if self.form == Form::Template { template_variable(&self.text).1 } else { None }
    }
}
