//! Texts on their way: one at a time and in order, each tried again where that can help, each followed by its receipt.

mod forms;
mod kept;
mod receipts;

use crate::clock::Millis;
use crate::domain::messaging::{Form, MessagingClass, MessagingError};
use crate::domain::outcome::{Channel, MessageHeard};
use crate::ids::{MessageId, PostId};

use super::{Body, Effect, Failure, LONGEST_WAIT, PostError, Purpose, SEND_AGAIN, Session, State, Timer, Why};

pub use kept::ChatSnapshot;
pub use receipts::Sent;

/// What a session writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Chat {
    /// Texts that the carrier has not taken, oldest first.
    outbox: Vec<Post>,
    /// The one whose sending is not answered yet.
    on_its_way: Option<PostId>,
    /// Texts whose fate is not settled.
    sent: Vec<Sent>,
    /// How many texts there have been; names the next.
    posts: u64,
    /// How many messages there have been, each of one text or several.
    messages: u64,
    floor: Floor,
    /// Stands before the next message.
    lead: Option<String>,
    /// What the first message goes out as.
    first: Option<Form>,
    /// What a template had no room for.
    rest: Option<String>,
    /// When the window closes, where that is known.
    pub(super) window: Option<Millis>,
    /// Something got through, either way.
    reached: bool,
    /// Something of ours may have got through.
    in_doubt: bool,
    /// WhatsApp failed for good: what is written goes by SMS, until the person writes on WhatsApp.
    by_sms: bool,
    /// Why it does.
    whatsapp_error: Option<MessagingError>,
}

/// A text to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Which, within the session.
    pub id: PostId,
    /// The message that it is (a part of).
    pub message: u64,
    /// Counts the parts of the message.
    pub part: usize,
    /// The text; of a template's only the beginning goes out at once.
    pub text: String,
    /// What it is sent for.
    pub purpose: Purpose,
    /// The message is said when this one is.
    pub last: bool,
    /// As what it goes out.
    pub form: Form,
    /// How often it was on its way.
    pub tries: usize,
    /// It may have been sent already.
    pub again: bool,
    /// The text on WhatsApp that it stands for, where that may have been sent.
    pub instead_of: Option<PostId>,
}

/// Whether the person's next words are this session's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Floor {
    #[default]
    None,
    /// Asked for; the answer is on its way.
    Claimed,
    /// Another session has it.
    Queued,
    Held,
}

impl Chat {
    /// Whether a question waits to be sent.
    fn has_question(&self) -> bool {
        self.outbox.iter().any(|post| post.purpose == Purpose::Question)
    }

    /// Whether something of this message is still to be sent.
    pub(super) fn still_has(&self, message: Option<u64>) -> bool {
        self.outbox.iter().any(|post| Some(post.message) == message)
    }

    /// How many texts wait.
    pub(super) fn queued(&self) -> usize {
        self.outbox.iter().filter(|post| post.last).count()
    }

    pub(super) fn lead_with(&mut self, lead: &str) {
        self.lead = Some(lead.to_owned());
    }

    pub(super) fn first_form(&mut self, form: Form) {
        self.first = Some(form);
    }

    pub(super) fn has_reached(&self) -> bool {
        self.reached
    }

    pub(super) fn reached(&mut self) {
        self.reached = true;
    }

    /// The channel that texts go by.
    pub(super) fn channel(&self) -> Channel {
        if self.by_sms { Channel::Sms } else { Channel::WhatsApp }
    }

    /// The person wrote, and `to_us`: whoever writes on WhatsApp is reached there.
    pub(super) fn was_written_to(&mut self, channel: Channel, to_us: bool) {
        self.reached |= to_us;
        self.by_sms &= channel != Channel::WhatsApp;
    }

    /// The next text that may go: a question that waits for another session's floor lets others pass.
    fn next(&mut self) -> Option<&mut Post> {
        let floor = self.floor;
        let passed = |post: &&mut Post| post.purpose == Purpose::Question && floor == Floor::Queued;
        let next = self.outbox.iter_mut().find(|post| !passed(post))?;
        (next.purpose != Purpose::Question || floor == Floor::Held).then_some(next)
    }

    fn next_id(&mut self) -> PostId {
        self.posts += 1;
        PostId(self.posts)
    }
}

/// Writing.
impl Session {
    /// Writes a message after those that wait.
    pub(super) fn write(&mut self, text: &str, purpose: Purpose, form: Form, now: Millis) {
        let Some(texting) = self.limits.texting else { return };
        let chat = &mut self.chat;
        let text = chat.lead.take().map_or_else(|| text.to_owned(), |lead| format!("{lead}\n\n{text}"));
        chat.messages += 1;
        if let (Purpose::Question, Some(question)) = (purpose, self.turns.question.as_mut()) {
            question.message = Some(chat.messages);
        }
        let form = chat.first.take().unwrap_or(form);
        let form = if chat.by_sms { Form::Sms } else { form };
        let posts = chat.cut(&text, purpose, chat.messages, form, texting.longest);
        chat.outbox.extend(posts);
        self.tend(now);
    }

