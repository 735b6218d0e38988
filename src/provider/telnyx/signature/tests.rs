//! Requests as Telnyx signs them, and with one thing wrong each.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

const BODY: &[u8] = br#"{"data":{"id":"0ccc7b54","event_type":"call.hangup"}}"#;
/// A second of the clock, in the middle of it.
const NOW: Millis = Millis(1_790_000_000_500);
const SECOND: u64 = 1_790_000_000;

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes")
}

fn key(pair: &Ed25519KeyPair) -> PublicKey {
    PublicKey::parse(&STANDARD.encode(pair.public_key())).expect("its own key")
}

/// The signature's header over a timestamp and a body.
fn sign(pair: &Ed25519KeyPair, timestamp: &str, body: &[u8]) -> String {
    STANDARD.encode(pair.sign(&[timestamp.as_bytes(), b"|", body].concat()))
}

#[test]
fn what_telnyx_signed_at_about_this_time_is_its_own() {
    let (ours, key) = (pair(1), key(&pair(1)));
    for (seconds_off, want) in
        [(0, true), (-299, true), (299, true), (-300, true), (300, true), (-301, false), (301, false)]
    {
        let timestamp = SECOND.checked_add_signed(seconds_off).expect("a second of this century").to_string();
        let signature = sign(&ours, &timestamp, BODY);
        assert_eq!(key.verify(BODY, &signature, &timestamp, NOW), want, "{seconds_off} s");
    }
}

#[test]
fn a_request_with_one_thing_wrong_is_not() {
    let (ours, key) = (pair(1), key(&pair(1)));
    let now = SECOND.to_string();
    let good = sign(&ours, &now, BODY);
    assert!(key.verify(BODY, &good, &now, NOW));
    let mut altered = BODY.to_vec();
    altered[3] ^= 1;
    let later = (SECOND + 1).to_string();
    let url_safe = good.replace('+', "-").replace('/', "_");
    for (what, body, signature, timestamp) in [
        ("another's key", BODY, sign(&pair(2), &now, BODY), now.clone()),
        ("an altered body", &altered, good.clone(), now.clone()),
        ("a shorter body", &BODY[1..], good.clone(), now.clone()),
        ("an altered timestamp", BODY, good.clone(), later),
        ("a timestamp written otherwise", BODY, good.clone(), format!("0{now}")),
        ("a signed timestamp that is none", BODY, sign(&ours, "now", BODY), "now".to_owned()),
        ("a signed timestamp with a sign", BODY, sign(&ours, &format!("+{now}"), BODY), format!("+{now}")),
        ("a signed timestamp beyond numbers", BODY, sign(&ours, &"9".repeat(30), BODY), "9".repeat(30)),
        ("no timestamp", BODY, sign(&ours, "", BODY), String::new()),
        ("the body alone signed", BODY, STANDARD.encode(ours.sign(BODY)), now.clone()),
        ("a signature cut short", BODY, good[..84].to_owned(), now.clone()),
        ("a signature and more", BODY, format!("{good}AAAA"), now.clone()),
        ("no signature", BODY, String::new(), now.clone()),
        ("another alphabet", BODY, format!("{}-", &url_safe[..87]), now.clone()),
        ("no base64", BODY, "signature".to_owned(), now.clone()),
    ] {
        assert!(!key.verify(body, &signature, &timestamp, NOW), "{what}");
    }
}

#[test]
fn a_key_is_read_in_every_form_in_which_people_have_it() {
    let ours = pair(1);
    let raw = STANDARD.encode(ours.public_key());
    let der = STANDARD.encode([&DER_HEAD[..], ours.public_key().as_ref()].concat());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
    let (now, timestamp) = (NOW, SECOND.to_string());
    let signature = sign(&ours, &timestamp, BODY);
    for text in [
        raw.clone(),
        format!("  {raw}\n"),
        der.clone(),
        pem.clone(),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\\n"),
        pem.replace('\n', " "),
        pem.replace('\n', ""),
    ] {
        let key = PublicKey::parse(&text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        assert!(key.verify(BODY, &signature, &timestamp, now), "{text:?}");
    }
    for text in ["", "key", "KEY0123", &raw[..40], &format!("{raw}{raw}"), &STANDARD.encode([7; 31]), &der[4..]] {
        assert!(PublicKey::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", key(&pair(1))), "PublicKey(…)");
}
