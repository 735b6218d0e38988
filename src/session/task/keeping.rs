//! What of a session is kept, and when: whatever changed is kept before anything is done that cannot be undone.

use futures_util::future::BoxFuture;

use super::{Message, Task};
use crate::clock::Millis;
use crate::domain;
use crate::domain::outcome::Channel;
use crate::domain::session::snapshot::Snapshot;
use crate::domain::session::{Answer, Body, Effect, Said};
use crate::ids::{ConversationId, EntryId, RequestId};
use crate::session::burial::words_in;
use crate::session::shared::Tables;
use crate::session::{Delivered, Look, RequestName};
use crate::store::{Conversation, Given, Line, Owner, RequestRecord, SessionRecord, Speaker, Write};

/// What was kept last; most of what wakes a task changes nothing of it.
#[derive(Default)]
pub(super) struct Kept {
    snapshot: Option<Snapshot>,
    lines: usize,
    /// How many of the person's words nobody had collected; the snapshot of a session that has ended tells nothing of them.
    uncollected: usize,
    ended: bool,
    begun: bool,
    /// What belongs to the next keeping: requests begun and answered, messages that have arrived.
    more: Vec<Write>,
}

impl Kept {
    /// This message has reached whom it was for.
    pub(super) fn done(&mut self, entry: Option<EntryId>) {
        self.more.extend(entry.map(Write::Done));
    }
}

impl Task {
    /// Notes a request that a repeat may join.
    pub(super) fn note_request(&mut self, request: RequestId, name: RequestName) {
        let record = RequestRecord {
            key: name.key,
            request,
            session: self.id.clone(),
            content: name.content,
            keyed: name.keyed,
            begun_at: self.shared.config.clock.now(),
            answer: None,
            collected: false,
            deleted: false,
        };
        self.kept.more.push(Write::Request(Box::new(record.clone())));
        self.requests.insert(request, record);
    }

    /// Notes the answer to a request, to be given once it is kept.
    pub(super) fn note_answer(&mut self, request: RequestId, answer: &Answer) {
        let channel = self.session.channel();
        // The conversation and its window are WhatsApp's.
        let contact = (channel == Channel::WhatsApp).then(|| self.shared.read_line(crate::domain::line::Line::contact));
        let at = self.shared.config.clock.now();
        let delivered = Delivered { answer: std::sync::Arc::new(answer.clone()), at, channel, contact };
        self.untouched |= matches!(&answer.body, Body::Failed { failure, .. } if failure.is_untouched());
        if let Some(mut record) = self.requests.remove(&request) {
            record.answer = Some(Given::from(&delivered));
            self.kept.more.push(Write::Request(Box::new(record)));
        }
        self.given.push((request, delivered));
    }

    /// Keeps what is new; the future says whether it is durable.
    pub(super) fn keep(&mut self) -> BoxFuture<'static, bool> {
        let shared = std::sync::Arc::clone(&self.shared);
        let mut tables = shared.lock();
        self.keep_under(&mut tables)
    }

    /// The same for whoever has the tables already. Words that nobody has collected go back to the line with the end of a
    /// session that no agent knows, and of one that was not begun: its repeat is another.
    pub(super) fn keep_under(&mut self, tables: &mut Tables) -> BoxFuture<'static, bool> {
        let writes = self.writes(tables.line.conversation().cloned());
        if self.finished && (self.by_person || self.untouched) {
            for said in std::mem::take(&mut self.left_over) {
                tables.line.hold(said);
            }
        }
        if let Some(entry) = tables.sessions.get_mut(&self.id) {
            entry.undone.kept(&writes);
        }
        self.shared.keep(tables, writes)
    }

    /// What the person wrote to a session that is over already is left over, too.
    pub(super) fn leave_over(&mut self, message: &Message) {
        if let Message::Input { input, .. } = message {
            self.left_over.extend(words_in(input));
        }
    }

    fn writes(&mut self, conversation: Option<ConversationId>) -> Vec<Write> {
        let mut writes = std::mem::take(&mut self.kept.more);
        let snapshot = self.session.snapshot();
        let uncollected = self.session.uncollected().len();
        let news = self.kept.snapshot != snapshot
            || self.kept.lines != self.lines.len()
            || self.kept.uncollected != uncollected;
        if !news && self.kept.begun && self.kept.ended == self.finished {
            return writes;
        }
        writes.push(Write::Conversation(Box::new(self.conversation(conversation))));
        if let Some(snapshot) = snapshot.clone().filter(|_| !self.finished) {
            let kept_at = self.shared.config.clock.now();
            let (id, by_person) = (self.id.clone(), self.by_person);
            let record = SessionRecord { id, snapshot, kept_at, by_person, owner: Owner::default() };
            writes.push(Write::Session(Box::new(record)));
        }
        if self.finished && !self.kept.ended {
            writes.push(Write::Ended(self.id.clone()));
        }
        self.kept.snapshot = snapshot;
        self.kept.lines = self.lines.len();
        self.kept.uncollected = uncollected;
        self.kept.ended = self.finished;
        self.kept.begun = true;
        writes
    }

    pub(super) fn look(&self) -> Look {
        let contact = self.shared.read_line(domain::line::Line::contact);
        let conversation = contact.conversation.clone();
        Look {
            conversation: self.conversation(conversation),
            phase: self.session.phase(),
            waiting: self.session.is_waiting(),
            queued: self.session.is_queued(),
            contact: self.session.has_written().then_some(contact),
        }
    }

    fn conversation(&self, conversation: Option<ConversationId>) -> Conversation {
        let now = self.shared.config.clock.now();
        Conversation {
            id: self.id.clone(),
            channel: self.session.channel(),
            conversation: conversation.filter(|_| self.session.has_written()),
            lines: self.lines.clone(),
            created_at: self.session.began_at(),
            ended_at: self.finished.then(|| self.ended_at(now)),
            duration_seconds: self.session.talked(now).as_secs(),
            outcome: self.session.outcome().clone(),
            uncollected: self.session.uncollected().into_iter().map(line).collect(),
        }
    }

    /// When the session was over; what changes in its conversation after that does not make it younger.
    fn ended_at(&self, now: Millis) -> Millis {
        self.ended_at.unwrap_or(now)
    }
}

/// Whether this cannot be undone: all that led to it is kept first, so that whoever comes after a crash knows of it.
pub(super) fn is_binding(effect: &Effect) -> bool {
    match effect {
        Effect::Dial | Effect::Post { .. } | Effect::Answer { .. } => true,
        Effect::FindCall { .. }
        | Effect::HangUp { .. }
        | Effect::Media(_)
        | Effect::CloseMedia
        | Effect::Claim
        | Effect::Yield
        | Effect::Inspect { .. }
        | Effect::WindowCloses
        | Effect::Said { .. }
        | Effect::Finished => false,
    }
}

fn line(said: Said) -> Line {
    Line { speaker: Speaker::Person, text: said.text.0, at: said.at, channel: said.channel }
}
