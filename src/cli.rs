//! The commands: what stands on the command line.

pub mod bench;
pub mod call;
pub mod demo;
pub mod doctor;
pub mod health;
pub mod mcp;
pub mod output;
mod remote;
pub mod serve;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use url::{Host, Url};

/// Lets an AI agent phone the person it works for and talk with them.
#[derive(Debug, Parser)]
#[command(name = "callme", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the server; what happens without a command, too.
    Serve,
    /// Ask a running server whether it can make calls; fails when it cannot.
    Health(Health),
    /// Look at everything a call needs, here, at the carrier and at the speech provider; say what is wrong and what to do about it.
    Doctor(Doctor),
    /// Give an agent on this machine the tools of a server far away, over standard input and output.
    Mcp,
    /// Call the person, or write to them, and print the reply: for scripts and CI jobs.
    Call(Call),
    /// Try it without any account: be the agent and the person on a page in the browser, all on this machine.
    Demo(Demo),
    /// Measure what the server needs and whether its sound stays whole under load.
    #[command(subcommand)]
    Bench(BenchKind),
}

/// What `health` is told.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The server's address, with /health or without; else the one on this machine.
    #[arg(long)]
    pub url: Option<String>,
}

/// What `doctor` is told.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(after_help = doctor::HELP)]
pub struct Doctor {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Set the webhooks at the carrier where they are not this server's.
    #[arg(long)]
    pub fix: bool,
    /// Ring the person at the end, where nothing is wrong; wants --yes.
    #[arg(long, requires = "yes")]
    pub call: bool,
    /// The person may be rung.
    #[arg(long, requires = "call")]
    pub yes: bool,
}

/// What `call` is told.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(after_help = call::HELP)]
pub struct Call {
    /// What is said to the person.
    #[arg(required_unless_present_any = ["wait", "end"])]
    pub message: Option<String>,
    /// Write it on WhatsApp and do not ring.
    #[arg(long, conflicts_with = "continue")]
    pub message_only: bool,
    /// Say it in this session, which an earlier command left open.
    #[arg(long, value_name = "ID", value_parser = id())]
    pub r#continue: Option<String>,
    /// Say nothing, and wait for the reply of this session, which an earlier command has not waited for.
    #[arg(long, value_name = "ID", value_parser = id(), conflicts_with_all = ["message", "message_only", "continue"])]
    pub wait: Option<String>,
    /// Say goodbye, or the message, in this session and end it.
    #[arg(long, value_name = "ID", value_parser = id(), conflicts_with_all = ["message_only", "continue", "wait", "keep_open"])]
    pub end: Option<String>,
    /// How long to wait for the reply, in seconds.
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Leave the session open after the reply, for --continue; else the person is told goodbye.
    #[arg(long)]
    pub keep_open: bool,
    /// Print the answer as one JSON object, with the names of the REST API.
    #[arg(long)]
    pub json: bool,
}

/// What `demo` is told.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The port of the page; 0 is any. Without it 3333, or the next one that is free.
    #[arg(long, value_name = "N", conflicts_with = "script")]
    pub port: Option<u16>,
    /// Do not open the page in a browser.
    #[arg(long)]
    pub no_open: bool,
    /// Play the person by a script instead, without a page.
    #[arg(long)]
    pub script: bool,
    /// The carrier that is played, with its WhatsApp.
    #[arg(long, value_enum, default_value_t)]
    pub carrier: Carrier,
    /// Keep what was heard on both sides as sound files in this directory.
    #[arg(long, value_name = "DIR", requires = "script")]
    pub record: Option<PathBuf>,
}

/// A carrier that can be played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Carrier {
    /// Twilio: calls and WhatsApp.
    #[default]
    Twilio,
    /// Telnyx: calls and WhatsApp.
    Telnyx,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BenchKind {
    /// Calls, with a played carrier and speech provider; fails when sound was lost, late or misplaced.
    Calls(BenchCalls),
    /// Signed messages of known, unknown and invalid senders: whether the time of their answers tells them apart.
    Door(BenchDoor),
}

/// What `bench door` is told.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct BenchDoor {
    /// How many requests of each kind there are.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub requests: u32,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Let the system place server and load, rather than give each a core of its own.
    #[arg(long)]
    pub unpinned: bool,
}

/// What `bench calls` is told.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct BenchCalls {
    /// How many calls there are at once.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub calls: u16,
    /// How long the steady part is that is measured.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=3600))]
    pub seconds: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Let the system place server and load, rather than give each a core of its own.
    #[arg(long)]
    pub unpinned: bool,
}

impl Cli {
    /// The command that was given, or `serve`.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve)
    }
}

/// A session's ID. An empty variable of a script is none, and would make another route of the path.
fn id() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}

/// Whether an address is on this machine.
fn is_here(address: &str) -> bool {
    let host = Url::parse(address).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Result<Command, clap::Error> {
        Cli::try_parse_from([&["callme"], words].concat()).map(Cli::into_command)
    }

    #[test]
    fn the_server_is_what_runs_without_a_command() {
        Cli::command().debug_assert();
        let twilio = Carrier::Twilio;
        let played = Demo { port: None, no_open: false, script: true, carrier: twilio, record: Some("out".into()) };
        let shown = Demo { port: Some(4000), no_open: true, script: false, carrier: twilio, record: None };
        let telnyx = Demo { port: None, no_open: false, script: true, carrier: Carrier::Telnyx, record: None };
        let bench = BenchCalls { calls: 3, seconds: 20, json: true, unpinned: false };
        for (words, want) in [
            (&[][..], Command::Serve),
            (&["serve"], Command::Serve),
            (&["health"], Command::Health(Health { url: None })),
            (
                &["health", "--url", "http://h/health"],
                Command::Health(Health { url: Some("http://h/health".to_owned()) }),
            ),
            (&["doctor"], Command::Doctor(Doctor::default())),
            (&["doctor", "--call", "--yes"], Command::Doctor(Doctor { call: true, yes: true, ..Doctor::default() })),
            (&["demo", "--script", "--record", "out"], Command::Demo(played)),
            (&["demo", "--script", "--carrier", "telnyx"], Command::Demo(telnyx)),
            (&["demo", "--no-open", "--port", "4000"], Command::Demo(shown)),
            (&["bench", "calls", "--calls", "3", "--json"], Command::Bench(BenchKind::Calls(bench))),
        ] {
            assert_eq!(parse(words).expect("words that fit"), want, "{words:?}");
        }
        // Nobody is rung by a slip of the keyboard.
        for words in [&["doctor", "--call"][..], &["doctor", "--call", "--json", "--fix"], &["doctor", "--yes"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
        for words in [&["call", "Hello?"][..], &["call", "--wait", "call-1"], &["call", "--end", "call-1", "Bye."]] {
            assert!(parse(words).is_ok(), "{words:?}");
        }
        // What is said would be said to nobody, or by no name.
        for words in
            [&["call"][..], &["call", "--wait", "call-1", "Hello?"], &["call", "--wait", ""], &["call", "--end", ""]]
        {
            assert!(parse(words).is_err(), "{words:?}");
        }
        for words in [&["sing"][..], &["bench"], &["bench", "calls", "--calls", "0"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
