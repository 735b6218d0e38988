//! What is read back from Redis, and what is forgotten there.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Connection, Script, cmd};
use serde::de::DeserializeOwned;

use super::keys::{self, Kind};
use super::problem::Problem;
use crate::clock::Millis;
use crate::ids::{LineKey, MessageId};
use crate::store::record::{Recorded, SEEN};
use crate::store::{Conversation, Left};

/// How many values are asked for, or forgotten, at once: the server does nothing else meanwhile.
const AT_ONCE: usize = 200;

/// Gives the values of a part of a list (KEYS: the list, then the values' keys; ARGV: their names), and takes from the list
/// what is gone.
static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local values = {}
        for n, name in ipairs(ARGV) do
          local value = redis.call('GET', KEYS[n + 1])
          if not value then redis.call('ZREM', KEYS[1], name) end
          values[n] = value
        end
        return values",
    )
});

/// Forgets what stands on a list (KEYS[1]) before a moment (ARGV[1]), so many at once (ARGV[3]), with its place on another
/// list (KEYS[2]); ARGV[2] is what the values' keys begin with. Gives their number.
static FORGET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
        for _, name in ipairs(names) do
          redis.call('DEL', ARGV[2] .. name)
          redis.call('ZREM', KEYS[1], name)
          redis.call('ZREM', KEYS[2], name)
        end
        return #names",
    )
});

/// Everything but the conversations.
pub(super) fn left(connection: &mut Connection) -> Result<Left, Problem> {
    let lines = values(connection, Kind::Line)?.into_iter();
    let seen = values(connection, Kind::Seen)?.into_iter().filter_map(|(_, value)| plain(&value));
    let blocks = values(connection, Kind::Block)?.into_iter().filter_map(|(_, value)| plain(&value));
    Ok(Left {
        sessions: records(connection, Kind::Session)?,
        lines: lines.filter_map(|(name, value)| Some((LineKey(name), record(&value)?))).collect(),
        seen: seen.map(|(line, message, at)| (LineKey(line), MessageId(message), Millis(at))).collect(),
        received: records(connection, Kind::Received)?,
        requests: records(connection, Kind::Request)?,
        blocks: blocks.map(|(phone, until)| (phone, Millis(until))).collect(),
    })
}

/// The conversations, the newest of them.
pub(super) fn conversations(connection: &mut Connection, most: usize) -> Result<Vec<Conversation>, Problem> {
    let newest: Vec<String> = match most {
        0 => Vec::new(),
        most => cmd("ZREVRANGE").arg(Kind::Conversation.list()).arg(0).arg(most - 1).query(connection)?,
    };
    let values = values_of(connection, Kind::Conversation, newest)?;
    Ok(values.iter().filter_map(|(_, value)| record(value)).collect())
}

/// Forgets what has had its time by now, and of the conversations those that ended more than `keep` ago.
pub(super) fn sweep(connection: &mut Connection, now: Millis, keep: Duration) -> Result<(), Problem> {
    let lists = [
        (keys::ENDED.to_owned(), Kind::Conversation, now - keep),
        (Kind::Request.list(), Kind::Request, now),
        (Kind::Seen.list(), Kind::Seen, now - SEEN),
        (Kind::Block.list(), Kind::Block, now),
    ];
    for (list, kind, before) in lists {
        let mut call = FORGET.key(&list);
        call.key(kind.list()).arg(format!("({}", before.0)).arg(kind.prefix()).arg(AT_ONCE);
        while call.invoke::<usize>(connection)? == AT_ONCE {}
    }
    Ok(())
}

/// All names and values of a kind, in the order of its list.
pub(super) fn values(connection: &mut Connection, kind: Kind) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let names = cmd("ZRANGE").arg(kind.list()).arg(0).arg(-1).query(connection)?;
    values_of(connection, kind, names)
}

fn values_of(connection: &mut Connection, kind: Kind, names: Vec<String>) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let mut values = Vec::with_capacity(names.len());
    for names in names.chunks(AT_ONCE) {
        let mut call = READ.key(kind.list());
        for name in names {
            call.key(kind.key(name)).arg(name);
        }
        let found: Vec<Option<Vec<u8>>> = call.invoke(connection)?;
        values.extend(names.iter().zip(found).filter_map(|(name, value)| Some((name.clone(), value?))));
    }
    Ok(values)
}

fn records<T: Recorded>(connection: &mut Connection, kind: Kind) -> Result<Vec<T>, Problem> {
    Ok(values(connection, kind)?.iter().filter_map(|(_, value)| record(value)).collect())
}

/// A record that cannot be read is no reason to forget the others.
fn record<T: Recorded>(value: &[u8]) -> Option<T> {
    T::from_record(value).inspect_err(|error| tracing::error!("Redis holds {error}; it is left out")).ok()
}

fn plain<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    let value = serde_json::from_slice(value);
    value.inspect_err(|_| tracing::error!("Redis holds a value that this version cannot read; it is left out")).ok()
}
