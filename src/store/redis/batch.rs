//! A list of changes as one script that the server carries out whole or not at all.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::time::Duration;

use redis::{Connection, Script, Value};

use super::keys::{self, Kind};
use super::problem::Problem;
use crate::clock::{Millis, whole_millis};
use crate::ids::SessionId;
use crate::store::record::{FORMAT, Recorded, SEEN, request_until};
use crate::store::{Conversation, SessionRecord, Write};

static WRITE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("write.lua")));

/// The place on a list of what has no time.
const EVER: &str = "+inf";

/// What the server made of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is done.
    Done,
    /// It is done, and the first that the server holds: whatever was there is gone.
    Begun,
    /// Nothing is done: these sessions have newer owners.
    Stale(Vec<SessionId>),
}

/// Changes in the form in which the script takes them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// One for each change.
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
    bytes: usize,
}

/// The numbers of a process's claims to the sessions that run.
#[derive(Debug, Default)]
pub(super) struct Claims(HashMap<SessionId, u64>);

impl Claims {
    /// A session is this process's, as far as that is known.
    pub(super) fn claim(&mut self, session: &SessionRecord) {
        self.0.insert(session.id.clone(), session.owner.fence);
    }

    /// These were kept, but for what is about the `refused` sessions.
    pub(super) fn note(&mut self, writes: &[Write], refused: &[SessionId]) {
        for write in writes {
            match write {
                Write::Session(session) if !refused.contains(&session.id) => self.claim(session),
                Write::Ended(id) => _ = self.0.remove(id),
                _ => {}
            }
        }
    }

    /// One that was never claimed here has the lowest number.
    fn of(&self, session: &SessionId) -> u64 {
        self.0.get(session).copied().unwrap_or_default()
    }
}

impl Batch {
    /// All of these but what is about the given sessions; conversations that have ended last for `keep`. What is about a
    /// session goes out under the number of its claim, whether or not the session itself is among it.
    pub(super) fn without(writes: &[Write], keep: Duration, sessions: &[SessionId], claims: &Claims) -> Self {
        let mut batch = Self::default();
        let is_meant = |write: &&Write| session_of(write).is_none_or(|id| !sessions.contains(id));
        let mut claimed: HashSet<&SessionId> = HashSet::new();
        // Sessions first: each brings its own number.
        let (first, rest): (Vec<_>, Vec<_>) =
            writes.iter().filter(is_meant).partition(|write| matches!(write, Write::Session(_)));
        for write in first.into_iter().chain(rest) {
            if let Some(id) = session_of(write)
                && claimed.insert(id)
                && !matches!(write, Write::Session(_))
            {
                batch.change("check", keys::fence(id.as_str()), [comparable(claims.of(id)).into_bytes()]);
            }
            batch.put(write, keep);
        }
        batch
    }

    /// How much is sent, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Has it carried out, as the `number`th write of this writer.
    pub(super) fn write(&self, connection: &mut Connection, writer: &str, number: u64) -> Result<Verdict, Problem> {
        let mut call = WRITE.key(keys::FORMAT);
        call.key(keys::writer(writer)).arg(FORMAT).arg(comparable(number));
        for key in &self.keys {
            call.key(key);
        }
        for argument in &self.arguments {
            call.arg(argument);
        }
        let answer: Vec<Value> = call.invoke(connection)?;
        let mut words = answer.into_iter().map(redis::from_redis_value::<String>);
        let mut word = || words.next().transpose().map_err(|_| Problem::Strange);
        match word()?.as_deref() {
            Some("done") => Ok(Verdict::Done),
            Some("begun") => Ok(Verdict::Begun),
            Some("late") => Err(Problem::Late),
            Some("format") => {
                let found = word()?.and_then(|found| found.parse().ok()).ok_or(Problem::Strange)?;
                Err(Problem::Format { found, known: FORMAT })
            }
            Some("stale") => {
                let mut sessions = Vec::new();
                while let Some(key) = word()? {
                    let id = key.strip_prefix(&keys::fence("")).and_then(SessionId::parse);
                    sessions.push(id.ok_or(Problem::Strange)?);
                }
                Ok(Verdict::Stale(sessions))
            }
            _ => Err(Problem::Strange),
        }
    }

