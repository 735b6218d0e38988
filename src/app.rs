//! Puts the server together: the one place that names the concrete carrier, speech provider and store.

mod bridge;
mod carrier;
#[cfg(debug_assertions)]
mod crash_point;
mod hash_key;
mod keeping;
pub(crate) mod mounts;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::any_service;
use rmcp::ServerHandler;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::Clock;
use crate::config::{self, Config, DoorConfig, SoundFormat, SpeechConfig, SpeechFormat, SpeechServer};
use crate::domain::session::{Limits, Texting};
use crate::http::carrier::{Blocks, InboundLimits};
use crate::http::{self, Parts, serve};
use crate::mcp::{self, Here, Tools, ToolsConfig};
use crate::media::{Desk, DeskConfig};
use crate::metrics::Metrics;
use crate::provider::metered::Metered;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::stt::{OpenAiStt, SttAudio, SttSettings};
use crate::provider::openai::tts::{AudioFormat, OpenAiTts, TtsSettings};
use crate::provider::openai::watch::Watch;
use crate::provider::public_url::PublicUrl;
use crate::provider::{CallCommands, Messaging, Sms, SpeechOutlook};
use crate::service::{Service, ServiceConfig, Verbs};
use crate::session::{Directory, Manager, ManagerConfig};

use carrier::{CarrierParts, carrier};
use keeping::Keeping;

/// What a command gets to bring a dropped stream back: one that is not answered, its repeat, and a second for the socket.
const RECONNECT_BY_COMMAND: Duration = Duration::from_secs(5);

/// From the signal to the end of the last session; the platform kills after 10 s, and some time goes to the flush.
const SHUTDOWN: Duration = Duration::from_millis(6_500);

/// After it, for media sockets; answers that are being written have the same time.
const LAST_FRAMES: Duration = Duration::from_secs(1);

/// How long the first request may have to wait for what the process before has left.
const TAKE_UP: Duration = Duration::from_secs(3);

/// How long requests and messages may have to wait for it, from the start: longer than that process takes to stop.
const GIVE_UP: Duration = Duration::from_secs(10);

/// A server with everything it stands on.
pub struct App {
    manager: Manager,
    keeping: Keeping,
    clock: Arc<dyn Clock>,
    media: TaskTracker,
    router: Router,
    service: Arc<Service>,
    blocks: Blocks,
    mail: mpsc::Receiver<(Instant, bridge::Letter)>,
    watch: Arc<Watch>,
    /// How often the watch looks.
    probe: Option<Duration>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("manager", &self.manager).finish_non_exhaustive()
    }
}

