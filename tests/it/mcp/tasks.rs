//! A call as a task (`io.modelcontextprotocol/tasks`), by rmcp's own client.

use callme::emulator::{PickUp, Script};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, ClientCapabilities, ClientConfig, GetTaskParams,
    Implementation, ProtocolVersion, TaskPayload, TaskStatus,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

use super::{QUESTION, REPLY};
use crate::world::{KEY, World};

type Client = RunningService<RoleClient, ClientConfig>;

/// A connection of a client that takes tasks.
async fn client(world: &World) -> Client {
    let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", world.url)).auth_header(KEY);
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let able = ClientCapabilities::builder().enable_tasks().build();
    let me = ClientConfig::new(able, Implementation::new("tests", "1"));
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    me.serve_with_lifecycle(transport, lifecycle).await.expect("the server is there")
}

async fn begin(client: &Client, message: &str) -> String {
    let arguments = json!({ "message": message }).as_object().cloned().expect("an object");
    let begun = client.call_tool_once(CallToolRequestParams::new("initiate_call").with_arguments(arguments)).await;
    match begun.expect("it is begun") {
        CallToolResponse::Task(task) => {
            assert_eq!(task.task.status, TaskStatus::Working);
            task.task.task_id
        }
        other => panic!("no task: {other:?}"),
    }
}

async fn state(client: &Client, task: &str) -> TaskPayload {
    client.get_task(GetTaskParams::new(task)).await.expect("the task is known").task.payload
}

/// The words of the person in a task's result.
#[track_caller]
fn words(payload: &TaskPayload) -> &Value {
    let TaskPayload::Completed { result } = payload else { panic!("not completed: {payload:?}") };
    &result["structuredContent"]["response"]
}

#[tokio::test(start_paused = true)]
async fn a_call_as_a_task_outlives_its_connection_and_the_server() {
    let world = World::writing().await;
    world.person(Script::unanswered(PickUp::Busy));
    let first = client(&world).await;
    let task = begin(&first, QUESTION).await;
    world.emulator.chat().receives(QUESTION).await.expect("it is written");
    assert_eq!(state(&first, &task).await, TaskPayload::Working);
    drop(first);
    world.emulator.chat().write(REPLY).await;
    let second = client(&world).await;
    let mut payload = state(&second, &task).await;
    while payload == TaskPayload::Working {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        payload = state(&second, &task).await;
    }
    assert_eq!(words(&payload), &json!(REPLY));
    assert_eq!(words(&state(&second, &task).await), &json!(REPLY), "it stays");
    assert_eq!(world.emulator.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_called_off_is_no_call_that_is_hung_up() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let client = client(&world).await;
    let task = begin(&client, QUESTION).await;
    client.cancel_task(CancelTaskParams::new(&task)).await.expect("it is taken");
    assert_eq!(state(&client, &task).await, TaskPayload::Cancelled);
    let id = world.call_id().await;
    let reply = world.wait(&id).await;
    assert_eq!(reply.at("/response"), json!(REPLY), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_no_task_is_refused() {
    let world = World::new().await;
    let client = client(&world).await;
    for name in
        ["", "task", "call.1.2.3.4", "call.x.call-1-1.00", "sing.1.call-1-1.00", "call.1.call-1-1790000000000.ab12"]
    {
        let unknown = client.get_task(GetTaskParams::new(name)).await;
        assert!(unknown.is_err_and(|error| error.to_string().contains("no such task")), "{name:?}");
    }
}
