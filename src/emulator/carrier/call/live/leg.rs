//! What a carrier is doing with an answered call: one thing after another.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::super::super::Call;
use super::super::super::media::{Incoming, Stream};
use super::super::super::twiml::{self, Verb};
use crate::emulator::faults::Fault;
use crate::emulator::form::Form;
use crate::emulator::post::{CALLS, post};
use crate::emulator::timeline::What;
use crate::emulator::world::World;

/// Fetches instructions.
pub(in crate::emulator::carrier::call) fn fetch(world: &Arc<World>, call: &Arc<Call>, url: String, form: Form) -> Leg {
    let (world, call) = (Arc::clone(world), Arc::clone(call));
    Leg::Fetching(Box::pin(async move {
        if world.faults.strikes(&Fault::TwimlTwice) {
            let first = post(&world, &url, &form, CALLS).await.map(|(status, _)| status);
            call.note(&world, What::Twiml { status: first, verbs: "answer lost".to_owned() });
        }
        let answer = post(&world, &url, &form, CALLS).await;
        let status = answer.as_ref().map(|(status, _)| *status);
        let verbs = match answer {
            Some((200..=299, text)) => twiml::parse(&text),
            Some((status, _)) => Err(format!("11200 the instructions were answered with {status}")),
            None => Err("11200 the instructions could not be fetched".to_owned()),
        };
        let names = verbs.as_ref().map(|v| v.iter().map(Verb::name).collect::<Vec<_>>().join(" "));
        call.note(&world, What::Twiml { status, verbs: names.unwrap_or_default() });
        verbs.map(|verbs| (url, verbs))
    }))
}

/// What the carrier is doing with an answered call.
pub(in crate::emulator::carrier::call) enum Leg {
    Fetching(BoxFuture<'static, Result<(String, VecDeque<Verb>), String>>),
    /// With its URL.
    Opening(String, BoxFuture<'static, Result<Box<Stream>, String>>),
    Pausing(BoxFuture<'static, ()>),
    Streaming(Box<Stream>),
    /// At Telnyx: for a command.
    Waiting,
    /// The instructions have ended the call.
    Over,
}

/// What a leg came to.
pub(super) enum Progressed {
    Fetched(Result<(String, VecDeque<Verb>), String>),
    Opened(Result<Box<Stream>, String>),
    Paused,
    Came(Incoming),
    Over,
}

impl Leg {
    /// Can be dropped and called again.
    pub(super) async fn next(&mut self) -> Progressed {
        match self {
            Self::Fetching(fetching) => Progressed::Fetched(fetching.await),
            Self::Opening(_, opening) => Progressed::Opened(opening.await),
            Self::Pausing(pausing) => {
                pausing.await;
                Progressed::Paused
            }
            Self::Streaming(stream) => Progressed::Came(stream.next().await),
            Self::Waiting => std::future::pending().await,
            Self::Over => Progressed::Over,
        }
    }
}
