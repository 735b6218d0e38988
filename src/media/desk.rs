//! The desk: opens a call's media, mints the tokens that sockets come with, and lets in those that prove whose they are.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use futures_util::{FutureExt, StreamExt};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::call::{Attached, Call};
use super::ears::Ears;
use super::reports::{self, Reports};
use super::voice::Voice;
use super::watch::Watch;
use super::{BoxSocket, EventSink};
use crate::clock::wall::Alarm;
use crate::clock::{Clock, Millis};
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::media::{MediaCommand, MediaEvent};
use crate::domain::playout::Playout;
use crate::ids::{CarrierCallId, SessionId};
use crate::limit::Tally;
use crate::metrics::Metrics;
use crate::provider::{MediaIn, MediaStart, MediaWire, Stt, Tts};

/// A socket that has not said whose it is by then is closed.
const AUTHENTICATE: Duration = Duration::from_secs(10);
/// Sockets that may be authenticating at once; further ones are refused.
const MOST_STRANGERS: usize = 256;
/// Tokens of one session that may be unused at once: a webhook may come twice, each time with a token of its own.
const MOST_TOKENS: usize = 4;
/// A token is good for this long. The carrier comes with it within a second; its own patience for a socket is a few.
const TOKEN_LIFE: Duration = Duration::from_secs(30);
/// Commands a session may be ahead of its media: as many as it may queue utterances, and a few.
const MOST_COMMANDS: usize = 32;
/// 256 bits, as lower-case hex in the path and as a parameter.
const TOKEN_BYTES: usize = 32;

/// What a desk is made of.
pub struct DeskConfig {
    /// The voice.
    pub tts: Arc<dyn Tts>,
    /// The recogniser.
    pub stt: Arc<dyn Stt>,
    /// The carrier's media frames.
    pub wire: Arc<dyn MediaWire>,
    /// The carrier account whose streams are ours, where streams name one.
    pub account: String,
    /// The opening guard (`CALLME_BARGE_IN_GUARD_MS`).
    pub guard: Duration,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Owns the media tasks.
    pub tasks: TaskTracker,
    /// Fills a buffer with random bytes.
    pub random: fn(&mut [u8]),
}

impl std::fmt::Debug for DeskConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeskConfig")
    }
}

/// The media of all calls.
pub struct Desk {
    config: DeskConfig,
    strangers: Arc<Semaphore>,
    closed: Tally,
    seats: Mutex<Seats>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

#[derive(Default)]
struct Seats {
    calls: HashMap<SessionId, Open>,
    /// By hash, so that finding one takes no longer for a better guess.
    tokens: HashMap<TokenHash, Seat>,
    /// How many calls were opened; numbers the next.
    opened: u64,
}

/// The media of a session's present call.
struct Open {
    /// Tells it from an earlier call of the session, which may still be closing.
    leg: u64,
    attach: mpsc::Sender<Attached>,
}

type TokenHash = [u8; 32];

/// What a token stands for.
#[derive(Clone)]
struct Seat {
    session: SessionId,
    leg: u64,
    call: CarrierCallId,
    minted: u64,
    good_until: Millis,
    /// A socket has come with it.
    at_door: bool,
}

/// Leave to authenticate; bounded in number, for strangers by a count and for others by the tokens that were minted.
#[derive(Debug)]
pub struct Admission {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Desk {
    /// A desk without calls.
    pub fn new(config: DeskConfig) -> Self {
        Self {
            config,
            strangers: Arc::new(Semaphore::new(MOST_STRANGERS)),
            closed: Tally::default(),
            seats: Mutex::default(),
        }
    }

    /// Opens the media of a session; it closes when the returned sender is dropped.
    pub fn open(self: &Arc<Self>, session: SessionId, events: EventSink) -> mpsc::Sender<MediaCommand> {
        let (commands, commanded) = mpsc::channel(MOST_COMMANDS);
        let (attach, attached) = mpsc::channel(1);
        let leg = {
            let mut seats = self.lock();
            seats.opened += 1;
            let leg = seats.opened;
            seats.calls.insert(session.clone(), Open { leg, attach });
            leg
        };
        let events = Arc::new(events);
        let to_session = Arc::clone(&events);
        let call = Call {
            session: session.clone(),
            wire: Arc::clone(&self.config.wire),
            clock: Arc::clone(&self.config.clock),
            reports: Reports::new(Box::new(move |event| to_session(event))),
            playout: Playout::new(self.config.guard),
            speaking: None,
            voice: Voice::new(self.config.tts.open(), Arc::clone(&self.config.metrics)),
            ears: Ears::new(Arc::clone(&self.config.stt)),
            alarm: Alarm::default(),
            line: None,
            sound: Vec::new(),
            watch: Watch::new(Arc::clone(&self.config.metrics)),
            tasks: self.config.tasks.clone(),
        };
        let desk = Arc::clone(self);
        self.config.tasks.spawn(async move {
            if AssertUnwindSafe(call.run(commanded, attached)).catch_unwind().await.is_err() {
                reports::insist(&events, MediaEvent::HearingFailed(fault())).await;
            }
            desk.close(&session, leg);
        });
        commands
    }

    fn close(&self, session: &SessionId, leg: u64) {
        let mut seats = self.lock();
        if seats.calls.get(session).is_some_and(|open| open.leg == leg) {
            seats.calls.remove(session);
        }
        seats.tokens.retain(|_, seat| seat.leg != leg);
    }

