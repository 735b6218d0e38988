//! How what is kept is written down: one JSON record for each value, the same in every store.
//!
//! A record is a type of its own beside the value it stands for, so that the core knows nothing of it and a change of a
//! value does not compile until it is decided how it is kept. A field that is added later gets `#[serde(default)]`; any
//! other change gets a number ([`FORMAT`]) and a step from the one before. No record holds a phone number.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Conversation, Received, RequestRecord, SessionRecord};
use crate::clock::Millis;
use crate::domain::line;

mod conversation;
mod request;
mod session;
mod shapes;
mod whose;

#[cfg(test)]
mod dice;
#[cfg(test)]
pub(in crate::store) use dice::Dice;

/// How records look in this version. A store says which format it is in; a newer one is left alone.
pub const FORMAT: u32 = 1;

/// Makes a record of one format into one of the next; told which kind of record it is, by the name of its table.
pub type Step = fn(&str, Value) -> Value;

/// From each format to the next, the first from 1 to 2. There is one more format than there are steps.
pub const STEPS: &[Step] = &[];

const _: () = assert!(STEPS.len() + 1 == FORMAT as usize, "each format is reached by a step");

/// How long a seen message is remembered: no carrier repeats one later.
pub const SEEN: Duration = Duration::from_hours(72);
/// How long an `Idempotency-Key` stands for its request.
const KEYED: Duration = Duration::from_hours(24);
/// How long an answer waits for a repeat of a request whose client had gone.
const UNCOLLECTED: Duration = Duration::from_mins(1);

/// A record that cannot be read. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record that this version cannot read")]
pub struct BadRecord;

/// What is kept as a record of its own.
pub trait Recorded: Sized {
    /// The record.
    fn to_record(&self) -> Vec<u8>;
    /// The value, as it was.
    ///
    /// # Errors
    /// When the record is damaged, or of a later version.
    fn from_record(record: &[u8]) -> Result<Self, BadRecord>;
}

macro_rules! recorded {
    ($($value:ty),*) => {$(
        impl Recorded for $value {
            fn to_record(&self) -> Vec<u8> {
                // Strings, numbers and lists of them: there is nothing in it that JSON has no form for.
                serde_json::to_vec(&self.keep()).unwrap_or_default()
            }
            fn from_record(record: &[u8]) -> Result<Self, BadRecord> {
                Self::back(serde_json::from_slice(record).map_err(|_| BadRecord)?)
            }
        }
    )*};
}

recorded!(SessionRecord, Conversation, RequestRecord, line::Snapshot, Received);

/// When a request has had its time: a repeat begins a new one. `None` while it has no answer.
pub fn request_until(request: &RequestRecord) -> Option<Millis> {
    let answered = request.answer.as_ref()?.at;
    Some(match (request.keyed, request.collected) {
        (true, _) => answered + KEYED,
        (false, false) => answered + UNCOLLECTED,
        (false, true) => answered,
    })
}

/// A value that has a form in which it is kept.
pub(in crate::store) trait Kept: Sized {
    /// The form.
    type Record: Serialize + DeserializeOwned;
    fn keep(&self) -> Self::Record;
    fn back(record: Self::Record) -> Result<Self, BadRecord>;
    /// Any value.
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self;
}

/// The form of a struct: the same fields.
macro_rules! keep_struct {
    ($value:ty => $record:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(in crate::store) struct $record {
            $($(#[$meta])* $field: <$kind as Kept>::Record,)*
        }
        impl Kept for $value {
            type Record = $record;
            fn keep(&self) -> $record {
                let Self { $($field),* } = self;
                $record { $($field: Kept::keep($field)),* }
            }
            fn back(record: $record) -> Result<Self, BadRecord> {
                Ok(Self { $($field: Kept::back(record.$field)?),* })
            }
            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                Self { $($field: Kept::sample(dice)),* }
            }
        }
    };
}

/// The form of an enum: the same variants, the unnamed fields with names.
macro_rules! keep_enum {
    ($value:ty => $record:ident {
        $($unit:ident,)*
        $(($tuple:ident $($name:ident: $type:ty),+),)*
        $({$fields:ident $($field:ident: $kind:ty),+},)*
    }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
        pub(in crate::store) enum $record {
            $($unit,)*
            $($tuple { $($name: <$type as Kept>::Record),+ },)*
            $($fields { $($field: <$kind as Kept>::Record),+ },)*
        }
        impl Kept for $value {
            type Record = $record;
            fn keep(&self) -> $record {
                match self {
                    $(Self::$unit => $record::$unit,)*
                    $(Self::$tuple($($name),+) => $record::$tuple { $($name: Kept::keep($name)),+ },)*
                    $(Self::$fields { $($field),+ } => $record::$fields { $($field: Kept::keep($field)),+ },)*
                }
            }
            fn back(record: $record) -> Result<Self, BadRecord> {
                Ok(match record {
                    $($record::$unit => Self::$unit,)*
                    $($record::$tuple { $($name),+ } => Self::$tuple($(<$type as Kept>::back($name)?),+),)*
                    $($record::$fields { $($field),+ } => Self::$fields { $($field: Kept::back($field)?),+ },)*
                })
            }
            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                let all: &[fn(&mut Dice) -> Self] = &[
                    $(|_| Self::$unit,)*
                    $(|dice| Self::$tuple($(<$type as Kept>::sample(dice)),+),)*
                    $(|dice| Self::$fields { $($field: Kept::sample(dice)),+ },)*
                ];
                all[dice.below(all.len())](dice)
            }
        }
    };
}

use {keep_enum, keep_struct};

#[cfg(test)]
mod tests;
