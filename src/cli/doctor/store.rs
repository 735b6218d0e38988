//! Where what outlives the process is kept: whether it can be written to, and whether it lasts.

use std::path::Path;

use tokio::task::spawn_blocking;

use super::Finding;
use super::ask::quoted;
use crate::app::{self, mounts};
use crate::config::StoreConfig;
use crate::store::embedded::{own_file, private_directory};
use crate::store::redis;

const STORE: &str = "store";
const LASTS: &str = "store-lasts";

/// Everything about it.
pub(super) async fn check(store: &StoreConfig) -> Vec<Finding> {
    match store {
        StoreConfig::Memory => vec![Finding::warning(
            LASTS,
            "nothing is kept: running conversations, opt-outs and history end with the server",
            "set CALLME_DATA_DIR to a directory on a disk that lasts",
        )],
        StoreConfig::Embedded(directory) => vec![writable(directory), lasts(directory)],
        StoreConfig::Redis(url) => {
            let url = url.clone();
            match spawn_blocking(move || redis::examine(&url)).await {
                Ok(Ok(warnings)) => reached(&warnings),
                Ok(Err(why)) => {
                    let (seen, remedy) = why.split_once(": ").unwrap_or((&why, "correct REDIS_URL"));
                    let remedy =
                        format!("{}; the variable is REDIS_URL or CALLME_REDIS_URL", remedy.trim_end_matches(')'));
                    vec![Finding::bad(STORE, quoted(seen), remedy), Finding::unchecked(LASTS, "Redis was not reached")]
                }
                Err(_) => vec![Finding::unchecked(STORE, "the look at Redis broke off")],
            }
        }
    }
}

fn reached(warnings: &[String]) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(STORE, "Redis is reached, and takes what it is given")];
    findings.extend(warnings.iter().map(|warning| {
        let (seen, remedy) = warning.split_once(": ").unwrap_or((warning, "see its configuration"));
        let (seen, remedy) = (quoted(seen), quoted(remedy));
        Finding::warning(LASTS, seen, format!("in the configuration of Redis: {remedy}"))
    }));
    if warnings.is_empty() {
        findings.push(Finding::ok(LASTS, "Redis says of nothing that it would lose it"));
    }
    findings
}

/// Writes a file of its own and takes it away again: the store's may be in use.
fn writable(directory: &Path) -> Finding {
    let file = directory.join(format!(".doctor-{}", app::fresh_name()));
    let tried = private_directory(directory).and_then(|()| own_file(&file)).and_then(|file| file.sync_all());
    // Where it could not be made it is not there.
    let _ = std::fs::remove_file(&file);
    match tried {
        Ok(()) => Finding::ok(STORE, format!("{} can be written to", directory.display())),
        Err(error) => Finding::bad(
            STORE,
            format!("nothing can be kept in {} ({})", directory.display(), error.kind()),
            "set CALLME_DATA_DIR to a directory that belongs to the user that callme runs as (10001 in the image), and restart the server",
        ),
    }
}

fn lasts(directory: &Path) -> Finding {
    match mounts::warning(&mounts::Facts::read(directory)) {
        Some(_) => Finding::warning(
            LASTS,
            format!("what is kept in {} ends with this container", directory.display()),
            "mount a volume there, or set CALLME_DATA_DIR to a directory on one",
        ),
        None => Finding::ok(LASTS, "nothing says that it ends with a container"),
    }
}
