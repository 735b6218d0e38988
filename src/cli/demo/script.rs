//! The scripted scenes. In the first a call: a question, an answer, an interruption, a second turn, a goodbye. In the second
//! nobody picks up, and the question is answered over WhatsApp, where the carrier has that.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{PUBLIC, configuration};
use crate::app::App;
use crate::cli::output;
use crate::cli::serve::wall_clock;
use crate::emulator::person::PickUp;
use crate::emulator::{CallRecord, Emulator, EmulatorConfig, Phone, Script, Shown, Telephony, Timeline, Voice, What};

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

/// What the agent asks when nobody picks up, what the person writes then, and what the agent writes last.
pub(super) const SECOND_QUESTION: &str = "The first server runs the release. Shall I go on with the others?";
pub(super) const TYPED: &str = "Not before tomorrow, please.";
pub(super) const PARTING: &str = "Understood. I will go on tomorrow.";

/// How long is waited for the last text.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the agent authenticates with.
const KEY: &str = "demo";

/// Everything that is left of the scenes.
pub(super) struct Played {
    pub(super) timeline: Timeline,
    /// The call that was answered.
    pub(super) call: CallRecord,
    pub(super) voice: Voice,
    /// The server's answers to call, continue, speak and end.
    pub(super) talk: Vec<Reply>,
    /// Its answers to call and end when nobody picked up; none where that scene is not played.
    pub(super) missed: Option<Vec<Reply>>,
    /// The person's WhatsApp.
    pub(super) chat: Vec<Shown>,
    /// When the first request was sent.
    pub(super) asked: Duration,
}

/// What the server answered.
pub(super) struct Reply {
    pub(super) body: Value,
    /// When it came, since the emulator started.
    pub(super) at: Duration,
}

/// Plays them in real time, on free ports of the loopback.
pub(super) async fn play(telephony: Telephony) -> anyhow::Result<Played> {
    let voice = Voice::best();
    let config = EmulatorConfig { telephony, voice: voice.clone(), patience: PATIENCE, ..EmulatorConfig::default() };
    let emulator = Emulator::start(config).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port on the loopback")?;
    let server = format!("http://{}", listener.local_addr()?);
    emulator.route(PUBLIC, &server);
    let app = App::new(&configuration(&emulator, KEY)?, wall_clock())?;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(app.serve(listener, stop.clone()));
    let all_told = CancellationToken::new();
    let mut teller = JoinSet::new();
    teller.spawn(narrate(emulator.phone(), all_told.clone()));

    emulator.person().set(talker());
    emulator.person().then(Script::unanswered(PickUp::Declines(Duration::from_millis(800))));
    emulator.person().types_after(Duration::from_millis(800), [TYPED]);
    let agent = Agent { client: reqwest::Client::builder().no_proxy().build()?, server, phone: emulator.phone() };
    let asked = agent.phone.now();
    let talk = agent.converse(&[("call", QUESTION), ("continue", PLAN), ("speak", NOTE), ("end", GOODBYE)]).await?;
    let missed = if telephony.has_texts() { Some(miss(&emulator, &agent).await?) } else { None };
    stop.cancel();
    while let Some(served) = tasks.join_next().await {
        served??;
    }
    all_told.cancel();
    teller.join_all().await;
    let call = emulator.calls().into_iter().next().context("nobody was rung")?;
    Ok(Played { timeline: emulator.timeline(), call, voice, talk, missed, chat: emulator.chat().shown(), asked })
}

/// Prints each event as it happens, to the last one before `end`.
async fn narrate(phone: Phone, end: CancellationToken) {
    let mut told = 0;
    loop {
        let events = tokio::select! {
            biased;
            events = phone.news(told) => events,
            () = end.cancelled() => return,
        };
        told += events.len();
        for event in events {
            let _ = output::line(event);
        }
    }
}

/// The second scene.
async fn miss(emulator: &Emulator, agent: &Agent) -> anyhow::Result<Vec<Reply>> {
    let missed = agent.converse(&[("call", SECOND_QUESTION), ("end", PARTING)]).await?;
    // A text is on its way for a second. Where it does not come, the promises say so.
    let arrives = |what: &What| matches!(what, What::TextArrived { words, .. } if words == PARTING);
    let _ = emulator.wait_for(|event| arrives(&event.what)).await;
    let from = emulator.timeline().events().iter().position(|event| arrives(&event.what)).unwrap_or_default();
    let _ = emulator.wait_from(from, |event| matches!(event.what, What::TextWebhook { .. })).await;
    Ok(missed)
}

/// Greets, answers at the end of the question, interrupts the plan, and listens to the rest.
fn talker() -> Script {
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
    /// Tells the time as events count it.
    phone: Phone,
}

impl Agent {
    /// Uses each verb with its text, all of them in the session that the first one begins.
    async fn converse(&self, turns: &[(&str, &str)]) -> anyhow::Result<Vec<Reply>> {
        let mut replies: Vec<Reply> = Vec::new();
        for (verb, text) in turns {
            let path = match replies.first() {
                None => format!("/api/{verb}"),
                Some(first) => {
                    let id = first.body["callId"].as_str().context("the first answer names no call")?;
                    format!("/api/call/{id}/{verb}")
                }
            };
            let body = self.say(&path, text).await?;
            replies.push(Reply { body, at: self.phone.now() });
        }
        Ok(replies)
    }

    async fn say(&self, path: &str, message: &str) -> anyhow::Result<Value> {
        let body = json!({ "message": message });
        let request = self.client.post(format!("{}{path}", self.server)).bearer_auth(KEY).json(&body);
        let response = request.send().await.with_context(|| format!("{path} was not answered"))?;
        let status = response.status();
        let answer: Value = response.json().await.with_context(|| format!("{path} was not answered in JSON"))?;
        output::line(format!("\nPOST {path} {body}\n  → {} {answer}\n", status.as_u16()))?;
        Ok(answer)
    }
}
