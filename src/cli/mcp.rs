//! `callme mcp`: the tools for an agent on this machine, over standard input and output, in front of a server far away.
//!
//! Standard output belongs to the protocol: everything else goes to standard error.

use std::process::ExitCode;
use std::sync::Arc;

use rmcp::ServiceExt;
use rmcp::transport::io::stdio;

use super::output::note;
use super::remote;
use super::serve::wall_clock;
use crate::app::fresh_name;
use crate::mcp::{Api, Keys, Question, Tools, ToolsConfig};
use crate::privacy;

/// A setting is missing or wrong.
const BAD_CONFIGURATION: u8 = 2;

/// Serves the tools until the agent hangs up.
///
/// # Errors
/// When standard input and output are not what the protocol needs.
pub async fn mcp(source: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<ExitCode> {
    let Some((remote, ceilings)) = remote::open(source) else { return Ok(ExitCode::from(BAD_CONFIGURATION)) };
    if remote.is_readable() {
        note("callme: CALLME_CLOUD_URL is http: the key can be read on its way; use https");
    }
    let address = remote.address().to_owned();
    let api: Arc<dyn Api> = Arc::new(remote);
    let config =
        ToolsConfig { api: Arc::clone(&api), ceilings, keys: Some(Keys::new(fresh_name)), clock: wall_clock() };
    let serving = Tools::new(config).serve(stdio());
    // The agent is not kept waiting for the server: the tools say by themselves when it is away.
    let greeting = async {
        match api.ask(Question::get("/api/health")).await {
            Ok(answer) if answer.status == 200 => note(format!("callme: connected to {address}")),
            Ok(answer) => match remote::misdirected(&address, &answer) {
                Some(why) => note(format!("callme: {why}")),
                None => {
                    let why = answer.text("error").unwrap_or("it is not well");
                    note(format!("callme: {address}: {}", privacy::mask(why)));
                }
            },
            Err(why) => note(format!("callme: {why} The tools try again with each use.")),
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
