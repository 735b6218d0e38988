//! The names things go by: sessions, requests, utterances, and the carrier's own call ids.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Millis;

/// A session's name, the API's `callId`: `call-<n>-<epoch ms>`, or `msg-<n>-<epoch ms>` when it began with a message.
///
/// Never repeats: the count keeps sessions of one millisecond apart, the time keeps processes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// Reads an id as it stands in a URL or a webhook; anything that we cannot have made is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("call-").or_else(|| text.strip_prefix("msg-"))?;
        let (count, began) = rest.split_once('-')?;
        let number = |digits: &str| (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        (number(count) && number(began)).then(|| Self(text.to_owned()))
    }

    /// The id as it goes out.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hands out session ids; one per process.
#[derive(Debug, Default)]
pub struct SessionIds {
    count: AtomicU64,
}

impl SessionIds {
    /// The next id of a session that begins with a call.
    pub fn call(&self, now: Millis) -> SessionId {
        self.next("call", now)
    }

    /// The next id of a session that begins with a message.
    pub fn message(&self, now: Millis) -> SessionId {
        self.next("msg", now)
    }

    fn next(&self, kind: &str, now: Millis) -> SessionId {
        let n = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        SessionId(format!("{kind}-{n}-{}", now.0))
    }
}

/// One request of an agent inside a session: what an answer is addressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What makes two requests of an agent's the same, as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey(pub String);

/// A message of the person's that came in, among those that are not yet where they belong; later ones have larger names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u64);

/// One stretch of the agent's speech within a session, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtteranceId(pub u64);

/// One stretch of the person's speech within a call, counted from 1, from its start to its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StretchId(pub u64);

/// The carrier's name for a call (Twilio `CallSid`, Telnyx `call_control_id`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CarrierCallId(pub String);

impl CarrierCallId {
    /// The id as the carrier writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The carrier's name for one thing that it told (Telnyx `data.id`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventId(pub String);

/// One text we send within a session, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId(pub u64);

/// What a text of ours carries through the carrier, so that it is known again when its sending got no answer: the session
/// and its count there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mark(String);

impl Mark {
    /// The mark of a session's text.
    pub fn new(session: &SessionId, post: PostId) -> Self {
        Self(format!("{session}.{}", post.0))
    }

    /// A mark as it was read back, ours or not.
    pub fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The mark as it goes out.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One person's line, by the keyed hash of their number: stable, and no way back to the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineKey(pub String);

/// The carrier's name for a conversation (Twilio `CH…`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConversationId(pub String);

impl ConversationId {
    /// The id as the carrier writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The carrier's name for a message, either way (Twilio `IM…`, `SM…`, `MM…`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub String);

impl MessageId {
    /// The id as the carrier writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_differ_and_read_back() {
        let ids = SessionIds::default();
        let (a, b) = (ids.call(Millis(7)), ids.call(Millis(7)));
        assert_eq!((a.as_str(), b.as_str()), ("call-1-7", "call-2-7"));
        assert_eq!(ids.message(Millis(7)).as_str(), "msg-3-7");
        assert_eq!(SessionId::parse(a.as_str()), Some(a));
    }

    #[test]
    fn what_we_cannot_have_made_is_no_session_id() {
        for text in ["", "call-", "call-1", "call-1-", "call--7", "call-1-7/..", "call-x-7", "msg-1-7 ", "ring-1-7"] {
            assert_eq!(SessionId::parse(text), None, "{text:?}");
        }
        assert!(SessionId::parse("msg-1-7").is_some());
    }
}
