//! The vectors of Twilio's own SDKs and documentation, and what must not pass.

use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../../../../tests/data/twilio_signature_vectors.json");

struct Vector {
    name: String,
    public: PublicUrl,
    path: String,
    form: Fields,
    body: Option<String>,
    signed_url: String,
    signature: String,
}

fn key(token: &str) -> Key {
    Key::new(&SecretString::from(token))
}

fn form(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Splits a URL where the configured public URL ends and what a request carries begins.
fn split(url: &str) -> (PublicUrl, String) {
    let host = url.find("://").unwrap() + 3;
    let path = host + url[host..].find('/').unwrap();
    (PublicUrl::parse(&url[..path]).unwrap(), url[path..].to_owned())
}

fn vectors() -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    all.iter()
        .map(|vector| {
            assert_eq!(vector["token"], "12345");
            let (public, path) =
                split(vector["url_given_to_validator"].as_str().or(vector["signed_url"].as_str()).unwrap());
            let mut form = Fields::new();
            for (name, value) in vector["params"].as_object().unwrap() {
                match value {
                    Value::Array(values) => form.extend(values.iter().map(|v| (name.clone(), text(v).unwrap()))),
                    value => form.push((name.clone(), text(value).unwrap())),
                }
            }
            let name = text(&vector["name"]).unwrap();
            let signed_url = text(&vector["signed_url"]).unwrap();
            let signature = text(&vector["signature"]).unwrap();
            Vector { name, public, path, form, body: text(&vector["raw_body"]), signed_url, signature }
        })
        .collect()
}

impl Vector {
    fn passes(&self, key: &Key, path: &str, form: &[(String, String)], signature: &str) -> bool {
        match &self.body {
            Some(body) => key.verify_json(&self.public, path, body.as_bytes(), signature),
            None => key.verify(&self.public, path, form, signature),
        }
    }
}

#[test]
fn every_vector_passes_in_any_order_of_its_fields() {
    let key = key("12345");
    let vectors = vectors();
    assert_eq!(vectors.len(), 31);
    for mut vector in vectors {
        assert!(vector.passes(&key, &vector.path, &vector.form, &vector.signature), "{}", vector.name);
        assert_eq!(key.sign(&vector.signed_url, &vector.form), vector.signature, "{}", vector.name);
        vector.form.reverse();
        assert!(vector.passes(&key, &vector.path, &vector.form, &vector.signature), "{} reversed", vector.name);
    }
}

#[test]
fn no_vector_passes_once_anything_of_it_is_changed() {
    let key = key("12345");
    let other = self::key("12346");
    for vector in vectors() {
        let name = &vector.name;
        assert!(!vector.passes(&other, &vector.path, &vector.form, &vector.signature), "{name}: another token");
        assert!(!vector.passes(&key, &format!("{}x", vector.path), &vector.form, &vector.signature), "{name}: path");
        assert!(!vector.passes(&key, &vector.path, &vector.form, ""), "{name}: no signature");
        let unpadded = vector.signature.trim_end_matches('=');
        assert!(!vector.passes(&key, &vector.path, &vector.form, unpadded), "{name}: unpadded");
        let url_safe = vector.signature.replace('+', "-").replace('/', "_");
        if url_safe != vector.signature {
            assert!(!vector.passes(&key, &vector.path, &vector.form, &url_safe), "{name}: base64url");
        }
        if vector.body.is_some() {
            assert!(
                !key.verify_json(&vector.public, &vector.path, b"{\"other\": 1}", &vector.signature),
                "{name}: body"
            );
            continue;
        }
        for gone in 0..vector.form.len() {
            let mut fewer = vector.form.clone();
            let field = fewer.remove(gone);
            // One of two equal values is no loss: they are signed once.
            let want = fewer.contains(&field);
            assert_eq!(vector.passes(&key, &vector.path, &fewer, &vector.signature), want, "{name}: without {field:?}");
            let mut spaced = vector.form.clone();
            spaced[gone].1.push(' ');
            assert!(!vector.passes(&key, &vector.path, &spaced, &vector.signature), "{name}: a space after {field:?}");
        }
    }
}

