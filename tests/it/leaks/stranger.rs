//! Somebody at the carrier's doors who is not the carrier, or who has stolen its token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callme::emulator::EmulatorConfig;
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;
use tokio_tungstenite::tungstenite::Message;

use crate::world::{PERSON, PUBLIC, World};

/// A signature that is none.
pub(crate) const FORGED: &str = "Zm9yZ2VkIGZvcmdlZCBmb3JnZWQ=";

/// Who tries.
pub(crate) struct Stranger<'a> {
    world: &'a World,
    account: String,
    call: String,
}

impl<'a> Stranger<'a> {
    /// One who knows the name of the newest call.
    pub(crate) fn at(world: &'a World) -> Self {
        let call = world.emulator.calls().last().expect("a call was placed").sid.clone();
        Self { world, account: EmulatorConfig::default().account_sid, call }
    }

    pub(crate) async fn tries_everything(&self) {
        let good = [("AccountSid", self.account.as_str()), ("CallSid", &self.call), ("To", PERSON), ("From", PERSON)];
        for _ in 0..3 {
            assert_eq!(self.webhook(&good, Some(FORGED)).await.0, 401);
        }
        assert_eq!(self.webhook(&good, None).await.0, 401);
        for bad in [
            &[("To", PERSON)][..],
            &[("AccountSid", PERSON), ("CallSid", PERSON)],
            &[("AccountSid", &self.account), ("CallSid", PERSON), ("CallStatus", PERSON)],
            &[
                ("AccountSid", &self.account),
                ("CallSid", &self.call),
                ("CallbackSource", PERSON),
                ("CallStatus", PERSON),
            ],
        ] {
            assert_eq!(self.webhook(bad, Some(&signature(bad))).await.0, 400, "{bad:?}");
        }
        for path in ["/media-stream", "/media-stream/+393331234567", &format!("/media-stream/{}", "0".repeat(64))] {
            self.socket(path, &[PERSON, "{", "{\"event\":\"media\"}"]).await;
            self.socket(path, &[&Self::start("AC1", &self.call, PERSON)]).await;
        }
        // With a token that was minted for it: another account's stream, another call's, and one that then talks rubbish.
        let foreign = format!("CA{}", "0".repeat(32));
        for (account, call) in [(PERSON, self.call.as_str()), (&self.account, &foreign), (&self.account, &self.call)] {
            let token = self.token(&good).await;
            let start = Self::start(account, call, &token);
            let rubbish = [
                "{\"event\":\"media\",\"media\":{\"payload\":\"***\"}}",
                "+393331234567",
                "[]",
                "{\"event\":\"dtmf\"}",
            ];
            let frames = [&[start.as_str()][..], &rubbish].concat();
            self.socket(&format!("/media-stream/{token}"), &frames).await;
        }
    }

    async fn webhook(&self, form: &[(&str, &str)], signature: Option<&str>) -> (u16, String) {
        let mut request = self.world.client().post(format!("{}/twiml", self.world.url)).form(form);
        if let Some(signature) = signature {
            request = request.header("x-twilio-signature", signature);
        }
        let response = request.send().await.expect("the server answers");
        (response.status().as_u16(), response.text().await.expect("the answer is text"))
    }

    /// A fresh media token, got as the carrier gets it.
    async fn token(&self, form: &[(&str, &str)]) -> String {
        let (status, document) = self.webhook(form, Some(&signature(form))).await;
        let after = document.split("/media-stream/").nth(1).unwrap_or_else(|| panic!("{status}: {document}"));
        after.chars().take_while(char::is_ascii_hexdigit).collect()
    }

    fn start(account: &str, call: &str, token: &str) -> String {
        let format = json!({ "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 });
        let start = json!({ "streamSid": "MZ1", "accountSid": account, "callSid": call, "tracks": ["inbound"],
            "mediaFormat": format, "customParameters": { "token": token } });
        json!({ "event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ1" }).to_string()
    }

    /// Sends these frames, and stays until the server closes the socket or ten seconds have passed.
    async fn socket(&self, path: &str, frames: &[&str]) {
        let url = format!("{}{path}", self.world.url).replacen("http", "ws", 1);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("the socket is upgraded");
        for frame in frames {
            if socket.send(Message::text(*frame)).await.is_err() {
                return;
            }
        }
        let rest = async { while let Some(Ok(_)) = socket.next().await {} };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), rest).await;
    }
}

/// `X-Twilio-Signature` of a form sent to the server's `/twiml`.
fn signature(form: &[(&str, &str)]) -> String {
    let token = EmulatorConfig::default().auth_token;
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{PUBLIC}/twiml").as_bytes());
    let mut pairs = form.to_vec();
    pairs.sort_unstable();
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
