//! Puts the server together: the one place that names the concrete carrier, speech provider and store.

mod bridge;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::{self, Config, DoorConfig, MessagingMode, SoundFormat, SpeechConfig, SpeechFormat, SpeechServer};
use crate::domain::session::{Limits, Texting};
use crate::http::carrier::InboundLimits;
use crate::http::{self, Parts, serve};
use crate::media::{Desk, DeskConfig};
use crate::metrics::Metrics;
use crate::privacy::keyed::HashKey;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::stt::{OpenAiStt, SttAudio, SttSettings};
use crate::provider::openai::tts::{AudioFormat, OpenAiTts, TtsSettings};
use crate::provider::openai::watch::Watch;
use crate::provider::twilio::{
    ConversationsConfig, MediaStreams, PublicUrl, SenderMode, Twilio, TwilioConfig, TwilioConversations,
    TwilioMessageWebhooks, TwilioWebhooks,
};
use crate::provider::{Messaging, MessagingWebhooks, SpeechOutlook};
use crate::service::{Service, ServiceConfig};
use crate::session::{Directory, Manager, ManagerConfig};
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// From the signal to the end of the last session; the platform kills after 10 s, and some time goes to the flush.
const SHUTDOWN: Duration = Duration::from_millis(6_500);

/// A server with everything it stands on.
pub struct App {
    manager: Manager,
    media: TaskTracker,
    router: Router,
    mail: mpsc::Receiver<Bytes>,
    message_webhooks: Option<Arc<dyn MessagingWebhooks>>,
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
        let public_url = PublicUrl::parse(&config.public_url).context("CALLME_PUBLIC_URL")?;
        let carrier = Twilio::new(TwilioConfig {
            account_sid: config.carrier.account.clone(),
            auth_token: config.carrier.token.clone(),
            from: config.carrier.number.clone(),
            public_url: public_url.clone(),
            api_url: config.carrier.api_url.clone(),
        })
        .context("the Twilio client")?;
        let webhooks = TwilioWebhooks::new(config.carrier.account.clone(), &config.carrier.token, public_url);
        let media = TaskTracker::new();
        let metrics = Arc::new(Metrics::default());
        let SpeechParts { tts, stt, watch } = speech(&config.speech, &clock, &metrics)?;
        let watch = Arc::new(watch);
        let desk = Arc::new(Desk::new(DeskConfig {
            tts: Arc::new(tts),
            stt: Arc::new(stt),
            wire: Arc::new(MediaStreams),
            account: config.carrier.account.clone(),
            guard: config.timing.barge_in_guard,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            tasks: media.clone(),
            random,
        }));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(config.history_ttl));
        let messaging = messaging(config)?;
        let hash_key = hash_key(config);
        let manager = Manager::new(ManagerConfig {
            carrier: Arc::new(carrier),
            media: Arc::new(bridge::MediaDesk(Arc::clone(&desk))),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            directory: Directory::new(config.person.clone(), &hash_key),
            messaging: messaging.clone(),
            keywords: config::keywords(),
            privacy_notice: config.messaging.as_ref().and_then(|texts| texts.privacy_notice.clone()),
            limits: limits(config, messaging.as_deref()),
            most_sessions: config.limits.sessions,
            most_live_calls: config.limits.live_calls,
            metrics: Arc::clone(&metrics),
            tasks: TaskTracker::new(),
        });
        let service = ServiceConfig {
            calls_per_hour: config.limits.calls_per_hour,
            messages_per_hour: config.messaging.as_ref().and_then(|texts| texts.messages_per_hour),
            opt_in: messaging.as_ref().map(|texts| texts.abilities().opt_in.clone()).unwrap_or_default(),
        };
        let message_webhooks = message_webhooks(config);
        let (incoming, mail) = mpsc::channel(bridge::MOST_MAIL);
        let router = http::router(Parts {
            verbs: Arc::new(Service::new(manager.clone(), store, clock, service)),
            events: Arc::new(bridge::Events { manager: manager.clone(), desk, mail: incoming }),
            carrier: Arc::new(webhooks),
            message_webhooks: message_webhooks.clone(),
            inbound: inbound(config),
            hash_key,
            api_key: config.api_key.clone(),
            public_url: config.public_url.clone(),
            metrics_token: config.metrics_token.clone(),
            metrics,
            speech: Arc::clone(&watch) as Arc<dyn SpeechOutlook>,
        });
        Ok(Self { manager, media, router, mail, message_webhooks, watch, probe: config.speech.probe })
    }

    /// The same server with further routes beside its own, which they win over.
    #[must_use]
    pub fn beside(mut self, routes: Router) -> Self {
        self.router = routes.fallback_service(self.router);
        self
    }

    /// Serves until `stop`, then ends every session as kindly as there is time for.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let closed = CancellationToken::new();
        self.manager.recall().await;
        let serving = serve::run(listener, self.router, closed.clone());
        // Ends with the router, which holds the other end.
        let reading = bridge::read_mail(self.mail, self.message_webhooks, self.manager.clone());
        let watching = async {
            if let Some(every) = self.probe {
                stop.run_until_cancelled(self.watch.run(every)).await;
            }
        };
        let closing = async {
            stop.cancelled().await;
            self.manager.close(SHUTDOWN).await;
            self.media.close();
            closed.cancel();
        };
        tokio::join!(serving, reading, watching, closing);
    }

    /// The running sessions.
    pub fn sessions(&self) -> &Manager {
        &self.manager
    }
}

