//! The limit of each phone's messages, whose blocks outlive the process: a restart lets nobody in sooner.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::clock::Millis;
use crate::limit::{Limit, Refused};
use crate::metrics::Bound;
use crate::privacy::keyed::KeyedHash;
use crate::store::{Store, Write};

use super::InboundLimits;

/// The two ways a message comes by. Some accounts bring each message by both, and it is one message all the same: so each way
/// has a count of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    Conversation,
    Plain,
}

/// How many messages of each phone are let in. Clones count together.
#[derive(Clone)]
pub struct Blocks(Arc<Inner>);

struct Inner {
    /// Who sends too many is shut out for a while.
    shuts_out: bool,
    phones: Limit<(Way, KeyedHash)>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Blocks {
    /// Nobody is blocked.
    pub fn new(limits: &InboundLimits, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let phones = Limit::per_minute(limits.per_phone).shutting_out_for(limits.block);
        Self(Arc::new(Inner { shuts_out: !limits.block.is_zero(), phones, store, clock }))
    }

    /// Counts a message.
    ///
    /// # Errors
    /// With the limit and the time until it is over, when it was one too many.
    pub(super) fn take(&self, way: Way, phone: KeyedHash) -> Result<(), (Bound, std::time::Duration)> {
        let Inner { phones, store, clock, .. } = &*self.0;
        phones.take_noting(&(way, phone)).map_err(|Refused { wait, shuts_out }| {
            if shuts_out {
                drop(store.commit(vec![Write::Block(way.name(phone), clock.now() + wait)]));
            }
            let before = self.0.shuts_out && !shuts_out;
            (if before { Bound::Blocked } else { Bound::Phone }, wait)
        })
    }

    /// Takes up the blocks of an earlier process.
    pub fn recall(&self, blocks: impl IntoIterator<Item = (String, Millis)>) {
        let now = self.0.clock.now();
        for (name, until) in blocks {
            if let Some(key) = Way::read(&name).filter(|_| until > now) {
                self.0.phones.shut_out(&key, until.since(now));
            }
        }
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocks({} phones)", self.0.phones.keys())
    }
}

impl Way {
    /// What a phone's block goes by where it is kept.
    fn name(self, phone: KeyedHash) -> String {
        let way = match self {
            Way::Conversation => "conversation",
            Way::Plain => "plain",
        };
        format!("{way}.{}", phone.to_hex())
    }

    fn read(name: &str) -> Option<(Self, KeyedHash)> {
        let (way, phone) = name.split_once('.')?;
        let way = match way {
            "conversation" => Way::Conversation,
            "plain" => Way::Plain,
            _ => return None,
        };
        Some((way, KeyedHash::from_hex(phone)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::keyed::{HashKey, Kind};

    #[test]
    fn a_kept_block_names_its_phone_and_nothing_else_does() {
        let phone = HashKey::new(b"a key").hash(Kind::Phone, "+390000000001");
        for way in [Way::Conversation, Way::Plain] {
            assert_eq!(Way::read(&way.name(phone)), Some((way, phone)));
        }
        for bad in ["", "plain", "plain.", "plain.xyz", "sms.00000000000000000000000000000000"] {
            assert_eq!(Way::read(bad), None, "{bad:?}");
        }
    }
}
