//! What can be wrong with a Redis, and what to do about it. In our own words: the library's may quote what was sent.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, ParsingError, RedisError, ServerErrorKind};

use crate::store::durable::OpenError;

/// What is wrong.
#[derive(Debug)]
pub(super) enum Problem {
    /// What is there is of another format.
    Format { found: u32, known: u32 },
    /// The server gives an answer that it has no reason for.
    Strange,
    /// The server has a later write of ours than this one.
    Late,
    /// The library says what.
    Redis(RedisError),
}

impl Problem {
    pub(super) fn into_open_error(self) -> OpenError {
        match self {
            Problem::Format { found, known } if found > known => OpenError::Newer { found, known },
            other => OpenError::Failed(other.to_string()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Format { found, known } if found > known => {
                fmt::Display::fmt(&OpenError::Newer { found: *found, known: *known }, f)
            }
            Problem::Format { .. } => {
                f.write_str("what Redis holds is of another format; it is brought to the present one")
            }
            Problem::Strange => f.write_str(
                "Redis holds something else under our names: see that nobody else writes keys that begin with callme:",
            ),
            Problem::Late => f.write_str(
                "Redis was given an older write of this process after a newer one: see whether anything between it and us \
                 repeats or delays what is sent. What the older one was to keep is written again",
            ),
            Problem::Redis(error) => redis_error(error, f),
        }
    }
}

fn redis_error(error: &RedisError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let words = match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => {
            "Redis refuses the user name or the password: correct them in REDIS_URL"
        }
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) => {
            "Redis does not let this user do what is needed: allow it scripts, strings and sorted sets on the keys callme:*"
        }
        (ErrorKind::Server(ServerErrorKind::BusyLoading), _) => "Redis is still loading what it has on its disk: wait",
        (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => {
            "Redis is a replica, which takes no writes: name the primary in REDIS_URL"
        }
        (ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::CrossSlot | ServerErrorKind::ClusterDown), _) => {
            "Redis is part of a cluster, which this version does not know: use one that is not"
        }
        (_, Some("OOM")) => {
            "Redis has no memory left for it: give it more (maxmemory), or empty it of what is not needed"
        }
        (_, Some("MISCONF")) => "Redis cannot write to its disk: make room there; its log says more",
        (_, Some("BUSY")) => "Redis is busy with somebody's script: end that (SCRIPT KILL), or wait",
        (_, Some("WRONGTYPE")) => return fmt::Display::fmt(&Problem::Strange, f),
        (ErrorKind::Parse, _) => "what answers there is no Redis, or one that wants TLS (rediss://): correct REDIS_URL",
        (ErrorKind::Io, _) => return unreachable_server(error, f),
        (ErrorKind::InvalidClientConfig, _) => "there is no such server: correct REDIS_URL",
        (_, code) => {
            let code = code.unwrap_or("no code");
            // A code is a word in capitals; anything else may be anything.
            let code = if code.bytes().all(|byte| byte.is_ascii_uppercase()) { code } else { "an error" };
            return write!(
                f,
                "Redis refuses what it is told ({code}): see its log, and whether it is version 6 or later"
            );
        }
    };
    f.write_str(words)
}

fn unreachable_server(error: &RedisError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // The library shares its causes, and gives the shared one away.
    let cause = error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    let words = match cause.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "nobody listens there: start it, or correct REDIS_URL",
        Some(io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
            "no answer within two seconds: see whether it is overloaded or hangs, and whether the network lets us through"
        }
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
            "TLS does not come about: see whether the server speaks it there, and whether its certificate holds"
        }
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            "it closed the connection: see whether it has ended, and its log"
        }
        _ => "no connection to it: see whether REDIS_URL names its host and port, and whether it runs",
    };
    write!(f, "Redis is out of reach ({words})")
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        Problem::Redis(error)
    }
}

impl From<ParsingError> for Problem {
    fn from(_: ParsingError) -> Self {
        Problem::Strange
    }
}
