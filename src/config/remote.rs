//! The settings of commands in front of a server far away. It has settings of its own, which are none of theirs.

use secrecy::SecretString;

use super::reader::{self, Reader};
use super::{Problem, ceilings};
use crate::mcp::Ceilings;

/// Where that server is, what it wants to see, and how long the tools wait.
#[derive(Debug)]
pub struct RemoteConfig {
    /// Its address, without a slash at the end.
    pub url: String,
    /// The key that it was started with.
    pub key: SecretString,
    /// How long a tool waits for the person before it says that nobody has answered yet.
    pub ceilings: Ceilings,
}

const URL: &str = "CALLME_CLOUD_URL";

impl RemoteConfig {
    /// Reads them from `source`, and reports everything that is wrong; `None` exactly when one of that is fatal.
    pub fn from_source(source: &dyn Fn(&str) -> Option<String>) -> (Option<Self>, Vec<Problem>) {
        let mut reader = Reader::new(source);
        let url = reader.required(URL, "set it to the address of your callme server").and_then(|url| {
            let base = reader::base_url(&url, &["http", "https"]);
            match base {
                None => reader.fatal(URL, "is no http(s) URL; set it to https://your.host".to_owned()),
                // That is the address for agents that speak HTTP themselves.
                Some(base) if base.ends_with("/mcp") => {
                    reader.fatal(
                        URL,
                        "ends in /mcp; set it to the server's address alone, such as https://your.host".to_owned(),
                    );
                    return None;
                }
                Some(_) => {}
            }
            base
        });
        let key = reader.secret("CALLME_API_KEY", "set it to the key that the server was started with");
        let ceilings = ceilings(&mut reader);
        (url.zip(key).map(|(url, key)| Self { url, key, ceilings }), reader.into_problems())
    }
}
