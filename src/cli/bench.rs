//! `callme bench`: how much a call costs, and whether its sound stays whole under load.
//!
//! This process plays the carrier and the speech provider for all calls, over real sockets on loopback, and starts the
//! server under test as a child of its own. Unlike the emulator it knows no faults and no scripts: only the happy wire,
//! cheap enough for hundreds of calls. All sound is coded, so that each frame tells whose it is and where it belongs.

mod agent;
mod call;
mod carrier;
mod codes;
mod door;
mod figures;
mod process;
mod speech;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::TaskTracker;

use super::{BenchCalls, BenchKind, output};
use agent::Dials;
use call::{Call, GOODBYE, Micros};
use figures::{Audio, Cpu, Latency, Load, Memory, Report, Tally, millis};
use process::{Server, Usage};

use crate::provider::twilio::signature::{self, Key};

/// Cells of 20 ms in an utterance that needs a reply: ten seconds, or half of the steady window where that is shorter.
const LONGEST_UTTERANCE: u64 = 500;

/// Cells in the goodbye: one second.
const GOODBYE_CELLS: usize = 50;

/// Calls take turns in the 20 ms between two of their frames, as those of different phones do.
const PHASES: usize = 20;

/// From the last call's first sound, or from the start, to the steady window.
const SETTLES: Duration = Duration::from_secs(1);

/// How long all calls together may take to begin.
const BEGINS: Duration = Duration::from_secs(120);

/// How long the last turns and goodbyes may take.
const ENDS: Duration = Duration::from_secs(90);

/// Between looks at the server's memory.
const LOOK: Duration = Duration::from_millis(500);

/// The played carrier's key.
const AUTH_TOKEN: &str = "bench-auth-token";

/// What all tasks of the load generator share.
#[derive(Debug)]
struct World {
    calls: Vec<Arc<Call>>,
    tally: Arc<Tally>,
    tasks: TaskTracker,
    key: Key,
    http: reqwest::Client,
    /// Known once the server runs.
    server: OnceLock<String>,
    epoch: Instant,
    cells: usize,
    /// Calls end with their present turn.
    ending: AtomicBool,
    agents: AtomicU16,
    placed: AtomicU16,
    dialed: mpsc::UnboundedSender<u16>,
}

