//! The agents: each makes one call, asks until it is time, checks that the reply is its own person's, and ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

use super::World;
use super::call::GOODBYE;

/// What the agents authenticate with.
pub(super) const KEY: &str = "a-key-for-the-bench-0123456789abcdef";

/// Sent and not yet heard when the agent ends the call; at most this much is under way: two seconds.
const UNDER_WAY: u32 = 100;

/// How long any request may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The dials, as the carrier sees them. One agent at a time begins a call, so that the order tells whose dial it is.
#[derive(Debug)]
pub(super) struct Dials(Mutex<mpsc::UnboundedReceiver<u16>>);

impl Dials {
    pub(super) fn new(dialed: mpsc::UnboundedReceiver<u16>) -> Self {
        Self(Mutex::new(dialed))
    }
}

/// What an agent says in a turn; about ten seconds.
fn message(call: u16, turn: u16) -> String {
    format!(
        "Call {call} turn {turn}: the build is green, the tests have passed, and the release notes are ready. Shall I \
         tag the release now, or would you rather wait until tomorrow?"
    )
}

/// Whose words these are, and of which turn.
pub(super) fn parse(message: &str) -> Option<(u16, u16)> {
    let (call, rest) = message.strip_prefix("Call ")?.split_once(" turn ")?;
    let (turn, _) = rest.split_once(':')?;
    Some((call.parse().ok()?, turn.parse().ok()?))
}

/// One agent's work.
pub(super) async fn run(world: Arc<World>, dials: Arc<Dials>) {
    if let Err(error) = converse(&world, &dials).await {
        world.tally.problem(format!("an agent: {error:#}"));
    }
}

async fn converse(world: &World, dials: &Dials) -> anyhow::Result<()> {
    let mut dialed = dials.0.lock().await;
    let number = world.next_agent();
    let asking = ask(world, "/api/call".to_owned(), number, 0);
    tokio::pin!(asking);
    let placed = tokio::select! {
        early = &mut asking => anyhow::bail!("call {number} was answered before it was dialed: {:?}", early?),
        placed = dialed.recv() => placed.context("the carrier is gone")?,
    };
    anyhow::ensure!(placed == number, "call {number} was dialed as {placed}");
    drop(dialed);
    let mut answer = asking.await?;
    let session = answer["callId"].as_str().context("an answer without callId")?.to_owned();
    let call = &world.calls[usize::from(number)];
    for turn in 1.. {
        anyhow::ensure!(answer["response"] == call.reply(turn - 1), "call {number} got the reply of another");
        world.tally.turns.add(1);
        if world.is_ending() {
            break;
        }
        answer = ask(world, format!("/api/call/{session}/continue"), number, turn).await?;
    }
    let unheard = call.unheard();
    if unheard > UNDER_WAY {
        world.tally.lost.add(u64::from(unheard - UNDER_WAY));
    }
    ask(world, format!("/api/call/{session}/end"), number, GOODBYE).await?;
    Ok(())
}

async fn ask(world: &World, path: String, call: u16, turn: u16) -> anyhow::Result<Value> {
    let request = world
        .http
        .post(format!("{}{path}", world.server()))
        .timeout(PATIENCE)
        .bearer_auth(KEY)
        // The same words under the same key would join the other call.
        .header("Idempotency-Key", format!("bench-{call}-{turn}"))
        .json(&json!({"message": message(call, turn)}));
    let response = request.send().await.with_context(|| format!("call {call}, turn {turn}"))?;
    let (status, body) = (response.status(), response.text().await?);
    anyhow::ensure!(status.is_success(), "call {call}, turn {turn}: HTTP {status}: {body}");
    serde_json::from_str(&body).context("an answer that is not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_whose_they_are() {
        assert_eq!(parse(&message(499, 3)), Some((499, 3)));
        assert_eq!(parse("Goodbye."), None);
    }
}
