//! What stands before the messaging webhook: each layer, in its order, and what is without one.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::post;
use tower::ServiceExt;

use super::webhooks::webhook;
use super::*;
use crate::http::body::{Bounds, LARGEST_MESSAGE};
use crate::http::carrier::{self, Gate, Turnstile};
use crate::http::health::Health;
use crate::http::{App, layers};

const WHATSAPP: &str = "/whatsapp";
const ADA: &str = "by +393331234567";
const BOB: &str = "by +393337654321";

/// An edge with these limits for a phone, a conversation and all, and a block of so many seconds.
fn edge([per_phone, per_conversation, global]: [u32; 3], block: u64) -> Edge {
    let most = std::num::NonZeroU32::new;
    let inbound = InboundLimits {
        per_phone: most(per_phone),
        block: Duration::from_secs(block),
        per_conversation: most(per_conversation),
        global: most(global),
    };
    Edge::limited(FakeService::default(), FakeEvents::default(), inbound)
}

/// The status, when to come back, and whether the body is empty.
async fn knock(edge: &Edge, signature: &str, body: impl Into<Body>) -> (u16, Option<u64>) {
    let response = edge.send(webhook(WHATSAPP, &[signature], body)).await;
    let again = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().expect("a number").to_owned());
    let (status, body) = read(response).await;
    assert_eq!(body, "", "{status}");
    (status.as_u16(), again.map(|seconds| seconds.parse().expect("a number")))
}

async fn signed(edge: &Edge, body: &str) -> (u16, Option<u64>) {
    knock(edge, "good /whatsapp form", body.to_owned()).await
}

fn taken(edge: &Edge) -> usize {
    edge.events.messages.lock().expect("no panic holds it").len()
}

fn away(edge: &Edge) -> Vec<(Sender, u64)> {
    edge.events.away.lock().expect("no panic holds it").clone()
}

/// Knocks until it is refused; how often it was let in, and when to come back.
async fn until_refused(edge: &Edge, body: impl Fn(u32) -> String) -> (u32, u64) {
    for number in 0..1000 {
        if let (429, again) = signed(edge, &body(number)).await {
            return (number, again.expect("it says when"));
        }
    }
    panic!("never refused");
}

