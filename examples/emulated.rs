//! The emulator by itself: prints the settings that point a server at it, an empty line, and stays until its input ends.
//!
//! The person picks up and listens; on WhatsApp they have just written, so that they can be written to.

use std::io::{self, Read};

use callme::emulator::{Emulator, EmulatorConfig, Script};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start(EmulatorConfig::default()).await?;
    emulator.person().set(Script::answers());
    emulator.chat().opens_window();
    for (name, value) in emulator.environment().into_iter().chain(emulator.whatsapp_environment()) {
        println!("{name}={value}");
    }
    println!();
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().take(u64::MAX), &mut io::sink())).await??;
    Ok(())
}
