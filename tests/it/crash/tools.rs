//! The tools across a restart of the server.

use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, PickUp, Script};
use serde_json::{Value, json};

use super::server::{Server, Store, lasting_port};
use crate::world::KEY;

const QUESTION: &str = "Feed the heron?";
const REPLY: &str = "Two herrings.";

/// One request at `/mcp` by a client that takes tasks; its result.
async fn ask(port: u16, method: &str, mut params: Value) -> Value {
    let version = "2026-07-28";
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": { "name": "tests", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } },
    });
    let name = params["name"].as_str().or(params["taskId"].as_str()).unwrap_or_default().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("http://127.0.0.1:{port}/mcp")).bearer_auth(KEY);
    let request =
        request.header("accept", "application/json, text/event-stream").header("mcp-protocol-version", version);
    let request = request.header("mcp-method", method).header("mcp-name", name);
    let response = request.json(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).send().await;
    let text = response.expect("the server answers").text().await.expect("text");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    body.get("result").cloned().unwrap_or_else(|| panic!("no result: {body}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_begun_as_a_task_has_its_answer_after_the_server_was_killed() {
    for store in [Store::Embedded, Store::Redis] {
        let port = lasting_port();
        let messaging_webhook = Some(format!("http://127.0.0.1:{port}/whatsapp"));
        let config = EmulatorConfig { messaging_webhook, ..EmulatorConfig::default() };
        let emulator = Emulator::start(config).await.expect("a free port");
        emulator.person().set(Script::unanswered(PickUp::Busy));
        let server = Server::new(&emulator, port, store, &[]);
        server.start(None);
        server.listens().await;
        let call = json!({ "name": "initiate_call", "arguments": { "message": QUESTION } });
        let begun = ask(port, "tools/call", call).await;
        assert_eq!(begun["resultType"], json!("task"), "{begun}");
        emulator.chat().receives(QUESTION).await.expect("it is written");
        server.kill();
        // Written while nobody listens.
        emulator.chat().write(REPLY).await;
        server.start(None);
        server.listens().await;
        let task = json!({ "taskId": begun["taskId"] });
        let mut stands = ask(port, "tasks/get", task.clone()).await;
        while stands["status"] == json!("working") {
            tokio::time::sleep(Duration::from_millis(200)).await;
            stands = ask(port, "tasks/get", task.clone()).await;
        }
        assert_eq!(stands["result"]["structuredContent"]["response"], json!(REPLY), "{store:?}: {stands}");
        assert_eq!(emulator.calls().len(), 1, "{store:?}: nobody is rung again");
    }
}