    /// The window is open again: what a template had no room for may follow.
    pub(super) fn write_rest(&mut self, now: Millis) {
        if let Some(rest) = self.chat.rest.take() {
            self.write(&rest, Purpose::Farewell, Form::Free, now);
        }
    }

    /// Sends the next text that may go; asks for the floor while a reply is awaited, and gives it back after.
    pub(super) fn tend(&mut self, now: Millis) {
        self.tend_floor();
        if !self.is_writing() {
            return;
        }
        if self.chat.on_its_way.is_some() || self.deadlines.is_set(Timer::Resend) {
            return;
        }
        let Some(post) = self.chat.next() else { return };
        post.tries += 1;
        let text = post.at_once();
        let Post { id, form, again, instead_of, .. } = *post;
        let effect = Effect::Post { post: id, form, text, again, instead_of };
        let (id, message) = (post.id, post.message);
        self.chat.on_its_way = Some(id);
        if let Some(question) = self.turns.question_of(message) {
            question.written_at.get_or_insert(now);
        }
        self.effects.push_back(effect);
    }

    fn tend_floor(&mut self) {
        let wanted = match self.state {
            State::Messaging { .. } => self.turns.is_asking() || self.chat.has_question(),
            State::Ending(_) | State::Ended => false,
            // Asked by voice: a question that was written before may still be answered in writing.
            _ => self.turns.is_asking() && self.turns.question.as_ref().is_some_and(|asked| asked.written_at.is_some()),
        };
        match self.chat.floor {
            Floor::None if wanted => {
                self.chat.floor = Floor::Claimed;
                self.effects.push_back(Effect::Claim);
            }
            Floor::Claimed | Floor::Queued | Floor::Held if !wanted => {
                self.chat.floor = Floor::None;
                self.effects.push_back(Effect::Yield);
            }
            Floor::None | Floor::Claimed | Floor::Queued | Floor::Held => {}
        }
    }

    /// Whether its question waits, unsent, behind another session's.
    pub fn is_queued(&self) -> bool {
        self.chat.floor == Floor::Queued && self.chat.has_question()
    }

    /// Whether a text is on its way to the carrier, and nobody knows yet whether it got there.
    pub fn is_sending(&self) -> bool {
        self.chat.on_its_way.is_some()
    }

    /// Whether it has the floor, or asks for it.
    pub fn wants_floor(&self) -> bool {
        self.chat.floor != Floor::None
    }

    pub(super) fn floor_granted(&mut self, now: Millis) {
        if let Floor::Claimed | Floor::Queued = self.chat.floor {
            self.chat.floor = Floor::Held;
            self.tend(now);
        }
    }

    pub(super) fn floor_taken(&mut self, now: Millis) {
        if self.chat.floor == Floor::Claimed {
            self.chat.floor = Floor::Queued;
            self.tend(now);
        }
    }

    /// The question has its answer: what was not sent of it need not be, and what did not arrive need not be mended.
    pub(super) fn drop_questions(&mut self) {
        self.chat.outbox.retain(|post| post.purpose != Purpose::Question);
        self.chat.sent.retain(|sent| sent.post.purpose != Purpose::Question);
        self.arm_inspection();
    }

    /// Drops what was not sent; its requests get `failure`.
    pub(super) fn drop_texts(&mut self, failure: &Failure) {
        self.deadlines.stop(Timer::Resend);
        self.chat.sent.clear();
        for post in std::mem::take(&mut self.chat.outbox) {
            if let (Purpose::Statement(request), true) = (post.purpose, post.last) {
                self.fail(request, failure.clone());
            }
        }
    }
}

/// What became of a sending.
impl Session {
    pub(super) fn posted(&mut self, id: PostId, result: Result<MessageId, PostError>, now: Millis) {
        if self.chat.on_its_way == Some(id) {
            self.chat.on_its_way = None;
        }
        let at = self.chat.outbox.iter().position(|post| post.id == id && post.tries > 0);
        let writing = self.is_writing();
        match (at, result) {
            (Some(at), Ok(message)) => {
                let post = self.chat.outbox.remove(at);
                self.was_sent(post, message, now);
            }
            // The session talks meanwhile; what is left is tried again when that is over.
            (Some(at), Err(error)) if !writing => {
                let unknown = matches!(error, PostError::Carrier(error) if error.class == MessagingClass::Unknown);
                self.chat.outbox[at].again |= unknown;
            }
            (Some(_), Err(PostError::OptedOut)) => return self.opted_out(now),
            (Some(at), Err(PostError::Carrier(error))) => self.was_not_sent(at, error, now),
            // Answered or given up meanwhile.
            (None, _) => {}
        }
        self.tend(now);
    }

