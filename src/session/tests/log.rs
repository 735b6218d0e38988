//! What the log says meanwhile.

use std::io;
use std::sync::{Arc, Mutex};

/// Does this, and gives what the log says of it.
pub(super) async fn logged<T>(work: impl Future<Output = T>) -> (T, String) {
    let written = Written::default();
    let writer = written.clone();
    let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    // With a single subscriber, tracing lets whichever thread comes by a line first decide whether it is ever written.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _guard = tracing::subscriber::set_default(lines);
    let done = work.await;
    let log = written.0.lock().expect("no holder panics").clone();
    (done, String::from_utf8(log).expect("text"))
}

/// The log, as it is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no holder panics").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
