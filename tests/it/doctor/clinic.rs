//! A server with everything around it, settings that can be wrong, and somebody who does what remedies say.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use callme::app::{self, App};
use callme::cli::doctor::{Finding, Mark, Report, examine, ring};
use callme::clock::Millis;
use callme::clock::wall::WallClock;
use callme::config::{Config, Loaded};
use callme::emulator::{Console, Emulator, EmulatorConfig, Telephony};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::faults::Breach;
use crate::world::PERSON;

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const HASH_KEY: &str = "a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f";
const TOKEN: &str = "5f4e3d2c1b0a99887766554433221100";

/// Something that is done in the carrier's console.
type Change = fn(&mut Console);

/// What stands in front of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    Clean,
    /// Answers webhooks itself.
    Answers,
    /// Knows no WebSockets.
    NoSockets,
}

/// The whole.
pub(super) struct Clinic {
    pub(super) emulator: Emulator,
    /// What the doctor reads, and the server at its next start.
    pub(super) settings: HashMap<&'static str, String>,
    /// What the running server was started with instead.
    pub(super) started_with: HashMap<&'static str, String>,
    pub(super) front: Front,
    /// By how many seconds the doctor's clock is ahead.
    pub(super) ahead: u64,
    pub(super) is_running: bool,
    good: HashMap<&'static str, String>,
    port: u16,
    data: PathBuf,
    server: Option<(CancellationToken, JoinSet<()>)>,
}

impl Clinic {
    /// One in which everything is as it should be.
    pub(super) async fn new(telephony: Telephony) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let config = EmulatorConfig {
            telephony,
            auth_token: TOKEN.to_owned(),
            whatsapp_number: "+15005550099".to_owned(),
            ..EmulatorConfig::default()
        };
        let template = config.template_sid.clone();
        let emulator = Emulator::start(config).await.expect("a free port on loopback");
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let data = std::env::temp_dir().join(format!("callme-doctor-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&data).expect("a directory of our own");
        std::fs::write(data.join("file"), "").expect("a file of our own");
        let mut good: HashMap<&str, String> = emulator.environment().into_iter().collect();
        if telephony == Telephony::Twilio {
            good.extend(emulator.whatsapp_environment());
            good.remove("CALLME_WHATSAPP_SANDBOX_CODE");
            good.insert("CALLME_WHATSAPP_MODE", "production".to_owned());
            good.insert("CALLME_WHATSAPP_TEMPLATE_SID", template);
        } else {
            good.extend(emulator.whatsapp_environment());
            good.insert("CALLME_WHATSAPP_TEMPLATE_SID", "question:it".to_owned());
        }
        good.insert("CALLME_WHATSAPP_FALLBACK_TO_SMS", "true".to_owned());
        good.insert("CALLME_PUBLIC_URL", format!("http://127.0.0.1:{port}"));
        good.insert("CALLME_API_KEY", KEY.to_owned());
        good.insert("CALLME_HASH_KEY", HASH_KEY.to_owned());
        good.insert("CALLME_DATA_DIR", data.join("kept").display().to_string());
        good.insert("PORT", port.to_string());
        let url = format!("http://127.0.0.1:{port}");
        emulator.change_console(|console| {
            console.voice_url = format!("{url}/twiml");
            console.sms_url = format!("{url}/sms");
            console.sender_url = format!("{url}/whatsapp");
            console.conversations_url = format!("{url}/whatsapp");
            console.conversations_filters = ["onMessageAdded", "onDeliveryUpdated"].map(str::to_owned).to_vec();
        });
        let mut clinic = Self {
            emulator,
            settings: good.clone(),
            started_with: HashMap::new(),
            front: Front::Clean,
            ahead: 0,
            is_running: true,
            good,
            port,
            data,
            server: None,
        };
        clinic.start().await;
        clinic
    }

    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        &self.good["CALLME_PUBLIC_URL"]
    }

    /// A path where nothing can be kept: a file stands in the way.
    pub(super) fn no_directory(&self) -> String {
        self.data.join("file/below").display().to_string()
    }

    /// Breaks something.
    pub(super) async fn breach(&mut self, breach: &Breach) {
        (breach.done)(self);
        self.start().await;
    }

    /// What the doctor says; it shows nothing that is private.
    pub(super) async fn examine(&self, fix: bool) -> Report {
        let report = examine(&load(&self.settings), fix, Arc::new(WallClock::starting_at(self.now()))).await;
        let text = format!("{report}\n{}", report.json());
        let secrets = self
            .settings
            .iter()
            .chain(&self.good)
            .filter(|(name, _)| name.ends_with("NUMBER") || name.ends_with("_KEY") || name.ends_with("TOKEN"));
        for (name, secret) in secrets.filter(|(_, value)| value.len() >= 6) {
            assert!(!text.contains(secret.as_str()), "{name} is shown:\n{text}");
        }
        report
    }

    /// Rings the person.
    pub(super) async fn ring(&self) -> Finding {
        let config = load(&self.settings).config.expect("a good configuration");
        ring(&config, &|_| None).await
    }

