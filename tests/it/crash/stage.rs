//! A server that is started again whenever it is down, and what single promises are tried with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, Moment, PickUp, Script, Side};
use futures_util::FutureExt;
use serde_json::json;
use tokio::task::JoinSet;

use super::agent::{Agent, Answer};
use super::server::{Server, Store, lasting_port};

pub(super) const QUESTION: &str = "Feed the heron?";
pub(super) const REPLY: &str = "Two herrings.";

/// A server that is started again whenever it is down, and what it stands in.
pub(super) struct Stage {
    pub(super) emulator: Emulator,
    pub(super) server: Server,
    pub(super) supervisor: JoinSet<()>,
}

impl Stage {
    /// Everything there, and the server up; the person declines calls.
    pub(super) async fn set(more: &[(&'static str, &str)]) -> Self {
        let port = lasting_port();
        let messaging_webhook = Some(format!("http://127.0.0.1:{port}/whatsapp"));
        let patience = Duration::from_secs(60);
        let config = EmulatorConfig { messaging_webhook, patience, ..EmulatorConfig::default() };
        let emulator = Emulator::start(config).await.expect("a free port");
        emulator.person().set(Script::unanswered(PickUp::Declines(Duration::from_millis(200))));
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let server = Server::new(&emulator, port, Store::Embedded, &more);
        server.start(None);
        server.listens().await;
        let supervisor = server.supervised(|| std::future::ready(()).boxed());
        Self { emulator, server, supervisor }
    }

    pub(super) fn agent(&self, keyed: bool) -> Agent {
        Agent::new(self.server.port(), keyed)
    }

    /// Ends the process the first time that something of this name passes.
    pub(super) fn dies_at(&self, what: &'static str, moment: Moment) {
        let (server, done) = (self.server.clone(), AtomicBool::new(false));
        self.emulator.tap(move |event| {
            if event.what == what && event.moment == moment && !done.swap(true, Ordering::Relaxed) {
                server.kill();
            }
        });
    }

    /// Waits until there has been so many processes, and the last one listens.
    pub(super) async fn is_up(&self, starts: usize) {
        while self.server.starts() < starts {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.server.listens().await;
    }

    /// The person answers the question in writing.
    pub(super) async fn reply(&self) {
        self.emulator.chat().receives(QUESTION).await.unwrap_or_else(|never| panic!("{never}\n{}", self.server.log()));
        self.emulator.chat().write(REPLY).await;
    }

    /// How often it rang, and how often the question was written.
    pub(super) fn reached(&self) -> (usize, usize) {
        let shown = self.emulator.chat().shown();
        let of_server = shown.iter().filter(|shown| shown.from == Side::Server);
        (self.emulator.calls().len(), of_server.filter(|shown| shown.words.contains(QUESTION)).count())
    }

    #[track_caller]
    pub(super) fn replied(&self, answer: &Answer) {
        let is = (answer.status, &answer.body["response"], &answer.body["contactMode"]);
        assert_eq!(is, (200, &json!(REPLY), &json!("whatsapp")), "{answer:?}\n{}", self.server.log());
    }
}
