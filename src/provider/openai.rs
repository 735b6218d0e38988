//! The speech provider: OpenAI, and whoever speaks its wire behind `OPENAI_API_BASE_URL`.
//!
//! Text to speech over `POST /v1/audio/speech`, or over a realtime session where a model wants that; speech to text over a
//! realtime transcription session whose server finds the ends of speech and takes the phone's µ-law as it is.

pub mod endpoint;
pub mod stt;
pub mod tts;
pub mod watch;

mod dry;
mod event;
mod failure;
mod presets;
mod socket;
mod transcript;
