//! Twilio's voice webhooks behind the port: proven, read, answered.

use secrecy::{ExposeSecret as _, SecretString};

use super::callback::Callback;
use super::signature::{self, Key};
use super::{PublicUrl, twiml};
use crate::ids::SessionId;
use crate::provider::calls::looks_like_base64;
use crate::provider::{BadWebhook, CallDocuments, CarrierWebhooks, SignedRequest, Told, Webhook, Whose};

/// The webhooks of one Twilio account.
#[derive(Clone, Debug)]
pub struct TwilioWebhooks {
    /// `None` without a token: an empty one would let in whoever signs with nothing.
    key: Option<Key>,
    public_url: PublicUrl,
    account: String,
}

impl TwilioWebhooks {
    /// Webhooks signed with the account's primary auth token, sent to `public_url`. With an empty token none is.
    pub fn new(account: String, auth_token: &SecretString, public_url: PublicUrl) -> Self {
        let key = (!auth_token.expose_secret().is_empty()).then(|| Key::new(auth_token));
        Self { key, public_url, account }
    }
}

impl CarrierWebhooks for TwilioWebhooks {
    fn signature_headers(&self) -> &'static [&'static str] {
        &[signature::HEADER]
    }

    fn may_be_signed(&self, signature: &[&str]) -> bool {
        matches!(signature, [signature] if looks_like_base64(signature, signature::CHARS))
    }

    fn verify(&self, request: &SignedRequest<'_>) -> bool {
        let SignedRequest { path_and_query, content_type, body, signature } = *request;
        let (Some(key), [signature]) = (&self.key, signature) else { return false };
        if content_type.is_some_and(|kind| kind.starts_with("application/json")) {
            return key.verify_json(&self.public_url, path_and_query, body, signature);
        }
        signature::has_few_fields(body)
            && key.verify(&self.public_url, path_and_query, &signature::fields(body), signature)
    }

    fn parse(&self, body: &[u8]) -> Result<Told, BadWebhook> {
        let webhook = match Callback::parse(&signature::fields(body), &self.account) {
            Ok(Callback::Fetch { call, inbound, .. }) => Webhook::Fetch { call, inbound },
            Ok(Callback::Status { call, progress, .. }) => Webhook::Status { call, progress },
            Ok(Callback::Machine { call, verdict }) => Webhook::Machine { call, verdict },
            Err(why) => {
                tracing::warn!(%why, "a signed webhook was not understood");
                return Err(BadWebhook);
            }
        };
        // They have no name of their own; each says the same again when it comes again.
        Ok(Told { webhook, whose: Whose::AsAddressed, event: None })
    }

    fn documents(&self) -> Option<&dyn CallDocuments> {
        Some(self)
    }
}

impl CallDocuments for TwilioWebhooks {
    fn connect(&self, token: &str, session: &SessionId) -> String {
        twiml::connect(&self.public_url, session, token)
    }

    fn hang_up(&self) -> String {
        twiml::hang_up().to_owned()
    }

    fn reject(&self) -> String {
        twiml::reject().to_owned()
    }

    fn nothing(&self) -> String {
        twiml::nothing().to_owned()
    }

    fn content_type(&self) -> &'static str {
        twiml::CONTENT_TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_nothing_is_signed() {
        let public_url = PublicUrl::parse("https://callme.example").expect("a URL");
        let form = [("AccountSid".to_owned(), "AC1".to_owned())];
        for (token, want) in [("", false), ("t0ken", true)] {
            let token: SecretString = token.to_owned().into();
            let signature = Key::new(&token).sign("https://callme.example/twiml", &form);
            let webhooks = TwilioWebhooks::new("AC1".to_owned(), &token, public_url.clone());
            let request = SignedRequest {
                path_and_query: "/twiml",
                content_type: None,
                body: b"AccountSid=AC1",
                signature: &[&signature],
            };
            assert_eq!(webhooks.verify(&request), want);
            // The form can be told before the body is read.
            assert!(webhooks.may_be_signed(&[&signature]));
            for other in ["", "x", &signature[1..], &format!("{signature}="), &signature.replace('=', " ")] {
                assert!(!webhooks.may_be_signed(&[other]), "{other}");
            }
        }
    }
}
