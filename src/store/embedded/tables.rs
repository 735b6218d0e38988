//! The tables of the file: one for each kind of thing, most of them records with a stamp that says when they have had their
//! time.

use std::time::Duration;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::damage::Problem;
use crate::clock::Millis;
use crate::ids::{LineKey, MessageId};
use crate::store::record::{Recorded, SEEN, request_until};
use crate::store::{Conversation, Left, Write};

/// A moment, and a record. What it is the moment of depends on the table.
pub(super) type Stamped = (u64, &'static [u8]);
pub(super) type Records = TableDefinition<'static, &'static str, Stamped>;

/// By id. No stamp.
const SESSIONS: Records = TableDefinition::new("sessions");
/// By id; when they ended.
const CONVERSATIONS: Records = TableDefinition::new("conversations");
/// By key; until when they are kept.
const REQUESTS: Records = TableDefinition::new("requests");
/// By the line's key. No stamp.
const LINES: Records = TableDefinition::new("lines");
/// By entry, with leading zeros: in order. No stamp.
const RECEIVED: Records = TableDefinition::new("received");
/// By line and message; when it was taken.
const SEEN_IDS: TableDefinition<'static, (&str, &str), u64> = TableDefinition::new("seen");
/// By the phone's hash; until when.
const BLOCKS: TableDefinition<'static, &str, u64> = TableDefinition::new("blocks");
/// For what is written only for the time that it takes.
const NOTHING: TableDefinition<'static, &str, u64> = TableDefinition::new("nothing");

/// The tables of records, by name.
pub(super) const RECORDS: [(&str, Records); 5] = [
    ("sessions", SESSIONS),
    ("conversations", CONVERSATIONS),
    ("requests", REQUESTS),
    ("lines", LINES),
    ("received", RECEIVED),
];

/// The stamp of what has no time.
const EVER: u64 = u64::MAX;

/// Makes the tables that are missing.
pub(super) fn create(transaction: &WriteTransaction) -> Result<(), Problem> {
    for (_, table) in RECORDS {
        transaction.open_table(table)?;
    }
    transaction.open_table(SEEN_IDS)?;
    transaction.open_table(BLOCKS)?;
    transaction.open_table(NOTHING)?;
    Ok(())
}

/// Writes all of it or nothing; it is on the disk when this returns, as is the rule of redb unless it is told otherwise.
pub(super) fn write(database: &Database, writes: &[Write]) -> Result<(), Problem> {
    let transaction = database.begin_write()?;
    for write in writes {
        put(&transaction, write)?;
    }
    transaction.commit()?;
    Ok(())
}

fn put(transaction: &WriteTransaction, write: &Write) -> Result<(), Problem> {
    let keep = |table: Records, key: &str, stamp: u64, record: &[u8]| -> Result<(), Problem> {
        transaction.open_table(table)?.insert(key, (stamp, record))?;
        Ok(())
    };
    let drop = |table: Records, key: &str| -> Result<(), Problem> {
        transaction.open_table(table)?.remove(key)?;
        Ok(())
    };
    match write {
        Write::Session(session) => keep(SESSIONS, session.id.as_str(), EVER, &session.to_record()),
        Write::Ended(id) => drop(SESSIONS, id.as_str()),
        Write::Conversation(conversation) => {
            let ended = conversation.ended_at.map_or(EVER, |at| at.0);
            keep(CONVERSATIONS, conversation.id.as_str(), ended, &conversation.to_record())
        }
        Write::Delete(id) => drop(CONVERSATIONS, id.as_str()),
        Write::Request(request) => {
            let until = request_until(request).map_or(EVER, |until| until.0);
            keep(REQUESTS, &request.key.0, until, &request.to_record())
        }
        Write::Line(key, line) => keep(LINES, &key.0, EVER, &line.to_record()),
        Write::Seen(key, message, at) => {
            transaction.open_table(SEEN_IDS)?.insert((key.0.as_str(), message.as_str()), at.0)?;
            Ok(())
        }
        Write::Received(received) => keep(RECEIVED, &in_order(received.entry.0), EVER, &received.to_record()),
        Write::Done(entry) => drop(RECEIVED, &in_order(entry.0)),
        Write::Block(phone, until) => {
            transaction.open_table(BLOCKS)?.insert(phone.as_str(), until.0)?;
            Ok(())
        }
        Write::Nothing => {
            let mut table = transaction.open_table(NOTHING)?;
            let before = table.get("")?.map_or(0, |count| count.value());
            table.insert("", before.wrapping_add(1))?;
            Ok(())
        }
    }
}

/// A number as text, sorted like the numbers.
fn in_order(number: u64) -> String {
    format!("{number:020}")
}

/// Everything but the conversations.
pub(super) fn left(database: &Database) -> Result<Left, Problem> {
    let transaction = database.begin_read()?;
    let mut left = Left {
        sessions: values(&transaction, SESSIONS)?,
        received: values(&transaction, RECEIVED)?,
        requests: values(&transaction, REQUESTS)?,
        ..Left::default()
    };
    for entry in transaction.open_table(LINES)?.iter()? {
        let (key, value) = entry?;
        if let Some(line) = read(value.value().1) {
            left.lines.push((LineKey(key.value().to_owned()), line));
        }
    }
    for entry in transaction.open_table(SEEN_IDS)?.iter()? {
        let (key, at) = entry?;
        let (line, message) = key.value();
        left.seen.push((LineKey(line.to_owned()), MessageId(message.to_owned()), Millis(at.value())));
    }
    // As they came: the newest are remembered longest.
    left.seen.sort_by_key(|(.., at)| *at);
    for entry in transaction.open_table(BLOCKS)?.iter()? {
        let (phone, until) = entry?;
        left.blocks.push((phone.value().to_owned(), Millis(until.value())));
    }
    Ok(left)
}

/// The conversations, the newest of them.
pub(super) fn conversations(database: &Database, most: usize) -> Result<Vec<Conversation>, Problem> {
    let mut all: Vec<Conversation> = values(&database.begin_read()?, CONVERSATIONS)?;
    all.sort_by_key(|conversation| std::cmp::Reverse(conversation.created_at));
    all.truncate(most);
    Ok(all)
}

fn values<T: Recorded>(transaction: &ReadTransaction, table: Records) -> Result<Vec<T>, Problem> {
    let mut values = Vec::new();
    for entry in transaction.open_table(table)?.iter()? {
        values.extend(read(entry?.1.value().1));
    }
    Ok(values)
}

/// A record that cannot be read is no reason to forget the others.
fn read<T: Recorded>(record: &[u8]) -> Option<T> {
    T::from_record(record).inspect_err(|error| tracing::error!("the store holds {error}; it is left out")).ok()
}

/// Forgets what has had its time by now, and of the conversations those that ended more than `keep` ago. The room is used
/// again, so that the file grows no more than what is kept.
pub(super) fn sweep(database: &Database, now: Millis, keep: Duration) -> Result<(), Problem> {
    let transaction = database.begin_write()?;
    let (now, ended, seen) = (now.0, (now - keep).0, (now - SEEN).0);
    transaction.open_table(CONVERSATIONS)?.retain(|_, (at, _)| at >= ended)?;
    transaction.open_table(REQUESTS)?.retain(|_, (until, _)| until >= now)?;
    transaction.open_table(SEEN_IDS)?.retain(|_, at| at >= seen)?;
    transaction.open_table(BLOCKS)?.retain(|_, until| until >= now)?;
    transaction.commit()?;
    Ok(())
}
