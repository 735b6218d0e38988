//! The least that is a server: it streams every call, keeps every form, and hands its sockets to the test.

use std::sync::Mutex;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::audio::pcm::PcmToUlaw;
use crate::emulator::*;

type Form = Vec<(String, String)>;

/// A server, and the emulator it talks to.
pub(super) struct Server {
    pub(super) emulator: Emulator,
    pub(super) http: reqwest::Client,
    pub(super) url: String,
    forms: Arc<Mutex<Vec<Form>>>,
    sockets: mpsc::UnboundedReceiver<WebSocket>,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Desk {
    url: String,
    forms: Arc<Mutex<Vec<Form>>>,
    sockets: mpsc::UnboundedSender<WebSocket>,
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        Self::start_at(script, None).await
    }

    /// A server that knows itself by another URL than the one where it listens.
    pub(super) async fn start_at(script: Script, public: Option<&str>) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        emulator.person().set(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let real = format!("http://{}", listener.local_addr().unwrap());
        let url = public.map_or_else(|| real.clone(), str::to_owned);
        emulator.route(&url, &real);
        let (sender, sockets) = mpsc::unbounded_channel();
        let forms = Arc::default();
        let desk = Desk { url: url.clone(), forms: Arc::clone(&forms), sockets: sender };
        let app = axum::Router::new()
            .route("/twiml", post(twiml))
            .route("/status", post(async |State(desk): State<Desk>, body: String| desk.keep(&body)))
            .route("/media", get(media))
            .with_state(desk);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { emulator, http, url, forms, sockets, _tasks: tasks }
    }

    pub(super) async fn rest(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let config = EmulatorConfig::default();
        let url = format!("{}/2010-04-01/Accounts/{}/{path}", self.emulator.url(), config.account_sid);
        let request = self.http.post(url).basic_auth(config.account_sid, Some(config.auth_token)).form(form);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The fields of a dial that asks for everything.
    pub(super) fn dial_form(&self) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("To", "+393331234567".to_owned()),
            ("From", EmulatorConfig::default().number),
            ("Url", format!("{}/twiml?s=1", self.url)),
            ("Timeout", "25".to_owned()),
            ("StatusCallback", format!("{}/status", self.url)),
            ("MachineDetection", "Enable".to_owned()),
            ("AsyncAmd", "true".to_owned()),
            ("AsyncAmdStatusCallback", format!("{}/status", self.url)),
        ];
        form.extend(["initiated", "ringing", "answered", "completed"].map(|e| ("StatusCallbackEvent", e.to_owned())));
        form
    }

    pub(super) async fn dial(&self) -> (u16, Value) {
        let form = self.dial_form();
        self.rest("Calls.json", &form.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>()).await
    }

    pub(super) async fn media(&mut self) -> Media {
        let mut socket = self.sockets.recv().await.unwrap();
        let connected = json_of(&socket.recv().await.unwrap().unwrap());
        assert_eq!(connected["event"], "connected");
        let start = json_of(&socket.recv().await.unwrap().unwrap());
        Media { sid: start["streamSid"].as_str().unwrap().to_owned(), start, socket }
    }

    pub(super) async fn wait(&self, what: What) -> Duration {
        self.emulator.wait_for(|event| event.what == what).await.unwrap().at
    }

    /// Speech as the provider makes it, as µ-law.
    pub(super) async fn speech(&self, text: &str) -> Result<Vec<u8>, (u16, String)> {
        let body = json!({"model": "gpt-4o-mini-tts", "input": text, "voice": "coral", "response_format": "pcm"});
        let url = format!("{}/v1/audio/speech", self.emulator.url());
        let mut response = self.http.post(url).bearer_auth("sk-emulated").json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        if status != 200 {
            return Err((status, response.json::<Value>().await.unwrap()["error"]["code"].to_string()));
        }
        let (mut pcm, mut out) = (PcmToUlaw::default(), Vec::new());
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) => pcm.push(&bytes, &mut out),
                Ok(None) => break,
                Err(_) => return Err((200, format!("cut after {}", out.len()))),
            }
        }
        pcm.finish(&mut out);
        Ok(out)
    }

    /// The values that one field had in the forms that have another.
    pub(super) fn field(&self, name: &str, with: &str) -> Vec<String> {
        let value = |form: &Form, name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let forms = self.forms.lock().unwrap();
        forms.iter().filter(|form| value(form, with).is_some()).filter_map(|form| value(form, name)).collect()
    }
}

impl Desk {
    fn keep(&self, body: &str) {
        self.forms.lock().unwrap().push(form_urlencoded::parse(body.as_bytes()).into_owned().collect());
    }
}

async fn twiml(State(desk): State<Desk>, body: String) -> String {
    desk.keep(&body);
    let (media, again) = (desk.url.replace("http", "ws"), &desk.url);
    format!(
        r#"<Response><Connect><Stream url="{media}/media"><Parameter name="k" value="v"/></Stream></Connect>
        <Redirect>{again}/twiml?s=1&amp;again=1</Redirect></Response>"#
    )
}

async fn media(State(desk): State<Desk>, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async move |socket| _ = desk.sockets.send(socket))
}

pub(super) struct Media {
    pub(super) socket: WebSocket,
    pub(super) start: Value,
    pub(super) sid: String,
}

impl Media {
    pub(super) async fn send(&mut self, mut message: Value) {
        message["streamSid"] = json!(self.sid);
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(super) async fn play(&mut self, ulaw: &[u8], mark: &str) {
        self.send(json!({"event": "media", "media": {"payload": STANDARD.encode(ulaw)}})).await;
        self.send(json!({"event": "mark", "mark": {"name": mark}})).await;
    }

    /// The next message that is no sound; `Null` at the end.
    pub(super) async fn next(&mut self) -> Value {
        loop {
            match self.socket.recv().await {
                Some(Ok(message @ Message::Text(_))) => {
                    let message = json_of(&message);
                    if message["event"] != "media" {
                        return message;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Value::Null,
            }
        }
    }
}

pub(super) fn json_of(message: &Message) -> Value {
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}
