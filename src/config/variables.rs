//! The table of variables: the source of `.env.example` and of every default.

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// What holds without it; empty where nothing does or where it depends.
    pub default: &'static str,
    /// A value of the right form; empty where the default shows it.
    pub example: &'static str,
    /// Without it no call can be made.
    pub required: bool,
}

const fn required(name: &'static str, doc: &'static str, example: &'static str) -> Variable {
    Variable { name, doc, default: "", example, required: true }
}

const fn optional(name: &'static str, default: &'static str, doc: &'static str) -> Variable {
    Variable { name, doc, default, example: "", required: false }
}

const fn unset(name: &'static str, example: &'static str, doc: &'static str) -> Variable {
    Variable { name, doc, default: "", example, required: false }
}

/// Every variable this version reads, in the order of `.env.example`.
pub const VARIABLES: &[Variable] = &[
    required("CALLME_API_KEY", "What agents authenticate with; make up a long random one (openssl rand -hex 32).", ""),
    required(
        "CALLME_PHONE_ACCOUNT_SID",
        "The Twilio Account SID; with Telnyx, the id of the Voice API application (the connection).",
        "AC0123456789abcdef0123456789abcdef",
    ),
    required(
        "CALLME_PHONE_AUTH_TOKEN",
        "The Twilio account's primary Auth Token, by which webhooks are signed too; with Telnyx, an API key.",
        "",
    ),
    required("CALLME_PHONE_NUMBER", "The number calls come from, E.164.", "+15005550006"),
    required("CALLME_USER_PHONE_NUMBER", "The number of the person who is called, E.164.", "+15005550010"),
    required("CALLME_OPENAI_API_KEY", "The key of the speech provider.", "sk-..."),
    unset(
        "CALLME_PUBLIC_URL",
        "https://callme.example.com",
        "Where the carrier reaches this server; else the platform's variables below, else http://localhost:PORT.",
    ),
    unset("RAILWAY_PUBLIC_DOMAIN", "callme.up.railway.app", "Set by Railway: the public host."),
    unset("RENDER_EXTERNAL_URL", "https://callme.onrender.com", "Set by Render: the public URL."),
    unset("FLY_APP_NAME", "callme", "Set by Fly: the public URL is https://<name>.fly.dev."),
    optional("PORT", "3333", "The port that is listened on; platforms set it, and it wins over CALLME_PORT."),
    optional("CALLME_PORT", "3333", "The port that is listened on where PORT is not set."),
    unset(
        "CALLME_PHONE_PROVIDER",
        "twilio",
        "The carrier: twilio or telnyx. Unset, an account id of AC and 32 hexadecimal digits means Twilio.",
    ),
    unset(
        "CALLME_TELNYX_PUBLIC_KEY",
        "",
        "With Telnyx, required: the account's public key, by which its webhooks are known (base64 or PEM).",
    ),
    optional(
        "CALLME_TWILIO_API_URL",
        "https://api.twilio.com",
        "Base URL of Twilio's REST API, for tests and gateways.",
    ),
    optional(
        "CALLME_TELNYX_API_URL",
        "https://api.telnyx.com",
        "Base URL of Telnyx's REST API, for tests and gateways.",
    ),
    unset(
        "CALLME_TELNYX_MESSAGING_PROFILE_ID",
        "0f512bda-ae1e-4597-8e11-e5f5686b97d3",
        "With Telnyx: the messaging profile of the WhatsApp sender; what comes in for another one is not taken.",
    ),
    optional(
        "CALLME_WHATSAPP_ENABLED",
        "false",
        "Whether a question goes on over WhatsApp when nobody picks up: true or false.",
    ),
    optional(
        "CALLME_WHATSAPP_MODE",
        "sandbox",
        "With Twilio: whose WhatsApp sender it is: sandbox (Twilio's, for trying it out) or production (your own).",
    ),
    unset(
        "CALLME_WHATSAPP_PHONE_NUMBER",
        "+15005550006",
        "The WhatsApp sender, E.164; unset, the sandbox's +14155238886 in sandbox mode.",
    ),
    unset(
        "CALLME_WHATSAPP_SANDBOX_CODE",
        "sunny-river",
        "The two words that the person sends after \"join\" to join the sandbox; agents are told them.",
    ),
    unset(
        "CALLME_WHATSAPP_TEMPLATE_SID",
        "HX0123456789abcdef0123456789abcdef",
        "The approved template that begins a conversation outside WhatsApp's 24 hours; its variable 1 is the question. With Telnyx, name:language.",
    ),
    optional(
        "CALLME_WHATSAPP_FALLBACK_TO_SMS",
        "false",
        "Whether a question goes by SMS, from CALLME_PHONE_NUMBER, when WhatsApp has failed for good: true or false. It costs money, \
         abroad also the person's.",
    ),
    optional(
        "CALLME_TWILIO_CONVERSATIONS_URL",
        "https://conversations.twilio.com",
        "Base URL of Twilio's Conversations API, for tests and gateways.",
    ),
    unset(
        "CALLME_PRIVACY_NOTICE",
        "\"An AI agent writes here.\"",
        "What the person is told once, before the first message on a channel.",
    ),
    optional("CALLME_OPEN_QUESTION_HOURS", "24", "How long a question in messaging stays open."),
    optional(
        "CALLME_MAX_MESSAGES_PER_HOUR",
        "60",
        "How many messages an hour agents may write: without a call, and to go on over WhatsApp; 0 is no limit.",
    ),
    optional(
        "OPENAI_API_BASE_URL",
        "https://api.openai.com/v1",
        "Base URL of the speech provider: http(s) or ws(s), with or without /v1.",
    ),
    unset(
        "CALLME_TTS_BASE_URL",
        "http://localhost:8880/v1",
        "Base URL of another host that speaks, in the dialect of OpenAI's speech endpoint.",
    ),
    unset(
        "CALLME_TTS_API_KEY",
        "",
        "The key for speaking; unset, that of the speech provider, or none where CALLME_TTS_BASE_URL is set.",
    ),
    optional(
        "CALLME_TTS_FORMAT",
        "pcm",
        "What the speech endpoint is asked for: pcm (24 kHz, streamed) or wav, for servers that make nothing else.",
    ),
    unset("CALLME_TTS_MODEL", "gpt-4o-mini-tts", "The text-to-speech model; unset, one that works is chosen."),
    optional("CALLME_TTS_VOICE", "coral", "The voice."),
    unset("CALLME_TTS_INSTRUCTIONS", "Speak calmly.", "How the voice is to speak."),
    unset(
        "CALLME_STT_BASE_URL",
        "http://localhost:8080/v1",
        "Base URL of another host that listens, in the dialect of OpenAI's realtime transcription.",
    ),
    unset(
        "CALLME_STT_API_KEY",
        "",
        "The key for listening; unset, that of the speech provider, or none where CALLME_STT_BASE_URL is set.",
    ),
    unset("CALLME_STT_MODEL", "gpt-4o-transcribe", "The speech-to-text model; unset, one that works is chosen."),
    optional("CALLME_STT_SILENCE_DURATION_MS", "800", "How long the person is silent before a reply is complete."),
    optional(
        "CALLME_BARGE_IN_MS",
        "200",
        "How long the person must speak to interrupt the agent, where the model does not find that out itself.",
    ),
    optional(
        "CALLME_STT_FORMAT",
        "auto",
        "How sound is sent to be understood: ulaw, pcm (24 kHz), or auto, as the model is known to take it.",
    ),
    unset("CALLME_STT_LANGUAGES", "en,de", "The languages that the person may speak, two letters each; unset, any."),
    unset("CALLME_STT_KEYWORDS", "Acme,IBAN", "Words that the person is likely to say, for models that can be told."),
    optional(
        "CALLME_SPEECH_PROBE_HOURS",
        "6",
        "How often the speech provider is asked whether its models are still there; 0 is never.",
    ),
    optional("CALLME_TRANSCRIPT_TIMEOUT_MS", "180000", "How long a question waits for its reply."),
    optional("CALLME_INACTIVITY_TIMEOUT_MS", "420000", "How long a session may pass without a word from either side."),
    optional(
        "CALLME_INACTIVITY_TIMEOUT_MINUTES",
        "7",
        "The same in minutes, used where the one in milliseconds is not set.",
    ),
    optional("CALLME_CALL_TIMEOUT_SECONDS", "25", "How long the phone rings, 5 to 600."),
    optional("CALLME_MAX_CALL_MINUTES", "55", "The longest a call may last."),
    optional(
        "CALLME_BARGE_IN_GUARD_MS",
        "1000",
        "How long after the pick-up the person's voice does not cut the agent's.",
    ),
    optional(
        "CALLME_MCP_WAIT_SECONDS",
        "45",
        "How long a tool waits before it says that nobody has answered yet, 1 to 285; clients give up at 60 seconds.",
    ),
    optional(
        "CALLME_MCP_WAIT_WITH_PROGRESS_SECONDS",
        "285",
        "The same for clients that ask to be told of progress, which wait for longer.",
    ),
    optional("CALLME_MAX_SESSIONS", "1000", "How many sessions are held at once."),
    optional("CALLME_MAX_LIVE_CALLS", "1", "How many calls to the person may be live at once."),
    optional("CALLME_MAX_CALLS_PER_HOUR", "20", "How many calls an hour are placed at most; 0 is no limit."),
    optional(
        "CALLME_RATE_LIMIT_PER_PHONE",
        "10",
        "How many messages a minute are taken from one phone; whoever writes more is blocked for a while; 0 is no limit.",
    ),
    optional("CALLME_RATE_LIMIT_BLOCK_SECONDS", "300", "For how long that is; 0 is not at all."),
    optional(
        "CALLME_RATE_LIMIT_PER_CONVERSATION",
        "20",
        "How many messages a minute are taken from one conversation; 0 is no limit.",
    ),
    optional("CALLME_RATE_LIMIT_GLOBAL", "100", "How many messages a minute are taken in all; 0 is no limit."),
    unset(
        "CALLME_HASH_KEY",
        "",
        "What keys the hashes that stand for phone numbers, any long random text (openssl rand -hex 32); unset, one is \
         made in the data directory.",
    ),
    unset("CALLME_METRICS_TOKEN", "", "What a scraper of /metrics may authenticate with instead of the API key."),
    optional(
        "CALLME_DATA_DIR",
        ".data",
        "Where what outlives the process is kept, for the owner alone; none for nowhere.",
    ),
    unset(
        "REDIS_URL",
        "redis://:password@localhost:6379",
        "Where it is kept instead: redis://[[user]:password@]host[:port][/number], or rediss:// with TLS; needs \
         CALLME_HASH_KEY.",
    ),
    unset("CALLME_REDIS_URL", "rediss://redis.example.com", "The same; wins over REDIS_URL."),
    optional("CALLME_HISTORY_TTL_HOURS", "48", "How long finished sessions stay in history."),
    optional("CALLME_LOG_FORMAT", "text", "How log lines look: text or json."),
    optional("CALLME_LOG", "info", "Which log lines are written: error, warn, info, debug, trace, or a filter."),
    unset("RUST_LOG", "info", "The same, used where CALLME_LOG is not set."),
    optional(
        "CALLME_LOG_MESSAGES",
        "false",
        "For finding a fault: whether what both sides say is logged, redacted, at the level debug; true or false.",
    ),
    unset(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://localhost:4318",
        "Where an OpenTelemetry collector takes traces, OTLP over HTTP; in builds with the feature otel.",
    ),
];

/// The default of a variable in the table.
pub(super) fn default_of(name: &str) -> &'static str {
    VARIABLES
        .iter()
        .find(|variable| variable.name == name)
        .map(|variable| variable.default)
        .expect("whoever asks for a default names a variable of the table")
}
