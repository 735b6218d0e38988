//! Who does not get in at `/mcp`, and what is bounded there.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{call, request, said};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn nobody_gets_in_without_the_key_or_from_another_site() {
    let world = World::new().await;
    let list = request("tools/list", &json!({}));
    let plain = || {
        world
            .client()
            .post(format!("{}/mcp", world.url))
            .json(&list)
            .header("accept", "application/json, text/event-stream")
    };
    for (what, request, want) in [
        ("no key", plain(), 401),
        ("another key", plain().bearer_auth("another-key-0123456789-0123456789"), 401),
        ("two keys", world.rpc(&list).header("authorization", "Bearer x"), 401),
        ("a foreign host", world.rpc(&list).header("host", "evil.example"), 403),
        ("a foreign origin", world.rpc(&list).header("origin", "https://evil.example"), 403),
        ("no origin at all", world.rpc(&list).header("origin", "null"), 403),
        ("our own origin", world.rpc(&list).header("origin", "https://callme.example"), 200),
        ("our own host", world.rpc(&list).header("host", "callme.example"), 200),
        ("this machine", world.rpc(&list).header("host", "localhost:3333"), 200),
    ] {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), want, "{what}: {:?}", answer.text().await);
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_private_network_the_host_of_the_public_url_gets_in_and_no_other() {
    for (public, ours, theirs) in [
        ("http://192.168.1.20:3333", "192.168.1.20:3333", "192.168.1.21:3333"),
        ("http://callme.lan:3333", "callme.lan:3333", "192.168.1.20:3333"),
    ] {
        let world = World::with(&[("CALLME_PUBLIC_URL", public)]).await;
        let list = request("tools/list", &json!({}));
        for (host, want) in [(ours, 200), (theirs, 403), ("localhost:3333", 200)] {
            let answer = world.rpc(&list).header("host", host).send().await.expect("an answer");
            assert_eq!(answer.status(), want, "{host} at {public}: {:?}", answer.text().await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_protocol_is_refused_and_nobody_is_rung() {
    let world = World::new().await;
    let raw = |body: &str| world.rpc(&Value::Null).header("content-type", "application/json").body(body.to_owned());
    for (body, code) in [
        ("", -32_700),
        ("{", -32_700),
        ("\u{0}", -32_700),
        ("[]", -32_600),
        ("null", -32_600),
        ("7", -32_600),
        (r#"{"id":1}"#, -32_600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, -32_600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#, -32_600),
    ] {
        let answer = said(raw(body)).await;
        assert_eq!((answer.status, &answer.answer["error"]["code"]), (400, &json!(code)), "{body:?}: {answer:?}");
    }
    let long = raw(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(10_000_000)));
    assert_eq!(long.send().await.expect("an answer").status(), StatusCode::PAYLOAD_TOO_LARGE);
    let text = world.rpc(&Value::Null).header("content-type", "text/plain");
    assert_eq!(text.send().await.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let get = world.client().get(format!("{}/mcp", world.url)).bearer_auth(crate::world::KEY);
    let get = get.header("accept", "text/event-stream").send().await.expect("an answer");
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED, "there is no session to listen to");
    let unknown = said(world.rpc(&call("sing", &json!({}), None))).await;
    assert_eq!((unknown.status, &unknown.answer["error"]["code"]), (200, &json!(-32_602)), "{unknown:?}");
    for method in ["tools/sing", "prompts/list", "resources/list", "resources/templates/list"] {
        let refused = said(world.rpc(&request(method, &json!({})))).await;
        assert_eq!(refused.answer["error"]["code"], json!(-32_601), "{refused:?}");
    }
    assert!(world.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_idle_connections_keep_nobody_out() {
    let world = World::new().await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(tokio::net::TcpStream::connect(&address).await.expect("a connection"));
    }
    let listed = said(world.rpc(&request("tools/list", &json!({})))).await;
    assert_eq!(listed.status, 200, "{listed:?}");
}
