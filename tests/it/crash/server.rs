//! The real binary under a supervisor that starts it again whenever it has ended, on the same port and with the same state.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callme::emulator::Emulator;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::binary::redis;
use crate::world::{KEY, PERSON};

/// How often the supervisor looks.
const LOOK: Duration = Duration::from_millis(10);
/// Longer than any start or end takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server keeps its state.
#[derive(Clone, Copy, Debug)]
pub(super) enum Store {
    /// In its data directory.
    Embedded,
    /// In a Redis of its own, which lives on.
    Redis,
}

impl Store {
    fn settings(directory: &Path, redis: Option<&redis::Server>) -> Vec<(&'static str, String)> {
        let mut settings = vec![("CALLME_DATA_DIR", directory.join("data").display().to_string())];
        if let Some(redis) = redis {
            settings.push(("CALLME_REDIS_URL", redis.url()));
            settings.push(("CALLME_HASH_KEY", "a key of hashes for the tests".to_owned()));
        }
        settings
    }

    fn begin(self) -> Option<redis::Server> {
        match self {
            Store::Embedded => None,
            Store::Redis => loop {
                let mut server = redis::Server::planned(&["--appendonly", "yes", "--appendfsync", "always"]);
                // Somebody else may take the port between the question for it and the start.
                if server.begin() {
                    return Some(server);
                }
            },
        }
    }
}

/// The server's process, whichever it is now; clones share it.
#[derive(Clone)]
pub(super) struct Server(Arc<Inner>);

struct Inner {
    port: u16,
    settings: Vec<(&'static str, String)>,
    /// Holds its state and its log.
    directory: PathBuf,
    redis: Option<redis::Server>,
    child: Mutex<Option<Child>>,
    starts: AtomicUsize,
}

impl Server {
    /// Not started yet: it calls and writes through this emulator.
    pub(super) fn new(emulator: &Emulator, port: u16, store: Store, more: &[(&'static str, String)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("callme-crash-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory of our own");
        let mut settings = emulator.environment();
        settings.extend(emulator.whatsapp_environment());
        let redis = store.begin();
        settings.extend(Store::settings(&directory, redis.as_ref()));
        settings.extend([
            ("PORT", port.to_string()),
            ("CALLME_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
            ("CALLME_API_KEY", KEY.to_owned()),
            ("CALLME_USER_PHONE_NUMBER", PERSON.to_owned()),
            ("CALLME_LOG", "callme=debug".to_owned()),
        ]);
        settings.extend_from_slice(more);
        let (child, starts) = (Mutex::default(), AtomicUsize::new(0));
        Self(Arc::new(Inner { port, settings, directory, redis, child, starts }))
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port
    }

    /// How often it was started.
    pub(super) fn starts(&self) -> usize {
        self.0.starts.load(Ordering::Relaxed)
    }

    /// Starts it, with a setting more. Another build of it is tried by naming it in `CALLME_TEST_BINARY`.
    pub(super) fn start(&self, more: Option<(&str, String)>) {
        let log = File::options().create(true).append(true).open(self.0.directory.join("log")).expect("our own file");
        let binary = std::env::var_os("CALLME_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_callme").into());
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .env_clear()
            .envs(self.0.settings.iter().map(|(name, value)| (name, value)))
            .envs(more)
            .current_dir(&self.0.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("our own file"))
            .stderr(log);
        *self.child() = Some(command.spawn().expect("the binary can be started"));
        self.0.starts.fetch_add(1, Ordering::Relaxed);
    }

    /// SIGKILL; it is gone when this returns.
    pub(super) fn kill(&self) {
        if let Some(child) = self.child().as_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM; gives how it ended, and how long that took.
    pub(super) async fn terminate(&self) -> (Option<i32>, Duration) {
        let sent = Instant::now();
        let id = self.child().as_ref().expect("it was started").id();
        let kill = Command::new("kill").args(["-TERM", &id.to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "the signal could not be sent");
        while !self.is_down() {
            assert!(sent.elapsed() < PATIENCE, "it does not end: {}", self.log());
            tokio::time::sleep(LOOK).await;
        }
        let status = self.child().as_mut().and_then(|child| child.try_wait().ok().flatten());
        (status.as_ref().and_then(ExitStatus::code), sent.elapsed())
    }

    /// Waits until it takes connections.
    pub(super) async fn listens(&self) {
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.0.port)).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "it does not listen: {}", self.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether it takes connections, for whoever cannot wait otherwise.
    pub(super) fn is_listening(&self) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", self.0.port)).is_ok()
    }

    /// Starts it again whenever it is down, after `meanwhile`.
    pub(super) fn supervised(&self, meanwhile: impl Fn() -> BoxFuture<'static, ()> + Send + 'static) -> JoinSet<()> {
        let server = self.clone();
        let mut supervisor = JoinSet::new();
        supervisor.spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                if server.is_down() {
                    meanwhile().await;
                    server.start(None);
                }
            }
        });
        supervisor
    }

    /// Every byte of what it keeps.
    pub(super) fn kept(&self) -> Vec<u8> {
        if let Some(redis) = &self.0.redis {
            return redis.files().concat();
        }
        let files = std::fs::read_dir(self.0.directory.join("data")).expect("the data directory");
        files.flat_map(|file| std::fs::read(file.expect("a file").path()).expect("our own file")).collect()
    }

    /// What its processes wrote.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.0.directory.join("log")).unwrap_or_default()
    }

    fn is_down(&self) -> bool {
        self.child().as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_some()))
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.0.child.lock().expect("no holder of the lock panics")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(child) = self.child.get_mut().expect("no holder of the lock panics") {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// One that nobody takes while the server is down: below those that the system gives to whoever connects.
pub(super) fn lasting_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let pid = u16::try_from(std::process::id() % 1_000).expect("it is small");
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + (pid * 20 + n) % 20_000;
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
