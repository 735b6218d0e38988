//! `callme demo`: whole calls on this machine, with a carrier and a speech provider that are played, and a person who is
//! played by a script or is whoever looks at the page.

mod page;
mod promises;
mod script;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::{Carrier, Demo, output};
use crate::config::Config;
use crate::emulator::{Emulator, Telephony};

/// Where the server believes to be reached; the emulator knows the way.
const PUBLIC: &str = "https://callme.example";

/// The settings of a server that calls and writes by this emulator, and takes this key from agents.
fn configuration(emulator: &Emulator, key: &str) -> anyhow::Result<Config> {
    let mut settings: HashMap<&str, String> =
        emulator.environment().into_iter().chain(emulator.whatsapp_environment()).collect();
    settings.insert("CALLME_PUBLIC_URL", PUBLIC.to_owned());
    settings.insert("CALLME_API_KEY", key.to_owned());
    // It is over when it ends.
    settings.insert("CALLME_DATA_DIR", "none".to_owned());
    // Nobody pays for these calls and texts.
    settings.insert("CALLME_MAX_CALLS_PER_HOUR", "0".to_owned());
    settings.insert("CALLME_MAX_MESSAGES_PER_HOUR", "0".to_owned());
    // Whoever plays with it may write as fast as they can.
    for name in ["CALLME_RATE_LIMIT_PER_PHONE", "CALLME_RATE_LIMIT_PER_CONVERSATION", "CALLME_RATE_LIMIT_GLOBAL"] {
        settings.insert(name, "0".to_owned());
    }
    let loaded = Config::from_source(&|name| settings.get(name).cloned());
    let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    loaded.config.with_context(|| format!("the demo's own settings are bad: {}", problems.join("; ")))
}

/// Shows the page until it is told to stop; or plays a conversation, prints what happens, and checks what was promised.
/// `environment` gives the values of variables.
///
/// # Errors
/// When the demo itself cannot run, rather than a promise not being kept.
pub async fn demo(demo: &Demo, environment: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<ExitCode> {
    let telephony = match demo.carrier {
        Carrier::Twilio => Telephony::Twilio,
        Carrier::Telnyx => Telephony::Telnyx,
    };
    if !demo.script {
        let open = !demo.no_open && page::browser::is_at_hand(environment);
        return page::show(demo.port, open, telephony).await;
    }
    output::line("callme demo: a call and a missed one are played in real time, all on this machine.\n")?;
    let played = script::play(telephony).await?;
    output::line("")?;
    if let Some(directory) = &demo.record {
        record(&played, directory).await?;
    }
    output::line(promises::latencies(&played))?;
    let broken = promises::broken(&played);
    for promise in &broken {
        output::line(format!("✗ {promise}"))?;
    }
    if broken.is_empty() {
        output::line("✓ everything was as promised")?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Keeps each whole utterance twice: as the voice made it, and as the phone received it.
async fn record(played: &script::Played, directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)?;
    for (number, segment) in played.call.segments.iter().enumerate().filter(|(_, segment)| !segment.cut) {
        let name = directory.join(format!("utterance-{}", number + 1));
        let voice = played.voice.say(crate::emulator::voice::Speaker::Agent, &segment.text).await;
        let bytes: Vec<u8> = voice.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        std::fs::write(name.with_extension("voice.s16"), bytes)?;
        std::fs::write(name.with_extension("phone.ulaw"), &segment.audio)?;
    }
    Ok(())
}
