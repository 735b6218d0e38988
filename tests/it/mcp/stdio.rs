//! `callme mcp` and `callme call` as processes of their own, in real time, in front of a server far away.

use std::process::Stdio;
use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, PickUp, Script};
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig};
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::TokioChildProcess;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStderr, Command};

use super::{LABEL, QUESTION, REPLY};
use crate::binary::process::{Ended, Process, free_port};
use crate::world::{KEY, World};

/// An agent's client, and what the process in front of it writes for people.
struct Agent {
    client: RunningService<RoleClient, ClientConfig>,
    notes: Lines<BufReader<ChildStderr>>,
}

impl Agent {
    async fn start(url: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callme"));
        command.arg("mcp").env_clear().env("CALLME_CLOUD_URL", url).env("CALLME_API_KEY", KEY);
        command.current_dir(env!("CARGO_TARGET_TMPDIR")).kill_on_drop(true);
        let started = TokioChildProcess::builder(command).stderr(Stdio::piped()).spawn();
        let (transport, stderr) = started.expect("the binary can be started");
        let client = ClientConfig::default().serve(transport).await.expect("it speaks the protocol");
        Self { client, notes: BufReader::new(stderr.expect("it is piped")).lines() }
    }

    async fn tool(&self, name: &'static str, arguments: Value) -> CallToolResult {
        let arguments = arguments.as_object().cloned().expect("an object");
        self.client.call_tool(CallToolRequestParams::new(name).with_arguments(arguments)).await.expect("a result")
    }

    async fn note(&mut self) -> String {
        self.notes.next_line().await.expect("it can be read").expect("it still writes")
    }
}

fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().expect("text").text
}

