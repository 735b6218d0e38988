//! The page's socket: what happens and what the phone plays go out, what the person does comes in.
//!
//! Out: binary frames of µ-law, and JSON: `{"now", "events"}` with times in seconds, `{"cut": call}` where the sound ended
//! before its end, `{"refused"}` with a sentence. In: `{"do": …}`, see [`Order`].

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::telling::tell;
use super::{Demo, LONGEST};
use crate::emulator::{Event, NotNow, Sound};

/// The largest message of the page: the longest reply, escaped.
const LARGEST: usize = 64 * 1024;

/// What the person does.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Order {
    PickUp,
    Decline,
    Say {
        text: String,
    },
    Hesitate,
    Press {
        key: char,
    },
    HangUp,
    /// Writes in WhatsApp.
    Write {
        text: String,
    },
    /// Looks at WhatsApp.
    Read,
}

/// `GET /demo/phone`.
pub(super) async fn socket(State(demo): State<Arc<Demo>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(LARGEST).on_upgrade(async move |socket| carry(socket, &demo).await)
}

/// Until the page goes away.
async fn carry(mut socket: WebSocket, demo: &Demo) {
    let phone = &demo.phone;
    let mut sounds = phone.listen();
    let mut told = 0;
    // The page's clock is set before anything happens.
    if socket.send(news(demo, &[])).await.is_err() {
        return;
    }
    loop {
        let message = tokio::select! {
            events = phone.news(told) => {
                told += events.len();
                Some(news(demo, &events))
            }
            sound = sounds.recv() => match sound {
                Ok(Sound::Frame { ulaw, .. }) => Some(Message::binary(ulaw.to_vec())),
                Ok(Sound::Cut { call }) => Some(text(&json!({ "cut": call }))),
                // A page that was asleep goes on with what is played now.
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return,
            },
            came = socket.recv() => match came {
                Some(Ok(Message::Text(order))) => obey(demo, &order).await.err().map(|why| text(&json!({ "refused": why }))),
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => None,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        if let Some(message) = message
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

fn news(demo: &Demo, events: &[Event]) -> Message {
    let events: Vec<Value> = events.iter().map(|event| tell(event, &demo.keywords)).collect();
    text(&json!({ "now": demo.phone.now().as_secs_f64(), "events": events }))
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// Does it; the error is a sentence for the person.
pub(super) async fn obey(Demo { phone, chat, .. }: &Demo, order: &str) -> Result<(), String> {
    let order = serde_json::from_str(order).map_err(|_| "this is no order that the phone knows")?;
    let done = match order {
        Order::PickUp => phone.pick_up(),
        Order::Decline => phone.decline(),
        Order::Say { text } => match text.trim() {
            "" => Ok(()),
            long if long.chars().count() > LONGEST => return Err("this is too long to be said".to_owned()),
            words => phone.say(words).await,
        },
        Order::Hesitate => phone.hesitate().await,
        Order::Press { key } => phone.press(key),
        Order::HangUp => phone.hang_up(),
        Order::Write { text } => match text.trim() {
            "" => Ok(()),
            long if long.chars().count() > LONGEST => return Err("this is too long to be written".to_owned()),
            words => {
                chat.sends(words);
                Ok(())
            }
        },
        Order::Read => {
            chat.reads();
            Ok(())
        }
    };
    done.map_err(|why: NotNow| why.to_string())
}
