//! `callme serve`: the server, until it is told to stop.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output;
use crate::app::{self, App};
use crate::clock::wall::WallClock;
use crate::clock::{Millis, whole_millis};
use crate::config::{Loaded, Severity};

/// Runs the server. With a bad configuration it still listens, and says on `/health` what is wrong.
///
/// # Errors
/// When a signal handler cannot be set, or what the server stands on dies.
pub async fn serve(loaded: Loaded) -> anyhow::Result<ExitCode> {
    let port = loaded.basics.port;
    let stop = stop_on_signals()?;
    let listener = match listen(port).await {
        Ok(listener) => listener,
        Err(error) => {
            output::note(no_port(port, &error, "set PORT, or CALLME_PORT where PORT is not set, to a free one"));
            return Ok(ExitCode::FAILURE);
        }
    };
    for problem in &loaded.problems {
        match problem.severity {
            Severity::Fatal => tracing::error!("{problem}"),
            Severity::Warning => tracing::warn!("{problem}"),
        }
    }
    match loaded.config {
        Some(config) => {
            let app = App::new(&config, wall_clock())?;
            tracing::info!("callme listens on port {port}");
            app.serve(listener, stop).await?;
        }
        None => {
            tracing::error!("callme cannot make calls; /health on port {port} says why");
            let fatal = loaded.problems.iter().filter(|problem| problem.severity == Severity::Fatal);
            let problems: Vec<String> = fatal.map(ToString::to_string).collect();
            app::serve_broken(listener, &problems, stop).await;
        }
    }
    tracing::info!("callme has stopped");
    Ok(ExitCode::SUCCESS)
}

/// Time as this machine tells it, read once: from here on it runs with tokio's clock.
pub(super) fn wall_clock() -> Arc<WallClock> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's time is read")]
    let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Arc::new(WallClock::starting_at(Millis(whole_millis(epoch))))
}

/// One line, with what to do about it.
pub(super) fn no_port(port: u16, error: &std::io::Error, remedy: &str) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => "it is in use".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not".to_owned(),
        _ => error.to_string(),
    };
    format!("callme: cannot listen on port {port}: {why}; {remedy}")
}

/// Both families where the machine has both: platforms route to either.
async fn listen(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error),
        Err(_) => TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await,
    }
}

/// A token that SIGTERM and SIGINT cancel.
pub(super) fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let mut term = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "waits for a signal for as long as the process lives")]
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("callme was told to stop");
        cancel.cancel();
    });
    Ok(stop)
}
