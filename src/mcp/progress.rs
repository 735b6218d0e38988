//! What a client is told while a tool waits: with its own token, when something changes, and often enough that it stays.

use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RoleServer};
use serde_json::Value;
use tokio::time::Instant;

use super::api::Answer;

/// Some clients give up when they hear nothing for 10 s.
const AT_LEAST_EVERY: Duration = Duration::from_secs(8);

/// Who is told.
pub(super) enum Listener {
    /// Whoever waits did not ask.
    Nobody,
    /// The client of a tool, by its own token.
    Client(Box<Peer<RoleServer>>, ProgressToken),
    /// Whoever looks at this process.
    Line(fn(&str)),
}

/// The news of one wait.
pub(super) struct Progress {
    listener: Listener,
    told: Option<(String, Instant)>,
    count: f64,
    /// The person was once not reached by phone.
    unanswered: bool,
    warned: bool,
}

impl Progress {
    pub(super) fn new(listener: Listener) -> Self {
        Self { listener, told: None, count: 0.0, unanswered: false, warned: false }
    }

    /// Whether anybody listens.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.listener, Listener::Nobody)
    }

    /// Tells what goes on, unless the same was told a moment ago.
    pub(super) async fn tell(&mut self, news: &str) {
        let now = Instant::now();
        if self.told.as_ref().is_some_and(|(told, at)| told == news && now.duration_since(*at) < AT_LEAST_EVERY) {
            return;
        }
        self.told = Some((news.to_owned(), now));
        self.count += 1.0;
        match &self.listener {
            Listener::Nobody => {}
            Listener::Client(peer, token) => {
                let news = ProgressNotificationParam::new(token.clone(), self.count).with_message(news);
                // A client that is gone is noticed where its answer is written.
                let _ = peer.notify_progress(news).await;
            }
            Listener::Line(print) => print(news),
        }
    }

    /// Tells how a session stands, of which a tool waits for `left` at most.
    pub(super) async fn show(&mut self, view: &Answer, left: Duration) {
        if !self.warned && closes_soon(view) {
            self.warned = true;
            let minutes = window(view, "minutesRemaining").and_then(Value::as_u64).unwrap_or_default();
            self.tell(&format!("the WhatsApp window closes in {minutes} min; after that only a template arrives"))
                .await;
        }
        let state = view.text("state").unwrap_or_default();
        let first_text = state == "messaging" && !self.unanswered && was_called(view);
        self.unanswered |= first_text;
        let way = if view.text("contactMode") == Some("sms") { "SMS" } else { "WhatsApp" };
        let queued = view.body.get("queued") == Some(&Value::Bool(true));
        let news = if queued {
            "an older question has to be answered first".to_owned()
        } else if first_text {
            format!("no answer, writing on {way}")
        } else {
            stage(state, way, left)
        };
        self.tell(&news).await;
    }
}

/// A session's state in words; `way` is how it writes.
fn stage(state: &str, way: &str, left: Duration) -> String {
    match state {
        "dialing" | "ringing" | "speaking" | "listening" => state.to_owned(),
        "answered" | "connected" => "answered".to_owned(),
        "messaging" => {
            let minutes = left.as_secs().div_ceil(60);
            // "a WhatsApp reply", "an SMS reply": the letter is read out.
            let a = if way == "SMS" { "an" } else { "a" };
            format!("waiting for {a} {way} reply, {minutes} min left")
        }
        "ending" | "ended" => "the call has ended".to_owned(),
        _ => "waiting".to_owned(),
    }
}

fn was_called(view: &Answer) -> bool {
    view.body.get("outcome").and_then(|outcome| outcome["dial"].as_str()).is_some_and(|dial| dial != "not-dialed")
}

fn closes_soon(view: &Answer) -> bool {
    window(view, "status").and_then(Value::as_str) == Some("expiring_soon")
}

fn window<'a>(view: &'a Answer, field: &str) -> Option<&'a Value> {
    view.body.get("whatsappSessionWindow")?.get(field)
}
