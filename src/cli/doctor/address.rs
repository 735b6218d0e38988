//! An address that a carrier keeps for callme: whether it is ours, and what to do where it is another.

use reqwest::RequestBuilder;
use serde_json::Value;

use super::Finding;
use super::ask::{Asker, resource};

/// One address at a carrier.
pub(super) struct Address {
    pub(super) carrier: &'static str,
    /// What is so where it is ours.
    pub(super) good: String,
    /// What is so where it is not; its remedy is for doing it by hand.
    pub(super) otherwise: Finding,
    /// Sets it, where that is wished for.
    pub(super) set: Option<RequestBuilder>,
}

impl Address {
    /// How it stands by the carrier's resource `now`, or after it was set.
    pub(super) async fn check(self, asker: &Asker, now: &Value, is_ours: impl Fn(&Value) -> bool) -> Finding {
        let Self { carrier, good, otherwise, set } = self;
        let Finding { name, seen, remedy, .. } = &otherwise;
        if is_ours(now) {
            return Finding::ok(name, good);
        }
        let Some(set) = set else {
            let by_hand = remedy.as_deref().unwrap_or_default();
            let remedy = Some(format!("callme doctor --fix sets it; by hand, {by_hand}"));
            return Finding { remedy, ..otherwise };
        };
        match resource(name, carrier, asker.send(set).await) {
            Ok(now) if is_ours(&now) => Finding::ok(name, format!("set; before: {seen}")),
            Ok(_) => Finding { seen: format!("{seen}; {carrier} did not set it"), ..otherwise },
            Err(finding) => finding,
        }
    }
}

/// Whether a carrier calls by POST; what it does not tell is so.
pub(super) fn by_post(method: &Value) -> bool {
    method.as_str().is_none_or(|method| method == "POST")
}

/// A resource's name, where it can stand in an address.
pub(super) fn plain(name: &Value) -> Option<String> {
    let name = name.as_str().map(str::to_owned).or_else(|| name.as_u64().map(|id| id.to_string()))?;
    let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then_some(name)
}
