//! `callme call`: one question to the person, for scripts and CI jobs. The reply is all that is printed.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Call;
use super::output::{self, note};
use super::remote::{self, Remote, saying};
use crate::mcp::{Answer, Api, Question, Unreached, ask_and_wait};
use crate::privacy;

/// What stands under the options.
pub const HELP: &str = "\
The server is the one at CALLME_CLOUD_URL, its key CALLME_API_KEY.

Exit codes:
  0    the person replied
  1    nobody replied in time, nobody picked up, or the call was ended
  2    the command or a setting is not right
  3    the person stopped messages
  4    the server, the carrier or the speech provider could not be reached, or refused
  130  Ctrl-C: the waiting was called off; the call or message goes on";

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
    /// Ctrl-C, as shells count it.
    CalledOff = 130,
}

/// Asks, waits, prints; unless somebody presses Ctrl-C, which calls only the waiting off.
pub async fn call(call: &Call, source: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let Some((remote, _)) = remote::open(source) else { return ExitCode::from(End::BadConfiguration as u8) };
    let named = OnceLock::new();
    let end = tokio::select! {
        end = run(&remote, call, &named) => end,
        Ok(()) = tokio::signal::ctrl_c() => {
            note(called_off(call.session().or(named.get().map(String::as_str))));
            End::CalledOff
        }
    };
    ExitCode::from(end as u8)
}

async fn run(remote: &Remote, call: &Call, named: &OnceLock<String>) -> End {
    let tell: Option<fn(&str)> = std::io::stderr().is_terminal().then_some(|news| note(format_args!("callme: {news}")));
    let question = question(call);
    let answer = match &call.end {
        Some(_) => remote.ask(question).await,
        None => ask_and_wait(remote, question, Duration::from_secs(call.timeout), tell, Some(named)).await,
    };
    let end = match &answer {
        Ok(answer) => end_of(answer),
        Err(_) => End::NotReachable,
    };
    let is_begun = named.get().is_some();
    let printed = match &answer {
        Ok(answer) if call.json => output::line(Value::Object(answer.body.clone())),
        Ok(_) if end == End::Reply && call.end.is_some() => Ok(()),
        Ok(answer) if end == End::Reply => output::line(answer.text("response").unwrap_or_default()),
        Ok(answer) => {
            // Behind an address that has named a session, what is not found is something else.
            let why = remote::misdirected(remote.address(), answer).filter(|_| !is_begun);
            note(format!("callme: {}", why.unwrap_or_else(|| sentence(call, answer))));
            Ok(())
        }
        Err(Unreached(why)) if call.json => output::line(json!({ "error": why, "code": "not_reachable" })),
        Err(Unreached(why)) => {
            note(format!("callme: {why}"));
            Ok(())
        }
    };
    if let (Ok(answer), false, None) = (&answer, call.keep_open, &call.end) {
        say_goodbye(remote, call, answer, end).await;
    }
    match printed {
        Ok(()) => end,
        Err(error) => {
            note(format!("callme: the answer could not be printed: {error}"));
            End::NotReachable
        }
    }
}

/// What goes on without this command, and how to come back to it.
fn called_off(session: Option<&str>) -> String {
    match session {
        Some(id) => format!(
            "callme: {id} goes on: callme call --wait {id} collects the reply, callme call --end {id} ends it"
        ),
        None => "callme: if the server has got the message, its call goes on: the first of GET /api/history is its ID, by which \
                 callme call --wait ID collects the reply, and callme call --end ID ends it"
            .to_owned(),
    }
}

/// Nobody is left on an open line; a question that is still to be answered stays open.
async fn say_goodbye(remote: &Remote, call: &Call, answer: &Answer, end: End) {
    let id = answer.text("callId").or(call.session());
    let Some(id) = id.filter(|_| end == End::Reply) else { return };
    match remote.ask(saying(format!("/api/call/{id}/end"), GOODBYE)).await {
        Ok(answer) if answer.status == 200 => {}
        // The reply is there; whoever reads it need not mind.
        Ok(answer) => note(format!("callme: the session was not ended: {}", sentence(call, &answer))),
        Err(Unreached(why)) => note(format!("callme: the session was not ended: {why}")),
    }
}