#[test]
fn fields_sorted_as_name_and_value_in_one_do_not_pass() {
    let vector = vectors().into_iter().find(|v| v.name.starts_with("prefix names")).unwrap();
    assert!(!vector.passes(&key("12345"), &vector.path, &vector.form, "95+Bu0JVPi0r/SsESZCVf0dWAjw="));
}

#[test]
fn a_re_encoded_query_does_not_pass() {
    let vector = vectors().into_iter().find(|v| v.name.starts_with("percent-escapes")).unwrap();
    let path = vector.path.replace("%20", "+");
    assert_ne!(path, vector.path);
    assert!(!vector.passes(&key("12345"), &path, &vector.form, &vector.signature));
}

#[test]
fn a_json_body_without_its_hash_in_the_url_does_not_pass() {
    let (public, path) = split("https://mycompany.com/myapp.php?foo=1&bar=2");
    let key = key("12345");
    let signature = key.sign("https://mycompany.com/myapp.php?foo=1&bar=2", &[]);
    assert!(key.verify(&public, &path, &[], &signature));
    assert!(!key.verify_json(&public, &path, b"{}", &signature));
}

#[test]
fn the_documented_wire_body_decodes_to_what_was_signed() {
    let body = b"To=%2B18005551212&From=%2B14158675310&Digits=1234&Caller=%2B14158675310&CallSid=CA1234567890ABCDE";
    let (public, path) = split("https://example.com/myapp.php?foo=1&bar=2");
    assert!(key("12345").verify(&public, &path, &fields(body), "L/OH5YylLD5NRKLltdqwSvS0BnU="));
}

#[test]
fn a_form_is_decoded_without_losing_or_trimming_anything() {
    for (body, want) in [
        (&b"a=1+%2B+2&a=1&b=&c"[..], form(&[("a", "1 + 2"), ("a", "1"), ("b", ""), ("c", "")])),
        (b"a=%20x%20&M.A=%C3%B1&%41=%zz", form(&[("a", " x "), ("M.A", "ñ"), ("A", "%zz")])),
        (b"a=%FF&b=\xff", form(&[("a", "\u{FFFD}"), ("b", "\u{FFFD}")])),
        (b"", form(&[])),
    ] {
        assert_eq!(fields(body), want, "{}", body.escape_ascii());
    }
}

#[test]
fn a_prefix_of_the_public_url_is_part_of_what_is_signed() {
    let key = key("12345");
    let public = PublicUrl::parse("https://ex.org/callme").unwrap();
    let signature = key.sign("https://ex.org/callme/twiml?s=call-1-7", &[]);
    assert!(key.verify(&public, "/twiml?s=call-1-7", &[], &signature));
    assert!(!key.verify(&PublicUrl::parse("https://ex.org").unwrap(), "/twiml?s=call-1-7", &[], &signature));
}

#[test]
fn a_media_handshake_passes_with_and_without_port_and_slash() {
    let key = key("12345");
    for (public, signed, want) in [
        ("https://ex.org", "wss://ex.org/media-stream/T", true),
        ("https://ex.org", "wss://ex.org/media-stream/T/", true),
        ("https://ex.org", "wss://ex.org:443/media-stream/T", true),
        ("http://ex.org:3333", "ws://ex.org:3333/media-stream/T", true),
        ("https://ex.org", "https://ex.org/media-stream/T", false),
        ("https://ex.org", "wss://ex.org/media-stream/U", false),
    ] {
        let public = PublicUrl::parse(public).unwrap();
        assert_eq!(key.verify_socket(&public, "/media-stream/T", &key.sign(signed, &[])), want, "{signed}");
    }
}

#[test]
fn a_key_does_not_print_its_token() {
    assert_eq!(format!("{:?}", key("12345")), "Key(…)");
}