#[tokio::test(start_paused = true)]
async fn each_limit_lets_so_many_in_and_tells_when_to_come_back() {
    for (limits, block, body, want) in [
        ([3, 0, 0], 300, (|_| ADA.to_owned()) as fn(u32) -> String, (3, 300)),
        ([3, 0, 0], 0, |_| ADA.to_owned(), (3, 20)),
        ([0, 4, 0], 300, |_| format!("{ADA} in CH1"), (4, 15)),
        ([0, 4, 0], 300, |n| format!("by +39333123{n:04} in CH1"), (4, 15)),
        ([0, 0, 5], 300, |n| format!("by +39333123{n:04} in CH{n}"), (5, 12)),
        ([0, 0, 5], 300, |n| format!("by +39333123{n:04}"), (5, 12)),
        // Whoever cannot be read is counted where nothing need be read.
        ([1, 1, 5], 300, |n| format!("by somebody {n}"), (5, 12)),
        ([3, 4, 5], 300, |_| format!("{ADA} in CH1"), (3, 300)),
    ] {
        let edge = edge(limits, block);
        assert_eq!(until_refused(&edge, body).await, want, "{limits:?}");
        assert_eq!(taken(&edge), want.0 as usize, "nothing else was handed over");
        let metrics = edge.metrics.render();
        assert!(metrics.contains("callme_webhooks_total{result=\"limited\"} 1"), "{metrics}");
        assert!(metrics.contains(&format!("callme_webhooks_total{{result=\"taken\"}} {}", want.0)), "{metrics}");
        tokio::time::advance(Duration::from_secs(want.1)).await;
        assert_eq!(signed(&edge, &body(999)).await, (200, None), "{limits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocked_phone_takes_nothing_of_what_others_have_and_tries_do_not_prolong_it() {
    let edge = edge([10, 20, 100], 300);
    assert_eq!(until_refused(&edge, |_| format!("{ADA} in CH1")).await, (10, 300));
    for second in 1..300 {
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..3 {
            assert_eq!(signed(&edge, &format!("{ADA} in CH1")).await, (429, Some(300 - second)));
        }
        if second % 10 == 0 {
            assert_eq!(signed(&edge, &format!("{BOB} in CH2")).await, (200, None));
        }
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(until_refused(&edge, |_| format!("{ADA} in CH1")).await, (10, 300));
}

#[tokio::test(start_paused = true)]
async fn just_below_the_limits_nobody_is_refused() {
    let edge = edge([10, 20, 100], 300);
    for _ in 0..100 {
        for phone in 0..10 {
            assert_eq!(signed(&edge, &format!("by +3933312345{phone}0 in CH{}", phone / 2)).await, (200, None));
        }
        tokio::time::advance(Duration::from_secs(6)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_by_both_ways_counts_once() {
    let edge = edge([3, 0, 4], 300);
    for _ in 0..3 {
        assert_eq!(signed(&edge, &format!("{ADA} in CH1")).await, (200, None));
        assert_eq!(signed(&edge, ADA).await, (200, None));
    }
    assert_eq!(signed(&edge, ADA).await, (429, Some(300)));
    assert_eq!(signed(&edge, &format!("{ADA} in CH1")).await, (429, Some(300)));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wrote_is_never_limited_and_zero_is_no_limit() {
    let edge = edge([1, 1, 1], 300);
    for _ in 0..500 {
        assert_eq!(signed(&edge, "a receipt").await, (200, None));
    }
    let edge = self::edge([0, 0, 0], 300);
    for _ in 0..500 {
        assert_eq!(signed(&edge, &format!("{ADA} in CH1")).await, (200, None));
    }
    assert_eq!(away(&edge), []);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_turned_away_is_told_of_with_the_time_until_it_is_over() {
    let edge = edge([2, 0, 0], 300);
    let _ = until_refused(&edge, |_| format!("{ADA} in CH1")).await;
    tokio::time::advance(Duration::from_secs(100)).await;
    let _ = signed(&edge, &format!("{ADA} in CH1")).await;
    let sender = FakeMessages.sender_of(format!("{ADA} in CH1").as_bytes()).expect("somebody wrote");
    assert_eq!(away(&edge), [(sender.clone(), 300), (sender.clone(), 200)]);
    // The same where too many wait already, but only for messages.
    let crowded = Edge::built(FakeService::default(), FakeEvents { full: true, ..FakeEvents::default() });
    assert_eq!(signed(&crowded, &format!("{ADA} in CH1")).await, (503, None));
    assert_eq!(signed(&crowded, "a receipt").await, (503, None));
    assert_eq!(away(&crowded), [(sender, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_forged_message_costs_its_sender_nothing_and_is_told_to_nobody() {
    let edge = edge([3, 3, 3], 300);
    for _ in 0..50 {
        let (status, _) = knock(&edge, "bad", format!("{ADA} in CH1")).await;
        assert!([401, 429].contains(&status), "{status}");
    }
    assert_eq!((taken(&edge), away(&edge)), (0, Vec::new()));
    assert_eq!(until_refused(&edge, |_| format!("{ADA} in CH1")).await, (3, 300));
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_thirty_times_is_told_to_stay_away_and_who_signs_is_let_in_all_the_same() {
    let edge = edge([0, 0, 0], 0);
    for failure in 1..=30 {
        assert_eq!(knock(&edge, "bad", "x").await, (401, None), "failure {failure}");
    }
    for _ in 0..5 {
        assert_eq!(knock(&edge, "bad", "x").await, (429, Some(2)));
        assert_eq!(knock(&edge, "", "x").await, (429, Some(2)));
        assert_eq!(signed(&edge, "a receipt").await, (200, None));
    }
    let metrics = edge.metrics.render();
    for line in ["{result=\"forged\"} 30", "{result=\"shut-out\"} 10", "{result=\"taken\"} 5"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(knock(&edge, "bad", "x").await, (401, None));
}

#[tokio::test]
async fn a_route_without_any_of_its_layers_fails_closed() {
    let sign = || format!("good {WHATSAPP} form");
    let bounds = |request| Bounds::of(LARGEST_MESSAGE).set(request);
    for (name, layers) in
        [("none", 0), ("the bounds alone", 1), ("no limits", 2), ("no signature", 3), ("no bounds", 4), ("all", 5)]
    {
        let (events, metrics) = (Arc::new(FakeEvents::default()), Arc::<Metrics>::default());
        let app = App {
            store: Arc::new(MemoryStore::new(Duration::ZERO)),
            verbs: Arc::new(FakeService::default()),
            events: events.clone(),
            carrier: Arc::new(FakeCarrier),
            health: Health::Starting,
            instance: "".into(),
            openapi: "".into(),
            metrics: metrics.clone(),
        };
        let gate = Gate::new(Arc::new(FakeCarrier), metrics.clone(), HashKey::new(b"a key"));
        let limits = InboundLimits::default();
        let turnstile = Turnstile::new(None, limits, blocks(limits), HashKey::new(b"a key"), events.clone(), metrics);
        let signature = axum::middleware::from_fn_with_state(gate.clone(), carrier::require);
        let keep = axum::middleware::from_fn_with_state(turnstile.clone(), carrier::keep);
        let bounds = tower::util::MapRequestLayer::new(bounds);
        let route: Router<App> = Router::new().route(WHATSAPP, post(carrier::whatsapp));
        let route = match layers {
            0 => route,
            1 => route.layer(bounds),
            2 => route.layer(signature).layer(bounds),
            3 => route.layer(keep).layer(bounds),
            4 => route.layer(keep).layer(signature),
            _ => layers::before_messages(route, crate::http::body::LARGEST_MESSAGE, gate, turnstile),
        };
        let response = route.with_state(app).oneshot(webhook(WHATSAPP, &[&sign()], ADA)).await.expect("an answer");
        let whole = name == "all";
        assert_eq!(response.status().is_success(), whole, "{name}");
        assert_eq!(response.status() == StatusCode::INTERNAL_SERVER_ERROR, !whole, "{name}");
        assert_eq!(events.messages.lock().expect("no panic holds it").len(), usize::from(whole), "{name}");
    }
    // The same for calls.
    let app = App {
        store: Arc::new(MemoryStore::new(Duration::ZERO)),
        verbs: Arc::new(FakeService::default()),
        events: Arc::new(FakeEvents::default()),
        carrier: Arc::new(FakeCarrier),
        health: Health::Starting,
        instance: "".into(),
        openapi: "".into(),
        metrics: Arc::default(),
    };
    let bare: Router = Router::new().route("/", post(carrier::twiml)).with_state(app);
    let response = bare.oneshot(Request::post("/").body(Body::from("fetch")).expect("a request")).await;
    assert_eq!(response.expect("an answer").status(), StatusCode::INTERNAL_SERVER_ERROR);
}