    fn was_sent(&mut self, post: Post, message: MessageId, now: Millis) {
        self.chat.reached = true;
        self.owe_rest(&post, now);
        let (purpose, last) = (post.purpose, post.last);
        let question = self.turns.question_of(post.message);
        if let (true, Some(question)) = (last, question) {
            question.sent = true;
        }
        self.watch(post, message, now);
        if !last {
            return;
        }
        match purpose {
            Purpose::Statement(request) => {
                self.answer_about(request, MessageHeard::Written, Body::Spoken { interrupted: false });
                self.stay_active(now);
            }
            Purpose::Goodbye => self.goodbye_done(now),
            Purpose::Question | Purpose::Farewell | Purpose::Prompt => self.stay_active(now),
        }
    }

    /// The `at`-th text of the outbox was not sent, or did not arrive.
    fn was_not_sent(&mut self, at: usize, error: MessagingError, now: Millis) {
        // What may have arrived goes out once more only where that can be found out first.
        let Post { form, message, .. } = self.chat.outbox[at];
        self.chat.in_doubt |= error.class == MessagingClass::Unknown;
        let settles = self.settles(form);
        let template = self.limits.texting.is_some_and(|texting| texting.template);
        let resorts = self.may_resort_to_sms(form, error.class);
        let post = &mut self.chat.outbox[at];
        match error.class {
            // Who stopped SMS at the carrier may be reached on WhatsApp again.
            MessagingClass::OptedOut if form != Form::Sms => self.opted_out(now),
            MessagingClass::Window if form == Form::Free && template => self.chat.as_template(message),
            class
                if class.is_transient()
                    && post.tries <= SEND_AGAIN.len()
                    && (settles || class != MessagingClass::Unknown) =>
            {
                post.again |= class == MessagingClass::Unknown;
                let wait = SEND_AGAIN[post.tries - 1].max(error.retry_after.unwrap_or_default().min(LONGEST_WAIT));
                self.deadlines.set(Timer::Resend, now + wait);
            }
            _ if resorts => self.chat.resort_to_sms(message, error),
            MessagingClass::Window if form == Form::Free => {
                self.give_up(message, &Failure::TemplateRequired, error.class, now);
            }
            class => {
                let untouched = self.is_untouched();
                let error = self.chat.with_what_was_before(form, error);
                let open = self.stays_open(class);
                self.give_up(message, &Failure::Undelivered { error, untouched, open }, class, now);
            }
        }
    }

    /// Whether nothing of this session has reached the person: no dial was accepted, no text taken.
    fn is_untouched(&self) -> bool {
        !self.chat.reached && !self.chat.in_doubt && self.outcome.dial == crate::domain::outcome::Dial::NotDialed
    }

    /// The same, and nothing is on its way that may.
    pub(super) fn reaches_nobody(&self) -> bool {
        self.is_untouched() && !self.is_sending()
    }

    /// Whether the session goes on after a message that did not get through: something did, or may have, or the person can
    /// change it by writing.
    fn stays_open(&self, class: MessagingClass) -> bool {
        let hopeful = matches!(class, MessagingClass::OptIn | MessagingClass::Window | MessagingClass::Unknown);
        self.chat.reached || hopeful
    }

    /// A message cannot be sent. A session that never got through ends with its first message.
    fn give_up(&mut self, message: u64, failure: &Failure, class: MessagingClass, now: Millis) {
        let dropped: Vec<Post> = self.chat.outbox.extract_if(.., |post| post.message == message).collect();
        let Some(purpose) = dropped.last().map(|post| post.purpose) else { return };
        match purpose {
            Purpose::Question if self.turns.question_of(message).is_some() => {
                self.fail_asking(failure);
                self.turns.question = None;
            }
            Purpose::Statement(request) => self.fail(request, failure.clone()),
            Purpose::Goodbye => return self.goodbye_done(now),
            // A question that a newer one has replaced has nobody who waits for it.
            Purpose::Question | Purpose::Farewell | Purpose::Prompt => {}
        }
        if self.stays_open(class) {
            self.stay_active(now);
        } else {
            self.finish(&Why::Unreached, now);
        }
    }
}

impl Post {
    /// The same when its request has been answered.
    fn unawaited(mut self) -> Self {
        if let Purpose::Statement(_) = self.purpose {
            self.purpose = Purpose::Farewell;
        }
        self
    }
}
