//! The speech provider, which may be another for speaking than for hearing.

use std::time::Duration;

use secrecy::SecretString;

use super::hearing;
use super::reader::Reader;
use super::variables::default_of;

/// The schemes of a provider's base URL.
const SCHEMES: [&str; 4] = ["https", "http", "wss", "ws"];

/// The speech provider.
#[derive(Clone, Debug)]
pub struct SpeechConfig {
    /// Who speaks.
    pub tts: SpeechServer,
    /// Who listens.
    pub stt: SpeechServer,
    /// The text-to-speech model set by hand.
    pub tts_model: Option<String>,
    /// The voice.
    pub tts_voice: String,
    /// How the voice is to speak.
    pub tts_instructions: Option<String>,
    /// What the speech endpoint is asked for.
    pub tts_format: SpeechFormat,
    /// The speech-to-text model set by hand.
    pub stt_model: Option<String>,
    /// How long the person is silent before what they said is complete.
    pub silence: Duration,
    /// How long the person must speak to interrupt the agent, where that is found out here.
    pub barge_in: Duration,
    /// How sound is sent to be understood; `None` for what the model is known to take.
    pub stt_format: Option<SoundFormat>,
    /// The languages that may be spoken, ISO 639-1; empty for any.
    pub stt_languages: Vec<String>,
    /// Words that are likely to be said.
    pub stt_keywords: Vec<String>,
    /// How often the provider is asked whether its models are still there; `None` is never.
    pub probe: Option<Duration>,
}

/// A host that makes or understands speech.
#[derive(Clone, Debug)]
pub struct SpeechServer {
    /// Its base URL as it was given (http(s) or ws(s), with or without `/v1`), without a slash at the end.
    pub base_url: String,
    /// Its key; empty where it wants none.
    pub api_key: SecretString,
    /// Whether it was set for this half of speech.
    pub own: bool,
}

/// What the speech endpoint is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeechFormat {
    /// Raw 24 kHz samples, which come while they are made.
    #[default]
    Pcm,
    /// A WAV file, from a server that makes nothing else or does not stream.
    Wav,
}

/// How sound is sent to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFormat {
    /// µ-law at 8 kHz, as the line has it.
    Ulaw,
    /// Raw 24 kHz samples.
    Pcm,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<SpeechConfig> {
    let names = [("CALLME_TTS_BASE_URL", "CALLME_TTS_API_KEY"), ("CALLME_STT_BASE_URL", "CALLME_STT_API_KEY")];
    let shared = names.iter().any(|(url, key)| reader.text(url).is_none() && reader.text(key).is_none());
    let key = if shared {
        reader.secret("CALLME_OPENAI_API_KEY", "speech is made and understood with it")
    } else {
        // Whoever speaks and listens has keys of their own, or wants none.
        Some(SecretString::default())
    };
    let url = reader.url("OPENAI_API_BASE_URL", &SCHEMES);
    let [tts, stt] = names.map(|(own_url, own_key)| server(reader, (own_url, own_key), (&url, &key)));
    let tts_format = match reader.one_of("CALLME_TTS_FORMAT", &["pcm", "wav"]) {
        Some("wav") => SpeechFormat::Wav,
        _ => SpeechFormat::Pcm,
    };
    let silence = reader.millis("CALLME_STT_SILENCE_DURATION_MS", 100..=10_000);
    // Under 100 ms a cough interrupts; after 2 s nobody tries any more.
    let barge_in = reader.millis("CALLME_BARGE_IN_MS", 100..=2_000);
    let stt_format = match reader.one_of("CALLME_STT_FORMAT", &["auto", "ulaw", "pcm"]) {
        Some("ulaw") => Some(SoundFormat::Ulaw),
        Some("pcm") => Some(SoundFormat::Pcm),
        _ => None,
    };
    let probe = reader.hours("CALLME_SPEECH_PROBE_HOURS", 0..=168);
    Some(SpeechConfig {
        tts_model: reader.text("CALLME_TTS_MODEL"),
        tts_voice: reader.text("CALLME_TTS_VOICE").unwrap_or_else(|| default_of("CALLME_TTS_VOICE").to_owned()),
        tts_instructions: reader.text("CALLME_TTS_INSTRUCTIONS"),
        tts_format,
        stt_model: reader.text("CALLME_STT_MODEL"),
        tts: tts?,
        stt: stt?,
        silence,
        barge_in,
        stt_format,
        stt_languages: hearing::languages(reader),
        stt_keywords: hearing::keywords(reader),
        probe: (!probe.is_zero()).then_some(probe),
    })
}

/// Where one half of speech is done. The shared key goes to the shared URL only: a host of its own gets a key of its own, or
/// none.
fn server(
    reader: &mut Reader<'_>,
    (own_url, own_key): (&'static str, &'static str),
    (url, key): (&Option<String>, &Option<SecretString>),
) -> Option<SpeechServer> {
    let own = reader.text(own_url).is_some();
    let key = if reader.text(own_key).is_some() {
        reader.secret(own_key, "")
    } else if own {
        Some(SecretString::default())
    } else {
        key.clone()
    };
    let base_url = if own { reader.url(own_url, &SCHEMES) } else { url.clone() };
    Some(SpeechServer { base_url: base_url?, api_key: key?, own })
}