impl Call {
    /// The session that it names.
    fn session(&self) -> Option<&str> {
        self.r#continue.as_ref().or(self.wait.as_ref()).or(self.end.as_ref()).map(String::as_str)
    }
}

fn question(call: &Call) -> Question {
    let message = call.message.as_deref().unwrap_or_default();
    match (&call.r#continue, &call.wait, &call.end) {
        (Some(id), ..) => saying(format!("/api/call/{id}/continue"), message),
        (_, Some(id), _) => Question::post(format!("/api/call/{id}/wait"), Map::new()),
        (.., Some(id)) => saying(format!("/api/call/{id}/end"), call.message.as_deref().unwrap_or(GOODBYE)),
        (None, None, None) if call.message_only => saying("/api/message", message),
        (None, None, None) => saying("/api/call", message),
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

fn sentence(call: &Call, answer: &Answer) -> String {
    let id = answer.text("callId").or(call.session());
    match answer.text("error").or(answer.text("next")) {
        _ if answer.status == 202 => {
            let id = id.unwrap_or("ID");
            format!("nobody has answered yet; the reply is kept: callme call --wait {id} collects it")
        }
        Some(why) => in_commands(&privacy::mask(why), id),
        None => format!("the server answered HTTP {}", answer.status),
    }
}

/// The server speaks to agents, of their tools: here the commands that do the same.
fn in_commands(sentence: &str, id: Option<&str>) -> String {
    // The commands name it themselves.
    let sentence = id.into_iter().fold(sentence.to_owned(), |sentence, id| {
        sentence.replace(&format!(", with {id}"), "").replace(&format!(" with {id}"), "")
    });
    let id = id.unwrap_or("ID");
    // What begins like another one comes after it.
    [
        ("was ended by end_call", "was ended by an agent".to_owned()),
        ("initiate_call", "callme call \"…\"".to_owned()),
        ("continue_call", format!("callme call --continue {id} \"…\"")),
        ("wait_for_reply", format!("callme call --wait {id}")),
        ("end_call", format!("callme call --end {id}")),
        ("get_call_history", "GET /api/history".to_owned()),
    ]
    .into_iter()
    .fold(sentence, |sentence, (tool, command)| sentence.replace(tool, &command))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a sentence may name.
    const TOOLS: [&str; 7] =
        ["initiate_call", "continue_call", "send_message", "wait_for_reply", "speak_to_user", "end_call", "get_call"];

    #[test]
    fn sentences_for_agents_name_commands_here() {
        for (sentence, want) in [
            (
                "The call is still open: use continue_call with call-1 to ask again, or end_call with call-1 to hang up.",
                "The call is still open: use callme call --continue call-1 \"…\" to ask again, or callme call --end call-1 to \
                 hang up.",
            ),
            (
                "The reply is kept: wait for it with wait_for_reply, or write again with continue_call, with call-1.",
                "The reply is kept: wait for it with callme call --wait call-1, or write again with callme call --continue \
                 call-1 \"…\".",
            ),
            ("Use initiate_call to begin a new one.", "Use callme call \"…\" to begin a new one."),
            ("Call call-1 was ended by end_call.", "Call call-1 was ended by an agent."),
        ] {
            assert_eq!(in_commands(sentence, Some("call-1")), want);
        }
    }

    #[test]
    fn no_sentence_of_the_server_shows_a_tool_here() {
        let sentences = in_commands(include_str!("../service/sentence.rs"), Some("{id}"));
        let shown: Vec<&&str> = TOOLS.iter().filter(|tool| sentences.contains(**tool)).collect();
        assert_eq!(shown, [&""; 0]);
    }

    #[test]
    fn who_calls_the_waiting_off_is_told_how_to_come_back() {
        let known = called_off(Some("call-1"));
        assert!(known.contains("callme call --wait call-1") && known.contains("callme call --end call-1"), "{known}");
        assert!(called_off(None).contains("GET /api/history"));
    }
}
