//! Answers of the API as tools give them: for programs the fields as they are, for the agent a text.
//!
//! In a text the person's words stand last, after one fixed label, so that words that look like a label of ours change
//! nothing; where there are several, every line of theirs is indented.

use std::fmt::Write as _;

use jiff::Timestamp;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value};

use super::api::Answer;
use super::arguments::{Asking, Doing, Showing};
use super::wait::NOT_YET;

/// Whatever a reader may take for the end of a line.
const ENDS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
/// What stands before the person's words, and nowhere else.
const LABEL: &str = "User's response:";

/// The answer to a tool that waits; `None` is the one that says nothing itself.
pub(super) fn replied(tool: Option<Asking>, answer: Answer) -> CallToolResult {
    // A person who takes their time is no failure.
    if answer.status == NOT_YET || answer.text("code") == Some("no_reply") {
        let next = answer.text("next").or(answer.text("error")).unwrap_or("Use wait_for_reply.").to_owned();
        let id = answer.text("callId").map(|id| format!("\n\nCall ID: {id}")).unwrap_or_default();
        let next = next.strip_prefix("Nobody has replied yet. ").unwrap_or(&next);
        return good(format!("No answer yet. {next}{id}"), answer.body);
    }
    if answer.status != 200 {
        return failed(answer);
    }
    let mut text = match tool {
        Some(Asking::Call) => {
            format!("Call initiated successfully.\n\nCall ID: {}\n", answer.text("callId").unwrap_or("?"))
        }
        Some(Asking::Message) => {
            let id = answer.text("messageId").or(answer.text("callId")).unwrap_or("?");
            // The words of the client that people know, unless it went another way.
            let way = if answer.text("contactMode") == Some("sms") { "SMS" } else { "WhatsApp" };
            format!("{way} message sent.\n\nMessage ID: {id}\n")
        }
        Some(Asking::Continue) | None => String::new(),
    };
    if let Some(mode) = answer.text("contactMode") {
        let _ = writeln!(text, "Contact mode: {mode}");
    }
    text.push_str(&window(&answer.body));
    text.push_str(&interruption(&answer.body));
    text.push_str("Use continue_call to ask follow-ups or end_call to say goodbye.\n");
    let _ = write!(text, "\n{LABEL}\n{}", answer.text("response").unwrap_or_default());
    good(text, alone(answer.body))
}

/// The fields with the reply alone: what the person had said before the question has a field of its own, `earlier`.
fn alone(mut fields: Map<String, Value>) -> Map<String, Value> {
    let earlier = fields.get("earlier").and_then(Value::as_array).is_some_and(|earlier| !earlier.is_empty());
    let response = fields.get("response").and_then(Value::as_str).filter(|_| earlier);
    if let Some((_, reply)) = response.and_then(|response| response.split_once('\n')) {
        let reply = Value::from(reply);
        fields.insert("response".to_owned(), reply);
    }
    fields
}

/// The answer to a tool that is over soon.
pub(super) fn done(tool: Doing, message: &str, answer: Answer) -> CallToolResult {
    if answer.status != 200 {
        return failed(answer);
    }
    let text = match tool {
        Doing::Speak => {
            format!("{}Message spoken: \"{message}\"", interruption(&answer.body))
        }
        Doing::End => {
            let seconds = answer.body.get("durationSeconds").and_then(Value::as_u64).unwrap_or_default();
            format!("Call ended. Duration: {seconds}s")
        }
    };
    good(text, answer.body)
}

/// The answer to a tool that shows something.
pub(super) fn shown(tool: Showing, answer: Answer) -> CallToolResult {
    if answer.status != 200 {
        return failed(answer);
    }
    let text = match tool {
        Showing::Call => session(&answer),
        Showing::History => history(&answer.body),
    };
    good(text, answer.body)
}

/// What could not be done, and what to do about it.
fn failed(answer: Answer) -> CallToolResult {
    let mut text = format!("Error: {}", answer.text("error").unwrap_or("the server gave no reason"));
    if answer.status == 401 {
        text.push_str(". The server does not know this key: set CALLME_API_KEY to the one that it was started with.");
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(Value::Object(answer.body));
    result
}

/// A tool that was not used as it can be, or whose server could not be asked.
pub(super) fn refused(why: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!("Error: {why}"))])
}

