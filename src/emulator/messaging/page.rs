//! Lists, page by page.

use serde_json::{Value, json};

use super::super::form::{Form, field};
use super::super::world::World;

/// Pages are this long unless asked otherwise.
const PAGE: usize = 50;

/// One page of `all`, named `key`, of at most `longest`; `path` and `query` are what was asked for.
pub(super) fn page(world: &World, path: &str, query: &Form, key: &str, longest: usize, all: Vec<Value>) -> Value {
    let size = field(query, "PageSize").and_then(|n| n.parse().ok()).unwrap_or(PAGE).clamp(1, longest);
    let number: usize = field(query, "Page").and_then(|n| n.parse().ok()).unwrap_or(0);
    let start = number.saturating_mul(size);
    let url = |page: usize| {
        let kept = query.iter().filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
        let mut out = form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(kept).append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        format!("{}{path}?{}", world.url, out.finish())
    };
    let next = (all.len() > start.saturating_add(size)).then(|| url(number + 1));
    let previous = number.checked_sub(1).map(url);
    let shown: Vec<Value> = all.into_iter().skip(start).take(size).collect();
    let meta = json!({
        "page": number, "page_size": size, "first_page_url": url(0), "previous_page_url": previous, "url": url(number),
        "next_page_url": next, "key": key,
    });
    json!({ key: shown, "meta": meta })
}
