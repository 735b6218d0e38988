//! Telnyx: the Call Control REST API and its commands, signed events, and the media socket's dialect.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

use super::super::timeline::Callback;
use super::super::world::World;
use super::Call;
use super::dial::{Dial, Events, Wants};
use crate::phone_number::PhoneNumber;

mod command;
mod dial;
pub(super) mod event;
pub(super) mod frames;
pub(in crate::emulator) mod refusal;
mod rest;
mod scatter;
mod sign;

pub(in crate::emulator) use refusal::{Refusal, authorise};
pub(in crate::emulator) use sign::{public_key, signature};

/// Telnyx's routes.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/calls", post(rest::dial))
        .route("/v2/calls/{call}", get(rest::read))
        .route("/v2/calls/{call}/actions/{action}", post(command::act))
        .route("/v2/connections/{connection}/active_calls", get(rest::active))
}

/// The person rings the account's number: a call that only the server can end, by turning it away.
pub(in crate::emulator) fn ring_in(world: &Arc<World>) {
    let number = |text: &str| PhoneNumber::parse(text).expect("the emulator's numbers are numbers");
    let origin = world.messaging_webhook().unwrap_or_default();
    let dial = Dial {
        to: number(&world.config.number),
        from: number(&world.config.person),
        url: origin.replace("/whatsapp", "/twiml"),
        timeout: Duration::from_mins(1),
        time_limit: None,
        detection: None,
        wants: Wants::Events(Events { inbound: true, ..Events::default() }),
    };
    let call = {
        let mut calls = world.calls.lock().expect("no holder of the lock panics");
        let (call, _) = Call::new(calls.len() + 1, rest::name(world), dial, world.now());
        calls.push(Arc::clone(&call));
        call
    };
    call.call_back(world, Callback::Initiated, &[]);
}
