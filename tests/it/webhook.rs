//! Webhooks as a test makes them by hand: signed as the carrier signs, or not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callme::emulator::EmulatorConfig;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::world::{PUBLIC, World};

/// The carrier's signature of a form for this path and query.
pub(crate) fn signature(path: &str, form: &[(&str, &str)]) -> String {
    signature_for(&format!("{PUBLIC}{path}"), form)
}

/// The same for a whole URL.
pub(crate) fn signature_for(url: &str, form: &[(&str, &str)]) -> String {
    let mut pairs = form.to_vec();
    pairs.sort_unstable();
    let token = EmulatorConfig::default().auth_token;
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The fields of a request for instructions about this call, changed or added to.
pub(crate) fn fetch_form<'a>(account: &'a str, call: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let plain = [
        ("CallSid", call),
        ("AccountSid", account),
        ("CallStatus", "in-progress"),
        ("Direction", "outbound-api"),
        ("ApiVersion", "2010-04-01"),
    ];
    let kept = plain.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more.iter().copied()).collect()
}

/// The carrier's account.
pub(crate) fn account() -> String {
    EmulatorConfig::default().account_sid
}

impl World {
    /// Posts a form with these signatures; the status and the body.
    pub(crate) async fn webhook(&self, path: &str, form: &[(&str, &str)], signatures: &[&str]) -> (u16, String) {
        let mut request = self.client().post(format!("{}{path}", self.url)).form(form);
        for signature in signatures {
            request = request.header("x-twilio-signature", *signature);
        }
        let response = request.send().await.expect("the server answers");
        (response.status().as_u16(), response.text().await.expect("the answer is text"))
    }

    /// Posts a form as the carrier does.
    pub(crate) async fn signed(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        self.webhook(path, form, &[&signature(path, form)]).await
    }

    /// The instructions for a live call, fetched once more; the new token in them.
    pub(crate) async fn fresh_token(&self, call: &str) -> String {
        let (status, document) = self.signed("/twiml", &fetch_form(&account(), call, &[])).await;
        let token = document.split("/media-stream/").nth(1).and_then(|rest| rest.split('"').next());
        token.unwrap_or_else(|| panic!("no token in {status} {document}")).to_owned()
    }

    /// The id of the newest session.
    pub(crate) async fn newest(&self) -> String {
        let history = self.get("/api/history?limit=1").await;
        history.at("/conversations/0/id").as_str().unwrap_or_else(|| panic!("no session in {history:?}")).to_owned()
    }
}
