//! The public address: whether it leads to this server, with everything that the carrier will send there.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::header;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::timeout;
use url::{Host, Url};

use super::Finding;
use super::ask::{Asker, Login, Reply, Silence, quoted};
use crate::app;
use crate::cli::is_here;
use crate::config::{Company, Config, StoreConfig};
use crate::provider::telnyx::signature::HEADERS;
use crate::provider::twilio::signature::{HEADER, Key};

const HTTPS: &str = "public-url-https";
const NAME: &str = "public-url-name";
const HEALTH: &str = "public-url-health";
const SERVER: &str = "public-url-server";
const KEEPS: &str = "server-store";
const WARNING: &str = "server-warning";
const SIGNED: &str = "webhook-signed";
const FORGED: &str = "webhook-forged";
const SOCKET: &str = "media-socket";

/// How long a name may take to be found.
const LOOKUP: Duration = Duration::from_secs(5);

/// Everything about it. What lies behind an address that does not lead to callme is not asked any further.
pub(super) async fn check(asker: &Asker, config: &Config, port: u16) -> Vec<Finding> {
    let mut findings = vec![https(config), name(&config.public_url).await];
    match health(asker, config).await {
        Ok(told) => findings.extend(standing(&told)),
        Err(health) => {
            let why = "callme does not answer at CALLME_PUBLIC_URL as it should";
            findings.push(health);
            findings.extend([KEEPS, SIGNED, FORGED, SOCKET, SERVER].map(|name| Finding::unchecked(name, why)));
            return findings;
        }
    }
    let (signed, forged, socket) = tokio::join!(signed(asker, config), forged(asker, config), socket(asker, config));
    findings.extend([signed, forged, socket, server(asker, config, port).await]);
    findings
}

/// Without TLS carriers bring no sound, and everybody on the way reads along. A carrier that is played on this machine is another
/// matter.
fn https(config: &Config) -> Finding {
    if config.public_url.starts_with("https://") {
        Finding::ok(HTTPS, "is https")
    } else if is_here(&config.public_url) && is_here(&config.carrier.api_url) {
        Finding::ok(HTTPS, "is http, and so is the carrier, both on this machine")
    } else {
        let remedy = "set CALLME_PUBLIC_URL to the https:// address of the server";
        Finding::bad(HTTPS, "is not https, which no carrier streams sound to", remedy)
    }
}

async fn name(url: &str) -> Finding {
    let Ok(url) = Url::parse(url) else { return Finding::unchecked(NAME, "CALLME_PUBLIC_URL is no URL") };
    let port = url.port_or_known_default().unwrap_or(443);
    let Some(Host::Domain(host)) = url.host() else { return Finding::ok(NAME, "is an address, not a name") };
    let found: Vec<IpAddr> = match timeout(LOOKUP, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        Ok(Err(_)) => Vec::new(),
        Err(_) => return Finding::unchecked(NAME, "the name service did not answer within 5 seconds"),
    };
    if found.is_empty() {
        let remedy = "make a DNS entry for it, or set CALLME_PUBLIC_URL to a name that has one";
        return Finding::bad(NAME, format!("there is no {host} in the DNS"), remedy);
    }
    if found.iter().all(is_private) && !is_here(url.as_str()) {
        let remedy = "see that the name leads to a public address for everybody outside, too";
        return Finding::warning(NAME, format!("{host} is a private address, seen from here"), remedy);
    }
    Finding::ok(NAME, format!("{host} is in the DNS"))
}

fn is_private(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// What the server at the address tells of itself.
///
/// # Errors
/// What keeps it from being this server, or from making calls.
async fn health(asker: &Asker, config: &Config) -> Result<Value, Finding> {
    let moved = "set CALLME_PUBLIC_URL to the address of the server";
    let reply = match asker.get(&format!("{}/health", config.public_url), Login::Nobody).await {
        Ok(reply) => reply,
        Err(silence) => {
            let remedy = "start the server (callme serve) and let the internet reach it, or set CALLME_PUBLIC_URL to the address of \
                          the server";
            return Err(Finding::bad(HEALTH, format!("/health: {silence}"), remedy));
        }
    };
    match (reply.status, reply.json["status"].as_str(), reply.json["error"].as_str()) {
        (StatusCode::OK, Some("ok"), _) => {}
        (_, Some("starting"), _) => {
            return Err(Finding::bad(HEALTH, "the server is starting", "wait a moment, and look again"));
        }
        (_, Some("error"), Some(error)) => {
            let remedy = "restart the server with the settings that callme doctor sees, which are complete";
            return Err(Finding::bad(HEALTH, format!("the server says: {}", quoted(error)), remedy));
        }
        (status, _, _) => {
            return Err(Finding::bad(HEALTH, format!("what answers is not callme (HTTP {})", status.as_u16()), moved));
        }
    }
    if reply.json["publicUrl"].as_str() != Some(&config.public_url) {
        let seen = "the server there was started with another CALLME_PUBLIC_URL";
        let remedy =
            "restart the server with the settings that callme doctor sees, or set CALLME_PUBLIC_URL to the server's";
        return Err(Finding::bad(HEALTH, seen, remedy));
    }
    Ok(reply.json)
}

/// How it stands, by its own word: a server whose store is out of order makes calls all the same.
fn standing(told: &Value) -> Vec<Finding> {
    let keeps = if told["store"]["status"].as_str() == Some("degraded") {
        let reason = quoted(told["store"]["reason"].as_str().unwrap_or("it does not say why"));
        Finding::bad(
            KEEPS,
            format!("the server keeps what happens in memory only: {reason}"),
            "do what the server says there, and do not restart it before: a restart loses what it has in memory only",
        )
    } else {
        Finding::ok(KEEPS, "the server can keep what happens")
    };
    let mut findings = vec![Finding::ok(HEALTH, "/health says ok"), keeps];
    let warnings = told["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    findings.extend(warnings.map(|warning| {
        let (seen, remedy) = warning.split_once(": ").unwrap_or((warning, "see to it before it is late"));
        Finding::warning(WARNING, format!("the server says: {}", quoted(seen)), quoted(remedy))
    }));
    findings
}

