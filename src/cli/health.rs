//! `callme health`: whether a running server can make calls.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::Health;
use crate::privacy;

/// How long `health` waits: the image's health check has its own limit, far above.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `health` found: for people, and whether the server can make calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The server can make calls: exit code 0, else 1.
    pub healthy: bool,
    /// The line; of several problems one each.
    pub line: String,
}

/// The parts of the answer that are shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: String,
    error: Option<String>,
    problems: Vec<String>,
}

/// Asks a server how it stands: the one at `health.url`, else the one that listens on `port` of this machine.
pub async fn health(health: &Health, port: u16) -> Finding {
    let bad = |line: String| Finding { healthy: false, line };
    let given = health.url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
    let Some(mut url) = Url::parse(&given).ok().filter(|url| url.has_host() && url.scheme().starts_with("http")) else {
        return bad("--url is not a URL; give it as https://your.host".to_owned());
    };
    if url.path() == "/" {
        url.set_path("/health");
    }
    // A proxy of the environment has no business between this machine and itself.
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build();
    let Ok(client) = client else { return bad("no HTTP client could be made".to_owned()) };
    let response = match client.get(url.clone()).send().await {
        Ok(response) => response,
        Err(error) if error.is_timeout() => {
            return bad(format!("no answer from {} within {} seconds", shown(&url), PATIENCE.as_secs()));
        }
        Err(_) => {
            return bad(format!("no server can be reached at {}; is it running, and on this port?", shown(&url)));
        }
    };
    let elsewhere = if url.path().ends_with("/health") { "" } else { "; the path of --url should end in /health" };
    let status = response.status();
    let answer: Answer = response.json().await.unwrap_or_default();
    match (status, answer.status.as_str(), answer.error) {
        (StatusCode::OK, "ok", _) => Finding { healthy: true, line: "ok".to_owned() },
        (_, "starting", _) => bad("the server is starting".to_owned()),
        _ if !answer.problems.is_empty() => {
            let problems: Vec<String> = answer.problems.iter().map(|problem| privacy::mask(problem)).collect();
            bad(problems.join("\n"))
        }
        (_, _, Some(error)) => bad(format!("{}{elsewhere}", privacy::mask(&error))),
        _ => bad(format!("this is not a callme server (HTTP {}){elsewhere}", status.as_u16())),
    }
}

/// As a message shows it: what may be secret left out.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;

    use super::*;

    async fn ask(path: &str, port: u16) -> Finding {
        health(&Health { url: Some(format!("http://127.0.0.1:{port}{path}")) }, 0).await
    }

    #[tokio::test]
    async fn health_tells_how_the_server_stands() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let bad = crate::http::broken(&["CALLME_API_KEY is not set".to_owned()]);
        let routes = Router::new()
            .route("/ok", get(|| async { r#"{"status":"ok"}"# }))
            .route("/other", get(|| async { "hello" }))
            .merge(bad);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut server = tokio::task::JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await });
        assert_eq!(ask("/ok", port).await, Finding { healthy: true, line: "ok".to_owned() });
        let missing = Finding { healthy: false, line: "CALLME_API_KEY is not set".to_owned() };
        assert_eq!(ask("/health", port).await, missing);
        assert_eq!(health(&Health { url: None }, port).await, missing, "the default is this machine's");
        assert_eq!(ask("", port).await, missing, "the path is /health where there is none");
        assert_eq!(ask("/", port).await, missing);
        let other = "this is not a callme server (HTTP 200); the path of --url should end in /health";
        assert_eq!(ask("/other", port).await.line, other);
        server.shutdown().await;
        let url = format!("http://user:s3cret@127.0.0.1:{port}/?key=s3cret");
        let nobody = health(&Health { url: Some(url) }, port).await;
        let want =
            format!("no server can be reached at http://127.0.0.1:{port}/health; is it running, and on this port?");
        assert_eq!(nobody, Finding { healthy: false, line: want });
        for url in ["nonsense", "localhost:3333", "ftp://localhost"] {
            let nonsense = health(&Health { url: Some(url.to_owned()) }, port).await;
            assert_eq!(nonsense.line, "--url is not a URL; give it as https://your.host", "{url}");
        }
    }

    #[tokio::test]
    async fn each_problem_stands_on_a_line_of_its_own() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let problems = ["CALLME_A is not set; make one up", "CALLME_B is not set; set it"].map(str::to_owned);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut server = tokio::task::JoinSet::new();
        let routes = crate::http::broken(&problems);
        server.spawn(async move { axum::serve(listener, routes).await });
        assert_eq!(health(&Health { url: None }, port).await.line, problems.join("\n"));
    }
}
