//! The binary as a child process, with an environment of its own.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::Instant;

/// A running `callme`; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it keeps.
    data: PathBuf,
    written: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it wrote, on both streams.
    pub(crate) written: String,
    /// From the signal, or the start, to the end.
    pub(crate) took: Duration,
}

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

impl Process {
    /// Starts it where no `.env` is, with nothing in its environment but these settings.
    pub(crate) fn start(arguments: &[&str], settings: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callme"));
        let data = data_directory();
        command
            .args(arguments)
            .env_clear()
            .env("CALLME_DATA_DIR", &data)
            .envs(settings.iter().map(|(name, value)| (name, value)));
        command
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let stdout = read(child.stdout.take().expect("it is piped"), &written);
        let stderr = read(child.stderr.take().expect("it is piped"), &written);
        Self { child, data, written, readers: vec![stdout, stderr] }
    }

    /// Runs it to its end.
    pub(crate) async fn run(arguments: &[&str], settings: &[(&str, String)]) -> Ended {
        Self::start(arguments, settings).end(Instant::now()).await
    }

    /// Waits until it takes connections.
    pub(crate) async fn listens(&self, port: u16) {
        let connected = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, connected).await.is_ok(), "it does not listen: {}", self.written());
    }

    /// SIGTERM, as a platform stops a container.
    pub(crate) async fn terminate(self) -> Ended {
        self.signal("-TERM").await
    }

    /// SIGINT, as Ctrl-C sends it.
    pub(crate) async fn interrupt(self) -> Ended {
        self.signal("-INT").await
    }

    async fn signal(self, signal: &str) -> Ended {
        let sent = Instant::now();
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "the signal could not be sent");
        self.end(sent).await
    }

    async fn end(mut self, since: Instant) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(since.elapsed() < PATIENCE, "it does not end: {}", self.written());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let took = since.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        Ended { code: ExitStatus::code(&status), written: self.written(), took }
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("no holder of the lock panics")).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// One that no other process has.
fn data_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("callme-data-{}-{n}", std::process::id()))
}

/// Reads all that comes, so that the process never waits for its reader.
fn read(mut from: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            into.lock().expect("no holder of the lock panics").extend_from_slice(&buffer[..length]);
        }
    })
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
