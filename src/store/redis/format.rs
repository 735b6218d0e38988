//! The format of what Redis holds: which it is, and how an older one becomes the present one.

use std::sync::LazyLock;

use redis::{Connection, Script, cmd};
use serde_json::Value;

use super::keys::{self, Kind};
use super::problem::Problem;
use super::read;
use crate::store::record::Step;

/// Writes another format down, and the records in it, in place of those that are there: ARGV has the earlier format, the new
/// one, and the records; KEYS the key of the format and those of the records. Does nothing when another process was first.
static UPGRADE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
        redis.call('SET', KEYS[1], ARGV[2])
        for n = 2, #KEYS do
          local left = redis.call('PTTL', KEYS[n])
          if left >= 0 then
            redis.call('SET', KEYS[n], ARGV[n + 1], 'PX', math.max(left, 1))
          elseif left == -1 then
            redis.call('SET', KEYS[n], ARGV[n + 1])
          end
        end",
    )
});

/// Makes sure that everything is of the present format: writes it down where nothing is, takes an older one there at once,
/// and leaves a newer one alone. Says whether nothing was there.
pub(super) fn check(connection: &mut Connection, steps: &[Step]) -> Result<bool, Problem> {
    let known = u32::try_from(steps.len() + 1).unwrap_or(u32::MAX);
    let is_new: Option<String> = cmd("SET").arg(keys::FORMAT).arg(known).arg("NX").query(connection)?;
    if is_new.is_some() {
        return Ok(true);
    }
    let found: String = cmd("GET").arg(keys::FORMAT).query(connection)?;
    match found.parse() {
        Ok(found) if found == known => Ok(false),
        Ok(found) if found > known || found == 0 => Err(Problem::Format { found, known }),
        Ok(found) => upgrade(connection, found, known, &steps[found as usize - 1..]).map(|()| false),
        Err(_) => Err(Problem::Strange),
    }
}

/// Takes every record further by these steps. What cannot be read stays as it is: nobody reads it later, either.
fn upgrade(connection: &mut Connection, found: u32, known: u32, steps: &[Step]) -> Result<(), Problem> {
    let mut call = UPGRADE.key(keys::FORMAT);
    call.arg(found).arg(known);
    for (kind, records) in Kind::RECORDS {
        for (name, value) in read::values(connection, kind)? {
            if let Ok(record) = serde_json::from_slice(&value) {
                let record: Value = steps.iter().fold(record, |record, step| step(records, record));
                call.key(kind.key(&name)).arg(record.to_string());
            }
        }
    }
    Ok(call.invoke::<()>(connection)?)
}
