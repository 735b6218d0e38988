//! Writes the TwiML that answers a voice webhook.

use super::PublicUrl;
use crate::ids::SessionId;

/// The media type of a TwiML answer.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// Connects the call to our media socket. When that closes, Twilio asks the webhook again: a dropped stream comes back.
///
/// `token` is single-use and safe in a URL's path; it goes along as a parameter too, below Twilio's 500 characters.
pub fn connect(public: &PublicUrl, session: &SessionId, token: &str) -> String {
    connect_to(&public.media(token), token, &public.webhook(session))
}

/// Ends the call.
pub fn hang_up() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>"#
}

/// Turns an inbound call away before it is answered (and paid for).
pub fn reject() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?><Response><Reject/></Response>"#
}

/// Says nothing, to a webhook about SMS.
pub fn nothing() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#
}

fn connect_to(media_url: &str, token: &str, next_url: &str) -> String {
    let mut out = String::with_capacity(320);
    out.push_str(r#"<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url=""#);
    escape(media_url, &mut out);
    out.push_str(r#""><Parameter name="token" value=""#);
    escape(token, &mut out);
    out.push_str(r#""/></Stream></Connect><Redirect method="POST">"#);
    escape(next_url, &mut out);
    out.push_str("</Redirect></Response>");
    out
}

/// Appends text so that it reads back the same in an attribute and between tags; what XML 1.0 cannot hold is dropped.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // Legal as they are, but readers turn them into spaces and line feeds.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if is_legal(c) => out.push(c),
            _ => {}
        }
    }
}

/// `Char` of XML 1.0, section 2.2.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::escape::unescape;
    use quick_xml::events::Event;
    use quick_xml::{Decoder, Reader};

    use super::*;

    /// What a reader finds in the document: stream URL, parameter's name and value, redirect.
    fn read_back(document: &str) -> [String; 4] {
        let mut reader = Reader::from_str(document);
        let mut found: [String; 4] = Default::default();
        let mut open = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => {
                    let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                    for attribute in tag.attributes() {
                        let attribute = attribute.unwrap();
                        let value = attribute.decode_and_unescape_value(Decoder {}).unwrap().into_owned();
                        match (name.as_str(), attribute.key.as_ref()) {
                            ("Stream", b"url") => found[0] = value,
                            ("Parameter", b"name") => found[1] = value,
                            ("Parameter", b"value") => found[2] = value,
                            ("Redirect", b"method") => assert_eq!(value, "POST"),
                            other => panic!("{other:?} = {value}"),
                        }
                    }
                    open.push(name);
                }
                Event::Text(text) => found[3].push_str(&text.decode().unwrap()),
                Event::GeneralRef(name) => {
                    let escaped = format!("&{};", name.decode().unwrap());
                    found[3].push_str(&unescape(&escaped).unwrap());
                }
                Event::End(_) | Event::Decl(_) => {}
                Event::Eof => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(open, ["Response", "Connect", "Stream", "Parameter", "Redirect"]);
        found
    }

    fn legal(text: &str) -> String {
        text.chars().filter(|&c| is_legal(c)).collect()
    }

    #[test]
    fn a_call_is_connected_and_comes_back() {
        let public = PublicUrl::parse("https://ex.org").unwrap();
        let got = connect(&public, &SessionId::parse("call-1-7").unwrap(), "T0ken");
        assert_eq!(
            got,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>\
             <Stream url=\"wss://ex.org/media-stream/T0ken\"><Parameter name=\"token\" value=\"T0ken\"/></Stream>\
             </Connect><Redirect method=\"POST\">https://ex.org/twiml?s=call-1-7</Redirect></Response>"
        );
    }

    #[test]
    fn control_characters_are_dropped_and_white_space_is_kept() {
        let document = connect_to("a\u{0}\u{1b}[b", "\t1\r\n2 \u{FFFE}", "&<>\"'\r\n\u{7f}");
        // As references: readers that keep to the letter turn the bare characters into others.
        assert!(!document.contains(['\t', '\r', '\n']), "{document}");
        let [media, name, value, next] = read_back(&document);
        assert_eq!([&*media, &*name, &*value, &*next], ["a[b", "token", "\t1\r\n2 ", "&<>\"'\r\n\u{7f}"]);
    }

    /// Any characters; `any::<String>()` leaves out the control characters.
    fn text() -> impl Strategy<Value = String> {
        let special = prop::sample::select(vec!['&', '<', '>', '"', '\'', '\t', '\r', '\n', '\0', '\u{1b}', ']', ';']);
        prop::collection::vec(prop_oneof![any::<char>(), special], 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back(media in text(), token in text(), next in text()) {
            let found = read_back(&connect_to(&media, &token, &next));
            prop_assert_eq!(found, [legal(&media), "token".to_owned(), legal(&token), legal(&next)]);
        }
    }
}