/// What Twilio would send about a call that nobody knows: it is told to hang up, and nothing comes of it.
fn webhook(config: &Config) -> Vec<(String, String)> {
    let fields = [
        ("AccountSid", config.carrier.account.clone()),
        ("CallSid", format!("CA{}", app::fresh_name())),
        ("CallStatus", "in-progress".to_owned()),
        ("Direction", "outbound-api".to_owned()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

async fn post(asker: &Asker, url: &str, form: &[(String, String)], signature: &str) -> Result<Reply, Silence> {
    asker.send(asker.client.post(url).header(HEADER, signature).form(form)).await
}

async fn signed(asker: &Asker, config: &Config) -> Finding {
    if let Company::Telnyx { .. } = config.carrier.company {
        return Finding::unchecked(SIGNED, "only Telnyx can sign as Telnyx does; callme doctor --call --yes shows it");
    }
    let (url, form) = (format!("{}/twiml", config.public_url), webhook(config));
    let signature = Key::new(&config.carrier.token).sign(&url, &form);
    match post(asker, &url, &form, &signature).await {
        Ok(reply) if reply.status == StatusCode::OK && reply.text.contains("<Response>") => {
            Finding::ok(SIGNED, "a webhook that is signed as the carrier does is taken")
        }
        Ok(reply) if reply.status == StatusCode::UNAUTHORIZED => Finding::bad(
            SIGNED,
            "a webhook that is signed with CALLME_PHONE_AUTH_TOKEN is refused (401)",
            "restart the server with the settings that callme doctor sees; if it stays, something in front of the server changes path, \
             query or headers: let it pass them as they are",
        ),
        Ok(reply) => Finding::bad(
            SIGNED,
            format!("a webhook is answered with HTTP {}, and not by callme", reply.status.as_u16()),
            "let what stands in front of the server pass POST /twiml as it is",
        ),
        Err(silence) => Finding::bad(
            SIGNED,
            format!("a webhook: {silence}"),
            "let what stands in front of the server pass POST /twiml as it is",
        ),
    }
}

async fn forged(asker: &Asker, config: &Config) -> Finding {
    let url = format!("{}/twiml", config.public_url);
    let reply = match config.carrier.company {
        Company::Twilio => {
            let form = webhook(config);
            // Chance made the key: nobody has it.
            let signature = Key::new(&SecretString::from(app::fresh_name())).sign(&url, &form);
            post(asker, &url, &form, &signature).await
        }
        Company::Telnyx { .. } => {
            let request = asker.client.post(&url).header(HEADERS[0], "AAAA").header(HEADERS[1], "0").body("{}");
            asker.send(request).await
        }
    };
    match reply {
        Ok(reply) if reply.status == StatusCode::UNAUTHORIZED => {
            Finding::ok(FORGED, "a webhook with a wrong signature is refused")
        }
        // Too many were wrong of late, which were refused too.
        Ok(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => {
            Finding::ok(FORGED, "webhooks with a wrong signature are refused, and slowed down")
        }
        Ok(reply) => Finding::bad(
            FORGED,
            format!("a webhook with a wrong signature is answered with HTTP {}", reply.status.as_u16()),
            "let what stands in front of the server pass POST /twiml as it is, and answer nothing itself",
        ),
        Err(silence) => Finding::unchecked(FORGED, silence),
    }
}

/// The handshake of a media socket. No token of the server's is spent on it, and the server hangs up by itself.
async fn socket(asker: &Asker, config: &Config) -> Finding {
    let request = asker
        .old
        .get(format!("{}/media-stream/doctor", config.public_url))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        // Any 16 bytes.
        .header(header::SEC_WEBSOCKET_KEY, "Y2FsbG1lIGRvY3RvciAhIQ==");
    let remedy = "let WebSockets through at /media-stream in what stands in front of the server (Upgrade and Connection headers)";
    match asker.send(request).await {
        Ok(reply) if reply.status == StatusCode::SWITCHING_PROTOCOLS => {
            Finding::ok(SOCKET, "a WebSocket comes through")
        }
        Ok(reply) => {
            let seen = format!("no WebSocket comes through: HTTP {} instead of 101", reply.status.as_u16());
            Finding::bad(SOCKET, seen, remedy)
        }
        Err(silence) => Finding::bad(SOCKET, format!("no WebSocket comes through: {silence}"), remedy),
    }
}

/// Whether it is this server and no other. The key goes out only where nobody can read along.
async fn server(asker: &Asker, config: &Config, port: u16) -> Finding {
    if !config.public_url.starts_with("https://") && !is_here(&config.public_url) {
        return Finding::unchecked(SERVER, "the key is not sent over http");
    }
    let path = "/api/health";
    let key = Login::Bearer(&config.api_key);
    let there = match asker.get(&format!("{}{path}", config.public_url), key).await {
        Ok(reply) if reply.status == StatusCode::OK => reply.json["instance"].as_str().map(str::to_owned),
        Ok(reply) if reply.status == StatusCode::UNAUTHORIZED => {
            return Finding::bad(
                SERVER,
                "the server there does not know CALLME_API_KEY",
                "restart the server with the settings that callme doctor sees, or set CALLME_PUBLIC_URL to the address of the server",
            );
        }
        Ok(reply) => return Finding::unchecked(SERVER, format!("HTTP {}", reply.status.as_u16())),
        Err(silence) => return Finding::unchecked(SERVER, silence),
    };
    let here = asker.get(&format!("http://127.0.0.1:{port}{path}"), key).await.ok();
    let here = here.and_then(|reply| reply.json["instance"].as_str().map(str::to_owned));
    which(there, here, &config.store, port)
}

/// By what the servers there and here call themselves.
fn which(there: Option<String>, here: Option<String>, store: &StoreConfig, port: u16) -> Finding {
    match (there, here) {
        (Some(there), Some(here)) if there == here => {
            Finding::ok(SERVER, format!("leads to the server on port {port} of this machine"))
        }
        (Some(_), Some(_)) if matches!(store, StoreConfig::Redis(_)) => Finding::warning(
            SERVER,
            format!(
                "leads to another server with the same key than that on port {port} of this machine: two servers on one Redis"
            ),
            "run one at a time: they do not know of each other's calls and conversations",
        ),
        (Some(_), Some(_)) => Finding::bad(
            SERVER,
            format!("leads to another server with the same key, not to that on port {port} of this machine"),
            "stop the other server, or set CALLME_PUBLIC_URL to the address of the server",
        ),
        (Some(_), None) => Finding::ok(
            SERVER,
            format!("the server there takes CALLME_API_KEY; none on port {port} of this machine to compare it with"),
        ),
        (None, _) => {
            Finding::unchecked(SERVER, "the server there is of an older version, which does not say which it is")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Mark;

    #[test]
    fn two_servers_on_one_redis_are_not_said_to_be_right() {
        let redis = StoreConfig::Redis("redis://redis.example".into());
        let memory = StoreConfig::Memory;
        for (there, here, store, mark) in [
            (Some("a"), Some("a"), &redis, Mark::Ok),
            (Some("a"), Some("b"), &redis, Mark::Warning),
            (Some("a"), Some("b"), &memory, Mark::Bad),
            (Some("a"), None, &redis, Mark::Ok),
            (None, Some("b"), &redis, Mark::NotChecked),
        ] {
            let found = which(there.map(str::to_owned), here.map(str::to_owned), store, 3333);
            assert_eq!(found.mark, mark, "{found:?}");
        }
    }

    #[test]
    fn each_warning_of_the_servers_is_one_here() {
        let told = serde_json::json!({
            "status": "ok", "store": {"status": "ok"},
            "warnings": ["a-model, which is used for tts, ends on 2027-01-01: set another in CALLME_TTS_MODEL", "Something else"],
        });
        let found = standing(&told);
        let seen: Vec<_> = found.iter().map(|one| (one.name, one.mark, one.remedy.as_deref())).collect();
        let want = [
            (HEALTH, Mark::Ok, None),
            (KEEPS, Mark::Ok, None),
            (WARNING, Mark::Warning, Some("set another in CALLME_TTS_MODEL")),
            (WARNING, Mark::Warning, Some("see to it before it is late")),
        ];
        assert_eq!(seen, want, "{found:?}");
    }
}
