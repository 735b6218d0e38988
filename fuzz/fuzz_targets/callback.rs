//! Voice webhooks. The input: a form body.

#![no_main]

use callme::provider::twilio::TwilioWebhooks;
use callme::provider::twilio::callback::{BadCallback, Callback};
use callme::provider::twilio::{PublicUrl, signature};
use callme::provider::{CarrierWebhooks as _, Webhook};
use callme_fuzz::form::{first, shuffled, write};
use callme_fuzz::{ACCOUNT, TOKEN};
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

fuzz_target!(|body: &[u8]| {
    let form = signature::fields(body);
    let field = |name| first(&form, name);
    let read = Callback::parse(&form, ACCOUNT);

    let ours = field("AccountSid") == Some(ACCOUNT);
    let named = field("CallSid").is_some_and(|sid| {
        sid.strip_prefix("CA").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    match &read {
        Ok(callback) => {
            let (Callback::Fetch { call, .. } | Callback::Status { call, .. } | Callback::Machine { call, .. }) =
                callback;
            assert!(ours && named && Some(call.as_str()) == field("CallSid"));
        }
        Err(BadCallback::Missing(name)) => assert_eq!(field(name), None),
        Err(BadCallback::ForeignAccount) => assert!(!ours && field("AccountSid").is_some()),
        Err(BadCallback::BadCallSid) => assert!(ours && !named),
        Err(BadCallback::UnknownStatus) => assert!(ours && named && field("CallStatus").is_some()),
    }
    match &read {
        Ok(Callback::Fetch { inbound, .. }) => {
            assert_eq!(field("CallbackSource"), None);
            assert_eq!(*inbound, field("Direction") == Some("inbound"));
        }
        Ok(Callback::Status { duration, sip, sequence, .. }) => {
            assert!(field("CallbackSource").is_some() && field("CallStatus").is_some());
            assert!(duration.is_none() || field("CallDuration").is_some());
            assert!(sip.is_none() || field("SipResponseCode").is_some());
            assert!(sequence.is_none() || field("SequenceNumber").is_some());
        }
        Ok(Callback::Machine { .. }) => assert!(field("AnsweredBy").is_some() && field("CallStatus").is_none()),
        Err(_) => {}
    }

    // Order does not count, repetitions and unknown fields do not either, and how it is escaped least of all.
    assert_eq!(Callback::parse(&shuffled(&form), ACCOUNT), read);
    assert_eq!(Callback::parse(&signature::fields(&write(&form)), ACCOUNT), read);
    let mut more = form.clone();
    more.extend(form.iter().map(|(name, _)| (name.clone(), "CA0".to_owned())));
    more.push(("FieldOfNextYear".to_owned(), "completed".to_owned()));
    assert_eq!(Callback::parse(&more, ACCOUNT), read);

    // Nobody else's webhook is ours.
    let foreign = Callback::parse(&form, "AC00000000000000000000000000000000");
    assert!(field("AccountSid") == Some("AC00000000000000000000000000000000") || foreign.is_err());

    let public = PublicUrl::parse("https://ex.org").expect("it is one");
    let webhooks = TwilioWebhooks::new(ACCOUNT.to_owned(), &SecretString::from(TOKEN), public);
    match (webhooks.parse(body).map(|told| told.webhook), read) {
        (Ok(Webhook::Fetch { call, inbound }), Ok(Callback::Fetch { call: same, inbound: too, .. })) => {
            assert_eq!((call, inbound), (same, too));
        }
        (Ok(Webhook::Status { call, progress }), Ok(Callback::Status { call: same, progress: too, .. })) => {
            assert_eq!((call, progress), (same, too));
        }
        (Ok(Webhook::Machine { call, verdict }), Ok(Callback::Machine { call: same, verdict: too })) => {
            assert_eq!((call, verdict), (same, too));
        }
        (Err(_), Err(_)) => {}
        (webhook, callback) => panic!("{webhook:?} of {callback:?}"),
    }
});
