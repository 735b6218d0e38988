//! The listener: bounded connections, each with a time limit for its request's head, and an orderly end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{ServiceExt, service_fn};

mod answers;
mod places;

#[cfg(test)]
mod tests;

use crate::limit::Tally;
use answers::{Answering, Streams, while_taken};
use places::{Place, Places};

/// A connection that has not begun its first request by then is closed.
const BEGIN: Duration = Duration::from_secs(10);
/// A connection that has not sent its next request's head by then is closed. Longer than load balancers keep an idle
/// one (60 s): else they would send requests into connections that are being closed, and answer 502 for us.
const HEAD: Duration = Duration::from_secs(75);
/// Connections at once. For a further one, whoever has had no request for longest is closed; where all are being answered,
/// it waits. Media sockets leave this count when they are upgraded; live calls and the desk's own bound limit those.
const MOST_CONNECTIONS: usize = 8192;
/// Requests at once of one connection of HTTP/2.
const MOST_STREAMS: u32 = 16;
/// A request's head, in bytes, and with it what is read ahead of it. The carriers' and the agents' have some 2 KB.
const LARGEST_HEAD: usize = 16 * 1024;
/// The same for HTTP/2.
const LARGEST_HEADERS: u32 = 16 * 1024;
/// After the end was called: for answers that are being written.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// After an accept that failed for want of something that may come back, such as file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The address at the other end of a request's connection; a proxy's, where there is one. Never logged.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Serves `router` until `stop`, then lets running requests finish for a moment.
pub async fn run(listener: TcpListener, router: Router, stop: CancellationToken) {
    within(listener, router, stop, Places::new(MOST_CONNECTIONS)).await;
}

async fn within(listener: TcpListener, router: Router, stop: CancellationToken, places: Arc<Places>) {
    let (tasks, failures) = (TaskTracker::new(), Tally::default());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => (stream, Peer(address.ip())),
                Err(error) => {
                    if let Some(count) = failures.due(Instant::now()) {
                        tracing::warn!(count, %error, "connections could not be accepted; the last failed so: {error}");
                    }
                    // Where descriptors are what is wanting, this makes room.
                    places.dismiss();
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let place = tokio::select! {
            place = places.take() => Arc::new(place),
            () = stop.cancelled() => break,
        };
        let streams = Streams { place: Arc::clone(&place), tasks: tasks.clone() };
        tasks.spawn(serve(stream, peer, place, streams, router.clone(), stop.clone()));
    }
    tasks.close();
    // Each ends by itself within `LAST_ANSWERS`, whatever its client does; with it goes what it has of the router.
    tasks.wait().await;
}

async fn serve(
    stream: TcpStream,
    peer: Peer,
    place: Arc<Place>,
    streams: Streams,
    router: Router,
    stop: CancellationToken,
) {
    // Frames are small and must not wait for one another.
    let _ = stream.set_nodelay(true);
    let begun = CancellationToken::new();
    let (begins, requests) = (begun.clone(), Arc::clone(&place));
    let service = TowerToHyperService::new(service_fn(move |request: Request<Incoming>| {
        begins.cancel();
        let busy = requests.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let answer = router.clone().oneshot(request);
        async move { answer.await.map(|answer| answer.map(|body| Answering::new(body, busy))) }
    }));
    let mut builder = Builder::new(streams);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(BEGIN)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEADERS);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // hyper's own limit begins when it knows which HTTP is spoken, and is the longer one; HTTP/2 has none.
    let silent = async {
        if tokio::time::timeout(BEGIN, begun.cancelled()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    let serving = async {
        tokio::select! {
            // A broken connection is its client's business.
            _ = connection.as_mut() => {}
            () = silent => {}
            () = place.dismissed() => {}
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = tokio::time::timeout(LAST_ANSWERS, connection).await;
            }
        }
    };
    while_taken(serving).await;
}
