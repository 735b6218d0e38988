//! The tools over MCP, as the running server gives them at `/mcp`: in virtual time, over real sockets.

mod doors;
pub(crate) mod packages;
mod slow;
mod stdio;
mod tasks;
mod tools;

use serde_json::{Value, json};

use crate::world::{KEY, World};

const QUESTION: &str = "Shall I deploy?";
const REPLY: &str = "Yes, go on.";
/// What stands before the person's words, and nowhere else.
const LABEL: &str = "User's response:\n";

/// What came of one request: what was told meanwhile, and the answer.
#[derive(Debug)]
struct Said {
    status: u16,
    news: Vec<Value>,
    /// The JSON-RPC response; `Null` where there was none.
    answer: Value,
}

impl Said {
    fn result(&self) -> &Value {
        &self.answer["result"]
    }

    fn text(&self) -> &str {
        self.result()["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {self:?}"))
    }

    fn fields(&self) -> &Value {
        &self.result()["structuredContent"]
    }

    #[track_caller]
    fn is_good(&self) {
        assert_eq!((self.status, &self.result()["isError"]), (200, &json!(false)), "{self:?}");
    }

    /// What the client was told, with the numbers that came along rising.
    #[track_caller]
    fn told(&self) -> Vec<&str> {
        let progress = |news: &Value| news["params"]["progress"].as_f64().expect("a number");
        assert!(self.news.is_sorted_by(|a, b| progress(a) < progress(b)), "{:?}", self.news);
        self.news.iter().filter_map(|news| news["params"]["message"].as_str()).collect()
    }

    /// The session.
    fn call_id(&self) -> &str {
        self.fields()["callId"].as_str().unwrap_or_else(|| panic!("no callId: {self:?}"))
    }
}

impl World {
    fn rpc(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.client().post(format!("{}/mcp", self.url)).bearer_auth(KEY).json(body);
        request.header("accept", "application/json, text/event-stream")
    }

    async fn tool(&self, name: &str, arguments: Value) -> Said {
        said(self.rpc(&call(name, &arguments, None))).await
    }

    /// The same by a client that wants to know what goes on.
    async fn told_tool(&self, name: &str, arguments: Value) -> Said {
        said(self.rpc(&call(name, &arguments, Some("p1")))).await
    }
}

fn call(name: &str, arguments: &Value, token: Option<&str>) -> Value {
    let mut params = json!({ "name": name, "arguments": arguments });
    if let Some(token) = token {
        params["_meta"] = json!({ "progressToken": token });
    }
    request("tools/call", &params)
}

fn request(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

/// Reads an answer, which is one JSON text, or a stream of them.
async fn said(request: reqwest::RequestBuilder) -> Said {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let streamed = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let text = response.text().await.expect("it is text");
    let mut messages: Vec<Value> = if streamed {
        let data = text.lines().filter_map(|line| line.strip_prefix("data:")).filter(|data| !data.trim().is_empty());
        data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
    } else {
        vec![serde_json::from_str(&text).unwrap_or(Value::String(text))]
    };
    let answer = messages.pop().unwrap_or_default();
    Said { status, news: messages, answer }
}
