//! `callme mcp`: the tools for an agent on this machine, over standard input and output, in front of a server far away.
//!
//! Standard output belongs to the protocol: everything else goes to standard error.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::transport::io::stdio;

use super::remote::{Remote, fresh_key};
use super::serve::wall_clock;
use crate::mcp::{Api, Ceilings, Keys, LONGEST_WAIT, Question, Tools, ToolsConfig};

/// A setting is missing or wrong.
const BAD_CONFIGURATION: u8 = 2;

/// Serves the tools until the agent hangs up.
///
/// # Errors
/// When standard input and output are not what the protocol needs.
pub async fn mcp(source: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<ExitCode> {
    let remote = match Remote::read(source) {
        Ok(remote) => remote,
        Err(problems) => {
            for problem in problems {
                eprintln!("callme: {problem}");
            }
            return Ok(ExitCode::from(BAD_CONFIGURATION));
        }
    };
    if remote.is_readable() {
        eprintln!("callme: CALLME_CLOUD_URL is http: the key can be read on its way; use https");
    }
    let address = remote.address().to_owned();
    let api: Arc<dyn Api> = Arc::new(remote);
    let config = ToolsConfig {
        api: Arc::clone(&api),
        ceilings: ceilings(source),
        keys: Some(Keys::new(fresh_key)),
        clock: wall_clock(),
    };
    let serving = Tools::new(config).serve(stdio());
    // The agent is not kept waiting for the server: the tools say by themselves when it is away.
    let greeting = async {
        match api.ask(Question::get("/api/health")).await {
            Ok(answer) if answer.status == 200 => eprintln!("callme: connected to {address}"),
            Ok(answer) if answer.status == 401 => {
                eprintln!("callme: {address} does not know this key; set CALLME_API_KEY to the server's");
            }
            Ok(answer) => {
                let why = answer.body.get("error").and_then(|error| error.as_str()).unwrap_or("it is not well");
                eprintln!("callme: {address}: {}", super::remote::shown(why));
            }
            Err(why) => eprintln!("callme: {why} The tools try again with each use."),
        }
    };
    let serving = async {
        match serving.await {
            Ok(running) => running.waiting().await.map(drop).map_err(anyhow::Error::from),
            // An agent that hangs up before its first word has nothing to complain of.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    };
    tokio::pin!(greeting);
    tokio::pin!(serving);
    tokio::select! {
        served = &mut serving => return served.map(|()| ExitCode::SUCCESS),
        () = &mut greeting => {}
    }
    serving.await.map(|()| ExitCode::SUCCESS)
}

fn ceilings(source: &dyn Fn(&str) -> Option<String>) -> Ceilings {
    let default = Ceilings::default();
    let seconds = |name: &str, default: Duration| match source(name).map(|value| value.trim().parse::<u64>()) {
        None => default,
        Some(Ok(seconds)) if (1..=LONGEST_WAIT.as_secs()).contains(&seconds) => Duration::from_secs(seconds),
        Some(_) => {
            eprintln!("callme: {name} must be 1 to {}; it is {} now", LONGEST_WAIT.as_secs(), default.as_secs());
            default
        }
    };
    Ceilings {
        silent: seconds("CALLME_MCP_WAIT_SECONDS", default.silent),
        told: seconds("CALLME_MCP_WAIT_WITH_PROGRESS_SECONDS", default.told),
    }
}