impl App {
    /// Builds the server. Nothing is listened to and nobody is asked anything yet.
    ///
    /// # Errors
    /// When a setting that looked right does not hold: an unusable URL, or no TLS.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Self::with_tools(config, clock, |tools| tools)
    }

    /// The same with something else at `/mcp`, behind the same doors.
    ///
    /// # Errors
    /// As those of [`App::new`].
    pub fn with_tools<S: ServerHandler + Clone>(
        config: &Config,
        clock: Arc<dyn Clock>,
        tools: impl FnOnce(Tools) -> S + Send + 'static,
    ) -> anyhow::Result<Self> {
        let public_url = PublicUrl::parse(&config.public_url).context("CALLME_PUBLIC_URL")?;
        let metrics = Arc::new(Metrics::default());
        let CarrierParts { carrier, commands, webhooks, wire } = carrier(&config.carrier, public_url, &clock)?;
        let media = TaskTracker::new();
        let SpeechParts { tts, stt, watch } = speech(&config.speech, &clock, &metrics)?;
        let watch = Arc::new(watch);
        let desk = Arc::new(Desk::new(DeskConfig {
            tts: Arc::new(tts),
            stt: Arc::new(stt),
            wire,
            account: config.carrier.account.clone(),
            guard: config.timing.barge_in_guard,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            tasks: media.clone(),
            random,
        }));
        let keeping = Keeping::open(config)?;
        let store = keeping.store(&metrics);
        let hash_key = keeping::hash_key(config);
        let messaging = texts::messaging(config, &hash_key)?.map(|texts| metered(texts, &metrics));
        let sms = texts::sms(config)?.map(|sms| Arc::new(Metered::new(sms, &metrics)) as Arc<dyn Sms>);
        let limits = limits(config, messaging.as_deref(), commands.is_some());
        let manager = Manager::new(ManagerConfig {
            carrier: Arc::new(Metered::new(carrier, &metrics)),
            commands: commands.map(|commands| Arc::new(Metered::new(commands, &metrics)) as Arc<dyn CallCommands>),
            media: Arc::new(bridge::MediaDesk(Arc::clone(&desk))),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            directory: Directory::new(config.person.clone(), &hash_key),
            messaging: messaging.clone(),
            sms,
            keywords: config::keywords(),
            privacy_notice: config.messaging.as_ref().and_then(|texts| texts.privacy_notice.clone()),
            limits,
            most_sessions: config.limits.sessions,
            most_live_calls: config.limits.live_calls,
            log_messages: config.log_messages,
            metrics: Arc::clone(&metrics),
            tasks: TaskTracker::new(),
        });
        let service = ServiceConfig {
            calls_per_hour: config.limits.calls_per_hour,
            messages_per_hour: config.messaging.as_ref().and_then(|texts| texts.messages_per_hour),
            opt_in: messaging.as_ref().map(|texts| texts.abilities().opt_in.clone()).unwrap_or_default(),
            hash_key: hash_key.clone(),
        };
        let message_webhooks = texts::webhooks(config, &hash_key);
        let (incoming, mail) = mpsc::channel(bridge::MOST_MAIL);
        let blocks = Blocks::new(&inbound(config), Arc::clone(&store), Arc::clone(&clock));
        let service = Arc::new(Service::new(manager.clone(), Arc::clone(&store), Arc::clone(&clock), service));
        let texts = message_webhooks.clone();
        let router = http::router(Parts {
            verbs: Arc::clone(&service) as Arc<dyn Verbs>,
            store,
            events: Arc::new(bridge::Events { manager: manager.clone(), desk, webhooks: texts, mail: incoming }),
            carrier: webhooks,
            message_webhooks,
            inbound: inbound(config),
            blocks: blocks.clone(),
            hash_key,
            api_key: config.api_key.clone(),
            public_url: config.public_url.clone(),
            instance: fresh_name(),
            metrics_token: config.metrics_token.clone(),
            metrics,
            speech: Arc::clone(&watch) as Arc<dyn SpeechOutlook>,
            mcp: Some(mount(config, &clock, tools)),
        });
        let probe = config.speech.probe;
        Ok(Self { manager, keeping, clock, media, router, service, blocks, mail, watch, probe })
    }

    /// The same server with further routes beside its own, which they win over.
    #[must_use]
    pub fn beside(mut self, routes: Router) -> Self {
        self.router = routes.fallback_service(self.router);
        self
    }

    /// Serves until `stop`, then ends every session as kindly as there is time for, or leaves it for the next process.
    ///
    /// # Errors
    /// When a part without which nothing is kept has died. A panic of another part without which there is no server is the
    /// caller's.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { manager, keeping, clock, service, blocks, media, router, mail, watch, probe } = self;
        let closed = CancellationToken::new();
        let taken_up = service.ready().clone();
        let taking_up = closed.run_until_cancelled(async {
            take_up(&keeping, &blocks, &service, &manager).await;
            taken_up.cancel();
        });
        let served = CancellationToken::new();
        let serving = async {
            // Before this, a repeat would not find its request.
            let _ = tokio::time::timeout(TAKE_UP, taken_up.cancelled()).await;
            serve::run(listener, router, closed.clone()).await;
            served.cancel();
        };
        // A store that does not open stops nobody for longer than another process takes to let go of it.
        let giving_up = closed.run_until_cancelled(async {
            tokio::time::sleep(GIVE_UP).await;
            taken_up.cancel();
        });
        let reading = async {
            // What is written to a session that is still to be taken up is not for anybody else.
            let _ = closed.run_until_cancelled(taken_up.cancelled()).await;
            bridge::read_mail(mail, manager.clone(), &served).await;
        };
        let watching = async {
            if let Some(every) = probe {
                stop.run_until_cancelled(watch.run(every)).await;
            }
        };
        let closing = async {
            stop.cancelled().await;
            manager.close(SHUTDOWN).await;
            // Whoever still waits for the take-up is refused like everybody else by now.
            taken_up.cancel();
            closed.cancel();
            // Sockets whose calls are over close them in good order.
            media.close();
            let _ = tokio::time::timeout(LAST_FRAMES, media.wait()).await;
        };
        let sweeping = keeping.sweep(&*clock, &closed);
        let work =
            Box::pin(async { tokio::join!(taking_up, giving_up, serving, reading, watching, closing, sweeping) });
        tokio::select! {
            _ = work => {}
            () = keeping.died() => anyhow::bail!("the store's thread has died"),
        }
        keeping.close().await;
        Ok(())
    }

    /// The running sessions.
    pub fn sessions(&self) -> &Manager {
        &self.manager
    }
}

/// Takes up what the process before has left. A store that another process still has is taken up when that has gone.
async fn take_up(keeping: &Keeping, blocks: &Blocks, service: &Service, manager: &Manager) {
    match keeping.left().await {
        Ok(mut left) => {
            blocks.recall(std::mem::take(&mut left.blocks));
            service.recall(manager.recall(left).await);
        }
        Err(error) => tracing::error!(%error, "what the process before has left could not be taken up"),
    }
}

/// Serves the news that the configuration is bad, until `stop`.
pub async fn serve_broken(listener: TcpListener, problems: &[String], stop: CancellationToken) {
    serve::run(listener, http::broken(problems), stop).await;
}

