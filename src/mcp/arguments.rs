//! Arguments of tools, read into what is asked of the API.

use serde_json::{Map, Value};

use super::api::Question;

/// What a tool is to do.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// To say or write something and wait for the reply.
    Reply(Asking, Question),
    /// To wait for a reply without saying anything, in this session.
    Wait(String, Question),
    /// To say something, or to end a session with it.
    Done(Doing, Question),
    /// To show something.
    Shown(Showing, Question),
}

/// Which tool waits for the reply to what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    Call,
    Message,
    Continue,
}

/// Which tool does something that is over soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Speak,
    End,
}

/// Which tool only shows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    Call,
    History,
}

/// Why a tool cannot be used like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misuse {
    /// There is no such tool.
    Unknown,
    /// The arguments are wrong; a sentence for the agent.
    Arguments(String),
}

/// Reads a tool's arguments. What the API checks itself, such as the message, is left to it.
pub(super) fn read(tool: &str, arguments: &Map<String, Value>) -> Result<Wanted, Misuse> {
    Ok(match tool {
        "initiate_call" => Wanted::Reply(Asking::Call, Question::post("/api/call", message(arguments))),
        "send_message" => {
            let mut body = message(arguments);
            body.insert("firstContact".to_owned(), arguments.get("first_contact").cloned().unwrap_or(Value::Null));
            if !matches!(body["firstContact"], Value::Null | Value::Bool(_)) {
                return Err(Misuse::Arguments("first_contact must be true or false".to_owned()));
            }
            Wanted::Reply(Asking::Message, Question::post("/api/message", body))
        }
        "continue_call" => {
            let path = format!("/api/call/{}/continue", call_id(arguments)?);
            Wanted::Reply(Asking::Continue, Question::post(path, message(arguments)))
        }
        "speak_to_user" => {
            let path = format!("/api/call/{}/speak", call_id(arguments)?);
            Wanted::Done(Doing::Speak, Question::post(path, message(arguments)))
        }
        "end_call" => {
            let path = format!("/api/call/{}/end", call_id(arguments)?);
            Wanted::Done(Doing::End, Question::post(path, message(arguments)))
        }
        "wait_for_reply" => {
            let id = call_id(arguments)?;
            let question = Question::post(format!("/api/call/{id}/wait"), Map::new());
            Wanted::Wait(id, question)
        }
        "get_call" => Wanted::Shown(Showing::Call, Question::get(format!("/api/call/{}", call_id(arguments)?))),
        "get_call_history" => {
            Wanted::Shown(Showing::History, Question::get(format!("/api/history?limit={}", limit(arguments)?)))
        }
        _ => return Err(Misuse::Unknown),
    })
}

fn message(arguments: &Map<String, Value>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("message".to_owned(), arguments.get("message").cloned().unwrap_or(Value::Null));
    body
}

/// The session, as it may stand in a path: whatever else it is, the API says that there is no such session.
fn call_id(arguments: &Map<String, Value>) -> Result<String, Misuse> {
    let bad =
        |why: &str| Misuse::Arguments(format!("call_id {why}: give the id that initiate_call or send_message gave"));
    match arguments.get("call_id") {
        None | Some(Value::Null) => Err(bad("is required")),
        Some(Value::String(id)) if id.is_empty() => Err(bad("is empty")),
        Some(Value::String(id)) if id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            Ok(id.clone())
        }
        Some(Value::String(_)) => Err(bad("is no id of a call")),
        Some(_) => Err(bad("must be a string")),
    }
}

fn limit(arguments: &Map<String, Value>) -> Result<i64, Misuse> {
    const DEFAULT: i64 = 20;
    match arguments.get("limit") {
        None | Some(Value::Null) => Ok(DEFAULT),
        // Some clients write whole numbers as 5.0.
        Some(number) => number
            .as_i64()
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).and_then(|n| format!("{n:.0}").parse().ok()))
            .ok_or_else(|| Misuse::Arguments("limit must be a whole number from 1 to 50".to_owned())),
    }
}
