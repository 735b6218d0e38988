//! A server, a carrier, a speech provider and a person, in one runtime: what every end-to-end test stands in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use callme::app::App;
use callme::clock::Millis;
use callme::clock::wall::WallClock;
use callme::config::Config;
use callme::emulator::{CallRecord, Emulator, EmulatorConfig, Event, Script, Telephony, What};
use callme::session::Manager;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The key of the agents.
pub(crate) const KEY: &str = "a-key-for-the-tests-0123456789";
/// The person's number: a leak test looks for it.
pub(crate) const PERSON: &str = "+393331234567";
/// Where the server believes to be reached; the emulator knows the way.
pub(crate) const PUBLIC: &str = "https://callme.example";

/// What stands for the approved template in a setting.
pub(crate) const TEMPLATE: &str = "the template";

/// When the server's clock begins.
pub(crate) const START: Millis = Millis(1_790_000_000_000);

/// One world. Everything in it ends when it is dropped.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) telephony: Telephony,
    /// When the server's clock began.
    pub(crate) start: Millis,
    pub(crate) sessions: Manager,
    pub(crate) stop: CancellationToken,
    pub(crate) url: String,
    client: reqwest::Client,
    tasks: JoinSet<()>,
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The value at a JSON pointer; `Null` where there is none.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.body.pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// The session that the answer is about.
    #[track_caller]
    pub(crate) fn call_id(&self) -> String {
        self.body["callId"].as_str().unwrap_or_else(|| panic!("no callId in {self:?}")).to_owned()
    }

    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }
}

