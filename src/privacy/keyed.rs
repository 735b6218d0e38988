//! Hashes that stand for phone numbers and other names: stable while the key is, and no way back. Without a key they would
//! be no secret, since all phone numbers are tried in minutes.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::ids::LineKey;
use crate::phone_number::PhoneNumber;

/// What keys the hashes (`CALLME_HASH_KEY`), prepared once.
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

/// What kind of name is hashed. Equal texts of two kinds have different hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A phone number.
    Phone,
    /// A carrier's conversation.
    Conversation,
    /// A network address.
    Address,
    /// A request of an agent's.
    Request,
}

/// The hash of a name; 128 bits of it, which nothing collides in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyedHash([u8; 16]);

impl HashKey {
    /// A key of any length.
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// The hash of a name.
    pub fn hash(&self, kind: Kind, name: &str) -> KeyedHash {
        let mut hash = [0; 16];
        hash.copy_from_slice(&self.whole(kind, name)[..16]);
        KeyedHash(hash)
    }

    /// What a person's line goes by where it is kept.
    pub fn line(&self, person: &PhoneNumber) -> LineKey {
        LineKey(HEXLOWER.encode(&self.whole(Kind::Phone, person.reveal())))
    }

    /// What something that an agent asked for goes by where it is kept.
    pub fn request(&self, what: &str) -> String {
        HEXLOWER.encode(&self.whole(Kind::Request, what))
    }

    fn whole(&self, kind: Kind, name: &str) -> [u8; 32] {
        let kind: &[u8] = match kind {
            Kind::Phone => b"phone ",
            Kind::Conversation => b"conversation ",
            Kind::Address => b"address ",
            Kind::Request => b"request ",
        };
        let mut mac = self.0.clone();
        mac.update(kind);
        mac.update(name.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl KeyedHash {
    /// The hash as it is kept.
    pub fn to_hex(self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// A hash as it was kept.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
        Some(Self(digits.to_be_bytes()))
    }
}

/// Shows nothing of the key.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// Shows nothing: a hash in a log is a name for somebody.
impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "+393331234567";

    #[test]
    fn a_hash_is_another_for_each_name_kind_and_key() {
        let (key, other) = (HashKey::new(b"one key"), HashKey::new(b"another"));
        let hash = key.hash(Kind::Phone, NUMBER);
        assert_eq!(hash, HashKey::new(b"one key").hash(Kind::Phone, NUMBER));
        for different in [
            key.hash(Kind::Phone, "+393331234568"),
            key.hash(Kind::Conversation, NUMBER),
            key.hash(Kind::Address, NUMBER),
            other.hash(Kind::Phone, NUMBER),
            HashKey::new(b"").hash(Kind::Phone, NUMBER),
        ] {
            assert_ne!(hash, different);
        }
    }

    #[test]
    fn a_line_goes_by_the_hash_of_its_number() {
        let number = PhoneNumber::parse(NUMBER).expect("a valid number");
        // printf 'phone +393331234567' | openssl dgst -sha256 -hmac 'one key'
        let want = "3e2bcb722e417ed4b4779041c81aa0ea0694087115a62dba9b035fa225559b55";
        assert_eq!(HashKey::new(b"one key").line(&number).0, want);
    }

    #[test]
    fn nothing_is_printed_of_key_and_hash() {
        let key = HashKey::new(b"one key");
        assert_eq!(format!("{key:?} {:?}", key.hash(Kind::Phone, NUMBER)), "HashKey(…) KeyedHash(…)");
    }
}
