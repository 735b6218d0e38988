//! Every key there is in Redis, and how long it lasts there.
//!
//! All begin with `callme:`. A value has a key of its own, `callme:<kind>:<name>`, and a place in the list of its kind,
//! `callme:<kind>s`, a sorted set. What is forgotten is forgotten by a sweep, to the minute; the times here see to it that
//! nothing stays for ever where no process runs any more. They begin anew with each write, in Redis' own time, and a list
//! lasts at least as long as what is on it.
//!
//! | key | holds | lasts |
//! |---|---|---|
//! | `callme:format` | the format of all of it | without end |
//! | `callme:line:…`, `callme:lines` | a person's line with its opt-out, by a keyed hash of the number | without end |
//! | `callme:session:…`, `callme:sessions` | a running session | 31 days after its last change |
//! | `callme:fence:…` | the number of its owner's claim | the same; a day after its end |
//! | `callme:received:…`, `callme:receiveds` | a message that has not reached everybody | 31 days |
//! | `callme:request:…`, `callme:requests` | a request, and its answer | 24 hours after its answer; 31 days without one |
//! | `callme:conversation:…`, `callme:conversations` | a conversation; listed by when it began | `CALLME_HISTORY_TTL_HOURS` after its end; 31 days while it runs |
//! | `callme:ended` | ended conversations by when they ended | as long as the last of them |
//! | `callme:seen:…`, `callme:seens` | a message that was taken | 72 hours |
//! | `callme:block:…`, `callme:blocks` | a phone that is let in no more, by a keyed hash of its number | 24 hours |
//! | `callme:writer:…` | how many writes a process has made | a day after the last |
//! | `callme:nothing` | nothing | a day |

use std::time::Duration;

/// The format of all of it.
pub(super) const FORMAT: &str = "callme:format";
/// Ended conversations, by when they ended.
pub(super) const ENDED: &str = "callme:ended";
/// What is written only for the time that it takes.
pub(super) const NOTHING: &str = "callme:nothing";

/// What runs: a session waits 30 days at most, for the answer to an open question.
pub(super) const RUNNING: Duration = Duration::from_hours(31 * 24);
/// An answer that waits for a repeat of its request: that is how long an `Idempotency-Key` stands for it.
pub(super) const ANSWERED: Duration = Duration::from_hours(24);
/// A block: it is set for a day at most.
pub(super) const BLOCKED: Duration = Duration::from_hours(24);
/// What guards against writes that come late.
pub(super) const LATE: Duration = Duration::from_hours(24);

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    Conversation,
    Request,
    Line,
    Received,
    Seen,
    Block,
}

impl Kind {
    /// The kinds that are kept as records, by the names that records have.
    pub(super) const RECORDS: [(Kind, &str); 5] = [
        (Kind::Session, "sessions"),
        (Kind::Conversation, "conversations"),
        (Kind::Request, "requests"),
        (Kind::Line, "lines"),
        (Kind::Received, "received"),
    ];

    fn name(self) -> &'static str {
        match self {
            Kind::Session => "session",
            Kind::Conversation => "conversation",
            Kind::Request => "request",
            Kind::Line => "line",
            Kind::Received => "received",
            Kind::Seen => "seen",
            Kind::Block => "block",
        }
    }

    /// The list of the kind.
    pub(super) fn list(self) -> String {
        format!("callme:{}s", self.name())
    }

    /// What the keys of the kind begin with; the name follows.
    pub(super) fn prefix(self) -> String {
        format!("callme:{}:", self.name())
    }

    /// One value.
    pub(super) fn key(self, name: &str) -> String {
        self.prefix() + name
    }
}

/// The number of the claim of a session's owner.
pub(super) fn fence(session: &str) -> String {
    format!("callme:fence:{session}")
}

/// How many writes a process has made.
pub(super) fn writer(name: &str) -> String {
    format!("callme:writer:{name}")
}
