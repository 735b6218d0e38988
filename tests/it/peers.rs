//! The emulator is driven by the official packages of those it stands in for, in real time: they keep it honest.

use std::process::Command;
use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, Telephony};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv/bin/python");

/// Runs a script of `scripts/peers` and shows what it said when it is not content.
async fn run(script: &str, arguments: Vec<String>) {
    assert!(std::path::Path::new(PYTHON).exists(), "the official packages are not installed: run scripts/test");
    let path = format!("{}/scripts/peers/{script}", env!("CARGO_MANIFEST_DIR"));
    // Without compiled files beside the scripts.
    let run = move || Command::new(PYTHON).arg("-B").arg(path).args(arguments).output();
    let ran = tokio::task::spawn_blocking(run).await.expect("the task does not panic");
    let output = ran.expect("python can be started");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{script}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_twilio_package_finds_twilio() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    let EmulatorConfig { account_sid, auth_token, number, .. } = EmulatorConfig::default();
    run("twilio_check.py", vec![emulator.url(), account_sid, auth_token, number]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_twilio_package_has_a_conversation() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().types_after(Duration::from_millis(500), ["Yes, go on."]);
    let EmulatorConfig { account_sid, auth_token, number, whatsapp_number, person, template_sid, .. } =
        EmulatorConfig::default();
    let arguments = vec![emulator.url(), account_sid, auth_token, number, whatsapp_number, person, template_sid];
    run("twilio_text_check.py", arguments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_telnyx_package_finds_telnyx() {
    let config = EmulatorConfig { telephony: Telephony::Telnyx, ..EmulatorConfig::default() };
    let EmulatorConfig { connection_id, telnyx_key, number, .. } = config.clone();
    let emulator = Emulator::start(config).await.expect("a free port");
    run("telnyx_check.py", vec![emulator.url(), connection_id, telnyx_key, emulator.telnyx_public_key(), number]).await;
}

/// What the person writes back to the two texts that a script sends.
const REPLIES: [&str; 2] = ["Yes, go on.", "Stop"];

#[tokio::test(flavor = "multi_thread")]
async fn the_official_twilio_package_sends_sms() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().types_after(Duration::from_millis(500), REPLIES);
    let EmulatorConfig { account_sid, auth_token, number, person, .. } = EmulatorConfig::default();
    run("twilio_sms_check.py", vec![emulator.url(), account_sid, auth_token, number, person]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_telnyx_package_sends_sms() {
    let config = EmulatorConfig { telephony: Telephony::Telnyx, ..EmulatorConfig::default() };
    let EmulatorConfig { connection_id, telnyx_key, telnyx_profile, number, person, .. } = config.clone();
    let emulator = Emulator::start(config).await.expect("a free port");
    emulator.person().types_after(Duration::from_millis(500), REPLIES);
    let key = emulator.telnyx_public_key();
    let arguments = vec![emulator.url(), connection_id, telnyx_key, key, number, telnyx_profile, person];
    run("telnyx_sms_check.py", arguments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_openai_package_finds_openai() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    run("openai_check.py", vec![emulator.url(), EmulatorConfig::default().api_key]).await;
}
