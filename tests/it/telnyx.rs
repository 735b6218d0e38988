//! What is Telnyx's own: its signature, its commands, and a media socket on which frames come as they like.

use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callme::emulator::{CallState, Callback, EmulatorConfig, Fault, PickUp, Script, Telephony, Times, What};
use serde_json::json;

use crate::webhook::{account, fetch_form, signature};
use crate::world::{PERSON, World};

const REPLY: &str = "Yes, deploy it now please.";
pub(crate) const SIGNATURE: &str = "telnyx-signature-ed25519";
pub(crate) const TIMESTAMP: &str = "telnyx-timestamp";

/// An event about a call that nobody knows.
fn event(connection: &str) -> String {
    let payload = json!({"call_control_id": "v3:nobodys", "connection_id": connection, "hangup_cause": "timeout"});
    json!({"data": {"id": "e1", "event_type": "call.hangup", "payload": payload}}).to_string()
}

/// Telnyx's signature, made once more and by hand.
pub(crate) fn sign(seed: [u8; 32], timestamp: &str, body: &str) -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed has 32 bytes");
    STANDARD.encode(pair.sign(format!("{timestamp}|{body}").as_bytes()))
}

impl World {
    async fn telnyx() -> Self {
        Self::on(Telephony::Telnyx).await
    }

    /// Posts a body with these headers; the status and the answer.
    async fn event_with(&self, body: &str, headers: &[(&str, &str)]) -> (u16, String) {
        self.event_to("/twiml", body, headers).await
    }

