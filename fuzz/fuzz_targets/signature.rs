//! Form bodies and `X-Twilio-Signature`. The input: the path and query that were asked for, a line feed, the body.
//!
//! The scheme is written out here a second time. What is signed passes, and after any change passes exactly when the text that is
//! signed is still the same; where a name that decides what a form is stands in it elsewhere than as a name, it may be refused.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callme::provider::twilio::signature::{self, Fields, Key};
use callme::provider::twilio::{PublicUrl, TwilioWebhooks};
use callme::provider::{CarrierWebhooks as _, SignedRequest};
use callme_fuzz::{ACCOUNT, TOKEN, choice, form};
use hmac::{Hmac, KeyInit as _, Mac as _};
use libfuzzer_sys::{Corpus, fuzz_target};
use secrecy::SecretString;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Public URLs, each with the two spellings of it that the carrier may have signed, and those of its media socket.
const PUBLIC: [(&str, [&str; 2], [&str; 2]); 4] = [
    ("https://ex.org", ["https://ex.org", "https://ex.org:443"], ["wss://ex.org", "wss://ex.org:443"]),
    (
        "https://ex.org:8443/callme",
        ["https://ex.org/callme", "https://ex.org:8443/callme"],
        ["wss://ex.org/callme", "wss://ex.org:8443/callme"],
    ),
    ("http://localhost:3333", ["http://localhost", "http://localhost:3333"], ["ws://localhost", "ws://localhost:3333"]),
    ("http://[::1]/", ["http://[::1]", "http://[::1]:80"], ["ws://[::1]", "ws://[::1]:80"]),
];

const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");
const JSON: Option<&str> = Some("application/json");

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(line) = data.iter().position(|byte| *byte == b'\n') else { return Corpus::Reject };
    let (Ok(path), body) = (std::str::from_utf8(&data[..line]), &data[line + 1..]) else { return Corpus::Reject };
    let path = format!("/{path}");
    let choice = choice(data);

    let fields = signature::fields(body);
    assert_eq!(fields, form::read(body));
    assert_eq!(signature::fields(&form::write(&fields)), fields);

    let (public, spellings, sockets) = PUBLIC[choice % PUBLIC.len()];
    let public = PublicUrl::parse(public).expect("it is one");
    let token = SecretString::from(TOKEN);
    let (key, webhooks) = (Key::new(&token), TwilioWebhooks::new(ACCOUNT.to_owned(), &token, public.clone()));
    let signed = format!("{}{path}", spellings[choice / 4 % 2]);
    let text = text_of(&signed, &fields);
    let signature = key.sign(&signed, &fields);
    assert_eq!(signature, sign(&text));
    for text in texts_of(spellings, &path, &fields) {
        assert!(verify(&webhooks, &path, FORM, body, &sign(&text)) || form::may_be_refused(body), "{text:?}");
    }

    // Any order, and repetitions, are the same form.
    let repeated = [form::shuffled(&fields), fields.clone()].concat();
    assert!(key.verify(&public, &path, &repeated, &signature) || form::may_be_refused(body));

    // Another body or path passes only where it comes to the same text.
    let other = changed(body, choice);
    let same = texts_of(spellings, &path, &signature::fields(&other)).contains(&text);
    let passes = verify(&webhooks, &path, FORM, &other, &signature);
    assert!(passes == same || same && form::may_be_refused(&other), "{:?}", String::from_utf8_lossy(&other));
    if let Ok(other) = String::from_utf8(changed(path.as_bytes(), choice)) {
        let same = texts_of(spellings, &other, &fields).contains(&text);
        let passes = verify(&webhooks, &other, FORM, body, &signature);
        assert!(passes == same || same && form::may_be_refused(body), "{other:?}");
    }
    // Another signature never does, nor another's.
    let other = changed(signature.as_bytes(), choice);
    assert!(!verify(&webhooks, &path, FORM, body, &String::from_utf8_lossy(&other)), "{other:?}");
    assert!(!Key::new(&SecretString::from("12346")).verify(&public, &path, &fields, &signature));

    // A body of JSON stands in the query as its hash.
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let joint = if path.contains('?') { "&" } else { "?" };
    let asked = format!("{path}{joint}bodySHA256={hash}");
    let signature = key.sign(&format!("{}{asked}", spellings[0]), &Fields::new());
    // Of several hashes the first counts.
    let query = asked.split_once('?').map_or("", |(_, query)| query);
    let promised = query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256="));
    assert_eq!(verify(&webhooks, &asked, JSON, body, &signature), promised == Some(&*hash), "{asked:?}");
    assert!(!verify(&webhooks, &asked, JSON, &changed(body, choice), &signature));
    assert!(!verify(&webhooks, &path, JSON, body, &sign(&text_of(&signed, &[]))) || path.contains("bodySHA256="));

    // A socket has no form, and perhaps a slash at its end.
    for socket in sockets.iter().flat_map(|base| [format!("{base}{path}"), format!("{base}{path}/")]) {
        assert!(key.verify_socket(&public, &path, &sign(&socket)), "{socket:?}");
        assert!(!key.verify_socket(&public, &format!("{path}x"), &sign(&socket)));
    }
    Corpus::Keep
});

fn verify(webhooks: &TwilioWebhooks, path: &str, content_type: Option<&str>, body: &[u8], signature: &str) -> bool {
    webhooks.verify(&SignedRequest { path_and_query: path, content_type, body, signature: &[signature] })
}

/// What is signed: the URL, then each field's name and value, sorted and each once.
fn text_of(url: &str, fields: &[(String, String)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort();
    fields.dedup();
    fields.into_iter().fold(url.to_owned(), |text, (name, value)| text + &name + &value)
}

/// Every text that a request may have been signed with: either spelling of the port, an apostrophe in the query as it is or escaped.
fn texts_of(spellings: [&str; 2], path: &str, fields: &[(String, String)]) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    if let Some((path, query)) = path.split_once('?') {
        paths.push(format!("{path}?{}", query.replace('\'', "%27")));
    }
    let whole = |base: &str| paths.iter().map(|path| text_of(&format!("{base}{path}"), fields)).collect::<Vec<_>>();
    spellings.into_iter().flat_map(whole).collect()
}

fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A text with one byte more, one less, or one that is another.
fn changed(text: &[u8], choice: usize) -> Vec<u8> {
    let at = choice % (text.len() + 1);
    let byte = [b'&', b'=', b'%', b'+', b'\'', b'A', b'a', b'0', b'/', b'?', 0][choice / 7 % 11];
    match choice / 77 % 3 {
        0 if at < text.len() => [&text[..at], &text[at + 1..]].concat(),
        1 if at < text.len() => [&text[..at], &[text[at] ^ (1 << (choice / 3 % 7))], &text[at + 1..]].concat(),
        _ => [&text[..at], &[byte], &text[at..]].concat(),
    }
}
