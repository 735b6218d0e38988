//! callme: reads the command line and runs the command.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use callme::cli::{self, Cli, Command};
use callme::config::environment::Environment;
use callme::config::{Basics, Config};
use callme::telemetry;
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    // Before anything can open a TLS connection: with two providers in the build, the first to ask would panic.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed before"))?;
    let command = Cli::parse().into_command();
    let (environment, unread) = Environment::read(Path::new(".env"));
    let mut loaded = Config::from_source(&|name| environment.value(name));
    // The server and the doctor show them with all the others; these commands have settings of their own.
    if matches!(command, Command::Mcp | Command::Call(_)) {
        for problem in &unread {
            cli::output::note(format!("callme: {problem}"));
        }
    }
    loaded.problems.splice(0..0, unread);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the async runtime")?;
    match command {
        Command::Health(health) => {
            let finding = runtime.block_on(cli::health::health(&health, loaded.basics.port));
            if finding.healthy {
                cli::output::line(finding.line)?;
                return Ok(ExitCode::SUCCESS);
            }
            cli::output::note(finding.line);
            Ok(ExitCode::FAILURE)
        }
        Command::Doctor(doctor) => {
            Ok(runtime.block_on(cli::doctor::doctor(doctor, &loaded, &|name| environment.value(name))))
        }
        Command::Serve => {
            let Basics { log_format, log_filter, collector, .. } = &loaded.basics;
            let telemetry = telemetry::init(*log_format, log_filter, collector.as_deref());
            let served = runtime.block_on(cli::serve::serve(loaded));
            telemetry.flush();
            served
        }
        Command::Mcp => runtime.block_on(cli::mcp::mcp(&|name| environment.value(name))),
        Command::Call(call) => Ok(runtime.block_on(cli::call::call(&call, &|name| environment.value(name)))),
        Command::Demo(demo) => runtime.block_on(cli::demo::demo(&demo, &|name| environment.value(name))),
        Command::Bench(kind) => cli::bench::bench(&kind),
    }
}
