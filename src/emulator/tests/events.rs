//! Events of Telnyx's at a server that does not take them.

use std::sync::Mutex;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::task::JoinSet;

use super::*;

/// What came in: the event's kind, its name, and which attempt it was.
type Came = Arc<Mutex<Vec<(String, String, u64)>>>;

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_taken_comes_three_times_under_one_name_unless_it_is_refused_for_good() {
    for (status, attempts) in [
        (200, &[1][..]),
        (204, &[1]),
        (400, &[1]),
        (401, &[1]),
        (408, &[1, 2, 3]),
        (429, &[1, 2, 3]),
        (500, &[1, 2, 3]),
        (503, &[1, 2, 3]),
    ] {
        let config = EmulatorConfig { telephony: Telephony::Telnyx, ..EmulatorConfig::default() };
        let emulator = Emulator::start(config.clone()).await.unwrap();
        emulator.person().set(Script::unanswered(PickUp::Busy));
        let (came, listener) = (Came::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("http://{}/twiml", listener.local_addr().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let take = post(async move |State(came): State<Came>, body: String| {
            let event: Value = serde_json::from_str(&body).unwrap();
            let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let attempt = event["meta"]["attempt"].as_u64().unwrap_or_default();
            came.lock().unwrap().push((text("/data/event_type"), text("/data/id"), attempt));
            status
        });
        let app = axum::Router::new().route("/twiml", take).with_state(Arc::clone(&came));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let dial = json!({"connection_id": config.connection_id, "to": config.person, "from": config.number,
            "webhook_url": url});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let dialed = http.post(format!("{}/v2/calls", emulator.url())).bearer_auth(&config.telnyx_key).json(&dial);
        assert_eq!(dialed.send().await.unwrap().status(), 200);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let came = came.lock().unwrap().clone();
        for kind in ["call.initiated", "call.hangup"] {
            let of_kind: Vec<_> = came.iter().filter(|(other, ..)| other == kind).collect();
            let tries: Vec<u64> = of_kind.iter().map(|(.., attempt)| *attempt).collect();
            assert_eq!(tries, attempts, "{status} {kind}");
            assert!(of_kind.iter().all(|(_, id, _)| *id == of_kind[0].1 && !id.is_empty()), "{status} {of_kind:?}");
        }
    }
}
