//! `callme demo`: a whole call on this machine, with a carrier, a speech provider and a person that are played.

mod promises;
mod script;

use std::path::Path;
use std::process::ExitCode;

use super::Demo;

/// Plays a conversation, prints what happened, and checks what was promised.
///
/// # Errors
/// When the demo itself cannot run, rather than a promise not being kept.
pub async fn demo(demo: &Demo) -> anyhow::Result<ExitCode> {
    if !demo.script {
        anyhow::bail!("this version plays the person by a script only: callme demo --script");
    }
    let played = script::play().await?;
    println!("{}", played.timeline);
    if let Some(directory) = &demo.record {
        record(&played, directory).await?;
    }
    println!("{}", promises::latencies(&played));
    let broken = promises::broken(&played);
    for promise in &broken {
        println!("✗ {promise}");
    }
    if broken.is_empty() {
        println!("✓ everything was as promised");
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