#[tokio::test(flavor = "multi_thread")]
async fn over_stdio_the_same_tools_hold_a_conversation() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let mut agent = Agent::start(&world.url).await;
    assert_eq!(agent.note().await, format!("callme: connected to {}", world.url));
    let called = agent.tool("initiate_call", json!({ "message": QUESTION })).await;
    assert!(text(&called).ends_with(&format!("{LABEL}{REPLY}")), "{called:?}");
    let id = called.structured_content.as_ref().expect("fields")["callId"].clone();
    let ended = agent.tool("end_call", json!({ "call_id": id, "message": "Goodbye." })).await;
    assert!(text(&ended).starts_with("Call ended."), "{ended:?}");
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_server_it_starts_and_says_so_and_goes_on_when_there_is_one() {
    let port = free_port();
    let mut agent = Agent::start(&format!("http://127.0.0.1:{port}")).await;
    let refused = agent.tool("get_call_history", json!({})).await;
    assert_eq!(refused.is_error, Some(true), "{refused:?}");
    assert!(text(&refused).contains("cannot be reached") && text(&refused).contains("CALLME_CLOUD_URL"), "{refused:?}");
    assert!(agent.note().await.contains("cannot be reached"));
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    let settings = crate::binary::settings(&emulator, port);
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    let past = agent.tool("get_call_history", json!({})).await;
    assert_eq!(text(&past), "No conversation history found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_for_agents_name_each_setting_that_is_missing() {
    for command in [&["mcp"][..], &["call", QUESTION]] {
        let ended = Process::run(command, &[]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.written.contains("CALLME_CLOUD_URL is not set; "), "{ended:?}");
        assert!(ended.written.contains("CALLME_API_KEY is not set; "), "{ended:?}");
        let nonsense = [("CALLME_CLOUD_URL", "callme".to_owned()), ("CALLME_API_KEY", KEY.to_owned())];
        let ended = Process::run(command, &nonsense).await;
        assert!(ended.code == Some(2) && ended.written.contains("no http(s) URL"), "{ended:?}");
        let of_agents = [("CALLME_CLOUD_URL", "https://host/mcp/".to_owned()), ("CALLME_API_KEY", KEY.to_owned())];
        let ended = Process::run(command, &of_agents).await;
        assert!(ended.code == Some(2) && ended.written.contains("CALLME_CLOUD_URL ends in /mcp; "), "{ended:?}");
        let misspelt = [("CALLME_CLOUDURL", "https://host".to_owned())];
        let ended = Process::run(command, &misspelt).await;
        assert!(ended.written.contains("did you mean CALLME_CLOUD_URL?"), "{ended:?}");
    }
}

/// Runs `callme call`.
async fn ask(url: &str, key: &str, more: &[&str]) -> Ended {
    Process::run(&[&["call", QUESTION], more].concat(), &settings(url, key)).await
}

fn settings(url: &str, key: &str) -> [(&'static str, String); 2] {
    [("CALLME_CLOUD_URL", url.to_owned()), ("CALLME_API_KEY", key.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_of_a_call_tells_what_came_of_it() {
    let world = World::writing().await;
    world.person(Script::converses([REPLY]));
    let replied = ask(&world.url, KEY, &[]).await;
    assert_eq!(
        (replied.code, replied.written.as_str()),
        (Some(0), format!("{REPLY}\n").as_str()),
        "the reply, and nothing else"
    );
    world.settled().await;

    let as_json = async {
        world.emulator.chat().receives(QUESTION).await.expect("it is written");
        world.emulator.chat().write(REPLY).await
    };
    let (replied, _) = tokio::join!(ask(&world.url, KEY, &["--json", "--message-only", "--keep-open"]), as_json);
    assert_eq!(replied.code, Some(0), "{replied:?}");
    let fields: Value = serde_json::from_str(&replied.written).expect("one JSON object");
    assert_eq!(fields["response"], json!(REPLY), "{fields}");

    world.person(Script::unanswered(PickUp::Never));
    let silent = ask(&world.url, KEY, &["--timeout", "2"]).await;
    assert_eq!(silent.code, Some(1), "{silent:?}");
    assert!(silent.written.contains("nobody has answered yet"), "{silent:?}");
    assert!(silent.written.contains("callme call --wait call-"), "{silent:?}");

    let unknown = ask(&world.url, "another-key-0123456789", &[]).await;
    let key = format!("callme: {} does not know this key; set CALLME_API_KEY to the server's\n", world.url);
    assert_eq!((unknown.code, unknown.written), (Some(2), key));
    let elsewhere = ask(&format!("{}/elsewhere", world.url), KEY, &[]).await;
    assert!(elsewhere.code == Some(4) && elsewhere.written.contains("set CALLME_CLOUD_URL to"), "{elsewhere:?}");
    let nobody = ask(&format!("http://127.0.0.1:{}", free_port()), KEY, &[]).await;
    assert_eq!(nobody.code, Some(4), "{nobody:?}");

    let stopped = World::writing().await;
    stopped.person(Script::unanswered(PickUp::Busy));
    let stops = async {
        stopped.emulator.chat().receives(QUESTION).await.expect("it is written");
        stopped.emulator.chat().write("stop").await
    };
    let (refused, _) = tokio::join!(ask(&stopped.url, KEY, &[]), stops);
    assert_eq!(refused.code, Some(3), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_calls_the_waiting_off_and_tells_how_to_come_back() {
    let world = World::writing().await;
    let settings = settings(&world.url, KEY);
    let asking = Process::start(&["call", "--message-only", QUESTION], &settings);
    world.emulator.chat().receives(QUESTION).await.expect("it is written");
    // The session is named to the command a second after it asked.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let off = asking.interrupt().await;
    assert_eq!(off.code, Some(130), "{off:?}");
    let id = off.written.strip_prefix("callme: ").and_then(|said| said.strip_suffix('\n')).unwrap_or_default();
    let id = id.split(' ').next().unwrap_or_default();
    assert!(id.starts_with("msg-") && off.written.contains(&format!("callme call --wait {id} collects")), "{off:?}");
    assert!(off.written.contains(&format!("callme call --end {id} ends it")), "{off:?}");

    world.emulator.chat().write(REPLY).await;
    let collected = Process::run(&["call", "--wait", id, "--keep-open"], &settings).await;
    assert_eq!((collected.code, collected.written), (Some(0), format!("{REPLY}\n")));
    let ended = Process::run(&["call", "--end", id], &settings).await;
    assert_eq!((ended.code, ended.written.as_str()), (Some(0), ""));
    let over = Process::run(&["call", "--continue", id, QUESTION], &settings).await;
    assert_eq!(over.code, Some(1), "{over:?}");
    assert!(over.written.contains("callme call \"…\"") && !over.written.contains("_call"), "{over:?}");
}
