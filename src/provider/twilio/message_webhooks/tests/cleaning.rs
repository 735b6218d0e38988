//! What a message says: refused with its reason, or clean.

use super::*;

#[test]
fn a_message_that_is_wrong_in_its_text_alone_is_refused_with_its_author_and_name() {
    let long = "é".repeat(65_537);
    for (body, want) in [
        (long.as_str(), BadWords::TooLong { length: 65_537, longest: 65_536 }),
        (" \r\n\t", BadWords::Empty),
        ("\u{202e}\u{1b}[0m\0", BadWords::Empty),
        ("", BadWords::Empty),
        ("-", BadWords::Empty),
    ] {
        assert_eq!(refusal_of(added(&[("Body", body)])), want);
        assert_eq!(refusal_of(received(&[("Body", body)])), want);
    }
    assert_eq!(words_of(added(&[("Body", &"é".repeat(65_536))])).chars().count(), 65_536);
    assert_eq!(words_of(received(&[("Body", "Y\u{7}es\u{2066}")])), "Yes");
}

#[test]
fn what_is_told_of_a_place_is_no_longer_than_it_need_be() {
    let long = "é".repeat(1_000);
    let told = words_of(received(&[("Body", ""), ("Latitude", "1"), ("Longitude", "2"), ("Label", &long)]));
    assert_eq!(told.chars().count(), "[place 1, 2, ]".len() + 200);
}

/// What no words may hold, written down here once more: C0 without tab, LF and CR; DEL; C1; marks nobody sees.
fn is_forbidden(c: char) -> bool {
    match u32::from(c) {
        0x09 | 0x0a | 0x0d => false,
        0x00..=0x1f | 0x7f..=0x9f | 0x061c | 0x200e | 0x200f => true,
        0x202a..=0x202e | 0x2066..=0x2069 | 0xfeff | 0xe0000..=0xe007f => true,
        _ => false,
    }
}

/// A form with this body, percent-encoded byte by byte.
fn form_with(bytes: &[u8]) -> Vec<u8> {
    let (conversation, message) = (sid("CH"), sid("IM"));
    let head = format!("AccountSid={ACCOUNT}&ConversationSid={conversation}&MessageSid={message}");
    let author: String = form_urlencoded::byte_serialize(format!("whatsapp:{PERSON}").as_bytes()).collect();
    let body: String = form_urlencoded::byte_serialize(bytes).collect();
    format!("{head}&Author={author}&Body={body}").into_bytes()
}

/// Bytes of a text, with what cleaning is about more often than chance has it, and some that are no UTF-8.
fn text_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => any::<String>().prop_map(String::into_bytes),
        2 => "[\u{1b}\u{9b}\u{9d}\u{9c}\u{7}\u{202e}\u{2066}\u{feff}\u{e0041}\u{7f}\u{85}\0\\[\\]m;]{1,8}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_comes_in_nothing_forbidden_comes_out(bytes in text_bytes()) {
        match webhooks().parse(&form_with(&bytes)) {
            MessageNews::Inbound { message, .. } => {
                let text = message.text.as_str();
                prop_assert!(!text.contains(is_forbidden) && !text.is_empty() && text.trim() == text, "{text:?}");
            }
            news => prop_assert_eq!(refusal_of(news), BadWords::Empty),
        }
    }

    #[test]
    fn clean_text_comes_out_as_it_went_in(text in any::<String>()) {
        let clean = text.replace(is_forbidden, "");
        let clean = clean.trim();
        if let MessageNews::Inbound { message, .. } = webhooks().parse(&form_with(clean.as_bytes())) {
            prop_assert_eq!(message.text.as_str(), clean);
        }
    }
}
