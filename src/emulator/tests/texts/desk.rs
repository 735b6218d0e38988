//! The least that is a server for texts: it asks, keeps every webhook, and answers as it is told.

use std::cell::Cell;
use std::sync::Mutex;

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::emulator::form::{self, Form, field};
use crate::emulator::sign::signature;
use crate::emulator::*;

/// Where the server believes to be reached.
pub(super) const PUBLIC: &str = "https://callme.example";

/// A server, and the emulator it talks to.
pub(super) struct Desk {
    pub(super) emulator: Emulator,
    pub(super) http: reqwest::Client,
    pub(super) kept: Arc<Mutex<Kept>>,
    _tasks: JoinSet<()>,
}

/// What came, and how the next is answered.
#[derive(Default)]
pub(super) struct Kept {
    hooks: Vec<(HeaderMap, Form)>,
    /// Status of the answers; 200 while it is not set.
    pub(super) status: Option<u16>,
    /// How long an answer takes.
    pub(super) takes: Duration,
}

impl Desk {
    pub(super) async fn start() -> Self {
        Self::with(EmulatorConfig::default()).await
    }

    pub(super) async fn ruled(text_rules: TextRules) -> Self {
        Self::with(EmulatorConfig { text_rules, ..EmulatorConfig::default() }).await
    }

    pub(super) async fn with(config: EmulatorConfig) -> Self {
        let emulator = Emulator::start(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        emulator.route(PUBLIC, &format!("http://{}", listener.local_addr().unwrap()));
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let kept = Arc::default();
        let app =
            axum::Router::new().route("/whatsapp", post(keep)).route("/sms", post(keep)).with_state(Arc::clone(&kept));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { emulator, http, kept, _tasks: tasks }
    }

    /// A request as it is sent; the path is what stands behind `/v1/`.
    pub(super) fn request(&self, method: Method, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let EmulatorConfig { account_sid, auth_token, .. } = EmulatorConfig::default();
        let request = self.http.request(method.clone(), format!("{}/v1/{path}", self.emulator.url()));
        let request = request.basic_auth(account_sid, Some(auth_token));
        if method == Method::POST { request.form(form) } else { request }
    }

    pub(super) async fn ask(&self, method: Method, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let response = self.request(method, path, form).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.ask(Method::POST, path, form).await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, &[]).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The code that a request is refused with, if its status is the one in the body.
    pub(super) async fn code(&self, path: &str, form: &[(&str, &str)]) -> u64 {
        let (status, body) = self.post(path, form).await;
        assert_eq!(body["status"], status, "{path} {form:?}: {body}");
        body["code"].as_u64().unwrap_or_else(|| panic!("{path} {form:?}: {body}"))
    }

    /// A new conversation, and the person in it; gives its path.
    pub(super) async fn conversation(&self) -> String {
        let (status, made) = self.post("Conversations", &[]).await;
        assert_eq!(status, 201, "{made}");
        let path = format!("Conversations/{}", text(&made["sid"]));
        let (status, joined) = self.post(&format!("{path}/Participants"), &PERSON).await;
        assert_eq!(status, 201, "{joined}");
        path
    }

    /// Sends a text there; gives its path.
    pub(super) async fn send(&self, conversation: &str, body: &str) -> String {
        let (status, sent) = self.post(&format!("{conversation}/Messages"), &[("Body", body)]).await;
        assert_eq!(status, 201, "{sent}");
        format!("{conversation}/Messages/{}", text(&sent["sid"]))
    }

    /// The status and the code of a text's only receipt; `Null` while there is none.
    pub(super) async fn receipt(&self, message: &str) -> (Value, Value) {
        let receipt = self.get(&format!("{message}/Receipts")).await["delivery_receipts"][0].clone();
        (receipt["status"].clone(), receipt["error_code"].clone())
    }

    /// The forms that came with this `EventType`, or without any.
    pub(super) fn hooks(&self, event: TextWebhook) -> Vec<Form> {
        let wanted = (event != TextWebhook::Plain).then_some(event.as_str());
        let kept = self.kept.lock().unwrap();
        let forms = kept.hooks.iter().map(|(_, form)| form.clone());
        forms.filter(|form| field(form, "EventType") == wanted).collect()
    }

    /// One field of each of them.
    pub(super) fn each(&self, event: TextWebhook, name: &str) -> Vec<String> {
        self.hooks(event).iter().map(|form| field(form, name).unwrap_or("-").to_owned()).collect()
    }

    /// The headers of the last webhook.
    pub(super) fn head(&self) -> HeaderMap {
        self.kept.lock().unwrap().hooks.last().unwrap().0.clone()
    }

    pub(super) async fn wait(&self, fits: impl Fn(&What) -> bool) -> Duration {
        self.emulator.wait_for(|event| fits(&event.what)).await.unwrap().at
    }

    /// Waits until so many webhooks of a kind were answered; says when.
    pub(super) async fn told(&self, event: TextWebhook, times: usize) -> Duration {
        let seen = Cell::new(0);
        let fits = |what: &What| matches!(what, What::TextWebhook { name, status: Some(200), .. } if *name == event);
        self.wait(|what| fits(what) && seen.replace(seen.get() + 1) + 1 == times).await
    }
}

/// Both ends of the person's channel.
pub(super) const PERSON: [(&str, &str); 2] = [
    ("MessagingBinding.Address", "whatsapp:+393331234567"),
    ("MessagingBinding.ProxyAddress", "whatsapp:+14155238886"),
];

/// The whole seconds from one time to another.
pub(super) fn since(earlier: Duration, later: Duration) -> u64 {
    later.saturating_sub(earlier).as_secs()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Checks the signature, and keeps it.
async fn keep(
    State(kept): State<Arc<Mutex<Kept>>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let form = form::read(body.as_bytes());
    let signed = signature(&EmulatorConfig::default().auth_token, &format!("{PUBLIC}{uri}"), &form);
    assert_eq!(headers["x-twilio-signature"], signed);
    let (takes, status) = {
        let mut kept = kept.lock().unwrap();
        kept.hooks.push((headers, form));
        (kept.takes, kept.status)
    };
    tokio::time::sleep(takes).await;
    StatusCode::from_u16(status.unwrap_or(200)).unwrap()
}