/// Runs one of the benches, in a runtime of its own with one thread: the load must fit on a core.
///
/// # Errors
/// When it cannot be run at all, rather than a figure being bad.
pub fn bench(kind: &BenchKind) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match kind {
        BenchKind::Calls(wanted) => {
            let report = runtime.block_on(calls(wanted))?;
            if wanted.json {
                output::line(serde_json::to_string_pretty(&report)?)?;
            } else {
                output::line(&report)?;
            }
            Ok(if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        BenchKind::Door(wanted) => runtime.block_on(door::door(wanted)),
    }
}

async fn calls(wanted: &BenchCalls) -> anyhow::Result<Report> {
    let (dialed, dials) = mpsc::unbounded_channel();
    let world = Arc::new(World::new(wanted, dialed)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
    let ours = format!("http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    let routes = carrier::router().merge(speech::router()).with_state(Arc::clone(&world));
    let mut background = JoinSet::new();
    background.spawn(async move { _ = axum::serve(listener, routes).await });

    let server = Server::start(&settings(wanted.calls, &ours), !wanted.unpinned, &world.http).await?;
    world.server.get_or_init(|| server.url.clone());
    tokio::time::sleep(SETTLES).await;
    let idle = server.usage()?;

    let timer = Arc::clone(&world);
    background.spawn(async move { timer.tick().await });
    let (mut agents, dials) = (JoinSet::new(), Arc::new(Dials::new(dials)));
    for _ in 0..wanted.calls {
        agents.spawn(agent::run(Arc::clone(&world), Arc::clone(&dials)));
    }
    let all = u64::from(wanted.calls);
    let begun = async {
        while world.tally.utterances.value() < all && world.tally.problem_count.value() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(BEGINS, begun).await.is_err() {
        world.tally.problem("not all calls began in time".to_owned());
    }
    tokio::time::sleep(SETTLES).await;

    let window = Window::measure(&world, &server, Duration::from_secs(wanted.seconds)).await?;

    world.ending.store(true, Ordering::Relaxed);
    let ended = async { while agents.join_next().await.is_some() {} };
    if tokio::time::timeout(ENDS, ended).await.is_err() {
        world.tally.problem("not all calls ended in time".to_owned());
    }
    world.tasks.close();
    if tokio::time::timeout(ENDS, world.tasks.wait()).await.is_err() {
        world.tally.problem("not all calls were hung up in time".to_owned());
    }
    Ok(window.report(&world, &server, &idle, wanted.calls))
}

/// The server's environment: nothing else is in it.
fn settings(calls: u16, ours: &str) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("CALLME_API_KEY", text(agent::KEY)),
        ("CALLME_PHONE_ACCOUNT_SID", text(carrier::ACCOUNT)),
        ("CALLME_PHONE_AUTH_TOKEN", text(AUTH_TOKEN)),
        ("CALLME_PHONE_NUMBER", text(carrier::OURS)),
        ("CALLME_USER_PHONE_NUMBER", text(carrier::PERSON)),
        ("CALLME_OPENAI_API_KEY", text("sk-bench")),
        ("CALLME_TWILIO_API_URL", text(ours)),
        ("OPENAI_API_BASE_URL", text(ours)),
        ("CALLME_MAX_LIVE_CALLS", calls.to_string()),
        ("CALLME_MAX_SESSIONS", calls.max(1000).to_string()),
        ("CALLME_MAX_CALLS_PER_HOUR", text("0")),
        // A dry session is no call's.
        ("CALLME_SPEECH_PROBE_HOURS", text("0")),
        ("CALLME_LOG", text("error")),
    ]
}

impl World {
    fn new(wanted: &BenchCalls, dialed: mpsc::UnboundedSender<u16>) -> anyhow::Result<Self> {
        let tally = Arc::new(Tally::default());
        let cells = (wanted.seconds * 50 / 2).min(LONGEST_UTTERANCE);
        Ok(Self {
            calls: (0..wanted.calls).map(|number| Arc::new(Call::new(number, Arc::clone(&tally)))).collect(),
            tally,
            tasks: TaskTracker::new(),
            key: Key::new(&SecretString::from(AUTH_TOKEN)),
            http: reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(10)).build()?,
            server: OnceLock::new(),
            epoch: Instant::now(),
            cells: usize::try_from(cells).context("the window is too long")?,
            ending: AtomicBool::new(false),
            agents: AtomicU16::new(0),
            placed: AtomicU16::new(0),
            dialed,
        })
    }

    fn now(&self) -> Micros {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    fn server(&self) -> &str {
        self.server.get().map_or("", String::as_str)
    }

    /// The number of the agent that is about to call.
    fn next_agent(&self) -> u16 {
        self.agents.fetch_add(1, Ordering::Relaxed)
    }

    /// The call that was dialed now.
    fn next_call(&self) -> Option<Arc<Call>> {
        let number = self.placed.fetch_add(1, Ordering::Relaxed);
        let call = self.calls.get(usize::from(number))?;
        let _ = self.dialed.send(number);
        Some(Arc::clone(call))
    }

    /// How long the speech of a turn is.
    fn cells(&self, turn: u16) -> usize {
        if turn == GOODBYE { GOODBYE_CELLS } else { self.cells }
    }

    /// Whether the person cuts this one short: one in four, but none that the opening guard protects.
    #[expect(clippy::unused_self, reason = "it is the world that decides")]
    fn interrupts(&self, call: u16, turn: u16) -> bool {
        turn > 0 && turn != GOODBYE && (call + turn) % 4 == 3
    }

    /// A signed request of the carrier; gives the answer's body.
    async fn post(&self, url: &str, form: Vec<(&str, String)>) -> anyhow::Result<String> {
        let form: Vec<(String, String)> = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let signature = self.key.sign(url, &form);
        let request = self.http.post(url).timeout(Duration::from_secs(15)).header(signature::HEADER, signature);
        let response = request.form(&form).send().await.context("a webhook")?;
        let status = response.status();
        anyhow::ensure!(status.is_success(), "a webhook was answered with HTTP {status}");
        Ok(response.text().await?)
    }

    /// The one timer of all calls.
    async fn tick(&self) {
        let mut interval = tokio::time::interval(Duration::from_millis(20) / u32::try_from(PHASES).unwrap_or(1));
        interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for phase in (0..PHASES).cycle() {
            let due = interval.tick().await;
            let now = self.now();
            if self.tally.is_steady() {
                self.tally.tick_late.add(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            let ending = self.is_ending();
            for call in self.calls.iter().skip(phase).step_by(PHASES) {
                call.tick(now, ending);
            }
        }
    }
}

/// The steady window's measurements.
struct Window {
    length: Duration,
    user: Duration,
    system: Duration,
    starved: Duration,
    ours: Duration,
    most_resident_kib: u64,
}

impl Window {
    async fn measure(world: &World, server: &Server, length: Duration) -> anyhow::Result<Self> {
        let (before, ours, began) = (server.usage()?, Usage::ours()?, Instant::now());
        world.tally.steady.store(true, Ordering::Relaxed);
        let most = AtomicU64::new(before.resident_kib);
        while began.elapsed() < length {
            tokio::time::sleep_until((Instant::now() + LOOK).min(began + length)).await;
            most.fetch_max(server.usage()?.resident_kib, Ordering::Relaxed);
        }
        world.tally.steady.store(false, Ordering::Relaxed);
        let (after, length) = (server.usage()?, began.elapsed());
        Ok(Self {
            length,
            user: after.user.saturating_sub(before.user),
            system: after.system.saturating_sub(before.system),
            starved: after.starved.saturating_sub(before.starved),
            ours: Usage::ours()?.cpu().saturating_sub(ours.cpu()),
            most_resident_kib: most.into_inner(),
        })
    }

    fn report(&self, world: &World, server: &Server, idle: &Usage, calls: u16) -> Report {
        let tally = &world.tally;
        let seconds = self.length.as_secs_f64();
        let call_seconds = f64::from(calls) * seconds;
        let grown = self.most_resident_kib.saturating_sub(idle.resident_kib);
        let audio = Audio {
            frames_sent: tally.frames_sent.value(),
            frames_heard: tally.frames_heard.value(),
            lost: tally.lost.value(),
            out_of_order: tally.out_of_order.value(),
            foreign: tally.foreign.value(),
            utterances: tally.utterances.value(),
            turns: tally.turns.value(),
            interruptions: tally.interruptions.value(),
            late_frames: tally.late_frames.value(),
            gaps: tally.gaps.value(),
            gap_ms: as_f64(tally.gap_micros.value()) / 1000.0,
            provider_gaps: tally.provider_gaps.value(),
            talking_percent: 100.0 * as_f64(tally.talking.value()) / as_f64(tally.ticks.value().max(1)),
        };
        Report {
            calls,
            seconds,
            pinned: server.pinned,
            cpu: Cpu {
                ms_per_call_second: millis(self.user + self.system) / call_seconds,
                user_ms_per_call_second: millis(self.user) / call_seconds,
                system_ms_per_call_second: millis(self.system) / call_seconds,
                percent: 100.0 * (self.user + self.system).as_secs_f64() / seconds,
                starved_percent: 100.0 * self.starved.as_secs_f64() / seconds,
            },
            memory: Memory {
                idle_kib: idle.resident_kib,
                steady_kib: self.most_resident_kib,
                per_call_kib: as_f64(grown) / f64::from(calls),
            },
            start_ms: millis(server.start),
            latency: Latency {
                frame_to_stt: tally.frame_to_stt.quantiles(),
                tts_to_frame: tally.tts_to_frame.quantiles(),
                speech_to_clear: tally.speech_to_clear.quantiles(),
                answer_to_audio: tally.answer_to_audio.quantiles(),
            },
            good: audio.is_whole() && tally.problem_count.value() == 0,
            audio,
            load: Load {
                tick_late: tally.tick_late.quantiles(),
                cpu_percent: 100.0 * self.ours.as_secs_f64() / seconds,
            },
            problems: tally.problems(),
            problem_count: tally.problem_count.value(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and kibibytes are far below 2^52")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