    /// A new single-use token for the media of this session's call; `None` when the session has no media.
    pub fn mint(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.mint_beside(session, call, MOST_TOKENS)
    }

    /// The same, and every earlier one of the session's is void.
    pub fn mint_alone(&self, session: &SessionId, call: &CarrierCallId) -> Option<String> {
        self.mint_beside(session, call, 1)
    }

    /// A new token, with which so many of the session's are good at once.
    fn mint_beside(&self, session: &SessionId, call: &CarrierCallId, most: usize) -> Option<String> {
        let mut bytes = [0; TOKEN_BYTES];
        (self.config.random)(&mut bytes);
        let token = HEXLOWER.encode(&bytes);
        let mut seats = self.lock();
        let leg = seats.calls.get(session)?.leg;
        let of_session = |seat: &Seat| seat.session == *session;
        let minted =
            seats.tokens.values().filter(|seat| of_session(seat)).map(|seat| seat.minted).max().unwrap_or(0) + 1;
        seats.tokens.retain(|_, seat| !of_session(seat) || seat.minted + most as u64 > minted);
        let (session, call) = (session.clone(), call.clone());
        let good_until = self.config.clock.now() + TOKEN_LIFE;
        seats.tokens.insert(hash(&token), Seat { session, leg, call, minted, good_until, at_door: false });
        Some(token)
    }

    /// Leave for one more socket to come in and prove whose it is, by the token in its path. One that was minted is no
    /// stranger's: however many strangers wait at the door, a call gets its media. `None` for any other token, and
    /// without one when too many are at it.
    pub fn admit(&self, path_token: Option<&str>) -> Option<Admission> {
        if let Some(token) = path_token {
            let mut seats = self.lock();
            let seat = seats.tokens.get_mut(&hash(token)).filter(|seat| self.is_good(seat))?;
            // One socket for each token; others with the same one are as good as any.
            if !std::mem::replace(&mut seat.at_door, true) {
                return Some(Admission { _permit: None });
            }
        }
        Some(Admission { _permit: Some(Arc::clone(&self.strangers).try_acquire_owned().ok()?) })
    }

    /// Takes a socket in: waits for it to say which call it carries, checks that, and hands it to the call. Whatever
    /// does not prove itself is closed without a word.
    pub async fn receive(&self, admission: Admission, path_token: Option<String>, mut socket: BoxSocket) {
        let proven = tokio::time::timeout(AUTHENTICATE, self.authenticate(path_token.as_deref(), &mut socket)).await;
        drop(admission);
        match proven {
            Ok(Some((seat, stream))) => {
                let attach = {
                    let seats = self.lock();
                    seats.calls.get(&seat.session).filter(|open| open.leg == seat.leg).map(|open| open.attach.clone())
                };
                let Some(attach) = attach else { return };
                let (refused, back) = oneshot::channel();
                let _ = attach.send(Attached { socket, stream, refused }).await;
                if let Ok(socket) = back.await {
                    close(socket).await;
                }
            }
            Ok(None) | Err(_) => {
                if let Some(count) = self.closed.due(Instant::now()) {
                    tracing::warn!(count, "media sockets that did not prove which call they belong to were closed");
                }
                close(socket).await;
            }
        }
    }

    async fn authenticate(&self, path_token: Option<&str>, socket: &mut BoxSocket) -> Option<(Seat, String)> {
        loop {
            let frame = socket.next().await?;
            match self.config.wire.read(std::str::from_utf8(&frame).ok()?).ok()? {
                MediaIn::Start(start) => return self.redeem(path_token, &start),
                // Anything else before `start` is no carrier of ours.
                MediaIn::Connected | MediaIn::Other => {}
                MediaIn::Audio { .. }
                | MediaIn::Mark(_)
                | MediaIn::Key(_)
                | MediaIn::Complaint { .. }
                | MediaIn::Stop => return None,
            }
        }
    }

    /// Takes the token, if everything the carrier says agrees with it. A wrong call uses it up as well.
    fn redeem(&self, path_token: Option<&str>, start: &MediaStart<'_>) -> Option<(Seat, String)> {
        let token = match (path_token, start.token.as_deref()) {
            (Some(path), Some(parameter)) => bool::from(path.as_bytes().ct_eq(parameter.as_bytes())).then_some(path)?,
            (Some(token), None) | (None, Some(token)) => token,
            (None, None) => return None,
        };
        let seat = self.lock().tokens.remove(&hash(token))?;
        let foreign = start.account.as_deref().is_some_and(|account| account != self.config.account);
        let ours = !foreign && start.call == seat.call.as_str() && self.is_good(&seat);
        ours.then(|| (seat, start.stream.clone().into_owned()))
    }

    fn is_good(&self, seat: &Seat) -> bool {
        self.config.clock.now() < seat.good_until
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says goodbye to a socket that is not wanted, with a close frame rather than a broken connection, within a second.
pub(super) async fn close(mut socket: BoxSocket) {
    let goodbye = std::future::poll_fn(|cx| socket.as_mut().poll_close(cx));
    let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

fn fault() -> ProviderError {
    ProviderError::ours(ErrorClass::Unknown, "the media of the call failed")
}
