//! A call from the dial to its end, as its own task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::super::form::set;
use super::super::person::acting::Acting;
use super::super::person::{PickUp, Script, Step};
use super::super::phone::Hand;
use super::super::timeline::{CallState, Callback, Side, What};
use super::super::voice::Speaker;
use super::super::world::World;
use super::media::Stream;
use super::webhook::verdict;
use super::{Call, Control};

mod live;

use live::{Leg, Live, fetch};

/// From the dial to the first ring.
const SETUP: Duration = Duration::from_millis(500);

/// How a call ended.
struct End {
    state: CallState,
    by: Side,
    /// The final SIP code.
    sip: u16,
    /// The stream that is still open.
    stream: Option<Box<Stream>>,
}

impl End {
    fn unanswered(state: CallState, by: Side, sip: u16) -> Self {
        Self { state, by, sip, stream: None }
    }
}

/// Carries a call through.
pub(super) async fn run(
    world: Arc<World>,
    call: Arc<Call>,
    script: Script,
    mut controlled: UnboundedReceiver<Control>,
) {
    let dialed = Instant::now();
    call.call_back(&world, Callback::Initiated, &[]);
    let steps = prepare(&world, &script.steps).await;
    let end = match ring(&world, &call, script.pick_up, dialed, &mut controlled).await {
        Err(end) => end,
        // The REST API can still have been quicker than the person.
        Ok(()) if !call.enter(&world, CallState::InProgress, None) => {
            End::unanswered(CallState::Canceled, Side::Server, 487)
        }
        Ok(()) => {
            call.call_back(&world, Callback::Answered, &[]);
            let first = answer(&world, &call, &script);
            let live = Live::new(Arc::clone(&world), Arc::clone(&call), Acting::new(steps), first);
            live.run(&mut controlled).await
        }
    };
    // Unless the REST API has ended it already.
    call.enter(&world, end.state, Some(end.by));
    let seconds = call.talked(world.now()).unwrap_or_default().as_secs();
    let over = [
        ("CallDuration", seconds.to_string()),
        ("Duration", seconds.div_ceil(60).to_string()),
        ("SipResponseCode", end.sip.to_string()),
    ];
    call.call_back(&world, Callback::Completed, &over);
    if let Some(stream) = end.stream {
        call.note(&world, What::MediaDown(Side::Carrier));
        stream.stop().await;
    }
}

/// Makes the sound of everything the person will say, and remembers it for the recogniser.
async fn prepare(world: &World, steps: &[Step]) -> VecDeque<(Step, Arc<[u8]>)> {
    let mut prepared = VecDeque::new();
    for step in steps {
        let sound = match step {
            Step::Say(text) => {
                let sound = world.config.voice.say_ulaw(Speaker::Person, text).await;
                world.phrases.lock().expect("no holder of the lock panics").learn(text, &sound);
                sound
            }
            _ => Arc::default(),
        };
        prepared.push_back((step.clone(), sound));
    }
    prepared
}

/// Until somebody picks up; the error is how it ended otherwise.
async fn ring(
    world: &Arc<World>,
    call: &Arc<Call>,
    pick_up: PickUp,
    dialed: Instant,
    controlled: &mut UnboundedReceiver<Control>,
) -> Result<(), End> {
    let rings = dialed + SETUP;
    let gives_up = dialed + call.dial.timeout;
    let unanswered = |state, by, sip| Err(End::unanswered(state, by, sip));
    let (at, outcome) = match pick_up {
        PickUp::After(time) => (rings + time, Ok(())),
        PickUp::Never => (gives_up, unanswered(CallState::NoAnswer, Side::Carrier, 487)),
        PickUp::Declines(time) => (rings + time, unanswered(CallState::NoAnswer, Side::Person, 603)),
        PickUp::Busy => (rings, unanswered(CallState::Busy, Side::Carrier, 486)),
        PickUp::Failed => (rings, unanswered(CallState::Failed, Side::Carrier, 404)),
    };
    let (at, outcome) =
        if at < gives_up { (at, outcome) } else { (gives_up, unanswered(CallState::NoAnswer, Side::Carrier, 487)) };
    let ringing = async {
        if !matches!(pick_up, PickUp::Busy | PickUp::Failed) {
            tokio::time::sleep_until(rings).await;
            call.enter(world, CallState::Ringing, None);
            call.call_back(world, Callback::Ringing, &[]);
        }
        tokio::time::sleep_until(at).await;
        outcome
    };
    let told = async {
        // A redirect means nothing before the answer; a closed channel means that nobody can hang up.
        loop {
            match controlled.recv().await {
                Some(Control::HangUp) => return unanswered(CallState::Canceled, Side::Server, 487),
                Some(Control::Hand(Hand::PicksUp)) => return Ok(()),
                Some(Control::Hand(Hand::Declines)) => return unanswered(CallState::NoAnswer, Side::Person, 603),
                Some(Control::Redirect(_) | Control::Stream(_) | Control::Hand(Hand::Does(..) | Hand::HangsUp)) => {}
                None => std::future::pending().await,
            }
        }
    };
    tokio::select! { biased; end = told => end, end = ringing => end }
}

/// The first thing after the answer: the instructions, at once or after a synchronous verdict.
fn answer(world: &Arc<World>, call: &Arc<Call>, script: &Script) -> Leg {
    if call.dial.events().is_some() {
        if let Some(found) = script.verdict {
            call.tell_verdict(world, found.by, found.after);
        }
        return Leg::Waiting;
    }
    let (url, mut form) = (call.dial.url.clone(), call.form(world, CallState::InProgress));
    let (Some(detection), Some(found)) = (&call.dial.detection, script.verdict) else {
        return fetch(world, call, url, form);
    };
    if detection.asynchronous {
        call.judge(world, detection, found.by, found.after);
        return fetch(world, call, url, form);
    }
    set(&mut form, "AnsweredBy", verdict(found.by, detection.message_end).to_owned());
    call.progress().answered_by = Some(found.by);
    let Leg::Fetching(fetching) = fetch(world, call, url, form) else { unreachable!("a fetch was made") };
    Leg::Fetching(Box::pin(async move {
        tokio::time::sleep(found.after).await;
        fetching.await
    }))
}
