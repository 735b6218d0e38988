//! Messaging's settings: what switches it on, what off, and that nothing in them stops a call.

use std::num::NonZeroU32;

use super::*;
use crate::config::{MessagingConfig, MessagingMode};
use crate::domain::text::AgentText;

const ON: (&str, &str) = ("CALLME_WHATSAPP_ENABLED", "true");
const CODE: (&str, &str) = ("CALLME_WHATSAPP_SANDBOX_CODE", "sunny-river");
const PRODUCTION: (&str, &str) = ("CALLME_WHATSAPP_MODE", "production");
const NUMBER: (&str, &str) = ("CALLME_WHATSAPP_PHONE_NUMBER", "+15005550020");
const SID: &str = "HX0123456789abcdef0123456789abcdef";
const TEMPLATE: (&str, &str) = ("CALLME_WHATSAPP_TEMPLATE_SID", SID);

/// Messaging's part of the configuration, and what was found wrong; the configuration itself always holds.
fn messaging(changes: &[(&str, &str)]) -> (Option<MessagingConfig>, Vec<String>) {
    let loaded = load(changes);
    let problems = problems(&loaded);
    (loaded.config.unwrap_or_else(|| panic!("{problems:?} is fatal")).messaging, problems)
}

/// Messaging with its sandbox set up, and `changes` over it: only they can be wrong.
fn sandbox(changes: &[(&str, &str)]) -> (Option<MessagingConfig>, Vec<String>) {
    messaging(&[&[ON, CODE], changes].concat())
}

#[test]
fn messaging_is_off_until_it_is_switched_on() {
    let set = [PRODUCTION, NUMBER, TEMPLATE, ("CALLME_WHATSAPP_SANDBOX_CODE", "?")];
    for value in ["", "false", "0", "no", "off", "False", "OFF"] {
        let (config, problems) = messaging(&[&set[..], &[("CALLME_WHATSAPP_ENABLED", value)]].concat());
        assert!(config.is_none() && problems.is_empty(), "{value:?}: {problems:?}");
    }
    for value in ["true", "1", "yes", "on", "True", " YES "] {
        let (config, problems) = sandbox(&[("CALLME_WHATSAPP_ENABLED", value)]);
        assert!(config.is_some() && problems.is_empty(), "{value:?}: {problems:?}");
    }
    for value in ["enabled", "y", "2", "true false"] {
        let (config, problems) = sandbox(&[("CALLME_WHATSAPP_ENABLED", value)]);
        assert_eq!(
            (config.is_some(), problems),
            (false, vec!["Warning CALLME_WHATSAPP_ENABLED".to_owned()]),
            "{value}"
        );
    }
}

#[test]
fn the_sandbox_needs_no_more_than_its_code() {
    let (config, problems) = sandbox(&[]);
    assert_eq!(problems, [""; 0]);
    let config = config.expect("it is on");
    assert_eq!(config.mode, MessagingMode::Sandbox { code: Some("sunny-river".to_owned()) });
    assert_eq!(config.number.reveal(), "+14155238886");
    assert_eq!(config.conversations_url, "https://conversations.twilio.com");
    assert_eq!((config.template, config.privacy_notice), (None, None));
    assert_eq!(config.open_question, Duration::from_hours(24));
    assert_eq!(config.messages_per_hour, NonZeroU32::new(60));
}

#[test]
fn a_sender_of_ones_own_has_a_number_and_a_template() {
    let notice = "An AI agent writes here.\nhttps://example.com/privacy";
    let (config, problems) = messaging(&[
        ON,
        ("CALLME_WHATSAPP_MODE", "Production"),
        NUMBER,
        TEMPLATE,
        ("CALLME_TWILIO_CONVERSATIONS_URL", "http://127.0.0.1:4000/"),
        ("CALLME_PRIVACY_NOTICE", notice),
        ("CALLME_OPEN_QUESTION_HOURS", "2"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "7"),
    ]);
    assert_eq!(problems, [""; 0]);
    let config = config.expect("it is on");
    assert_eq!((config.mode, config.number.reveal()), (MessagingMode::Production, "+15005550020"));
    assert_eq!(config.template.as_deref(), Some(SID));
    assert_eq!(config.conversations_url, "http://127.0.0.1:4000");
    assert_eq!(config.privacy_notice.as_ref().map(AgentText::as_str), Some(notice));
    assert_eq!((config.open_question, config.messages_per_hour), (Duration::from_hours(2), NonZeroU32::new(7)));
}