impl World {
    /// A world with the settings that a user would have.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A world with some settings of its own.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::built(EmulatorConfig::default(), settings).await
    }

    /// A world of this carrier, with the settings that a user would have.
    pub(crate) async fn on(telephony: Telephony) -> Self {
        Self::on_with(telephony, &[]).await
    }

    /// A world of this carrier, with some settings of its own.
    pub(crate) async fn on_with(telephony: Telephony, settings: &[(&str, &str)]) -> Self {
        Self::built(EmulatorConfig { telephony, ..EmulatorConfig::default() }, settings).await
    }

    /// A world in which the person can be written to.
    pub(crate) async fn writing() -> Self {
        Self::writing_with(EmulatorConfig::default(), &[]).await
    }

    /// The same at this carrier.
    pub(crate) async fn writing_on(telephony: Telephony) -> Self {
        Self::writing_on_with(telephony, &[]).await
    }

    /// The same at this carrier, under these settings.
    pub(crate) async fn writing_on_with(telephony: Telephony, settings: &[(&str, &str)]) -> Self {
        Self::writing_with(EmulatorConfig { telephony, ..EmulatorConfig::default() }, settings).await
    }

    /// The same under these settings.
    pub(crate) async fn writing_under(settings: &[(&str, &str)]) -> Self {
        Self::writing_with(EmulatorConfig::default(), settings).await
    }

    pub(crate) async fn writing_with(emulator: EmulatorConfig, settings: &[(&str, &str)]) -> Self {
        let emulator = Emulator::start(emulator).await.expect("a free port on loopback");
        Self::texting(emulator, settings, START).await
    }

    /// A new server in the place of one that was shut down; its clock shows the carrier's time.
    pub(crate) async fn after(emulator: Emulator, settings: &[(&str, &str)]) -> Self {
        let now = clock_of(&emulator);
        Self::texting(emulator, settings, now).await
    }

    async fn texting(emulator: Emulator, settings: &[(&str, &str)], now: Millis) -> Self {
        let whatsapp = emulator.whatsapp_environment();
        let (name, template) = emulator.template_environment();
        let texts = whatsapp.iter().map(|(name, value)| (*name, value.as_str()));
        // The one template there is, by the name that the carrier has for it.
        let named = |(set, value)| (set, if set == name && value == TEMPLATE { template.as_str() } else { value });
        let settings: Vec<_> = texts.chain(settings.iter().copied().map(named)).collect();
        Self::around(emulator, &settings, now).await
    }

    pub(crate) async fn built(emulator: EmulatorConfig, settings: &[(&str, &str)]) -> Self {
        Self::over(Emulator::start(emulator).await.expect("a free port on loopback"), settings).await
    }

    /// A world over an emulator that runs already.
    pub(crate) async fn over(emulator: Emulator, settings: &[(&str, &str)]) -> Self {
        Self::around(emulator, settings, START).await
    }

    /// A world whose server's clock begins then.
    pub(crate) async fn at(now: Millis, settings: &[(&str, &str)]) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port on loopback");
        Self::around(emulator, settings, now).await
    }

    async fn around(emulator: Emulator, settings: &[(&str, &str)], now: Millis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        emulator.route(PUBLIC, &url);
        let mut environment: HashMap<&str, String> = emulator.environment().into_iter().collect();
        environment.insert("CALLME_PUBLIC_URL", PUBLIC.to_owned());
        environment.insert("CALLME_API_KEY", KEY.to_owned());
        environment.insert("CALLME_DATA_DIR", "none".to_owned());
        environment.insert("CALLME_USER_PHONE_NUMBER", PERSON.to_owned());
        for (name, value) in settings {
            environment.insert(name, (*value).to_owned());
        }
        let loaded = Config::from_source(&|name| environment.get(name).cloned());
        let config = loaded.config.unwrap_or_else(|| panic!("the configuration is good: {:?}", loaded.problems));
        // Telnyx's webhooks say when they were signed.
        let telephony =
            if environment["CALLME_PHONE_PROVIDER"] == "telnyx" { Telephony::Telnyx } else { Telephony::Twilio };
        let now = if telephony == Telephony::Telnyx { clock_of(&emulator) } else { now };
        let clock = Arc::new(WallClock::starting_at(now));
        let app = App::new(&config, clock).expect("a server can be built");
        let (sessions, stop) = (app.sessions().clone(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        let stopping = stop.clone();
        tasks.spawn(async move { app.serve(listener, stopping).await.expect("it serves") });
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("an HTTP client");
        Self { emulator, telephony, start: now, sessions, stop, url, client, tasks }
    }

    /// What the person does in the next call.
    pub(crate) fn person(&self, script: Script) -> &Self {
        self.emulator.person().set(script);
        self
    }

    pub(crate) async fn call(&self, message: &str) -> Answer {
        self.post("/api/call", json!({ "message": message })).await
    }

    /// `continue`, `speak` or `end`.
    pub(crate) async fn say(&self, verb: &str, id: &str, message: &str) -> Answer {
        self.post(&format!("/api/call/{id}/{verb}"), json!({ "message": message })).await
    }

    pub(crate) async fn wait(&self, id: &str) -> Answer {
        self.post(&format!("/api/call/{id}/wait"), json!({})).await
    }

    pub(crate) async fn look(&self, id: &str) -> Answer {
        self.get(&format!("/api/call/{id}")).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.post(format!("{}{path}", self.url)).bearer_auth(KEY).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY)).await
    }

    /// The session that was begun last, while its `call` is still waiting.
    pub(crate) async fn call_id(&self) -> String {
        self.event(|what| matches!(what, What::Rest { verb: "dial", .. })).await;
        let newest = self.get("/api/history?limit=1").await.at("/conversations/0/id");
        newest.as_str().unwrap_or_else(|| panic!("no session in the history")).to_owned()
    }

    /// The call that was made last.
    #[track_caller]
    pub(crate) fn last_call(&self) -> CallRecord {
        self.emulator.calls().pop().unwrap_or_else(|| panic!("no call was made:\n{}", self.emulator.timeline()))
    }

    /// A client of its own, for what the helpers do not do.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The first event like this, past or to come.
    #[track_caller]
    pub(crate) fn event(&self, fits: impl Fn(&What) -> bool) -> impl Future<Output = Event> {
        let waiting = self.emulator.wait_for(move |event| fits(&event.what));
        async move { waiting.await.unwrap_or_else(|never| panic!("{never}")) }
    }

    /// Waits until no session runs.
    pub(crate) async fn sessions_end(&self) {
        let patience = Duration::from_hours(1);
        let over = async {
            while self.sessions.running() > 0 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let ended = tokio::time::timeout(patience, over).await;
        assert!(ended.is_ok(), "sessions still run:\n{}", self.emulator.timeline());
    }

    /// Waits until no session runs, and holds what must hold after every test: no call is live, the server broke no
    /// rule of the wire, nothing is left of the sessions.
    pub(crate) async fn settled(&self) {
        self.sessions_end().await;
        let live: Vec<_> = self.emulator.calls().into_iter().filter(|call| !call.state.is_over()).collect();
        assert!(live.is_empty(), "calls are still live: {live:?}\n{}", self.emulator.timeline());
        let violations: Vec<String> = self.emulator.timeline().violations().into_iter().map(str::to_owned).collect();
        assert!(violations.is_empty(), "{violations:?}\n{}", self.emulator.timeline());
    }

    /// Ends the server as SIGTERM does, and waits for it.
    pub(crate) async fn shut_down(mut self) -> Emulator {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.emulator
    }
}

/// The time that the carrier has.
fn clock_of(emulator: &Emulator) -> Millis {
    Millis(u64::try_from(emulator.clock().as_millisecond()).expect("it is after 1970"))
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the answer is text");
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}