fn good(text: String, fields: Map<String, Value>) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(Value::Object(fields));
    result
}

/// What is left of WhatsApp's window, and what that means.
fn window(body: &Map<String, Value>) -> String {
    let Some(window) = body.get("whatsappSessionWindow") else { return String::new() };
    let minutes = window["minutesRemaining"].as_u64().unwrap_or_default();
    match window["status"].as_str() {
        Some("expired") => "⚠️ WhatsApp session expired. Future messages require approved templates.\n".to_owned(),
        Some("expiring_soon") => format!(
            "⚠️ WhatsApp session expiring in {minutes} minutes. Consider wrapping up or asking the user to reply, which extends it.\n"
        ),
        _ => format!("WhatsApp session: {minutes} minutes remaining\n"),
    }
}

fn interruption(body: &Map<String, Value>) -> String {
    if body.get("interrupted").and_then(Value::as_bool) != Some(true) {
        return String::new();
    }
    match body.get("outcome").and_then(|outcome| outcome["heardText"].as_str()) {
        Some(heard) => format!("The user interrupted you; they heard: \"{}\"\n", heard.replace(['\n', '\r'], " ")),
        None => "The user interrupted you.\n".to_owned(),
    }
}

fn session(answer: &Answer) -> String {
    let field = |name: &str| answer.text(name).unwrap_or("?");
    let outcome = |name: &str| answer.body.get("outcome").and_then(|outcome| outcome[name].as_str()).unwrap_or("-");
    let waiting = answer.body.get("waiting").and_then(Value::as_bool).unwrap_or_default();
    let mut text = format!(
        "Call ID: {}\nContact mode: {}\nState: {}{}\nPhone call: {}, answered by {}\nEnded by: {}\n",
        field("callId"),
        field("contactMode"),
        field("state"),
        if waiting { ", an answer is awaited" } else { "" },
        outcome("dial"),
        outcome("answeredBy"),
        outcome("endedBy"),
    );
    text.push_str(&window(&answer.body));
    let replies = answer.body.get("replies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if replies.is_empty() {
        text.push_str("No answer waits to be collected.");
        return text;
    }
    text.push_str("Collect the answer with wait_for_reply.\n\n");
    let words: Vec<&str> = replies.iter().filter_map(|reply| reply["text"].as_str()).collect();
    let _ = write!(text, "{LABEL}\n{}", words.join("\n"));
    text
}

fn history(body: &Map<String, Value>) -> String {
    let conversations = body.get("conversations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if conversations.is_empty() {
        return "No conversation history found.".to_owned();
    }
    let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!(
        "Found {} of {} total conversations. Every line of what was said is indented.\n\n",
        number("count"),
        number("total")
    );
    for conversation in conversations {
        let field = |name: &str| conversation[name].as_str().unwrap_or("?");
        let _ = writeln!(text, "## {} conversation ({})", field("contactMode"), field("id"));
        let created = time(&conversation["createdAt"]);
        let _ = writeln!(text, "Created: {created} | Messages: {}", conversation["messageCount"]);
        if let Some(seconds) = conversation["metadata"]["durationSeconds"].as_u64().filter(|seconds| *seconds > 0) {
            let _ = writeln!(text, "Duration: {seconds}s");
        }
        text.push('\n');
        for message in conversation["messages"].as_array().into_iter().flatten() {
            let (speaker, words) =
                (message["speaker"].as_str().unwrap_or("?"), message["message"].as_str().unwrap_or_default());
            let _ = writeln!(text, "[{}] {speaker}:", time(&message["timestamp"]));
            for line in words.split(ENDS) {
                let _ = writeln!(text, "    {line}");
            }
        }
        text.push_str("\n---\n\n");
    }
    text
}

/// Epoch milliseconds as UTC.
fn time(millis: &Value) -> String {
    millis
        .as_i64()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .map_or_else(|| "?".to_owned(), |at| at.to_string())
}
