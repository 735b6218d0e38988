//! What waits to be written: one value under each key, within a bound.

use std::collections::{BTreeMap, HashMap};

use crate::domain::line::{self, Line};
use crate::ids::{EntryId, LineKey, MessageId, RequestKey, SessionId};
use crate::store::{Given, Mail, Write};

/// What a change is about: a later change of the same replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Session(SessionId),
    Conversation(SessionId),
    Request(RequestKey),
    Line(LineKey),
    Seen(LineKey, MessageId),
    Received(EntryId),
    Block(String),
    Nothing,
}

impl Key {
    pub(super) fn of(write: &Write) -> Self {
        match write {
            Write::Session(session) => Key::Session(session.id.clone()),
            Write::Ended(id) => Key::Session(id.clone()),
            Write::Conversation(conversation) => Key::Conversation(conversation.id.clone()),
            Write::Delete(id) => Key::Conversation(id.clone()),
            Write::Request(request) => Key::Request(request.key.clone()),
            Write::Line(key, _) => Key::Line(key.clone()),
            Write::Seen(key, message, _) => Key::Seen(key.clone(), message.clone()),
            Write::Received(received) => Key::Received(received.entry),
            Write::Done(entry) => Key::Received(*entry),
            Write::Block(phone, _) => Key::Block(phone.clone()),
            Write::Nothing => Key::Nothing,
        }
    }
}

/// How easily a change is spared; what has no rank is never dropped.
fn rank(write: &Write) -> Option<u8> {
    match write {
        Write::Nothing | Write::Block(..) => Some(0),
        Write::Seen(..) => Some(1),
        Write::Request(_) => Some(2),
        Write::Done(_) => Some(3),
        Write::Conversation(_) | Write::Delete(_) => Some(4),
        Write::Session(_) | Write::Ended(_) | Write::Line(..) | Write::Received(_) => None,
    }
}

/// The changes that wait.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// With the place in the order below.
    changes: HashMap<Key, (u64, Write)>,
    /// The keys of what may be dropped, what goes first at the front.
    spare: BTreeMap<(u8, u64), Key>,
    /// Counts the changes.
    count: u64,
    bytes: usize,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes would be lost with it.
    pub(super) fn len(&self) -> usize {
        self.changes.len() - usize::from(self.has(&Key::Nothing))
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.changes.contains_key(key)
    }

    /// What waits for this line.
    pub(super) fn line(&self, key: &LineKey) -> Option<&line::Snapshot> {
        match self.changes.get(&Key::Line(key.clone())) {
            Some((_, Write::Line(_, line))) => Some(line),
            _ => None,
        }
    }

    /// Takes a change, instead of an earlier one of the same.
    pub(super) fn put(&mut self, write: Write) {
        let key = Key::of(&write);
        self.remove(&key);
        self.count += 1;
        self.bytes += weight(&write);
        if let Some(rank) = rank(&write) {
            self.spare.insert((rank, self.count), key.clone());
        }
        self.changes.insert(key, (self.count, write));
    }

    /// Takes a change back that was not written, unless there is a later one of the same.
    pub(super) fn put_back(&mut self, write: Write) {
        if !self.has(&Key::of(&write)) {
            self.put(write);
        }
    }

    /// Whether there is more than there should be.
    pub(super) fn is_over(&self, most_values: usize, most_bytes: usize) -> bool {
        self.changes.len() > most_values || self.bytes > most_bytes
    }

    /// Drops what can be spared until there is no more than this; gives the number of changes dropped.
    pub(super) fn shed(&mut self, most_values: usize, most_bytes: usize) -> usize {
        let before = self.len();
        while self.is_over(most_values, most_bytes)
            && let Some((_, key)) = self.spare.first_key_value()
        {
            let key = key.clone();
            self.remove(&key);
        }
        before - self.len()
    }

    /// Everything, in the order in which it came.
    pub(super) fn take(&mut self) -> Vec<Write> {
        let mut changes: Vec<(u64, Write)> = std::mem::take(self).changes.into_values().collect();
        changes.sort_unstable_by_key(|(place, _)| *place);
        changes.into_iter().map(|(_, write)| write).collect()
    }

    fn remove(&mut self, key: &Key) {
        if let Some((place, write)) = self.changes.remove(key) {
            self.bytes -= weight(&write);
            if let Some(rank) = rank(&write) {
                self.spare.remove(&(rank, place));
            }
        }
    }
}

/// A line as it is known from two processes: what the later one has learned is newer.
pub(super) fn merged(newer: &line::Snapshot, older: &line::Snapshot) -> line::Snapshot {
    let mut line = Line::default();
    line.recall(newer.clone(), []);
    line.recall(older.clone(), []);
    line.snapshot()
}

/// The bytes of a change in memory, roughly: its texts, and something for the rest.
fn weight(write: &Write) -> usize {
    /// What a value takes beside its texts.
    const REST: usize = 512;
    let texts = match write {
        Write::Session(session) => {
            let (chat, turns) = (&session.snapshot.chat, &session.snapshot.turns);
            let posts = chat.outbox.iter().chain(chat.sent.iter().map(|sent| &sent.post));
            let heard = turns.heard.iter().map(|heard| heard.text.as_str().len() + 64);
            let question = turns.question.as_ref().map_or(0, |question| question.text.as_str().len());
            posts.map(|post| post.text.len() + 128).sum::<usize>() + heard.sum::<usize>() + question
        }
        Write::Conversation(conversation) => {
            let lines = conversation.lines.iter().chain(&conversation.uncollected);
            lines.map(|line| line.text.len() + 64).sum()
        }
        Write::Request(request) => request.answer.as_ref().map_or(0, answer_weight),
        Write::Line(_, line) => {
            let names = 128 * (line.texts.len() + line.writers.len() + line.floor.len() + line.twins.len());
            names + line.held.iter().map(|said| said.text.as_str().len() + 64).sum::<usize>()
        }
        Write::Received(received) => match &received.mail {
            Mail::Message(message) => message.text.as_str().len(),
            Mail::Refused(..) => 0,
        },
        Write::Ended(_) | Write::Delete(_) | Write::Seen(..) | Write::Done(_) | Write::Block(..) | Write::Nothing => 0,
    };
    texts + REST
}

fn answer_weight(given: &Given) -> usize {
    use crate::domain::session::Body;
    let said = |said: &[crate::domain::session::Said]| -> usize {
        said.iter().map(|said| said.text.as_str().len() + 64).sum()
    };
    match &given.answer.body {
        Body::Reply(reply) => said(&reply.words) + said(&reply.earlier),
        Body::Failed { said: words, .. } => said(words),
        Body::Spoken { .. } | Body::Ended { .. } => 0,
    }
}
