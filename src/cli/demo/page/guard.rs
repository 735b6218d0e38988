//! Who may use the page's routes: pages that came from this very port.
//!
//! The port is open to every program on this machine, browsers among them, and browsers run everybody's pages. A foreign page
//! that has its own name point to 127.0.0.1 is told by `Host`, one that connects across origins by `Origin`.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The names of this machine that no one else can own.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Lets requests through that name this machine and `port`, and come from a page that does, or from no page.
pub(super) async fn this_machine(State(port): State<u16>, request: Request, next: Next) -> Response {
    if comes_from_here(&request, port) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "The demo answers its own page on this machine only.").into_response()
}

fn comes_from_here(request: &Request, port: u16) -> bool {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    let origin = text(header::ORIGIN);
    host.is_some_and(|host| is_ours(host, port))
        && origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|host| is_ours(host, port)))
}

fn is_ours(host: &str, port: u16) -> bool {
    // A browser leaves the port away where it is the scheme's own.
    let (name, given) = match host.rsplit_once(':') {
        Some((name, given)) if !given.ends_with(']') => (name, given.parse().ok()),
        _ => (host, Some(80)),
    };
    given == Some(port) && NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_names_of_this_machine_with_the_right_port_are_ours() {
        for (host, port, want) in [
            ("127.0.0.1:3333", 3333, true),
            ("localhost:3333", 3333, true),
            ("[::1]:3333", 3333, true),
            ("localhost", 80, true),
            ("[::1]", 80, true),
            ("localhost", 3333, false),
            ("localhost:3334", 3333, false),
            ("rebound.example:3333", 3333, false),
            ("localhost.example:3333", 3333, false),
            ("127.0.0.1.example:3333", 3333, false),
            ("localhost:3333:3333", 3333, false),
            ("", 3333, false),
            ("null", 3333, false),
        ] {
            assert_eq!(is_ours(host, port), want, "{host} on {port}");
        }
    }
}
