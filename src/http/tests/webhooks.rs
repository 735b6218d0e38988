//! The carrier's routes: what is not signed gets nowhere.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures_util::{StreamExt, stream};

use super::*;

const TWIML: &str = "/twiml?s=call-1-1795248000000";
const WHATSAPP: &str = "/whatsapp";

pub(super) fn webhook(path: &str, signatures: &[&str], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path).header("content-type", "form");
    for signature in signatures {
        request = request.header("x-signature", *signature);
    }
    request.body(body.into()).expect("a request")
}

#[tokio::test]
async fn a_signed_webhook_is_answered_by_what_it_is_about() {
    for (path, body, status, want) in [
        (TWIML, "fetch", 200, "connect t0 call-1-1795248000000"),
        ("/twiml?s=nonsense", "fetch", 200, "hang up"),
        ("/twiml", "fetch", 200, "hang up"),
        ("/twiml?x=%2B1", "inbound", 200, "reject"),
        (TWIML, "garbage", 400, ""),
        // A carrier that signs no URL: what is signed decides, and who says otherwise is not its own.
        (TWIML, "fetch of call-1-1795248000000", 200, "connect t0 call-1-1795248000000"),
        ("/twiml", "fetch of call-1-1795248000000", 200, "connect t0 call-1-1795248000000"),
        ("/twiml?s=nonsense", "fetch of call-1-1795248000000", 200, "connect t0 call-1-1795248000000"),
        ("/twiml?s=call-2-1795248000000", "fetch of call-1-1795248000000", 400, ""),
        (TWIML, "fetch of nobody", 200, "hang up"),
    ] {
        let signature = format!("good {path} form");
        let response = Edge::new().send(webhook(path, &[&signature], body)).await;
        let kind = response.headers().get(header::CONTENT_TYPE).cloned();
        let (got, answer) = read(response).await;
        assert_eq!((got.as_u16(), answer.as_str()), (status, Some(want)), "{path} {body}");
        assert_eq!(kind.is_some_and(|kind| kind == "text/xml"), status == 200);
    }
}

#[tokio::test]
async fn a_forged_webhook_is_refused_with_nothing() {
    for path in [TWIML, WHATSAPP] {
        let good = format!("good {path} form");
        for signatures in [&[][..], &[""], &["bad"], &["good /twiml form"], &[&good, &good], &["bad", &good]] {
            let edge = Edge::new();
            let response = edge.send(webhook(path, signatures, "fetch")).await;
            assert_eq!(read(response).await, (StatusCode::UNAUTHORIZED, "".into()), "{path} {signatures:?}");
            assert!(edge.events.messages.lock().expect("no panic holds it").is_empty());
            assert!(edge.metrics.render().contains("callme_webhooks_total{result=\"forged\"} 1"));
        }
    }
}

#[tokio::test]
async fn without_one_signature_the_body_is_not_even_read() {
    let unlike = |path| [(path, &[][..]), (path, &["x", "x"]), (path, &["no signature at all"])];
    for (path, signatures) in [TWIML, WHATSAPP].into_iter().flat_map(unlike) {
        let body = Body::from_stream(stream::once(async {
            panic!("the body was read");
            #[expect(unreachable_code, reason = "gives the stream its item's type")]
            Ok::<_, std::convert::Infallible>("")
        }));
        let response = Edge::new().send(webhook(path, signatures, body)).await;
        assert_eq!(read(response).await, (StatusCode::UNAUTHORIZED, "".into()), "{path} {signatures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signed_body_is_bounded_in_size_and_time() {
    // The same bytes with their length announced, and without.
    let announced = |size| Body::from(vec![b'x'; size]);
    let streamed = |size| {
        let pieces = vec![b'x'; size].chunks(1024).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect::<Vec<_>>();
        Body::from_stream(stream::iter(pieces))
    };
    let slow = || {
        Body::from_stream(stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>("x"), ()))
        }))
    };
    // What fits is answered; nothing like it is a webhook about a call.
    for (path, largest, fits) in [(TWIML, 100 * 1024, 400), (WHATSAPP, 256 * 1024, 200)] {
        for (body, want) in [
            (announced(largest), fits),
            (streamed(largest), fits),
            (announced(largest + 1), 413),
            (streamed(largest + 1), 413),
            (slow(), 400),
        ] {
            let edge = Edge::new();
            let began = tokio::time::Instant::now();
            let response = edge.send(webhook(path, &[&format!("good {path} form")], body)).await;
            let (status, answer) = read(response).await;
            assert_eq!((status.as_u16(), answer.as_str()), (want, Some("")), "{path}");
            assert!(began.elapsed() <= Duration::from_millis(5_010), "{path} after {:?}", began.elapsed());
            let taken = edge.events.messages.lock().expect("no panic holds it").len();
            assert_eq!(taken, usize::from(want == 200), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn large_bodies_of_nobody_have_little_room_together_and_the_carrier_is_let_in_beside_them() {
    let edge = Edge::new();
    // Nearly all of it comes, and then nothing.
    let large = || {
        let begins = stream::once(async { Ok::<_, Infallible>(vec![b'x'; 250 << 10]) });
        Body::from_stream(begins.chain(stream::pending()))
    };
    let strangers = (0..100).map(|_| edge.send(webhook(WHATSAPP, &["bad"], large())));
    let carrier = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        edge.send(webhook(WHATSAPP, &["good /whatsapp form"], "by +393331234567")).await.status()
    };
    let (answers, carrier) = tokio::join!(futures_util::future::join_all(strangers), carrier);
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status() == 503).collect();
    assert_eq!(refused.len(), 100 - 16 * 1024 / 250);
    assert!(refused.iter().all(|answer| answer.headers()[header::RETRY_AFTER] == "5"));
    assert_eq!(carrier, 200);
    // What they had is free again.
    assert_eq!(edge.send(webhook(WHATSAPP, &["bad"], vec![b'x'; 250 << 10])).await.status(), 401);
}

#[tokio::test]
async fn a_media_socket_is_handed_over_with_the_token_of_its_path() {
    let events = Arc::new(FakeEvents::default());
    let routes = router(Parts {
        verbs: Arc::new(FakeService::default()),
        store: Arc::new(MemoryStore::new(Duration::from_hours(1))),
        events: events.clone(),
        carrier: Arc::new(FakeCarrier),
        message_webhooks: None,
        inbound: InboundLimits::default(),
        blocks: blocks(InboundLimits::default()),
        hash_key: HashKey::new(b"a key"),
        api_key: KEY.to_owned().into(),
        public_url: String::new(),
        instance: "this-process".to_owned(),
        metrics_token: METRICS_TOKEN.to_owned().into(),
        metrics: Arc::default(),
        speech: Arc::new(FakeSpeech),
        mcp: None,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut server = tokio::task::JoinSet::new();
    server.spawn(async move { axum::serve(listener, routes).await });
    for path in ["/media-stream", "/media-stream/t0ken"] {
        let (mut socket, _) =
            tokio_tungstenite::connect_async(format!("ws://{address}{path}")).await.expect("an upgrade");
        // The fake drops the socket as soon as it has it: then it has been handed over.
        while futures_util::StreamExt::next(&mut socket).await.is_some_and(|frame| frame.is_ok()) {}
    }
    assert_eq!(*events.media.lock().expect("no panic holds it"), [None, Some("t0ken".to_owned())]);
}
