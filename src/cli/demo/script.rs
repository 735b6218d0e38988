//! The scripted conversation: a question, an answer, an interruption, a second turn, a goodbye.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{PUBLIC, configuration};
use crate::app::App;
use crate::cli::serve::wall_clock;
use crate::emulator::person::PickUp;
use crate::emulator::{CallRecord, Emulator, EmulatorConfig, Script, Timeline, Voice};

/// What the agent says, in turn; the third is interrupted.
pub(super) const QUESTION: &str =
    "Hello, this is your build agent. All tests are green. Shall I deploy the release now?";
pub(super) const PLAN: &str = "Understood, I will wait for the backup. After that I will deploy the release to every \
                               server in the European region, one after the other, and call you again at the end.";
pub(super) const NOTE: &str = "All right. Only the first server, then.";
pub(super) const GOODBYE: &str = "Thank you for your time. Goodbye.";
/// What the person says.
pub(super) const GREETING: &str = "Hello?";
pub(super) const ANSWER: &str = "Yes, but wait until the backup has finished.";
pub(super) const INTERRUPTION: &str = "Stop. Only the first server please.";

/// What the agent authenticates with.
const KEY: &str = "demo";

/// Everything that is left of the conversation.
pub(super) struct Played {
    pub(super) timeline: Timeline,
    pub(super) call: CallRecord,
    pub(super) voice: Voice,
    /// The server's answers to call, continue, speak and end.
    pub(super) answers: Vec<Value>,
    /// When each of them came, since the emulator started.
    pub(super) answered: Vec<Duration>,
    /// When the first request was sent.
    pub(super) asked: Duration,
}

/// Plays it in real time, on free ports of the loopback.
pub(super) async fn play() -> anyhow::Result<Played> {
    let voice = Voice::best();
    let emulator = Emulator::start(EmulatorConfig { voice: voice.clone(), ..EmulatorConfig::default() }).await?;
    let started = tokio::time::Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port on the loopback")?;
    let server = format!("http://{}", listener.local_addr()?);
    emulator.route(PUBLIC, &server);
    let app = App::new(&configuration(&emulator, KEY)?, wall_clock())?;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(app.serve(listener, stop.clone()));

    emulator.person().set(person());
    let agent = Agent { client: reqwest::Client::builder().no_proxy().build()?, server };
    let asked = started.elapsed();
    let call = agent.say("/api/call", QUESTION).await?;
    let id = call["callId"].as_str().context("the first answer names no call")?.to_owned();
    let (mut answers, mut answered) = (vec![call], vec![started.elapsed()]);
    for (verb, text) in [("continue", PLAN), ("speak", NOTE), ("end", GOODBYE)] {
        answers.push(agent.say(&format!("/api/call/{id}/{verb}"), text).await?);
        answered.push(started.elapsed());
    }
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    let call = emulator.calls().pop().context("nobody was rung")?;
    Ok(Played { timeline: emulator.timeline(), call, voice, answers, answered, asked })
}

/// Greets, answers at the end of the question, interrupts the plan, and listens to the rest.
fn person() -> Script {
    Script::answers()
        .picking_up(PickUp::After(Duration::from_millis(1500)))
        .wait(Duration::from_millis(150))
        .say(GREETING)
        .when_silent(Duration::from_millis(500))
        .say(ANSWER)
        .when_heard(Duration::from_millis(2500))
        .say(INTERRUPTION)
}

/// The agent's side of the REST API.
struct Agent {
    client: reqwest::Client,
    server: String,
}

impl Agent {
    async fn say(&self, path: &str, message: &str) -> anyhow::Result<Value> {
        let body = json!({ "message": message });
        let request = self.client.post(format!("{}{path}", self.server)).bearer_auth(KEY).json(&body);
        let response = request.send().await.with_context(|| format!("{path} was not answered"))?;
        let status = response.status();
        let answer: Value = response.json().await.with_context(|| format!("{path} was not answered in JSON"))?;
        println!("POST {path} {body}\n  → {} {answer}\n", status.as_u16());
        Ok(answer)
    }
}
