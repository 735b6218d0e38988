//! Where what is kept goes wrong for real: a disk that is full, a Redis that keeps nothing itself.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use callme::emulator::{Emulator, EmulatorConfig, Script};
use serde_json::{Value, json};

use super::process::{Process, free_port};
use super::{GOODBYE, QUESTION, REPLY, get, get_with_key, post, redis, settings};
use crate::webhook::signature_for;

/// A disk of one mebibyte, which goes with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Only the superuser may mount, and not everywhere: otherwise why not.
    fn mount() -> Result<Self, String> {
        let directory = std::env::temp_dir().join(format!("callme-small-{}", std::process::id()));
        std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"]).arg(&directory).output();
        match mount {
            Ok(done) if done.status.success() => Ok(Self(directory)),
            failed => {
                let _ = std::fs::remove_dir(&directory);
                let told = |done: std::process::Output| String::from_utf8_lossy(&done.stderr).trim().to_owned();
                Err(failed.map_or_else(|error| error.to_string(), told))
            }
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("our own disk");
        while ballast.write_all(&[1; 4096]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// A call that is answered, and its end.
async fn call(port: u16) -> String {
    let (code, answer) = post(port, "/api/call", QUESTION).await;
    assert_eq!((code, &answer["response"]), (200, &json!(REPLY)), "{answer}");
    let id = answer["callId"].as_str().expect("an id").to_owned();
    let (code, ended) = post(port, &format!("/api/call/{id}/end"), GOODBYE).await;
    assert_eq!(code, 200, "{ended}");
    id
}

async fn health(port: u16) -> Value {
    let (code, health) = get(&format!("http://127.0.0.1:{port}/health")).await;
    assert_eq!((code, &health["status"]), (200, &json!("ok")), "{health}");
    health
}

/// What the server answers to a message that the carrier brings.
async fn brings(port: u16, message: &str) -> u16 {
    let url = format!("http://127.0.0.1:{port}/whatsapp");
    let form = [("MessageSid", message), ("Body", "Stop")];
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(&url).form(&form);
    let request = request.header("x-twilio-signature", signature_for(&url, &form));
    request.send().await.expect("the server answers").status().as_u16()
}

fn begin(directory: &Path, emulator: &Emulator, port: u16) -> Process {
    let mut settings = settings(emulator, port);
    settings.push(("CALLME_DATA_DIR", directory.display().to_string()));
    Process::start(&["serve"], &settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_stops_no_call_and_gets_everything_when_there_is_room() {
    /// More calls than fit into the room that the file has from its beginning.
    const MOST: usize = 30;
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: no disk can be mounted here ({why})"),
    };
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    emulator.person().set(Script::converses([REPLY]));
    let port = free_port();
    let server = begin(&disk.0, &emulator, port);
    server.listens(port).await;
    while health(port).await["store"]["status"] != "ok" {}
    disk.fill();
    let mut ids = Vec::new();
    while health(port).await["store"]["status"] == "ok" {
        assert!(ids.len() < MOST, "the disk is never full");
        ids.push(call(port).await);
    }
    let reason = health(port).await["store"]["reason"].as_str().expect("a sentence").to_owned();
    assert!(reason.contains("make room"), "{reason}");
    assert!(get_with_key(port, "/metrics").await.contains("callme_store_degraded 1"));
    ids.push(call(port).await);
    // The carrier is not told that what a crash would take was taken.
    assert_eq!(brings(port, "SM1").await, 503);
    std::fs::remove_file(disk.ballast()).expect("our own file");
    while health(port).await["store"]["status"] != "ok" {}
    ids.push(call(port).await);
    assert_eq!(brings(port, "SM2").await, 200);
    assert!(get_with_key(port, "/metrics").await.contains("callme_store_degraded 0"));
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [&reason[..], "the store has caught up"] {
        assert!(ended.written.contains(part), "{part} is not in {}", ended.written);
    }
    let server = begin(&disk.0, &emulator, port);
    server.listens(port).await;
    while health(port).await["store"]["status"] != "ok" {}
    let history = get_with_key(port, "/api/history?limit=50").await;
    assert!(ids.iter().all(|id| history.contains(id.as_str())), "{ids:?} in {history}");
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_keeps_nothing_itself_is_warned_of_where_the_operator_looks() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    let port = free_port();
    let mut redis = redis::Server::planned(&[]);
    while !redis.begin() {
        redis = redis::Server::planned(&[]);
    }
    let mut settings = settings(&emulator, port);
    settings.push(("CALLME_HASH_KEY", "a key of hashes for the tests".to_owned()));
    settings.push(("REDIS_URL", redis.url()));
    let server = Process::start(&["serve"], &settings);
    server.listens(port).await;
    while health(port).await["store"]["status"] != "ok" {}
    let told = health(port).await;
    assert!(told["warnings"][0].as_str().is_some_and(|warning| warning.contains("appendonly")), "{told}");
    let ended = server.terminate().await;
    assert_eq!(ended.written.matches("Set appendonly yes there").count(), 1, "{}", ended.written);
}
