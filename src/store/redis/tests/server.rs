//! A Redis of a test's own: a process with a directory and a port that nobody else has.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A running `redis-server`; it ends, and what it kept goes, when this is dropped.
pub(crate) struct Server {
    process: Option<Child>,
    pub(crate) port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
}

impl Server {
    /// One with these arguments that does not run yet, on a port that is free now.
    pub(crate) fn planned(arguments: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("callme-redis-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { process: None, port: free_port(), directory, arguments }
    }

    /// Starts it, and waits until it listens; `false` when it does not.
    pub(crate) fn begin(&mut self) -> bool {
        let mut process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&self.directory)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server is installed (scripts/setup)");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.contains("Ready to accept connections"));
        self.process = Some(process);
        if !ready {
            self.kill();
        }
        ready
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have come to its end by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Makes it hang, with its connections open.
    pub(crate) fn hang(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("there is a kill").success());
    }

    /// What is on its disk.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let directory = self.directory.join("appendonlydir");
        let files = std::fs::read_dir(directory).expect("its directory").map(|file| file.expect("a file").path());
        files.map(|file| std::fs::read(file).expect("our own file")).collect()
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}