    fn put(&mut self, write: &Write, keep: Duration) {
        match write {
            Write::Session(session) => {
                let fence = comparable(session.owner.fence);
                self.change(
                    "fence",
                    keys::fence(session.id.as_str()),
                    [fence.into_bytes(), lasts(Some(keys::RUNNING))],
                );
                self.keep(Kind::Session, session.id.as_str(), EVER, Some(keys::RUNNING), session.to_record());
            }
            Write::Ended(id) => {
                self.drop(Kind::Session, id.as_str());
                self.change("fade", keys::fence(id.as_str()), [lasts(Some(keys::LATE))]);
            }
            Write::Conversation(conversation) => self.conversation(conversation, keep),
            Write::Delete(id) => {
                self.drop(Kind::Conversation, id.as_str());
                self.change("rem", keys::ENDED.to_owned(), [id.as_str().into()]);
            }
            Write::Request(request) => {
                let until = request_until(request);
                let time = if until.is_some() { keys::ANSWERED } else { keys::RUNNING };
                let until = until.map_or_else(|| EVER.to_owned(), score);
                self.keep(Kind::Request, &request.key.0, &until, Some(time), request.to_record());
            }
            Write::Line(key, line) => self.keep(Kind::Line, &key.0, EVER, None, line.to_record()),
            Write::Seen(line, message, at) => {
                // A line's key is a hash: it has no colon.
                let name = format!("{}:{}", line.0, message.0);
                self.keep(Kind::Seen, &name, &score(*at), Some(SEEN), plain(&(&line.0, &message.0, at.0)));
            }
            Write::Received(received) => {
                let name = comparable(received.entry.0);
                self.keep(Kind::Received, &name, EVER, Some(keys::RUNNING), received.to_record());
            }
            Write::Done(entry) => self.drop(Kind::Received, &comparable(entry.0)),
            Write::Block(phone, until) => {
                self.keep(Kind::Block, phone, &score(*until), Some(keys::BLOCKED), plain(&(phone, until.0)));
            }
            Write::Nothing => self.change("set", keys::NOTHING.to_owned(), [Vec::new(), lasts(Some(keys::LATE))]),
        }
    }

    fn conversation(&mut self, conversation: &Conversation, keep: Duration) {
        let name = conversation.id.as_str();
        let time = if conversation.ended_at.is_some() { keep } else { keys::RUNNING };
        let began = score(conversation.created_at);
        self.keep(Kind::Conversation, name, &began, Some(time), conversation.to_record());
        match conversation.ended_at {
            Some(ended) => {
                self.change("add", keys::ENDED.to_owned(), [name.into(), score(ended).into(), lasts(Some(time))]);
            }
            None => self.change("rem", keys::ENDED.to_owned(), [name.into()]),
        }
    }

    /// Keeps a value, and lists it.
    fn keep(&mut self, kind: Kind, name: &str, score: &str, time: Option<Duration>, value: Vec<u8>) {
        self.change("set", kind.key(name), [value, lasts(time)]);
        self.change("add", kind.list(), [name.into(), score.into(), lasts(time)]);
    }

    fn drop(&mut self, kind: Kind, name: &str) {
        self.change("del", kind.key(name), []);
        self.change("rem", kind.list(), [name.into()]);
    }

    fn change<const N: usize>(&mut self, verb: &str, key: String, arguments: [Vec<u8>; N]) {
        self.bytes += verb.len() + key.len() + arguments.iter().map(Vec::len).sum::<usize>();
        self.keys.push(key);
        self.arguments.push(verb.into());
        self.arguments.extend(arguments);
    }
}

/// The session that a change is part of: an old owner's word on it counts no more. That nobody is to read a conversation any
/// more is the agent's word, whoever passes it on.
fn session_of(write: &Write) -> Option<&SessionId> {
    match write {
        Write::Session(session) => Some(&session.id),
        Write::Ended(id) => Some(id),
        Write::Conversation(conversation) => Some(&conversation.id),
        Write::Request(request) => Some(&request.session),
        Write::Delete(_)
        | Write::Line(..)
        | Write::Seen(..)
        | Write::Received(_)
        | Write::Done(_)
        | Write::Block(..)
        | Write::Nothing => None,
    }
}

/// A number as text that compares like the number.
fn comparable(number: u64) -> String {
    format!("{number:020}")
}

/// A place on a list that is sorted by time.
fn score(time: Millis) -> String {
    time.0.to_string()
}

/// A time to last; 0 for no end.
fn lasts(time: Option<Duration>) -> Vec<u8> {
    time.map_or(0, whole_millis).to_string().into()
}

fn plain(value: &impl serde::Serialize) -> Vec<u8> {
    // Texts and numbers: JSON has a form for them.
    serde_json::to_vec(value).unwrap_or_default()
}
