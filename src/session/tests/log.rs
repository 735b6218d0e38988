//! What the log says meanwhile.

use crate::written::Written;

/// Does this, and gives what the log says of it.
pub(super) async fn logged<T>(work: impl Future<Output = T>) -> (T, String) {
    let written = Written::default();
    let writer = written.clone();
    let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    // With a single subscriber, tracing lets whichever thread comes by a line first decide whether it is ever written.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _guard = tracing::subscriber::set_default(lines);
    let done = work.await;
    (done, written.take())
}