fn metered(texts: Arc<dyn Messaging>, metrics: &Arc<Metrics>) -> Arc<dyn Messaging> {
    Arc::new(Metered::new(texts, metrics))
}

/// The tools at `/mcp`, for requests that name this server or come from the machine it runs on.
fn mount<S: ServerHandler + Clone>(
    config: &Config,
    clock: &Arc<dyn Clock>,
    make: impl FnOnce(Tools) -> S + Send + 'static,
) -> http::Mount {
    let (ceilings, clock) = (config.mcp, Arc::clone(clock));
    let mut hosts = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
    let mut origins = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"].map(str::to_owned).to_vec();
    if let Ok(url) = Url::parse(&config.public_url)
        && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
    {
        // At any port: proxies leave it out, or put in their own.
        hosts.push(host.to_owned());
        origins.push(format!("{}://{host}:{port}", url.scheme()));
    }
    Box::new(move |routes| {
        let tools = Tools::new(ToolsConfig { api: Arc::new(Here::new(routes)), ceilings, keys: None, clock });
        any_service(mcp::mount(make(tools), hosts, origins))
    })
}

fn inbound(config: &Config) -> InboundLimits {
    let DoorConfig { per_phone, block, per_conversation, global } = config.door;
    InboundLimits { per_phone, block, per_conversation, global }
}

/// A carrier that is told by command to bring a dropped stream back gets [`RECONNECT_BY_COMMAND`] for it.
fn limits(config: &Config, messaging: Option<&dyn Messaging>, by_command: bool) -> Limits {
    let defaults = Limits::default();
    Limits {
        reconnect: if by_command { RECONNECT_BY_COMMAND } else { defaults.reconnect },
        ring: config.timing.ring,
        reply: config.timing.reply,
        inactivity: config.timing.inactivity,
        longest: config.timing.longest_call,
        guard: config.timing.barge_in_guard,
        open_question: config.messaging.as_ref().map_or(defaults.open_question, |texts| texts.open_question),
        texting: messaging.map(Messaging::abilities).map(|able| Texting {
            longest: able.longest,
            template: able.template,
            settles: able.reads_back,
            sms: config.messaging.as_ref().is_some_and(|texts| texts.sms),
        }),
    }
}

/// Who speaks and who listens, and the watch over their models.
struct SpeechParts {
    tts: OpenAiTts,
    stt: OpenAiStt,
    watch: Watch,
}

fn speech(speech: &SpeechConfig, clock: &Arc<dyn Clock>, metrics: &Arc<Metrics>) -> anyhow::Result<SpeechParts> {
    let endpoint = |server: &SpeechServer| Endpoint::parse(&server.base_url).context("the speech provider's URL");
    let settings = TtsSettings {
        endpoint: endpoint(&speech.tts)?,
        key: speech.tts.api_key.clone(),
        model: speech.tts_model.clone(),
        alone: speech.tts.own,
        voice: speech.tts_voice.clone(),
        instructions: speech.tts_instructions.clone(),
        format: match speech.tts_format {
            SpeechFormat::Pcm => AudioFormat::Pcm,
            SpeechFormat::Wav => AudioFormat::Wav,
        },
    };
    let tts = OpenAiTts::new(&settings, metrics).context("the speech client")?;
    let watch = Watch::new(Arc::clone(clock), Arc::clone(metrics));
    let watch = watch.over(tts.watched(), &settings.endpoint, &settings.key).context("the list of models")?;
    let settings = SttSettings {
        endpoint: endpoint(&speech.stt)?,
        key: speech.stt.api_key.clone(),
        model: speech.stt_model.clone(),
        alone: speech.stt.own,
        silence: speech.silence,
        barge_in: speech.barge_in,
        languages: speech.stt_languages.clone(),
        keywords: speech.stt_keywords.clone(),
        audio: speech.stt_format.map(|format| match format {
            SoundFormat::Ulaw => SttAudio::Ulaw,
            SoundFormat::Pcm => SttAudio::Pcm24k,
        }),
    };
    let stt = OpenAiStt::new(&settings, Arc::clone(metrics)).context("the transcription client")?;
    let watch = watch.over(stt.watched(), &settings.endpoint, &settings.key).context("the list of models")?;
    Ok(SpeechParts { tts, stt, watch })
}

/// A name that nothing else has.
pub(crate) fn fresh_name() -> String {
    let mut bytes = [0; 16];
    random(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// The watch over the models of a configuration, for who looks once.
///
/// # Errors
/// When a setting that looked right does not hold.
pub(crate) fn speech_watch(config: &SpeechConfig, clock: &Arc<dyn Clock>) -> anyhow::Result<Watch> {
    Ok(speech(config, clock, &Arc::default())?.watch)
}

/// Where chance enters the server.
#[expect(clippy::disallowed_methods, reason = "the shell hands random bytes to whoever takes them as an argument")]
pub fn random(bytes: &mut [u8]) {
    rand::Rng::fill_bytes(&mut rand::rng(), bytes);
}

#[cfg(test)]
mod tests;