/// Serves the news that the configuration is bad, until `stop`.
pub async fn serve_broken(listener: TcpListener, problems: &[String], stop: CancellationToken) {
    serve::run(listener, http::broken(problems), stop).await;
}

/// The text side of the carrier, where it is switched on.
fn messaging(config: &Config) -> anyhow::Result<Option<Arc<dyn Messaging>>> {
    let Some(texts) = &config.messaging else { return Ok(None) };
    let mode = match &texts.mode {
        MessagingMode::Sandbox { code } => SenderMode::Sandbox { code: code.clone() },
        MessagingMode::Production => SenderMode::Production,
    };
    let conversations = TwilioConversations::new(ConversationsConfig {
        account_sid: config.carrier.account.clone(),
        auth_token: config.carrier.token.clone(),
        from: texts.number.clone(),
        mode,
        template: texts.template.clone(),
        conversations_url: texts.conversations_url.clone(),
    });
    Ok(Some(Arc::new(conversations.context("the Conversations client")?)))
}

fn message_webhooks(config: &Config) -> Option<Arc<dyn MessagingWebhooks>> {
    let texts = config.messaging.as_ref()?;
    Some(Arc::new(TwilioMessageWebhooks::new(config.carrier.account.clone(), texts.number.clone())))
}

fn inbound(config: &Config) -> InboundLimits {
    let DoorConfig { per_phone, block, per_conversation, global } = config.door;
    InboundLimits { per_phone, block, per_conversation, global }
}

fn limits(config: &Config, messaging: Option<&dyn Messaging>) -> Limits {
    let defaults = Limits::default();
    Limits {
        ring: config.timing.ring,
        reply: config.timing.reply,
        inactivity: config.timing.inactivity,
        longest: config.timing.longest_call,
        guard: config.timing.barge_in_guard,
        open_question: config.messaging.as_ref().map_or(defaults.open_question, |texts| texts.open_question),
        texting: messaging.map(Messaging::abilities).map(|able| Texting {
            channel: able.channel,
            longest: able.longest,
            template: able.template,
        }),
    }
}

/// The key of the numbers' hashes; where none is set, a new one with each start.
fn hash_key(config: &Config) -> HashKey {
    if let Some(key) = &config.hash_key {
        return HashKey::new(key.expose_secret().as_bytes());
    }
    let mut key = [0; 32];
    random(&mut key);
    HashKey::new(&key)
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

/// Where chance enters the server.
#[expect(clippy::disallowed_methods, reason = "the shell hands random bytes to whoever takes them as an argument")]
pub fn random(bytes: &mut [u8]) {
    rand::Rng::fill_bytes(&mut rand::rng(), bytes);
}

#[cfg(test)]
mod tests;