    pub(crate) async fn event_to(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let request = self.client().post(format!("{}{path}", self.url)).body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.expect("the server answers");
        (response.status().as_u16(), response.text().await.expect("the answer is text"))
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_telnyx_signed_just_now_is_taken() {
    let world = World::telnyx().await;
    let EmulatorConfig { telnyx_seed: seed, connection_id, .. } = EmulatorConfig::default();
    let body = event(&connection_id);
    let now = world.emulator.clock().as_second();
    let at = |seconds: i64| (now + seconds).to_string();
    let (stamp, good) = (at(0), sign(seed, &at(0), &body));
    let (taken, refused) = ((204, String::new()), (401, String::new()));
    let altered = body.replace("timeout", "user_busy");
    let others = sign([7; 32], &stamp, &body);
    for (what, body, headers, want) in [
        ("as it should be", &body, vec![(SIGNATURE, &good), (TIMESTAMP, &stamp)], &taken),
        ("in capitals", &body, vec![("Telnyx-Timestamp", &stamp), ("Telnyx-Signature-Ed25519", &good)], &taken),
        ("another's key", &body, vec![(SIGNATURE, &others), (TIMESTAMP, &stamp)], &refused),
        ("an altered body", &altered, vec![(SIGNATURE, &good), (TIMESTAMP, &stamp)], &refused),
        ("an altered timestamp", &body, vec![(SIGNATURE, &good), (TIMESTAMP, &at(1))], &refused),
        ("no signature", &body, vec![(TIMESTAMP, &stamp)], &refused),
        ("no timestamp", &body, vec![(SIGNATURE, &good)], &refused),
        ("neither", &body, vec![], &refused),
        ("an empty signature", &body, vec![(SIGNATURE, &String::new()), (TIMESTAMP, &stamp)], &refused),
        ("two signatures", &body, vec![(SIGNATURE, &good), (SIGNATURE, &good), (TIMESTAMP, &stamp)], &refused),
        ("two timestamps", &body, vec![(SIGNATURE, &good), (TIMESTAMP, &stamp), (TIMESTAMP, &stamp)], &refused),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(&world.event_with(body, &headers).await, want, "{what}");
    }
    for (seconds, want) in [(-299, &taken), (299, &taken), (-302, &refused), (302, &refused)] {
        let signature = sign(seed, &at(seconds), &body);
        let headers = [(SIGNATURE, signature.as_str()), (TIMESTAMP, &at(seconds))];
        assert_eq!(&world.event_with(&body, &headers).await, want, "{seconds} s");
    }
    let foreign = event("1234567890");
    let signature = sign(seed, &stamp, &foreign);
    let headers = [(SIGNATURE, signature.as_str()), (TIMESTAMP, &stamp)];
    assert_eq!(world.event_with(&foreign, &headers).await, (400, String::new()), "another connection's");
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_whatever_is_answered_alike_and_only_what_telnyx_signed_is_taken() {
    let world = World::writing_on(Telephony::Telnyx).await;
    let EmulatorConfig { telnyx_seed: seed, telnyx_profile, whatsapp_number, .. } = EmulatorConfig::default();
    let asked = async {
        world.emulator.chat().receives("Deploy?").await.expect("the question arrives");
        let message = |id: &str, from: &str, profile: &str, words: &str| {
            let body = json!({"type": "text", "text": {"body": words}});
            let payload = json!({"id": id, "direction": "inbound", "type": "WHATSAPP", "to": whatsapp_number, "body": body,
                "from": {"phone_number": from}, "messaging_profile_id": profile});
            json!({"data": {"id": "e1", "event_type": "message.received", "payload": payload}}).to_string()
        };
        let stamp = world.emulator.clock().as_second().to_string();
        let post = async |body: String, signature: String| {
            world.event_to("/whatsapp", &body, &[(SIGNATURE, &signature), (TIMESTAMP, &stamp)]).await
        };
        let signed = async |body: String| post(body.clone(), sign(seed, &stamp, &body)).await;
        let forged = message("m1", PERSON, &telnyx_profile, "Forged.");
        assert_eq!(post(forged.clone(), sign([7; 32], &stamp, &forged)).await, (401, String::new()));
        for (what, body) in [
            ("a stranger", message("m2", "+393337654321", &telnyx_profile, "Strange.")),
            ("another profile", message("m3", PERSON, "another", "Foreign.")),
            ("ourselves", message("m4", &whatsapp_number, &telnyx_profile, "An echo.")),
            ("nothing in it", message("m5", PERSON, &telnyx_profile, " ")),
            ("no name", message("", PERSON, &telnyx_profile, "Nameless.")),
            ("no event", "[]".to_owned()),
            ("the person", message("m6", PERSON, &telnyx_profile, REPLY)),
            ("the person again", message("m6", PERSON, &telnyx_profile, REPLY)),
        ] {
            assert_eq!(signed(body).await, (200, String::new()), "{what}");
        }
    };
    let (answer, ()) = tokio::join!(world.post("/api/message", json!({ "message": "Deploy?" })), asked);
    assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
    let response = answer.at("/response");
    let response = response.as_str().unwrap_or_default();
    assert!(response.ends_with(REPLY), "{response}");
    for foreign in ["Forged", "Strange", "Foreign", "echo", "Nameless"] {
        assert!(!response.contains(foreign), "{response}");
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.look(&answer.call_id()).await.at("/replies"), json!([]), "what came twice is one message");
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn neither_carriers_webhooks_are_taken_by_a_server_of_the_other() {
    let EmulatorConfig { telnyx_seed: seed, connection_id, .. } = EmulatorConfig::default();
    let (ours, call) = (account(), "CA00000000000000000000000000000000");
    let form = fetch_form(&ours, call, &[]);
    let world = World::telnyx().await;
    let twilios = signature("/twiml", &form);
    assert_eq!(world.webhook("/twiml", &form, &[&twilios]).await, (401, String::new()));
    let world = World::new().await;
    assert_eq!(world.webhook("/twiml", &form, &[&twilios]).await.0, 200, "it is good at Twilio's");
    let (body, stamp) = (event(&connection_id), world.emulator.clock().as_second().to_string());
    let signature = sign(seed, &stamp, &body);
    let headers = [(SIGNATURE, signature.as_str()), (TIMESTAMP, &stamp)];
    assert_eq!(world.event_with(&body, &headers).await, (401, String::new()));
}

#[tokio::test(start_paused = true)]
async fn words_are_understood_though_frames_overtake_each_other_and_come_twice() {
    for (late, twice) in [(2, 0), (0, 30), (5, 30)] {
        let world = World::telnyx().await;
        world.emulator.faults().add(Fault::FramesScattered { late, lost: 0, twice }, Times::Always);
        world.person(Script::converses([REPLY]));
        let answer = world.call("Shall I deploy?").await;
        let timeline = world.emulator.timeline();
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}\n{timeline}");
        assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn frames_that_are_lost_are_silence_and_counted() {
    let world = World::telnyx().await;
    world.emulator.faults().add(Fault::FramesScattered { late: 3, lost: 5, twice: 10 }, Times::Always);
    world.person(Script::converses([REPLY]));
    let answer = world.call("Shall I deploy?").await;
    let id = world.newest().await;
    assert!(matches!(answer.status, 200 | 408), "{answer:?}\n{}", world.emulator.timeline());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
    let metrics = world.get("/metrics").await.body.as_str().unwrap_or_default().to_owned();
    let count = |fate: &str| {
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("callme_media_frames_total{{fate=\"{fate}\"}} ")));
        line.and_then(|count| count.parse::<u64>().ok()).unwrap_or_default()
    };
    assert!(count("lost") > 0 && count("late") > 0, "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn whoever_rings_the_number_is_turned_away_by_command() {
    let world = World::telnyx().await;
    world.emulator.person_rings();
    world.event(|what| *what == What::Rest { verb: "reject", status: Some(200) }).await;
    assert_eq!(world.last_call().state, CallState::Canceled);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_connected_once_however_often_its_answer_is_told() {
    let world = World::telnyx().await;
    world.emulator.faults().add(Fault::CallbackTripled(Callback::Answered), Times::Always);
    world.person(Script::converses([REPLY]));
    let answer = world.call("Shall I deploy?").await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
    let timeline = world.emulator.timeline();
    let connects = timeline.count(|what| matches!(what, What::Rest { verb: "connect", .. }));
    assert_eq!((connects, world.last_call().streams), (1, 1), "{timeline}");
    // A closed socket ends nothing at Telnyx.
    assert_eq!(
        timeline.count(|what| matches!(what, What::Rest { verb: "hang up", status: Some(200) })),
        1,
        "{timeline}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_broke_is_asked_for_again_by_command() {
    let world = World::telnyx().await;
    let script = Script::answers().when_heard(Duration::from_millis(400)).drop_socket();
    world.person(script.when_silent(Duration::from_millis(400)).say(REPLY));
    let answer = world.call("Shall I deploy? I would do it now, unless you object.").await;
    let timeline = world.emulator.timeline();
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}\n{timeline}");
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
    assert_eq!(world.last_call().streams, 2, "{timeline}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_answered_when_nobody_wants_it_any_more_is_hung_up() {
    let world = World::telnyx().await;
    world.person(Script::answers().picking_up(PickUp::After(Duration::from_secs(5))));
    let late = Fault::CallbackDelayed { name: Callback::Answered, by: Duration::from_secs(2) };
    world.emulator.faults().add(late, Times::Always);
    let ending = async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        let id = world.newest().await;
        world.say("end", &id, "Never mind.").await
    };
    let (asked, ended) = tokio::join!(world.call("Shall I deploy?"), ending);
    assert_eq!((asked.status, ended.status), (410, 200), "{asked:?} {ended:?}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.settled().await;
}