#[test]
fn what_messaging_cannot_do_without_switches_it_off() {
    let long = "x".repeat(4097);
    for (changes, want) in [
        (vec![("CALLME_WHATSAPP_MODE", "prod")], "CALLME_WHATSAPP_MODE"),
        (vec![PRODUCTION, TEMPLATE], "CALLME_WHATSAPP_PHONE_NUMBER"),
        (vec![("CALLME_WHATSAPP_PHONE_NUMBER", "0123")], "CALLME_WHATSAPP_PHONE_NUMBER"),
        (vec![("CALLME_WHATSAPP_PHONE_NUMBER", "sms:+15005550020")], "CALLME_WHATSAPP_PHONE_NUMBER"),
        (vec![("CALLME_WHATSAPP_PHONE_NUMBER", "whatsapp:")], "CALLME_WHATSAPP_PHONE_NUMBER"),
        (vec![("CALLME_TWILIO_CONVERSATIONS_URL", "conversations.twilio.com")], "CALLME_TWILIO_CONVERSATIONS_URL"),
        (vec![("CALLME_TWILIO_CONVERSATIONS_URL", "wss://host")], "CALLME_TWILIO_CONVERSATIONS_URL"),
        (vec![("CALLME_PRIVACY_NOTICE", "\u{200b}")], "CALLME_PRIVACY_NOTICE"),
        (vec![("CALLME_PRIVACY_NOTICE", &long)], "CALLME_PRIVACY_NOTICE"),
    ] {
        let loaded = load(&[&[ON, CODE], &changes[..]].concat());
        assert_eq!(problems(&loaded), [format!("Warning {want}")], "{changes:?}");
        let text = &loaded.problems[0].text;
        assert!(text.ends_with("; WhatsApp stays off until then"), "{text}");
        assert!(loaded.config.expect("only a warning").messaging.is_none(), "{changes:?}");
    }
}