    /// Does what the remedies of a report say, and knows nothing else of it. Whether `--fix` was among them.
    pub(super) async fn follow(&mut self, report: &Report) -> bool {
        let mut fix = false;
        for finding in report.findings.iter().filter(|finding| finding.mark == Mark::Bad) {
            let remedy = finding.remedy.as_deref().unwrap_or_else(|| panic!("{finding:?} has no remedy"));
            if remedy.starts_with("callme doctor --fix") {
                fix = true;
            } else if !self.do_elsewhere(remedy) {
                self.set(remedy);
            }
        }
        self.started_with.clear();
        self.start().await;
        fix
    }

    /// What is done at the carrier's console, at the provider's, or on the machine.
    fn do_elsewhere(&mut self, remedy: &str) -> bool {
        let consoles: [(&str, Change); 13] = [
            ("Geo permissions", |console| console.countries.push("IT".to_owned())),
            ("allowed destinations", |console| console.countries.push("IT".to_owned())),
            ("buy a number with voice and SMS", |console| (console.voice, console.sms) = (true, true)),
            ("buy a number with voice", |console| console.voice = true),
            ("switch the profile on", |console| console.sms = true),
            ("give the number a messaging profile", |console| console.has_messaging_profile = true),
            ("have the account opened again", |console| console.is_active = true),
            ("switch the application on", |console| console.is_active = true),
            ("bring the sender online", |console| "ONLINE".clone_into(&mut console.sender)),
            ("Submit for WhatsApp approval", |console| "approved".clone_into(&mut console.template)),
            ("give the number to the application", |console| console.number_is_connected = true),
            ("give the application an outbound voice profile", |console| console.has_voice_profile = true),
            ("in Telnyx's portal: Voice → Programmable Voice, the application", |console| {
                "2".clone_into(&mut console.event_version);
            }),
        ];
        if let Some((_, change)) = consoles.iter().find(|(phrase, _)| remedy.contains(phrase)) {
            self.emulator.change_console(change);
        } else if remedy.contains("timedatectl set-ntp true") {
            self.ahead = 0;
        } else if remedy.contains("speech provider's console, or set") {
            self.emulator.faults().clear();
        } else if ["do what the server says there", "let WebSockets through", "let what stands in front"]
            .iter()
            .any(|start| remedy.starts_with(start))
        {
            self.front = Front::Clean;
        } else if remedy.starts_with("start the server (callme serve)") && !self.is_running {
            self.is_running = true;
        } else {
            // Whatever is restarted reads the settings anew.
            return remedy.starts_with("restart the server") || remedy.starts_with("wait a moment");
        }
        true
    }

    /// Sets every variable that a remedy names to what it should be.
    fn set(&mut self, remedy: &str) {
        let words = remedy.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        let named: Vec<&str> =
            words.filter(|word| word.ends_with("REDIS_URL") || word.contains('_') && word.len() > 8).collect();
        assert!(!named.is_empty(), "nobody knows what to do: {remedy}");
        for name in named {
            self.settings.remove(name);
            if let Some((name, value)) = self.good.get_key_value(name) {
                self.settings.insert(name, value.clone());
            }
        }
    }

    fn now(&self) -> Millis {
        // The carrier's `Date` is the machine's own, whatever the runtime's clock says.
        let now = jiff::Timestamp::now().as_millisecond();
        Millis(u64::try_from(now).expect("it is after 1970")) + Duration::from_secs(self.ahead)
    }

    /// Starts the server anew with the settings of now, if it is to run.
    async fn start(&mut self) {
        if let Some((stop, mut tasks)) = self.server.take() {
            stop.cancel();
            tasks.shutdown().await;
        }
        if !self.is_running {
            return;
        }
        let mut settings = self.settings.clone();
        // The doctor looks at the store by itself; the server has none that its next start would wait for.
        settings.insert("CALLME_DATA_DIR", "none".to_owned());
        settings.remove("REDIS_URL");
        settings.extend(self.started_with.clone());
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is ours");
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let stopping = stop.clone();
        let Loaded { config, problems, .. } = load(&settings);
        if let Some(config) = config {
            let app = App::new(&config, Arc::new(WallClock::starting_at(self.now()))).expect("a server can be built");
            let app = app.beside(self.front.routes());
            tasks.spawn(async move { app.serve(listener, stopping).await.expect("it serves") });
        } else {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            tasks.spawn(async move { app::serve_broken(listener, &problems, stopping).await });
        }
        self.server = Some((stop, tasks));
    }
}

impl Front {
    fn routes(self) -> Router {
        match self {
            Front::Clean => Router::new(),
            Front::Answers => Router::new().route("/twiml", any(|| async { "hello" })),
            Front::NoSockets => Router::new().route("/media-stream/{token}", any(|| async { StatusCode::BAD_GATEWAY })),
        }
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        // What cannot be taken away lies in the system's own place for such things.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn load(settings: &HashMap<&'static str, String>) -> Loaded {
    let person = |name: &str| (name == "CALLME_USER_PHONE_NUMBER").then(|| PERSON.to_owned());
    Config::from_source(&|name| settings.get(name).cloned().or_else(|| person(name)))
}
