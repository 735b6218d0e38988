//! The store in a Redis: one key for each value, every write one script, so that it is done whole or not at all.
//!
//! A write lasts as well as the server keeps what it has acknowledged: see `appendfsync` in its configuration. Whatever goes
//! wrong with it is told in words that hold neither the server's URL nor anything that was kept.

mod batch;
mod format;
mod keys;
mod problem;
mod promises;
mod read;

use std::fmt;
use std::time::Duration;

use ::redis::{Client, Connection, IntoConnectionInfo};
use secrecy::{ExposeSecret, SecretString};

use super::durable::{Backend, OpenError};
use super::record::STEPS;
use super::{Conversation, Left, StoreError, Write};
use crate::clock::Millis;

use batch::{Batch, Claims, Verdict};
use problem::Problem;

/// How long the server may take to be reached, to take what it is sent, and to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a write of each further mebibyte may take beyond that: after a long time away there is a lot to catch up with.
const PER_MEBIBYTE: Duration = Duration::from_secs(1);

/// A Redis, by its URL. It is reached when it is needed, and again after every failure.
pub struct RedisBackend {
    client: Client,
    writer: Writer,
    keep: Duration,
    connection: Option<Connection>,
    /// The server has been reached before.
    was_open: bool,
    /// What it does not promise, as it was when it was reached last.
    warnings: Vec<String>,
    /// The number of this process's claim to each running session: words on it go out under that.
    claims: Claims,
}

/// Who writes: what a connection that was given up delivers late is older than what came after it.
#[derive(Debug)]
struct Writer {
    name: String,
    writes: u64,
}

/// A text that is no URL of a Redis. It does not show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a URL of the form redis://[[user]:password@]host[:port][/number], or rediss:// with TLS")]
pub struct BadUrl;

/// Looks whether a server could be the store: whether it is reached and takes a write. What it does not promise, as a sentence
/// each. Blocks for some seconds at most; leaves nothing behind.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn examine(url: &SecretString) -> Result<Vec<String>, String> {
    let tried = || -> Result<Vec<String>, Problem> {
        let client = Client::open(url.expose_secret())?;
        let mut connection = client.get_connection_with_timeout(PATIENCE)?;
        be_patient(&connection, 0)?;
        // One second: whoever stops in between leaves nothing.
        ::redis::cmd("SET").arg("callme:doctor").arg(1).arg("EX").arg(1).exec(&mut connection)?;
        Ok(promises::warnings(&mut connection))
    };
    tried().map_err(|problem| problem.to_string())
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend").field("is_open", &self.connection.is_some()).finish_non_exhaustive()
    }
}

impl RedisBackend {
    /// The store in the Redis of this URL, which keeps ended conversations for `keep`. `instance` is any random bytes that
    /// no other process has. Nobody is asked anything yet.
    ///
    /// # Errors
    /// When that is no URL of a Redis.
    pub fn new(url: &SecretString, keep: Duration, instance: [u8; 16]) -> Result<Self, BadUrl> {
        let url = url.expose_secret();
        check_url(url)?;
        let info = url.into_connection_info().map_err(|_| BadUrl)?;
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let client = Client::open(info.set_redis_settings(settings)).map_err(|_| BadUrl)?;
        let writer = Writer { name: format!("{:032x}", u128::from_be_bytes(instance)), writes: 0 };
        Ok(Self {
            client,
            writer,
            keep,
            connection: None,
            was_open: false,
            warnings: Vec::new(),
            claims: Claims::default(),
        })
    }

    /// Reaches the server, and makes sure that what it holds is of the present format.
    fn connect(&mut self) -> Result<(), Problem> {
        let mut connection = self.client.get_connection_with_timeout(PATIENCE)?;
        be_patient(&connection, 0)?;
        let is_new = format::check(&mut connection, STEPS)?;
        if is_new && self.was_open {
            warn_of_loss();
        }
        self.was_open = true;
        let warnings = promises::warnings(&mut connection);
        for warning in warnings.iter().filter(|warning| !self.warnings.contains(warning)) {
            tracing::warn!("{warning}");
        }
        self.warnings = warnings;
        self.connection = Some(connection);
        Ok(())
    }

    /// Does something with the open connection, which is given up when that fails: an answer may be on its way in it.
    fn with<T>(&mut self, call: impl FnOnce(&mut Connection) -> Result<T, Problem>) -> Result<T, StoreError> {
        let Some(mut connection) = self.connection.take() else {
            return Err(StoreError("Redis is not connected".to_owned()));
        };
        let result = call(&mut connection).map_err(|problem| StoreError(problem.to_string()))?;
        self.connection = Some(connection);
        Ok(result)
    }
}

impl Backend for RedisBackend {
    fn open(&mut self) -> Result<(), OpenError> {
        self.connection = None;
        self.connect().map_err(Problem::into_open_error)
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let mut refused = Vec::new();
        loop {
            let batch = Batch::without(writes, self.keep, &refused, &self.claims);
            self.writer.writes += 1;
            let number = self.writer.writes;
            let name = self.writer.name.clone();
            let verdict = self.with(|connection| {
                be_patient(connection, batch.bytes())?;
                let verdict = batch.write(connection, &name, number)?;
                be_patient(connection, 0)?;
                Ok(verdict)
            })?;
            match verdict {
                Verdict::Done => {}
                Verdict::Begun => warn_of_loss(),
                Verdict::Stale(sessions) => {
                    for session in &sessions {
                        tracing::warn!(%session, "another instance owns the session now; what this one knew is not kept");
                    }
                    refused.extend(sessions);
                    continue;
                }
            }
            self.claims.note(writes, &refused);
            return Ok(());
        }
    }

    fn left(&mut self) -> Result<Left, StoreError> {
        let left = self.with(read::left)?;
        for session in &left.sessions {
            self.claims.claim(session);
        }
        Ok(left)
    }

    fn conversations(&mut self, most: usize) -> Result<Vec<Conversation>, StoreError> {
        self.with(|connection| read::conversations(connection, most))
    }

    fn sweep(&mut self, now: Millis, keep: Duration) -> Result<(), StoreError> {
        self.with(|connection| read::sweep(connection, now, keep))
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

/// Whether this is a URL of a Redis that is reached over the network.
///
/// # Errors
/// When it is not.
pub fn check_url(text: &str) -> Result<(), BadUrl> {
    let url = url::Url::parse(text).map_err(|_| BadUrl)?;
    // A fragment can only mean `#insecure`: TLS that takes any certificate.
    let fits = matches!(url.scheme(), "redis" | "rediss") && url.has_host() && url.fragment().is_none();
    if fits { text.into_connection_info().map(|_| ()).map_err(|_| BadUrl) } else { Err(BadUrl) }
}

/// Waits no longer than it may take to send so many bytes.
fn be_patient(connection: &Connection, bytes: usize) -> Result<(), Problem> {
    let mebibytes = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    let patience = Some(PATIENCE + PER_MEBIBYTE * mebibytes);
    connection.set_read_timeout(patience)?;
    connection.set_write_timeout(patience)?;
    Ok(())
}

fn warn_of_loss() {
    tracing::warn!(
        "Redis has lost what it was given before. What changes from now on is kept; see that it runs with appendonly, and \
         that nobody empties it"
    );
}

#[cfg(test)]
pub(super) mod tests;
