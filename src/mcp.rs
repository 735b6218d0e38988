//! The tools for agents, over the Model Context Protocol: one set of tools, in this process and in front of a far one.
//!
//! The tools are a client of the REST API and of nothing else: a call lives in its session, and a tool only waits for it.
//! So a connection that breaks, a client that gives up and a server that restarts take nothing with them, and every surface
//! has the same limits.
//!
//! ```text
//! agent ── POST /mcp ──► Tools ──► the routes of this process      (`mount`)
//! agent ── stdio ──────► Tools ──► the routes of a server far away  (`callme mcp`)
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;

mod api;
mod arguments;
mod catalogue;
mod here;
mod keys;
mod progress;
mod result;
mod server;
mod task;
mod wait;

pub use api::{Answer, Api, Question, Unreached};
pub use here::Here;
pub use keys::Keys;
pub use server::Tools;
pub use wait::ask_and_wait;

/// How long a tool waits for the person before it says that nobody has answered yet.
///
/// Clients give up by themselves: most after 60 s, and later or never where they are told of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceilings {
    /// For clients that asked for no progress (`CALLME_MCP_WAIT_SECONDS`).
    pub silent: Duration,
    /// For clients that did (`CALLME_MCP_WAIT_WITH_PROGRESS_SECONDS`).
    pub told: Duration,
}

/// The longest ceiling: what waits behind it answers within 285 s by itself.
pub const LONGEST_WAIT: Duration = Duration::from_secs(285);

impl Default for Ceilings {
    fn default() -> Self {
        Self { silent: Duration::from_secs(45), told: LONGEST_WAIT }
    }
}

/// What the tools stand on.
pub struct ToolsConfig {
    /// Where their questions go.
    pub api: Arc<dyn Api>,
    /// How long they wait.
    pub ceilings: Ceilings,
    /// Names for what is asked over a network, where an answer can be lost; `None` inside one process.
    pub keys: Option<Keys>,
    /// Time, for tasks.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for ToolsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolsConfig").field("ceilings", &self.ceilings).finish_non_exhaustive()
    }
}

/// The tools as an HTTP service: stateless, so that no session of the protocol can end under a waiting call.
///
/// `hosts` and `origins` are those that requests may name: a page that a browser was tricked into must not get through.
/// There is no check of keys here.
pub fn mount<S: ServerHandler + Clone>(
    tools: S,
    hosts: Vec<String>,
    origins: Vec<String>,
) -> StreamableHttpService<S, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_retry(None)
        // A stream is there for what a waiting tool tells, and it tells something every eight seconds.
        .with_sse_keep_alive(None)
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins)
        .enforce_origin_validation();
    StreamableHttpService::new(move || Ok(tools.clone()), Arc::new(NeverSessionManager::default()), config)
}
