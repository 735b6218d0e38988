//! The official clients hold whole conversations with the tools: by HTTP and by standard input and output, in real time.

use std::process::Command;
use std::time::Duration;

use callme::emulator::{PickUp, Script};
use rstest::rstest;

use super::REPLY;
use crate::world::{KEY, World};

const SECOND: &str = "The second one.";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// In which language the client is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum In {
    Python,
    TypeScript,
}

/// Runs a client, and shows what it said when it is not content.
pub(crate) async fn run(mut command: Command) {
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("the task does not panic");
    let output = ran.expect("the client can be started");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
}

pub(crate) fn client(language: In) -> Command {
    let mut command = match language {
        In::Python => {
            let python = format!("{ROOT}/target/venv/bin/python");
            assert!(std::path::Path::new(&python).exists(), "the packages are not installed: run scripts/test setup");
            Command::new(python)
        }
        In::TypeScript => Command::new("node"),
    };
    match language {
        In::Python => command.arg("-B").arg(format!("{ROOT}/scripts/peers/mcp_client.py")),
        In::TypeScript => command.arg(format!("{ROOT}/tests/tools/mcp_client.mjs")),
    };
    command
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_hold_whole_conversations(
    #[values(In::Python, In::TypeScript)] language: In,
    #[values("conversation", "message", "slow", "errors", "versions")] scenario: &str,
    #[values(false, true)] stdio: bool,
) {
    // Each in one of two ways, and each way with each client; all of them where there is time.
    let by_turns = matches!(scenario, "conversation" | "slow" | "versions") ^ matches!(language, In::Python);
    if by_turns != stdio && std::env::var_os("CALLME_TEST_LONG").is_none() {
        return;
    }
    let world = World::writing().await;
    world.person(match scenario {
        // Not before the client has given up.
        "slow" => Script::converses([REPLY, SECOND]).picking_up(PickUp::After(Duration::from_secs(8))),
        _ => Script::converses([REPLY, SECOND]),
    });
    world.emulator.person().types_after(Duration::from_millis(500), [REPLY, SECOND]);
    let mut command = client(language);
    command.arg(scenario);
    if stdio {
        command.arg("stdio").arg(env!("CARGO_BIN_EXE_callme")).arg("mcp");
        command.env("CALLME_CLOUD_URL", &world.url).env("CALLME_API_KEY", KEY);
    } else {
        command.args(["http", &format!("{}/mcp", world.url), KEY]);
    }
    run(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_that_people_run_today_uses_all_its_tools() {
    let world = World::writing().await;
    world.person(Script::converses([REPLY, SECOND]));
    world.emulator.person().types_after(Duration::from_millis(500), [REPLY]);
    let mut command = Command::new("node");
    command.arg(format!("{ROOT}/tests/tools/published_client.mjs")).args([&world.url, KEY]);
    run(command).await;
}
