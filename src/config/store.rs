//! Where what outlives the process is kept.

use std::path::PathBuf;

use secrecy::SecretString;

use super::reader::Reader;
use super::variables::default_of;
use crate::store::redis::check_url;

/// Where what outlives the process is kept.
#[derive(Clone, Debug)]
pub enum StoreConfig {
    /// Nowhere.
    Memory,
    /// In a file of its own, in this directory.
    Embedded(PathBuf),
    /// In the Redis of this URL.
    Redis(SecretString),
}

/// Reads it. With Redis the hashes of numbers need a key that is set: it must outlive the process, too, and not be kept
/// beside the hashes.
pub(super) fn read(reader: &mut Reader<'_>, has_hash_key: bool) -> StoreConfig {
    redis(reader, has_hash_key).unwrap_or_else(|| directory(reader))
}

fn redis(reader: &mut Reader<'_>, has_hash_key: bool) -> Option<StoreConfig> {
    let names = ["CALLME_REDIS_URL", "REDIS_URL"];
    let (name, url) = names.into_iter().find_map(|name| Some((name, reader.text(name)?)))?;
    if let Err(why) = check_url(&url) {
        reader.warn(name, format!("{why}; Redis is not used, and state is kept in CALLME_DATA_DIR"));
        return None;
    }
    if !has_hash_key {
        let text = "is not used, because CALLME_HASH_KEY is not set: people are known in Redis by hashes that it keys. Set \
                    it to a long random text (openssl rand -hex 32); until then state is kept in CALLME_DATA_DIR";
        reader.warn(name, text.to_owned());
        return None;
    }
    Some(StoreConfig::Redis(url.into()))
}

fn directory(reader: &mut Reader<'_>) -> StoreConfig {
    const NAME: &str = "CALLME_DATA_DIR";
    match reader.text(NAME).as_deref().unwrap_or(default_of(NAME)) {
        "none" => {
            reader.warn(NAME, "is none: running conversations, opt-outs and history end with the process".to_owned());
            StoreConfig::Memory
        }
        directory => StoreConfig::Embedded(PathBuf::from(directory)),
    }
}
