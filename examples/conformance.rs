//! A server for the protocol's own conformance suite: callme as it is, with the suite's tools beside its own at `/mcp`.
//!
//! Prints its port, and stays until its input ends. The key is its argument.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use callme::app::App;
use callme::clock::Millis;
use callme::clock::wall::WallClock;
use callme::config::Config;
use callme::emulator::{Emulator, EmulatorConfig};
use callme::mcp::Tools;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
/// A sound of no length.
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const EMBEDDED: &str = "test://embedded-resource";

/// Our tools, and the suite's.
#[derive(Clone)]
struct Suite(Tools);

impl ServerHandler for Suite {
    fn get_info(&self) -> ServerConfig {
        self.0.get_info()
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.0.list_tools(page, context).await?;
        listed.tools.extend(tools());
        Ok(listed)
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = || ContentBlock::text("This is a simple text response for testing.");
        let embedded = || ContentBlock::embedded_text(EMBEDDED, "This is an embedded resource content.");
        let content = match &*params.name {
            "test_simple_text" | "json_schema_2020_12_tool" => vec![text()],
            "test_image_content" => vec![ContentBlock::image(PNG, "image/png")],
            "test_audio_content" => vec![ContentBlock::audio(WAV, "audio/wav")],
            "test_embedded_resource" => vec![embedded()],
            "test_multiple_content_types" => vec![text(), ContentBlock::image(PNG, "image/png"), embedded()],
            "test_error_handling" => {
                let why = ContentBlock::text("This tool intentionally returns an error for testing");
                return Ok(CallToolResult::error(vec![why]).into());
            }
            "test_tool_with_progress" => {
                tell(&context).await;
                vec![text()]
            }
            _ => return self.0.call_tool(params, context).await,
        };
        Ok(CallToolResult::success(content).into())
    }
}

async fn tell(context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    for done in [0.0, 50.0, 100.0] {
        let news = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
        let _ = context.peer.notify_progress(news).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn tools() -> Vec<Tool> {
    let plain = json!({ "type": "object", "properties": {} });
    let kept = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
        "additionalProperties": false,
    });
    let schemas = [
        ("test_simple_text", &plain),
        ("test_image_content", &plain),
        ("test_audio_content", &plain),
        ("test_embedded_resource", &plain),
        ("test_multiple_content_types", &plain),
        ("test_error_handling", &plain),
        ("test_tool_with_progress", &plain),
        ("json_schema_2020_12_tool", &kept),
    ];
    schemas.map(|(name, schema)| Tool::new(name, "A tool of the conformance suite.", object(schema))).into()
}

fn object(schema: &Value) -> Arc<serde_json::Map<String, Value>> {
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let emulator = Emulator::start(EmulatorConfig::default()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let mut settings: HashMap<&str, String> = emulator.environment().into_iter().collect();
    settings.insert("CALLME_PUBLIC_URL", format!("http://127.0.0.1:{port}"));
    settings.insert("CALLME_API_KEY", std::env::args().nth(1).unwrap_or_default());
    settings.insert("CALLME_DATA_DIR", "none".to_owned());
    let loaded = Config::from_source(&|name| settings.get(name).cloned());
    let config = loaded.config.ok_or_else(|| anyhow::anyhow!("{:?}", loaded.problems))?;
    let app = App::with_tools(&config, Arc::new(WallClock::starting_at(Millis(1_790_000_000_000))), Suite)?;
    println!("{port}");
    let stop = CancellationToken::new();
    let ending = stop.clone();
    let until_the_end = tokio::task::spawn_blocking(move || {
        let read = io::copy(&mut io::stdin().take(u64::MAX), &mut io::sink());
        ending.cancel();
        read
    });
    app.serve(listener, stop).await?;
    until_the_end.await??;
    Ok(())
}
