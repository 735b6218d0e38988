//! `callme call`: one question to the person, for scripts and CI jobs. The reply is all that is printed.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::Call;
use super::remote::{self, Remote, saying};
use crate::mcp::{Answer, Api, Question, Unreached, ask_and_wait};
use crate::privacy;

/// What stands under the options.
pub const HELP: &str = "\
The server is the one at CALLME_CLOUD_URL, its key CALLME_API_KEY.

Exit codes:
  0  the person replied
  1  nobody replied in time, nobody picked up, or the call was ended
  2  the command or a setting is not right
  3  the person stopped messages
  4  the server, the carrier or the speech provider could not be reached, or refused";

/// What the person hears last, unless the session is left open.
const GOODBYE: &str = "Thank you. Goodbye.";

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Reply = 0,
    NoReply = 1,
    BadConfiguration = 2,
    OptedOut = 3,
    NotReachable = 4,
}

/// Asks, waits, prints.
pub async fn call(call: &Call, source: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let Some((remote, _)) = remote::open(source) else { return ExitCode::from(End::BadConfiguration as u8) };
    let tell: Option<fn(&str)> = std::io::stderr().is_terminal().then_some(|news| eprintln!("callme: {news}"));
    let answer = ask_and_wait(&remote, question(call), Duration::from_secs(call.timeout), tell).await;
    let end = match &answer {
        Ok(answer) => end_of(answer),
        Err(_) => End::NotReachable,
    };
    match &answer {
        Ok(answer) if call.json => println!("{}", Value::Object(answer.body.clone())),
        Ok(answer) if end == End::Reply => println!("{}", answer.text("response").unwrap_or_default()),
        Ok(answer) => eprintln!("callme: {}", sentence(answer)),
        Err(Unreached(why)) if call.json => println!("{}", json!({ "error": why, "code": "not_reachable" })),
        Err(Unreached(why)) => eprintln!("callme: {why}"),
    }
    if let (Ok(answer), false) = (&answer, call.keep_open) {
        say_goodbye(&remote, call, answer, end).await;
    }
    ExitCode::from(end as u8)
}

/// Nobody is left on an open line; a question that is still to be answered stays open.
async fn say_goodbye(remote: &Remote, call: &Call, answer: &Answer, end: End) {
    let id = answer.text("callId").or(call.r#continue.as_deref());
    let Some(id) = id.filter(|_| end == End::Reply) else { return };
    match remote.ask(saying(format!("/api/call/{id}/end"), GOODBYE)).await {
        Ok(answer) if answer.status == 200 => {}
        // The reply is there; whoever reads it need not mind.
        Ok(answer) => eprintln!("callme: the session was not ended: {}", sentence(&answer)),
        Err(Unreached(why)) => eprintln!("callme: the session was not ended: {why}"),
    }
}

fn question(call: &Call) -> Question {
    match &call.r#continue {
        Some(id) => saying(format!("/api/call/{id}/continue"), &call.message),
        None if call.message_only => saying("/api/message", &call.message),
        None => saying("/api/call", &call.message),
    }
}

fn end_of(answer: &Answer) -> End {
    match (answer.status, answer.text("code")) {
        (200, _) => End::Reply,
        (202, _) | (_, Some("no_reply" | "no_answer" | "call_ended")) => End::NoReply,
        (_, Some("opted_out")) => End::OptedOut,
        (_, Some("no_active_call")) => End::NoReply,
        (429 | 500.., _) | (_, Some("busy" | "speech_failed" | "not_found")) => End::NotReachable,
        _ => End::BadConfiguration,
    }
}

fn sentence(answer: &Answer) -> String {
    let id = answer.text("callId").unwrap_or_default();
    match answer.text("error").or(answer.text("next")) {
        _ if answer.status == 202 => {
            format!("nobody has answered yet; the reply is kept: callme call --continue {id} \"…\" asks on")
        }
        Some(why) => privacy::mask(why),
        None => format!("the server answered HTTP {}", answer.status),
    }
}
