//! The server under test as a child process, and what the kernel says it used.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

/// A tick of `/proc/<pid>/stat`: Linux has told user space 100 a second on every architecture for decades.
const TICK: Duration = Duration::from_millis(10);

/// How long the server may take to be healthy.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server; killed when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) url: String,
    /// From the spawn to the first healthy answer.
    pub(super) start: Duration,
    /// Its core is its own.
    pub(super) pinned: bool,
}

impl Server {
    /// Starts this program's own `serve`, on the first core where `pin` says so and the machine can, and waits until it
    /// is healthy. `settings` is its whole environment beside the port.
    pub(super) async fn start(
        settings: &[(&str, String)],
        pin: bool,
        client: &reqwest::Client,
    ) -> anyhow::Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let port = free.local_addr()?.port();
        drop(free);
        let program = std::env::current_exe().context("cannot find this program")?;
        let pinned = pin && pin_ourselves();
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let url = format!("http://127.0.0.1:{port}");
        command
            .arg("serve")
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("PORT", port.to_string())
            .env("CALLME_PUBLIC_URL", &url)
            .env("CALLME_DATA_DIR", "none")
            // Away from a `.env` that is not meant for it.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let spawned = Instant::now();
        let child = command.spawn().context("cannot start the server")?;
        let mut server = Self { child, url, start: Duration::ZERO, pinned };
        while !server.is_healthy(client).await {
            if let Some(status) = server.child.try_wait()? {
                anyhow::bail!("the server ended at once: {status}");
            }
            anyhow::ensure!(spawned.elapsed() < PATIENCE, "the server did not become healthy");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.start = spawned.elapsed();
        Ok(server)
    }

    async fn is_healthy(&self, client: &reqwest::Client) -> bool {
        let answer = client.get(format!("{}/health", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// In its own code.
    pub(super) user: Duration,
    /// In the kernel, on its behalf.
    pub(super) system: Duration,
    /// How long its threads could have run and did not get a core: other work of the machine.
    pub(super) starved: Duration,
    /// Memory that is resident, in KiB.
    pub(super) resident_kib: u64,
}

impl Usage {
    /// What this process has used.
    pub(super) fn ours() -> anyhow::Result<Self> {
        Self::of("self")
    }

    fn of(process: &str) -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("needs Linux's /proc")?;
        // The name, in parentheses, may hold anything; the fields behind it are counted from the third.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |at: usize| fields.get(at - 3).and_then(|field| field.parse::<u32>().ok()).map(|n| TICK * n);
        let (user, system) = ticks(14).zip(ticks(15)).context("/proc/<pid>/stat has another form")?;
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident_kib = resident
            .and_then(|text| text.split_whitespace().next()?.parse().ok())
            .context("/proc/<pid>/status has another form")?;
        Ok(Self { user, system, starved: starved(process), resident_kib })
    }

    /// User and system time together.
    pub(super) fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

/// The second field of each thread's `schedstat`, in nanoseconds; nothing where the kernel does not keep it.
fn starved(process: &str) -> Duration {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Duration::ZERO };
    let of_thread = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
    };
    threads.filter_map(|thread| of_thread(thread.ok()?.path())).sum()
}

/// Moves this process, with all its threads, to the second core. `false` where there is no second one, or no `taskset`.
fn pin_ourselves() -> bool {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return false;
    }
    let us = std::process::id().to_string();
    let moved = Command::new("taskset").args(["-a", "-c", "-p", "1", &us]).stdout(Stdio::null()).status();
    moved.is_ok_and(|status| status.success())
}