#[test]
fn what_messaging_can_do_without_is_left_out_by_itself() {
    let bad_template = ("CALLME_WHATSAPP_TEMPLATE_SID", "HX0123");
    for (changes, want) in [
        (vec![("CALLME_WHATSAPP_SANDBOX_CODE", "")], "CALLME_WHATSAPP_SANDBOX_CODE"),
        (vec![("CALLME_WHATSAPP_SANDBOX_CODE", "join")], "CALLME_WHATSAPP_SANDBOX_CODE"),
        (vec![("CALLME_WHATSAPP_SANDBOX_CODE", "one two three")], "CALLME_WHATSAPP_SANDBOX_CODE"),
        (vec![("CALLME_WHATSAPP_SANDBOX_CODE", "sunny-river!")], "CALLME_WHATSAPP_SANDBOX_CODE"),
        (vec![bad_template], "CALLME_WHATSAPP_TEMPLATE_SID"),
        (vec![PRODUCTION, NUMBER], "CALLME_WHATSAPP_TEMPLATE_SID"),
        (vec![PRODUCTION, NUMBER, bad_template], "CALLME_WHATSAPP_TEMPLATE_SID"),
        (vec![("CALLME_OPEN_QUESTION_HOURS", "0")], "CALLME_OPEN_QUESTION_HOURS"),
        (vec![("CALLME_OPEN_QUESTION_HOURS", "721")], "CALLME_OPEN_QUESTION_HOURS"),
        (vec![("CALLME_MAX_MESSAGES_PER_HOUR", "0")], "CALLME_MAX_MESSAGES_PER_HOUR"),
        (vec![("CALLME_MAX_MESSAGES_PER_HOUR", "many")], "CALLME_MAX_MESSAGES_PER_HOUR"),
    ] {
        let (config, problems) = sandbox(&changes);
        assert_eq!(problems, [format!("Warning {want}")], "{changes:?}");
        let config = config.unwrap_or_else(|| panic!("{changes:?} switched messaging off"));
        assert_eq!(config.template, None, "{changes:?}");
        let code = matches!(config.mode, MessagingMode::Sandbox { code: Some(_) });
        assert_eq!(code, !changes.contains(&PRODUCTION) && want != CODE.0, "{changes:?}");
        assert_eq!(config.messages_per_hour.is_none(), changes.contains(&("CALLME_MAX_MESSAGES_PER_HOUR", "0")));
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let (config, problems) = messaging(&[
        ON,
        ("CALLME_WHATSAPP_MODE", "x"),
        ("CALLME_WHATSAPP_PHONE_NUMBER", "x"),
        ("CALLME_WHATSAPP_TEMPLATE_SID", "x"),
        ("CALLME_TWILIO_CONVERSATIONS_URL", "x"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "x"),
    ]);
    assert_eq!((config.is_none(), problems.len()), (true, 5), "{problems:?}");
}

#[test]
fn the_sender_and_the_code_are_taken_as_the_console_shows_them() {
    for value in ["+15005550020", "whatsapp:+15005550020"] {
        let (config, problems) = sandbox(&[("CALLME_WHATSAPP_PHONE_NUMBER", value)]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.expect("it is on").number.reveal(), "+15005550020", "{value}");
    }
    for value in ["sunny-river", "join sunny-river", "Join  sunny-river", "sunny river", "join sunny river"] {
        let (config, problems) = messaging(&[ON, ("CALLME_WHATSAPP_SANDBOX_CODE", value)]);
        assert_eq!(problems, [""; 0], "{value}");
        let want = MessagingMode::Sandbox { code: Some("sunny-river".to_owned()) };
        assert_eq!(config.expect("it is on").mode, want, "{value}");
    }
}

#[test]
fn no_problem_and_no_debug_output_shows_the_sender_or_the_notice() {
    let good = load(&[ON, CODE, NUMBER, ("CALLME_PRIVACY_NOTICE", "A platypus writes here.")]);
    let swapped = load(&[
        ("CALLME_WHATSAPP_ENABLED", "+15005550020"),
        ("CALLME_WHATSAPP_MODE", "+15005550020"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "15005550020"),
    ]);
    let slips =
        load(&[ON, ("CALLME_WHATSAPP_SANDBOX_CODE", "15005550020"), ("CALLME_WHATSAPP_PHONE_NUMBER", "1 5005550020")]);
    let shown = format!("{good:?} {swapped:?} {slips:?}");
    for private in ["5005550020", "platypus"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
}

#[test]
fn with_telnyx_there_is_no_sandbox_and_a_template_goes_by_its_name() {
    let profile = ("CALLME_TELNYX_MESSAGING_PROFILE_ID", "0f512bda-ae1e-4597-8e11-e5f5686b97d3");
    let (config, problems) = messaging(&[TELNYX, &[ON]].concat());
    assert_eq!(config.map(|_| ()), None);
    assert_eq!(problems, ["Warning CALLME_WHATSAPP_PHONE_NUMBER", "Warning CALLME_WHATSAPP_TEMPLATE_SID"]);
    let telnyx = |template: &str, profile: (&str, &str)| {
        messaging(&[TELNYX, &[ON, NUMBER, ("CALLME_WHATSAPP_TEMPLATE_SID", template), profile]].concat())
    };
    for template in ["agent_question", "agent_question:it", "q:en_US"] {
        let (config, problems) = telnyx(template, profile);
        let config = config.expect("it is on");
        assert_eq!((config.mode, problems), (MessagingMode::Production, Vec::new()), "{template}");
        assert_eq!((config.template.as_deref(), config.profile.as_deref()), (Some(template), Some(profile.1)));
    }
    for template in ["a b", ":it", "q:", "q:it:en", "q/it"] {
        let (config, problems) = telnyx(template, profile);
        assert_eq!(problems, ["Warning CALLME_WHATSAPP_TEMPLATE_SID"], "{template}");
        assert_eq!(config.expect("it is on").template, None);
    }
    let (config, problems) = telnyx("q", (profile.0, "an id"));
    assert_eq!((config.expect("it is on").profile, problems), (None, vec![format!("Warning {}", profile.0)]));
}

#[test]
fn sms_is_the_last_resort_only_where_it_is_asked_for() {
    let fallback = |value| ("CALLME_WHATSAPP_FALLBACK_TO_SMS", value);
    for (changes, on, warns) in [
        (vec![ON, CODE], false, false),
        (vec![ON, CODE, fallback("false")], false, false),
        (vec![ON, CODE, fallback("TRUE")], true, false),
        (vec![ON, CODE, fallback("perhaps")], false, true),
        (vec![fallback("true")], false, true),
    ] {
        let loaded = load(&changes);
        let want: &[&str] = if warns { &["Warning CALLME_WHATSAPP_FALLBACK_TO_SMS"] } else { &[] };
        assert_eq!(problems(&loaded), want, "{changes:?}");
        let messaging = loaded.config.expect("only warnings").messaging;
        assert_eq!(messaging.is_some_and(|texts| texts.sms), on, "{changes:?}");
    }
}
