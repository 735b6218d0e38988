//! The HTTP edge. The input: a request as text (`METHOD PATH`, header lines, an empty line, a body). The signature `good` stands
//! for the right one.

#![no_main]

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use callme::domain::text::AgentText;
use callme::ids::SessionId;
use callme::privacy::mask;
use callme::provider::twilio::signature::{self, Key};
use callme_fuzz::edge::{AUTH_TOKEN, Edge, KEY, METRICS_TOKEN, PUBLIC, Seen, asked};
use callme_fuzz::{form, tells_the_person};
use libfuzzer_sys::{Corpus, fuzz_target};
use secrecy::SecretString;
use serde_json::Value;

static EDGE: LazyLock<Edge> = LazyLock::new(Edge::new);

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(sent) = Sent::read(data) else { return Corpus::Reject };
    let mut request = Request::new(Body::from(sent.body.to_vec()));
    (*request.method_mut(), *request.uri_mut()) = (sent.method.clone(), sent.uri.clone());
    *request.headers_mut() = sent.headers.clone();
    let seen = EDGE.send(request);
    nobody_gets_in(&sent, &seen);
    an_agent_is_understood(&sent, &seen);
    nothing_is_told(&sent, &seen);
    Corpus::Keep
});

struct Sent<'a> {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: &'a [u8],
    /// By the carrier.
    signed: bool,
}

impl<'a> Sent<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let at = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
        let (head, body) = (&data[..at], data.get(at + 2..).unwrap_or_default());
        let mut lines = head.split(|byte| *byte == b'\n');
        let (method, path) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
        let uri: Uri = path.parse().ok().filter(|_| path.starts_with('/'))?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
        }
        let json = only(&headers, "content-type").is_some_and(|kind| kind.starts_with(b"application/json"));
        let signed = only(&headers, signature::HEADER) == Some(b"good") && !json;
        if signed {
            let key = Key::new(&SecretString::from(AUTH_TOKEN));
            let signature = key.sign(&format!("{PUBLIC}{uri}"), &signature::fields(body));
            headers.insert(signature::HEADER, HeaderValue::from_str(&signature).ok()?);
        }
        Some(Self { method: Method::from_bytes(method.as_bytes()).ok()?, uri, headers, body, signed })
    }

    /// What stands behind `Bearer`.
    fn key(&self) -> Option<&[u8]> {
        let value = only(&self.headers, "authorization")?;
        let (scheme, key) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
    }

    /// What the service is to be asked, or that the request is bad; `None` where this is no request to say something.
    fn wanted(&self) -> Option<Result<String, ()>> {
        let path: Vec<&str> = self.uri.path().split('/').skip(1).collect();
        let (verb, session) = match path[..] {
            _ if self.method != Method::POST => return None,
            ["api", "call"] => ("call", None),
            ["api", "message"] => ("message", None),
            ["api", "call", id, verb @ ("continue" | "speak" | "end")] if SessionId::parse(id).is_some() => {
                (verb, Some(id))
            }
            _ => return None,
        };
        let mut keys = self.headers.get_all("idempotency-key").iter();
        let key = keys.next().map(HeaderValue::as_bytes);
        let good = |key: &[u8]| (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        if keys.next().is_some() || !key.is_none_or(good) {
            return Some(Err(()));
        }
        let Ok(Value::Object(fields)) =
            std::str::from_utf8(self.body).map(|text| serde_json::from_str(text).unwrap_or_default())
        else {
            return Some(Err(()));
        };
        let Some(Ok(message)) = fields.get("message").and_then(Value::as_str).map(AgentText::parse) else {
            return Some(Err(()));
        };
        let verb = match fields.get("firstContact") {
            Some(Value::Bool(true)) if verb == "message" => "first message",
            Some(first) if verb == "message" && !first.is_null() && !first.is_boolean() => return Some(Err(())),
            _ => verb,
        };
        let key = key.map(|key| std::str::from_utf8(key).expect("it is ASCII"));
        Some(Ok(asked(verb, session, message.as_str(), key)))
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value.as_bytes())
}

/// Without its key or its signature a request reaches nobody.
fn nobody_gets_in(sent: &Sent<'_>, seen: &Seen) {
    let is_key = |known: &str| sent.key() == Some(known.as_bytes());
    let (path, asks) = (sent.uri.path(), sent.method != Method::OPTIONS);
    if path.starts_with("/api/") && !is_key(KEY) && asks {
        assert_eq!((seen.status, seen.asked.len()), (401, 0), "{seen:?}");
    }
    if path == "/metrics" && !is_key(KEY) && !is_key(METRICS_TOKEN) && asks {
        assert_eq!(seen.status, 401, "{seen:?}");
    }
    let webhook = ["/twiml", "/whatsapp"].contains(&path);
    if webhook && sent.method == Method::POST && !sent.signed {
        assert_eq!((seen.status, &*seen.body), (401, ""), "{seen:?}");
    }
    assert!(seen.asked.is_empty() || if webhook { sent.signed } else { is_key(KEY) }, "{seen:?}");
    // All signed messages are answered alike, and told as they came; but for forms that Twilio cannot have sent.
    let odd = form::may_be_refused(sent.body) && seen.status == 401;
    if path == "/whatsapp" && sent.method == Method::POST && sent.signed && !odd {
        let told = format!("inbound {}", String::from_utf8_lossy(sent.body));
        assert_eq!((seen.status, &*seen.body, &seen.asked[..]), (200, "", &[told][..]));
    }
}

/// What an agent says arrives as it was said, once; what says nothing is refused.
fn an_agent_is_understood(sent: &Sent<'_>, seen: &Seen) {
    assert!(seen.asked.len() <= 1, "{seen:?}");
    let Some(wanted) = sent.wanted().filter(|_| sent.key() == Some(KEY.as_bytes())) else { return };
    match wanted {
        Ok(wanted) => assert_eq!(seen.asked, [wanted]),
        Err(()) => assert_eq!((seen.status, seen.asked.len()), (400, 0), "{seen:?}"),
    }
}

/// Answers have their form, and neither they nor the log tell what they must not.
fn nothing_is_told(sent: &Sent<'_>, seen: &Seen) {
    assert!(seen.status != 500 && (seen.status < 502 || !seen.asked.is_empty()), "{seen:?}");
    let json = only(&seen.headers, "content-type") == Some(b"application/json");
    if seen.status >= 400 && json && sent.method != Method::HEAD {
        let error: Value = serde_json::from_str(&seen.body).expect("a refusal is JSON");
        let sentence = error["error"].as_str().expect("a refusal has a sentence");
        assert!(error["code"].is_string() && !sentence.is_empty() && !sentence.contains(char::is_control), "{error}");
        assert_eq!(mask(sentence), sentence);
    }
    let id = only(&seen.headers, "x-request-id").expect("every request has a name");
    assert_ne!(only(&sent.headers, "x-request-id"), Some(id));
    let told = format!("{:?} {} {}", seen.headers, seen.body, seen.log);
    for secret in [KEY, METRICS_TOKEN, AUTH_TOKEN] {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(!tells_the_person(&told), "{told}");
}
