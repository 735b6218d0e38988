//! What a Redis does not promise, though everything works: that it has its data after its own restart, and that it keeps what
//! it has room for only by forgetting something else. Whoever set it up is told; whether they want it so is theirs.

use std::collections::HashMap;

use redis::{Connection, cmd};

const KEEPS_NOTHING: &str =
    "Redis keeps nothing on a disk: what it holds is lost when it ends. Set appendonly yes there";
const FORGETS: &str = "Redis may drop what it was given when its memory is full: set maxmemory-policy noeviction there";

/// What the server's settings say of it. A server that does not tell its settings, as many that are rented do not, is taken to
/// be well kept.
pub(super) fn warnings(connection: &mut Connection) -> Vec<String> {
    let mut setting = |name: &str| {
        let told: Option<HashMap<String, String>> = cmd("CONFIG").arg("GET").arg(name).query(connection).ok();
        told?.remove(name)
    };
    let (appends, saves) = (setting("appendonly"), setting("save"));
    let (memory, policy) = (setting("maxmemory"), setting("maxmemory-policy"));
    let keeps_nothing = appends.is_some_and(|appends| appends == "no") && saves.is_some_and(|saves| saves.is_empty());
    let is_bounded = memory.is_some_and(|memory| memory != "0");
    let forgets = is_bounded && policy.is_some_and(|policy| policy != "noeviction");
    let told = [(keeps_nothing, KEEPS_NOTHING), (forgets, FORGETS)];
    told.into_iter().filter(|(is, _)| *is).map(|(_, words)| words.to_owned()).collect()
}
