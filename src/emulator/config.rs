//! Who the emulator pretends to be, and how fast it is.

use std::fmt;
use std::time::Duration;

use super::messaging::TextRules;
use super::voice::Voice;

/// Who the emulator pretends to be, and how fast it is.
#[derive(Clone)]
pub struct EmulatorConfig {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Which carrier it is that a server is pointed at.
    pub telephony: Telephony,
    /// The carrier account, `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// Its token: checked on REST requests, signs webhooks.
    pub auth_token: String,
    /// Telnyx: the connection's id.
    pub connection_id: String,
    /// Telnyx: the API key.
    pub telnyx_key: String,
    /// Telnyx: what the key pair is made of that signs webhooks (Ed25519).
    pub telnyx_seed: [u8; 32],
    /// The number the account owns, which calls and SMS must come from.
    pub number: String,
    /// Who is called, and whose WhatsApp [`Emulator::chat`](super::Emulator::chat) is; a phone number.
    pub person: String,
    /// The number that texts come from on WhatsApp: of the sandbox, unless it is another.
    pub whatsapp_number: String,
    /// Whoever writes `join` and these words to it has joined.
    pub sandbox_code: String,
    /// The one approved template, `HX` and 32 hexadecimal digits.
    pub template_sid: String,
    /// The same template at Telnyx: its name and, after a colon, its language.
    pub telnyx_template: String,
    /// Telnyx: the messaging profile of the numbers that write.
    pub telnyx_profile: String,
    /// Its text; `{{1}}` and the like stand for its variables.
    pub template_text: String,
    /// Where webhooks about texts go, as it is entered in Twilio's console. Without it they go to `/whatsapp` of the server's
    /// public origin: that of the first [`Emulator::route`](super::Emulator::route), or that of the latest dial's `Url`. Those about
    /// SMS go to `/sms` beside it, unless the [`Console`](super::Console) has another place for them.
    pub messaging_webhook: Option<String>,
    /// How texts behave.
    pub text_rules: TextRules,
    /// The speech provider's key.
    pub api_key: String,
    /// How everybody sounds.
    pub voice: Voice,
    /// What the speech endpoint is like.
    pub speech_dialect: SpeechDialect,
    /// From a request for speech to its first byte.
    pub speech_delay: Duration,
    /// How many times faster than real time speech is made.
    pub speech_rate: f64,
    /// From the end of a stretch to its transcript.
    pub transcript_delay: Duration,
    /// How long [`Emulator::wait_for`](super::Emulator::wait_for) waits.
    pub patience: Duration,
}

/// A carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telephony {
    /// Twilio: WhatsApp by Conversations.
    #[default]
    Twilio,
    /// Telnyx: WhatsApp by messages alone.
    Telnyx,
}

impl Telephony {
    /// Whether texts can be sent by it, too.
    pub fn has_texts(self) -> bool {
        match self {
            Self::Twilio | Self::Telnyx => true,
        }
    }
}

/// What the speech endpoint is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeechDialect {
    /// The provider's own.
    #[default]
    OpenAi,
    /// That of a server which people run at home: it makes WAV files only, each whole before it is sent, takes any model and
    /// voice, wants no key, lists no models and words its errors as FastAPI does.
    WavFiles,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            port: 0,
            telephony: Telephony::default(),
            account_sid: format!("AC{}", "0123456789abcdef".repeat(2)),
            auth_token: "emulated-auth-token".to_owned(),
            connection_id: "1684641123236054244".to_owned(),
            telnyx_key: "KEY0EMULATED".to_owned(),
            telnyx_seed: *b"the emulated Telnyx account's ke",
            number: "+15005550006".to_owned(),
            person: "+393331234567".to_owned(),
            whatsapp_number: "+14155238886".to_owned(),
            sandbox_code: "quiet-otter".to_owned(),
            template_sid: format!("HX{}", "0123456789abcdef".repeat(2)),
            telnyx_template: "agent_question:en_US".to_owned(),
            telnyx_profile: "0f512bda-ae1e-4597-8e11-e5f5686b97d3".to_owned(),
            template_text: "Your agent asks: {{1}}".to_owned(),
            messaging_webhook: None,
            text_rules: TextRules::default(),
            api_key: "sk-emulated".to_owned(),
            voice: Voice::babble(),
            speech_dialect: SpeechDialect::default(),
            speech_delay: Duration::from_millis(200),
            speech_rate: 4.0,
            transcript_delay: Duration::from_millis(300),
            patience: Duration::from_mins(10),
        }
    }
}

impl fmt::Debug for EmulatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorConfig").field("port", &self.port).field("voice", &self.voice).finish_non_exhaustive()
    }
}
