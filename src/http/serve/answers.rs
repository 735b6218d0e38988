//! Answers on their way out: a client takes what it is given, or is cut off.
//!
//! A client may stop reading, or with HTTP/2 give no room for a single byte, and answer pings for ever. What waits for us
//! has no limit here: a stream of events may be silent for as long as it likes.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::places::{Busy, Place};

/// A client that has not taken by then what it was given of an answer gets no more of it.
pub(super) const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// What is given at once, so that a client that takes some of a large answer is told from one that takes nothing.
const PIECE: usize = 16 * 1024;

tokio::task_local! {
    /// By when the client has to take what it was given; `None` while it waits for us.
    static TAKE_BY: Cell<Option<Instant>>;
}

fn take_by(by: Option<Instant>) {
    // Whoever drops an answer may stand outside of what wrote it.
    let _ = TAKE_BY.try_with(|take_by| take_by.set(by));
}

/// Runs what writes an answer, one at a time. `None` when its client leaves that lying; what wrote it is dropped.
pub(super) async fn while_taken<T>(writing: impl Future<Output = T>) -> Option<T> {
    TAKE_BY
        .scope(Cell::default(), async move {
            let (mut writing, mut late) = (pin!(writing), pin!(tokio::time::sleep(Duration::ZERO)));
            std::future::poll_fn(|cx| {
                if let Poll::Ready(done) = writing.as_mut().poll(cx) {
                    return Poll::Ready(Some(done));
                }
                let Some(by) = TAKE_BY.with(Cell::get) else { return Poll::Pending };
                if late.deadline() != by {
                    late.as_mut().reset(by);
                }
                late.as_mut().poll(cx).map(|()| None)
            })
            .await
        })
        .await
}

/// Runs the streams of a connection's HTTP/2. One whose answer is left lying is reset; others beside it may be somebody
/// else's, where a proxy shares the connection.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) place: Arc<Place>,
    /// Where they run.
    pub(super) tasks: TaskTracker,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let place = Arc::clone(&self.place);
        self.tasks.spawn(async move {
            if while_taken(stream).await.is_none() {
                place.neglects();
            }
        });
    }
}

/// The body of an answer, which is being given until it is dropped.
pub(super) struct Answering {
    body: Body,
    /// What is still to be given of the body's last frame.
    rest: Bytes,
    _busy: Busy,
}

impl Answering {
    pub(super) fn new(body: Body, busy: Busy) -> Self {
        take_by(Some(Instant::now() + TAKEN_WITHIN));
        Self { body, rest: Bytes::new(), _busy: busy }
    }
}

impl hyper::body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Whoever asks for more has taken what it was given.
        take_by(None);
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        take_by(Some(Instant::now() + TAKEN_WITHIN));
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        take_by(None);
    }
}
