//! The real binary as a process of its own, in real time: how it starts, answers, calls and stops.

mod commands;
mod keeping;
pub(crate) mod process;
#[path = "../../src/store/redis/tests/server.rs"]
pub(crate) mod redis;

use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, Script, What};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::leaks::scanner::Scanner;
use crate::world::{KEY, PERSON};
use process::{Process, free_port};

/// The settings without which no call can be made.
pub(crate) const NEEDED: [&str; 6] = [
    "CALLME_API_KEY",
    "CALLME_PHONE_ACCOUNT_SID",
    "CALLME_PHONE_AUTH_TOKEN",
    "CALLME_PHONE_NUMBER",
    "CALLME_USER_PHONE_NUMBER",
    "CALLME_OPENAI_API_KEY",
];

/// What the agent and the person say.
const QUESTION: &str = "Shall I restart the xylophone turbine?";
const REPLY: &str = "Certainly, use the marmalade zeppelin.";
const GOODBYE: &str = "Farewell, honourable customer.";
/// What the hashes of numbers are keyed with.
const HASH_KEY: &str = "a-pepper-for-the-hashes-0123456789";

async fn get(url: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response = client.get(url).send().await.expect("the server answers");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

async fn post(port: u16, path: &str, message: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("http://127.0.0.1:{port}{path}")).bearer_auth(KEY);
    let response = request.json(&json!({ "message": message })).send().await.expect("the server answers");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// The settings of a server that calls through this emulator.
pub(crate) fn settings(emulator: &Emulator, port: u16) -> Vec<(&'static str, String)> {
    let mut settings = emulator.environment();
    settings.extend([
        ("PORT", port.to_string()),
        ("CALLME_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("CALLME_API_KEY", KEY.to_owned()),
        ("CALLME_USER_PHONE_NUMBER", PERSON.to_owned()),
        ("CALLME_LOG", "trace".to_owned()),
    ]);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_settings_stays_up_and_names_each_with_its_remedy() {
    let port = free_port();
    // An empty value is what a compose file makes of a variable that is not there.
    let server = Process::start(&[], &[("PORT", port.to_string()), ("CALLME_API_KEY", String::new())]);
    server.listens(port).await;
    let (status, body) = get(&format!("http://127.0.0.1:{port}/health")).await;
    assert_eq!((status, &body["status"]), (503, &json!("error")), "{body}");
    let error = body["error"].as_str().expect("a sentence");
    for name in NEEDED {
        let remedy = error.split("; ").any(|_| error.contains(&format!("{name} is not set; ")));
        assert!(remedy, "{name}: {error}");
    }
    let problems: Vec<&str> = body["problems"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!((problems.len(), problems.join("; ").as_str()), (NEEDED.len(), error), "{body}");
    let (status, body) = post(port, "/api/call", QUESTION).await;
    assert_eq!((status, &body["code"]), (503, &json!("starting")), "{body}");
    let asked = Process::run(&["health"], &[("PORT", port.to_string())]).await;
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert!(NEEDED.iter().all(|name| asked.written.contains(name)), "{asked:?}");
    assert_eq!(asked.written.lines().count(), NEEDED.len(), "each on a line of its own: {asked:?}");
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(8), "{ended:?}");
    assert!(NEEDED.iter().all(|name| ended.written.contains(name)), "the log names them, too: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_on_the_command_line_is_said_and_fails() {
    let port = free_port();
    let nobody = Process::run(&["health"], &[("PORT", port.to_string())]).await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(
        nobody.written.contains(&format!("no server can be reached at http://127.0.0.1:{port}/health")),
        "{nobody:?}"
    );
    for (arguments, want) in
        [(&["sing"][..], "sing"), (&["serve", "--loud"], "--loud"), (&["health", "--url", "x"], "not a URL")]
    {
        let refused = Process::run(arguments, &[]).await;
        assert!(refused.code.is_some_and(|code| code != 0) && refused.written.contains(want), "{refused:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["health", "--help"]] {
        let told = Process::run(arguments, &[]).await;
        assert!(told.code == Some(0) && told.written.contains("callme"), "{told:?}");
    }
}

/// A whole call through a server that logs in this format, and what that server wrote.
async fn whole_call(format: &str) -> String {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::converses([REPLY]));
    let (port, other) = (free_port(), free_port());
    let mut settings = settings(&emulator, port);
    settings.extend([
        ("CALLME_LOG_FORMAT", format.to_owned()),
        ("CALLME_PORT", other.to_string()),
        ("CALLME_HASH_KEY", HASH_KEY.to_owned()),
    ]);
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", other)).await.is_err(), "PORT wins");
    let health = Process::run(&["health"], &[("PORT", port.to_string())]).await;
    assert_eq!((health.code, health.written.trim()), (Some(0), "ok"), "{health:?}");
    let (status, answer) = post(port, "/api/call", QUESTION).await;
    assert_eq!((status, &answer["response"]), (200, &json!(REPLY)), "{answer}\n{}", emulator.timeline());
    let id = answer["callId"].as_str().expect("an id");
    let (status, ended) = post(port, &format!("/api/call/{id}/end"), GOODBYE).await;
    assert_eq!((status, &ended["outcome"]["endedBy"]), (200, &json!("agent")), "{ended}");
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(emulator.timeline().violations(), [""; 0], "{}", emulator.timeline());
    assert!(ended.written.contains(&format!("call {id} ended: answered, by agent")), "{ended:?}");
    ended.written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_call_through_the_binary_leaks_nothing() {
    let EmulatorConfig { number, auth_token, api_key, .. } = EmulatorConfig::default();
    let scanner = Scanner::new(&[PERSON, &number], &[KEY, &auth_token, &api_key, HASH_KEY]);
    let scanner = scanner.with_words(&[QUESTION, REPLY, GOODBYE]);
    let (text, json) = tokio::join!(whole_call("text"), whole_call("json"));
    scanner.check("the log", &text);
    scanner.check("the log", &json);
    // It was started here, and might have left something.
    for entry in std::fs::read_dir(env!("CARGO_TARGET_TMPDIR")).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        scanner.check("a file's name", &path.to_string_lossy());
        if let Ok(bytes) = std::fs::read(&path) {
            scanner.check("a file", &String::from_utf8_lossy(&bytes));
        }
    }
    assert!(!text.contains('\u{1b}'), "no colours into a file");
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_in_a_call_says_goodbye_and_leaves_in_time() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::answers());
    let port = free_port();
    let server = Process::start(&["serve"], &settings(&emulator, port));
    server.listens(port).await;
    let (answer, ended) = tokio::join!(post(port, "/api/call", QUESTION), async {
        let audible = emulator.wait_for(|event| event.what == What::AgentAudible).await;
        audible.unwrap_or_else(|never| panic!("{never}"));
        server.terminate().await
    });
    assert_eq!((ended.code, ended.took < Duration::from_secs(8)), (Some(0), true), "{ended:?}");
    let (status, body) = answer;
    assert_eq!(
        (status, &body["code"], &body["outcome"]["endedBy"]),
        (410, &json!("call_ended"), &json!("shutdown")),
        "{body}"
    );
    let live = emulator.calls().into_iter().filter(|call| !call.state.is_over()).count();
    assert_eq!(live, 0, "{}", emulator.timeline());
}

async fn get_with_key(port: u16, path: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.get(format!("http://127.0.0.1:{port}{path}")).bearer_auth(KEY);
    request.send().await.expect("the server answers").text().await.expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn history_outlives_the_process_and_no_number_is_on_the_disk() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::converses([REPLY]));
    let port = free_port();
    let directory = std::env::temp_dir().join(format!("callme-history-{}", std::process::id()));
    let mut settings = settings(&emulator, port);
    settings.push(("CALLME_DATA_DIR", directory.display().to_string()));
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    let (status, answer) = post(port, "/api/call", QUESTION).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["callId"].as_str().expect("an id");
    let (status, _) = post(port, &format!("/api/call/{id}/end"), GOODBYE).await;
    assert_eq!(status, 200);
    let ended = server.terminate().await;
    assert_eq!((ended.code, ended.took < Duration::from_secs(8)), (Some(0), true), "{ended:?}");
    let EmulatorConfig { number, auth_token, api_key, .. } = EmulatorConfig::default();
    let mut files = 0;
    for file in std::fs::read_dir(&directory).expect("the data directory") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("our own file");
        let text = String::from_utf8_lossy(&bytes);
        // Without the plus sign, as any part of an id or a key.
        for private in [&PERSON[1..], &number[1..], KEY, &auth_token, &api_key] {
            assert!(!text.contains(private), "{private} is on the disk");
        }
        files += 1;
    }
    assert_eq!(files, 2, "the state and the key");
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    // It is read while the server answers already.
    let mut history = get_with_key(port, "/api/history").await;
    while !history.contains(id) {
        assert!(history.contains("[]"), "{history}");
        history = get_with_key(port, "/api/history").await;
    }
    assert!(history.contains(REPLY), "{history}");
    assert!(get_with_key(port, "/metrics").await.contains("callme_store_degraded 0"));
    drop(server);
    std::fs::remove_dir_all(directory).expect("our own directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_comes_goes_and_hangs_stops_no_call_and_gets_everything() {
    const SECRET: &str = "velvet-harpsichord-42";
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::converses([REPLY]));
    let port = free_port();
    let mut redis =
        redis::Server::planned(&["--requirepass", SECRET, "--appendonly", "yes", "--appendfsync", "always"]);
    let mut settings = settings(&emulator, port);
    settings.push(("CALLME_HASH_KEY", "a key of hashes for the tests".to_owned()));
    settings.push(("REDIS_URL", redis.url().replace("redis://", &format!("redis://:{SECRET}@"))));
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    let call = async |status: &str| {
        let (code, answer) = post(port, "/api/call", QUESTION).await;
        assert_eq!((code, &answer["response"]), (200, &json!(REPLY)), "{answer}");
        let id = answer["callId"].as_str().expect("an id").to_owned();
        let (code, _) = post(port, &format!("/api/call/{id}/end"), GOODBYE).await;
        assert_eq!(code, 200);
        let (code, health) = get(&format!("http://127.0.0.1:{port}/health")).await;
        assert_eq!((code, &health["store"]["status"]), (200, &json!(status)), "{health}");
        id
    };
    let caught_up = async || while get_with_key(port, "/health").await.contains("degraded") {};
    let mut ids = vec![call("degraded").await];
    assert!(redis.begin(), "the port is still free");
    caught_up().await;
    ids.push(call("ok").await);
    redis.hang();
    ids.push(call("degraded").await);
    redis.go_on();
    caught_up().await;
    redis.kill();
    ids.push(call("degraded").await);
    assert!(redis.begin(), "the port is still free");
    caught_up().await;
    let ended = server.terminate().await;
    assert_eq!((ended.code, ended.took < Duration::from_secs(8)), (Some(0), true), "{ended:?}");
    let EmulatorConfig { number, auth_token, api_key, .. } = EmulatorConfig::default();
    let scanner = Scanner::new(&[PERSON, &number], &[KEY, &auth_token, &api_key, SECRET, "a key of hashes"]);
    scanner.check("the log", &format!("{ended:?}"));
    for file in redis.files() {
        let text = String::from_utf8_lossy(&file);
        // Its own numbers look like those of phones.
        for private in [&PERSON[1..], &number[1..], KEY, &auth_token, &api_key, SECRET, "a key of hashes"] {
            assert!(!text.contains(private), "{private} is in Redis");
        }
    }
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    caught_up().await;
    let history = get_with_key(port, "/api/history").await;
    assert!(ids.iter().all(|id| history.contains(id.as_str())), "{ids:?} in {history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_keep_nothing_says_so_and_calls_all_the_same() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::converses([REPLY]));
    let port = free_port();
    let mut settings = settings(&emulator, port);
    settings.push(("CALLME_DATA_DIR", "/proc/callme".to_owned()));
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    let (status, answer) = post(port, "/api/call", QUESTION).await;
    assert_eq!((status, &answer["response"]), (200, &json!(REPLY)), "{answer}");
    let (status, health) = get(&format!("http://127.0.0.1:{port}/health")).await;
    assert_eq!((status, &health["status"], &health["store"]["status"]), (200, &json!("ok"), &json!("degraded")));
    assert!(health["store"]["reason"].as_str().is_some_and(|reason| reason.contains("CALLME_DATA_DIR")), "{health}");
    assert!(get_with_key(port, "/metrics").await.contains("callme_store_degraded 1"));
    let ended = server.terminate().await;
    assert_eq!((ended.code, ended.took < Duration::from_secs(8)), (Some(0), true), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_no_server_can_work_with_are_told_and_not_shown() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    let port = free_port();
    let mut settings = settings(&emulator, port);
    settings.extend([
        ("CALLME_USER_PHONE_NUMBER", "0039 333 123 4567".to_owned()),
        ("CALLME_OPENAI_API_KEY", "sk-two\nlines".to_owned()),
        ("CALLME_TWILIO_API_URL", "ftp://user:hunter2@host".to_owned()),
        ("CALLME_LOG", "trace,=".to_owned()),
        ("CALLME_CALL_TIMEOUT_SECONDS", PERSON.to_owned()),
    ]);
    let began = Instant::now();
    let server = Process::start(&[], &settings);
    server.listens(port).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let (status, body) = get(&format!("http://127.0.0.1:{port}/health")).await;
    assert_eq!(status, 503, "{body}");
    let ended = server.terminate().await;
    let scanner = Scanner::new(&[PERSON], &["sk-two", "hunter2", KEY]);
    scanner.check("the log", &ended.written);
    scanner.check("/health", &body.to_string());
    for name in ["CALLME_USER_PHONE_NUMBER", "CALLME_OPENAI_API_KEY", "CALLME_TWILIO_API_URL"] {
        assert!(body["error"].as_str().is_some_and(|error| error.contains(name)), "{name}: {body}");
    }
}
