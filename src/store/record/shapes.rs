//! The forms of what everything else is made of: numbers, texts, lists and ids.

use std::time::Duration;

#[cfg(test)]
use super::Dice;
use super::{BadRecord, Kept};
use crate::clock::{Millis, whole_millis};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{
    CarrierCallId, ConversationId, EntryId, LineKey, MessageId, PostId, RequestId, RequestKey, SessionId, UtteranceId,
};

/// What is its own form.
macro_rules! keep_plain {
    ($($value:ty: |$dice:ident| $sample:expr),* $(,)?) => {$(
        impl Kept for $value {
            type Record = $value;
            fn keep(&self) -> $value {
                self.clone()
            }
            fn back(record: $value) -> Result<Self, BadRecord> {
                Ok(record)
            }
            #[cfg(test)]
            fn sample($dice: &mut Dice) -> Self {
                $sample
            }
        }
    )*};
}

keep_plain!(
    bool: |dice| dice.next().is_multiple_of(2),
    u64: |dice| dice.next(),
    usize: |dice| dice.below(usize::MAX),
    String: |dice| dice.text(),
);

/// What is one other value with a name.
macro_rules! keep_named {
    ($($value:ident($inner:ty)),* $(,)?) => {$(
        impl Kept for $value {
            type Record = $inner;
            fn keep(&self) -> $inner {
                self.0.clone()
            }
            fn back(record: $inner) -> Result<Self, BadRecord> {
                Ok(Self(record))
            }
            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                Self(Kept::sample(dice))
            }
        }
    )*};
}

keep_named!(
    Millis(u64),
    RequestId(u64),
    EntryId(u64),
    UtteranceId(u64),
    PostId(u64),
    RequestKey(String),
    LineKey(String),
    CarrierCallId(String),
    ConversationId(String),
    MessageId(String),
    PersonText(String),
);

impl Kept for SessionId {
    type Record = String;
    fn keep(&self) -> String {
        self.as_str().to_owned()
    }
    fn back(record: String) -> Result<Self, BadRecord> {
        Self::parse(&record).ok_or(BadRecord)
    }
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        let kind = ["call", "msg"][dice.below(2)];
        Self::parse(&format!("{kind}-{}-{}", dice.next(), dice.next())).expect("a valid id")
    }
}

impl Kept for AgentText {
    type Record = String;
    fn keep(&self) -> String {
        self.as_str().to_owned()
    }
    fn back(record: String) -> Result<Self, BadRecord> {
        Self::parse(&record).map_err(|_| BadRecord)
    }
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        Self::parse(&format!("a{}", dice.text())).expect("a message")
    }
}

/// Whole milliseconds: nothing is measured more finely.
impl Kept for Duration {
    type Record = u64;
    fn keep(&self) -> u64 {
        whole_millis(*self)
    }
    fn back(record: u64) -> Result<Self, BadRecord> {
        Ok(Self::from_millis(record))
    }
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        Self::from_millis(dice.next())
    }
}

impl<T: Kept> Kept for Option<T> {
    type Record = Option<T::Record>;
    fn keep(&self) -> Self::Record {
        self.as_ref().map(Kept::keep)
    }
    fn back(record: Self::Record) -> Result<Self, BadRecord> {
        record.map(T::back).transpose()
    }
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        (dice.below(2) > 0).then(|| T::sample(dice))
    }
}

impl<T: Kept> Kept for Vec<T> {
    type Record = Vec<T::Record>;
    fn keep(&self) -> Self::Record {
        self.iter().map(Kept::keep).collect()
    }
    fn back(record: Self::Record) -> Result<Self, BadRecord> {
        record.into_iter().map(T::back).collect()
    }
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        (0..dice.below(4)).map(|_| T::sample(dice)).collect()
    }
}

impl<A: Kept, B: Kept> Kept for (A, B) {
    type Record = (A::Record, B::Record);
    fn keep(&self) -> Self::Record {
        (self.0.keep(), self.1.keep())
    }
    fn back(record: Self::Record) -> Result<Self, BadRecord> {
        Ok((A::back(record.0)?, B::back(record.1)?))
    }
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        (A::sample(dice), B::sample(dice))
    }
}
