//! Twilio's request signature, made independently of the code that checks it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// `X-Twilio-Signature` over a URL as it is signed and the parameters of a form.
pub(super) fn signature(token: &str, url: &str, params: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = params.iter().collect();
    pairs.sort();
    pairs.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The form of a URL that is signed: without fragment and credentials, and over TLS without port. The rest stays byte for byte.
pub(super) fn signed_form(url: &str) -> String {
    let url = url.split('#').next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let secure = matches!(scheme, "https" | "wss");
    let host = match host.rsplit_once(':') {
        Some((name, port)) if secure && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn signatures_equal_the_published_vectors() {
        let call = form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]);
        let sids = form(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        let cases = [
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &sids, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
            ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", &call, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2", &Vec::new(), "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
            ("https://mycompany.com/webhook/España?año=2023", &call, "G/Hx6mqqnjUNlPAoi2Sp9bGst0g="),
        ];
        for (url, params, want) in cases {
            assert_eq!(signature("12345", url, params), want, "{url}");
        }
    }

    #[test]
    fn a_url_is_signed_without_what_twilio_drops() {
        let cases = [
            ("https://user:pass@a.example:8443/x?y=%20z#rc=2", "https://a.example/x?y=%20z"),
            ("http://user@a.example:8080/x", "http://a.example:8080/x"),
            ("wss://a.example:443/media/t", "wss://a.example/media/t"),
            ("https://a.example?q=1:2@3", "https://a.example?q=1:2@3"),
        ];
        for (url, want) in cases {
            assert_eq!(signed_form(url), want);
        }
    }
}
