//! What the messaging webhook lets in, and how phone numbers are hashed.

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;

/// The limits of inbound messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorConfig {
    /// Messages a minute of one phone; `None` is no limit.
    pub per_phone: Option<NonZeroU32>,
    /// How long a phone that sent more is blocked; zero is not at all.
    pub block: Duration,
    /// Messages a minute of one conversation; `None` is no limit.
    pub per_conversation: Option<NonZeroU32>,
    /// Messages a minute in all; `None` is no limit.
    pub global: Option<NonZeroU32>,
}

const BLOCK: &str = "CALLME_RATE_LIMIT_BLOCK_SECONDS";
const HASH_KEY: &str = "CALLME_HASH_KEY";

/// Characters of a hash key: with fewer, whoever has a hash could try all keys.
const SHORTEST_KEY: usize = 16;

pub(super) fn read(reader: &mut Reader<'_>) -> DoorConfig {
    let per_phone = reader.most("CALLME_RATE_LIMIT_PER_PHONE", "whoever writes without end keeps the server busy");
    // A day: who is to be kept out for longer is blocked in WhatsApp itself.
    let block = reader.seconds(BLOCK, 0..=86_400);
    if block.is_zero() {
        reader.warn(BLOCK, "is 0: whoever writes too much is not blocked, only slowed down".to_owned());
    }
    let per_conversation =
        reader.most("CALLME_RATE_LIMIT_PER_CONVERSATION", "a conversation without end keeps the server busy");
    let global = reader.most("CALLME_RATE_LIMIT_GLOBAL", "a flood from many phones keeps the server busy");
    DoorConfig { per_phone, block, per_conversation, global }
}

pub(super) fn hash_key(reader: &mut Reader<'_>) -> Option<SecretString> {
    let key = reader.text(HASH_KEY)?;
    if key.chars().count() < SHORTEST_KEY {
        let text = format!("has fewer than {SHORTEST_KEY} characters and can be guessed; make up a long random one");
        reader.warn(HASH_KEY, text);
    }
    Some(key.into())
}
