//! The whole configuration at once, and the file that documents it.

use std::collections::HashMap;
use std::time::Duration;

use secrecy::ExposeSecret;

mod messaging;

use super::{Company, Config, Loaded, LogFormat, Severity, SpeechFormat, StoreConfig, VARIABLES, Variable};

const GOOD: &[(&str, &str)] = &[
    ("CALLME_API_KEY", "agent-key"),
    ("CALLME_PHONE_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
    ("CALLME_PHONE_AUTH_TOKEN", "t0ken"),
    ("CALLME_PHONE_NUMBER", "+15005550006"),
    ("CALLME_USER_PHONE_NUMBER", "+15005550010"),
    ("CALLME_OPENAI_API_KEY", "sk-speech"),
    ("CALLME_PUBLIC_URL", "https://callme.example.com"),
];

const PUBLIC_KEY: &str = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=";

/// What makes the good configuration one of Telnyx.
const TELNYX: &[(&str, &str)] = &[("CALLME_PHONE_ACCOUNT_SID", "1234567890"), ("CALLME_TELNYX_PUBLIC_KEY", PUBLIC_KEY)];

/// Reads the good configuration with `changes` over it; an empty value takes a variable away.
fn load(changes: &[(&str, &str)]) -> Loaded {
    let variables: HashMap<_, _> = GOOD.iter().chain(changes).copied().collect();
    Config::from_source(&|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn problems(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|problem| format!("{:?} {}", problem.severity, problem.variable)).collect()
}

#[test]
fn the_required_variables_are_enough_and_the_rest_has_defaults() {
    let loaded = load(&[]);
    assert_eq!(problems(&loaded), [""; 0]);
    assert_eq!((loaded.basics.port, loaded.basics.log_format), (3333, LogFormat::Text));
    assert_eq!(loaded.basics.log_filter, "info");
    let config = loaded.config.expect("nothing is wrong");
    assert_eq!(config.public_url, "https://callme.example.com");
    assert_eq!(config.api_key.expose_secret(), "agent-key");
    assert_eq!(config.person.reveal(), "+15005550010");
    assert_eq!(config.carrier.api_url, "https://api.twilio.com");
    let speech = [&config.speech.tts, &config.speech.stt].map(|at| (at.base_url.as_str(), at.api_key.expose_secret()));
    assert_eq!(speech, [("https://api.openai.com/v1", "sk-speech"); 2]);
    assert_eq!((config.speech.tts_format, config.speech.probe), (SpeechFormat::Pcm, Some(Duration::from_hours(6))));
    assert_eq!((config.speech.tts_voice.as_str(), config.speech.silence), ("coral", Duration::from_millis(800)));
    assert_eq!(config.timing.reply, Duration::from_mins(3));
    assert_eq!(config.timing.inactivity, Duration::from_mins(7));
    assert_eq!(config.timing.ring, Duration::from_secs(25));
    assert_eq!(config.timing.longest_call, Duration::from_mins(55));
    assert_eq!(config.timing.barge_in_guard, Duration::from_secs(1));
    assert_eq!((config.limits.sessions, config.limits.live_calls), (1000, 1));
    assert_eq!(config.limits.calls_per_hour.map(std::num::NonZeroU32::get), Some(20));
    assert_eq!(config.history_ttl, Duration::from_hours(48));
    let door = config.door;
    assert_eq!([door.per_phone, door.per_conversation, door.global], [10, 20, 100].map(std::num::NonZeroU32::new));
    assert_eq!((door.block, config.hash_key.is_none()), (Duration::from_mins(5), true));
}

#[test]
fn the_limits_of_inbound_messages_are_set_by_number_and_switched_off_by_zero() {
    let names = ["CALLME_RATE_LIMIT_PER_PHONE", "CALLME_RATE_LIMIT_PER_CONVERSATION", "CALLME_RATE_LIMIT_GLOBAL"];
    let block = "CALLME_RATE_LIMIT_BLOCK_SECONDS";
    let door = |value: &str, seconds: &str| {
        let loaded = load(&[(names[0], value), (block, seconds), (names[1], value), (names[2], value)]);
        let problems = problems(&loaded);
        (loaded.config.expect("only warnings").door, problems)
    };
    let (set, none) = door("7", "60");
    assert_eq!([set.per_phone, set.per_conversation, set.global], [std::num::NonZeroU32::new(7); 3]);
    assert_eq!((set.block, none), (Duration::from_mins(1), Vec::new()));
    let (off, warnings) = door("0", "0");
    assert_eq!([off.per_phone, off.per_conversation, off.global], [None; 3]);
    assert_eq!(off.block, Duration::ZERO);
    assert_eq!(warnings, [names[0], block, names[1], names[2]].map(|name| format!("Warning {name}")));
}

#[test]
fn the_key_of_the_speech_provider_goes_to_no_other_host() {
    let (openai, own) = ("https://api.openai.com/v1", "http://localhost:8880/v1");
    for (url, key, want) in
        [("", "", (openai, "sk-speech")), ("", "k", (openai, "k")), (own, "", (own, "")), (own, "k", (own, "k"))]
    {
        for half in ["TTS", "STT"] {
            let names = [format!("CALLME_{half}_BASE_URL"), format!("CALLME_{half}_API_KEY")];
            let loaded = load(&[(&names[0], url), (&names[1], key)]);
            let speech = loaded.config.expect("nothing is wrong").speech;
            let (set, other) = if half == "TTS" { (speech.tts, speech.stt) } else { (speech.stt, speech.tts) };
            assert_eq!((set.base_url.as_str(), set.api_key.expose_secret()), want, "{half}");
            assert_eq!((set.own, other.own), (url == own, false), "{half}");
            assert_eq!((other.base_url.as_str(), other.api_key.expose_secret()), (openai, "sk-speech"), "{half}");
        }
    }
}

#[test]
fn who_speaks_and_listens_elsewhere_needs_no_key_of_the_speech_provider() {
    let none = ("CALLME_OPENAI_API_KEY", "");
    let (tts, stt) = (("CALLME_TTS_BASE_URL", "http://a"), ("CALLME_STT_API_KEY", "k"));
    assert_eq!(problems(&load(&[none, tts, stt])), [""; 0]);
    assert_eq!(problems(&load(&[none, tts])), ["Fatal CALLME_OPENAI_API_KEY"]);
    let probe = load(&[("CALLME_SPEECH_PROBE_HOURS", "0")]).config.map(|config| config.speech.probe);
    assert_eq!(probe, Some(None));
}

#[test]
fn every_missing_setting_is_reported_at_once() {
    let loaded = Config::from_source(&|_| None);
    assert!(loaded.config.is_none());
    let mut fatal: Vec<_> =
        loaded.problems.iter().filter(|p| p.severity == Severity::Fatal).map(|p| p.variable.as_ref()).collect();
    let mut required: Vec<_> = VARIABLES.iter().filter(|variable| variable.required).map(|v| v.name).collect();
    fatal.sort_unstable();
    required.sort_unstable();
    assert_eq!(fatal, required);
    assert!(loaded.problems.iter().all(|problem| problem.text.starts_with("is not set; ")), "{:?}", loaded.problems);
}

#[test]
fn each_slip_is_one_problem_with_its_variable() {
    for (name, value, want) in [
        ("CALLME_API_KEY", " ", "Fatal CALLME_API_KEY"),
        ("CALLME_API_KEY", "two\nlines", "Fatal CALLME_API_KEY"),
        ("CALLME_PHONE_PROVIDER", "carrier pigeon", "Fatal CALLME_PHONE_PROVIDER"),
        ("CALLME_PHONE_PROVIDER", "telnyx", "Fatal CALLME_TELNYX_PUBLIC_KEY"),
        ("CALLME_PHONE_ACCOUNT_SID", "1234567890", "Fatal CALLME_TELNYX_PUBLIC_KEY"),
        ("CALLME_PHONE_AUTH_TOKEN", "", "Fatal CALLME_PHONE_AUTH_TOKEN"),
        ("CALLME_PHONE_NUMBER", "0123456789", "Fatal CALLME_PHONE_NUMBER"),
        ("CALLME_USER_PHONE_NUMBER", "+1 500 5550010", "Fatal CALLME_USER_PHONE_NUMBER"),
        ("OPENAI_API_BASE_URL", "api.openai.com", "Fatal OPENAI_API_BASE_URL"),
        ("OPENAI_API_BASE_URL", "https://user:pw@host", "Fatal OPENAI_API_BASE_URL"),
        ("CALLME_TTS_BASE_URL", "localhost:8880", "Fatal CALLME_TTS_BASE_URL"),
        ("CALLME_STT_API_KEY", "two\nlines", "Fatal CALLME_STT_API_KEY"),
        ("CALLME_TTS_FORMAT", "mp3", "Warning CALLME_TTS_FORMAT"),
        ("CALLME_SPEECH_PROBE_HOURS", "often", "Warning CALLME_SPEECH_PROBE_HOURS"),
        ("CALLME_TWILIO_API_URL", "ftp://host", "Fatal CALLME_TWILIO_API_URL"),
        ("CALLME_PUBLIC_URL", "", "Warning CALLME_PUBLIC_URL"),
        ("CALLME_PUBLIC_URL", "callme.example.com", "Warning CALLME_PUBLIC_URL"),
        ("CALLME_PUBLIC_URL", "http://callme.example.com", "Warning CALLME_PUBLIC_URL"),
        ("CALLME_USER_PHONE_NUMBER", "+15005550006", "Fatal CALLME_USER_PHONE_NUMBER"),
        ("CALLME_PUBLIC_URL", "https://host/?a=1", "Warning CALLME_PUBLIC_URL"),
        ("PORT", "http", "Warning PORT"),
        ("CALLME_PORT", "65536", "Warning CALLME_PORT"),
        ("CALLME_CALL_TIMEOUT_SECONDS", "4", "Warning CALLME_CALL_TIMEOUT_SECONDS"),
        ("CALLME_CALL_TIMEOUT_SECONDS", "601", "Warning CALLME_CALL_TIMEOUT_SECONDS"),
        ("CALLME_CALL_TIMEOUT_SECONDS", "25s", "Warning CALLME_CALL_TIMEOUT_SECONDS"),
        ("CALLME_INACTIVITY_TIMEOUT_MINUTES", "never", "Warning CALLME_INACTIVITY_TIMEOUT_MINUTES"),
        ("CALLME_MAX_CALLS_PER_HOUR", "0", "Warning CALLME_MAX_CALLS_PER_HOUR"),
        ("CALLME_MAX_CALLS_PER_HOUR", "-1", "Warning CALLME_MAX_CALLS_PER_HOUR"),
        ("CALLME_RATE_LIMIT_PER_PHONE", "ten", "Warning CALLME_RATE_LIMIT_PER_PHONE"),
        ("CALLME_RATE_LIMIT_PER_CONVERSATION", "-1", "Warning CALLME_RATE_LIMIT_PER_CONVERSATION"),
        ("CALLME_RATE_LIMIT_GLOBAL", "1.5", "Warning CALLME_RATE_LIMIT_GLOBAL"),
        ("CALLME_RATE_LIMIT_BLOCK_SECONDS", "86401", "Warning CALLME_RATE_LIMIT_BLOCK_SECONDS"),
        ("CALLME_HASH_KEY", "short", "Warning CALLME_HASH_KEY"),
        ("CALLME_LOG_FORMAT", "xml", "Warning CALLME_LOG_FORMAT"),
        ("CALLME_WHATSAPP_FALLBACK_TO_SMS", "true", "Warning CALLME_WHATSAPP_FALLBACK_TO_SMS"),
        ("REDIS_URL", "redis://host", "Warning REDIS_URL"),
        ("REDIS_URL", "http://host", "Warning REDIS_URL"),
        ("CALLME_REDIS_URL", "localhost:6379", "Warning CALLME_REDIS_URL"),
    ] {
        let loaded = load(&[(name, value)]);
        assert_eq!(problems(&loaded), [want], "{name}={value:?}");
        assert_eq!(loaded.config.is_none(), want.starts_with("Fatal"), "{name}={value:?}");
    }
}

#[test]
fn no_problem_and_no_debug_output_shows_a_number_or_a_secret() {
    let private = ["+1 500 555 0010", "t0ken\n", "sk-\u{e4}", "15005550006", "agent-key"];
    let loaded = load(&[
        ("CALLME_USER_PHONE_NUMBER", private[0]),
        ("CALLME_PHONE_AUTH_TOKEN", "t0ken\nx"),
        ("CALLME_OPENAI_API_KEY", private[2]),
        ("CALLME_MAX_SESSIONS", private[3]),
        ("CALLME_PUBLIC_URL", "https://t0ken:x@host"),
        ("CALLME_HASH_KEY", "pepper"),
        ("CALLME_RATE_LIMIT_GLOBAL", private[3]),
    ]);
    let good = load(&[("CALLME_HASH_KEY", "pepper and salt and more")]);
    let shown = format!("{loaded:?} {good:?} {}", loaded.problems.iter().map(ToString::to_string).collect::<String>());
    for secret in private.iter().chain(&["t0ken", "5005550006", "5005550010", "sk-speech", "pepper"]) {
        assert!(!shown.contains(secret), "{secret:?} in {shown}");
    }
}

#[test]
fn the_public_url_comes_from_the_first_that_is_set() {
    let none = ("CALLME_PUBLIC_URL", "");
    for (changes, want) in [
        (vec![("CALLME_PUBLIC_URL", "https://own.example/")], "https://own.example"),
        (vec![("CALLME_PUBLIC_URL", "http://10.0.0.1:8080/callme")], "http://10.0.0.1:8080/callme"),
        (vec![("RAILWAY_PUBLIC_DOMAIN", "x.up.railway.app")], "https://callme.example.com"),
        (vec![none, ("RAILWAY_PUBLIC_DOMAIN", "x.up.railway.app")], "https://x.up.railway.app"),
        (vec![none, ("RENDER_EXTERNAL_URL", "https://x.onrender.com")], "https://x.onrender.com"),
        (vec![none, ("FLY_APP_NAME", "x")], "https://x.fly.dev"),
        (vec![none, ("PORT", "8080"), ("CALLME_PORT", "1")], "http://localhost:8080"),
        (vec![none, ("CALLME_PORT", "81")], "http://localhost:81"),
    ] {
        let loaded = load(&changes);
        assert_eq!(loaded.config.expect("no fatal problem").public_url, want, "{changes:?}");
    }
}

#[test]
fn http_is_warned_of_where_strangers_can_read_it() {
    for (host, is_near) in [
        ("localhost:3333", true),
        ("callme:3333", true),
        ("127.1.2.3", true),
        ("[::1]:80", true),
        ("10.0.0.1", true),
        ("172.16.0.1", true),
        ("192.168.1.2:3333", true),
        ("[fd00::1]", true),
        ("callme.local", true),
        ("api.railway.internal", true),
        ("callme.example.com", false),
        ("local.example.com", false),
        ("8.8.8.8", false),
        ("172.32.0.1", false),
        ("[2001:db8::1]", false),
    ] {
        let loaded = load(&[("CALLME_PUBLIC_URL", &format!("http://{host}"))]);
        assert_eq!(loaded.problems.is_empty(), is_near, "{host}: {:?}", loaded.problems);
        assert!(loaded.config.is_some(), "{host}: it is for whoever runs it to say");
        assert_eq!(problems(&load(&[("CALLME_PUBLIC_URL", &format!("https://{host}"))])), [""; 0]);
    }
}

#[test]
fn the_account_tells_the_carrier_unless_it_is_named() {
    let loaded = load(&[("CALLME_PHONE_PROVIDER", "Twilio"), ("CALLME_PHONE_ACCOUNT_SID", "ACtest")]);
    assert_eq!(problems(&loaded), ["Warning CALLME_PHONE_ACCOUNT_SID"]);
    assert_eq!(loaded.config.expect("a warning only").carrier.account, "ACtest");
    let loaded = load(&[("CALLME_PHONE_PROVIDER", "twilio"), ("CALLME_PHONE_ACCOUNT_SID", "AC/../x")]);
    assert!(loaded.config.is_none(), "it would change the URL's path");
    for provider in [&[][..], &[("CALLME_PHONE_PROVIDER", "TELNYX")]] {
        let loaded = load(&[TELNYX, provider].concat());
        assert_eq!(problems(&loaded), [""; 0]);
        let carrier = loaded.config.expect("nothing is wrong").carrier;
        assert!(matches!(carrier.company, Company::Telnyx { .. }), "{provider:?}: {carrier:?}");
        assert_eq!((carrier.account.as_str(), carrier.api_url.as_str()), ("1234567890", "https://api.telnyx.com"));
    }
}

#[test]
fn telnyx_is_not_used_without_a_key_to_know_its_webhooks_by() {
    let key = "CALLME_TELNYX_PUBLIC_KEY";
    for (value, want) in [("", "Fatal"), ("KEY0123", "Fatal"), (PUBLIC_KEY, "")] {
        let loaded = load(&[TELNYX, &[(key, value)]].concat());
        let fatal = loaded.problems.iter().filter(|problem| problem.variable == key).count();
        assert_eq!((fatal == 1, loaded.config.is_none()), (want == "Fatal", want == "Fatal"), "{value:?}");
    }
    let loaded = load(&[TELNYX, &[("CALLME_TELNYX_API_URL", "ftp://host")]].concat());
    assert_eq!(problems(&loaded), ["Fatal CALLME_TELNYX_API_URL"]);
    // Twilio has no use for either, and what is wrong with them stops nobody there.
    assert_eq!(problems(&load(&[(key, "KEY0123"), ("CALLME_TELNYX_API_URL", "ftp://host")])), [""; 0]);
}

#[test]
fn inactivity_is_in_milliseconds_or_in_minutes() {
    let (ms, minutes) = (("CALLME_INACTIVITY_TIMEOUT_MS", "5000"), ("CALLME_INACTIVITY_TIMEOUT_MINUTES", "2"));
    for (changes, want, warnings) in [(vec![ms], 5, 0), (vec![minutes], 120, 0), (vec![ms, minutes], 5, 1)] {
        let loaded = load(&changes);
        assert_eq!(loaded.problems.len(), warnings, "{changes:?}");
        assert_eq!(loaded.config.expect("no fatal problem").timing.inactivity, Duration::from_secs(want));
    }
}

#[test]
fn state_is_kept_in_redis_where_its_url_and_the_hash_key_are_set() {
    let (key, url) = (("CALLME_HASH_KEY", "pepper and salt and more"), ("REDIS_URL", "redis://:s3cret@one:6380/2"));
    let other = ("CALLME_REDIS_URL", "rediss://user:s3cret@two");
    for (changes, want, warnings) in [
        (vec![key, url], Some(url.1), vec![]),
        (vec![key, url, other], Some(other.1), vec![]),
        (vec![key, url, ("CALLME_DATA_DIR", "none")], Some(url.1), vec![]),
        (vec![url], None, vec!["Warning REDIS_URL"]),
        (vec![url, other], None, vec!["Warning CALLME_REDIS_URL"]),
        (vec![key, url, ("CALLME_REDIS_URL", "redis:s3cret")], None, vec!["Warning CALLME_REDIS_URL"]),
        (vec![key, ("REDIS_URL", "rediss://:s3cret@one/#insecure")], None, vec!["Warning REDIS_URL"]),
        (vec![key, ("REDIS_URL", "redis://:s3cret@one/two")], None, vec!["Warning REDIS_URL"]),
        (vec![key, ("REDIS_URL", "redis+unix:///s3cret")], None, vec!["Warning REDIS_URL"]),
    ] {
        let loaded = load(&changes);
        assert_eq!(problems(&loaded), warnings, "{changes:?}");
        assert!(!format!("{loaded:?}").contains("s3cret"), "{changes:?}");
        match loaded.config.expect("only warnings").store {
            StoreConfig::Redis(kept) => assert_eq!(Some(kept.expose_secret()), want, "{changes:?}"),
            StoreConfig::Embedded(_) => assert_eq!(want, None, "{changes:?}"),
            StoreConfig::Memory => panic!("{changes:?}"),
        }
    }
}

#[test]
fn what_is_switched_off_needs_no_warning() {
    assert_eq!(problems(&load(&[("CALLME_WHATSAPP_FALLBACK_TO_SMS", "False"), ("REDIS_URL", "")])), [""; 0]);
}

/// How a variable stands in `.env.example`: its sentence, then itself, as a comment where nothing must be filled in.
fn block(variable: &Variable) -> String {
    let example = if variable.example.is_empty() { String::new() } else { format!(" Example: {}", variable.example) };
    let comment = if variable.required { "" } else { "#" };
    format!("# {}{example}\n{comment}{}={}", variable.doc, variable.name, variable.default)
}

#[test]
fn the_example_file_holds_the_table_and_nothing_else() {
    let file = include_str!("../../.env.example").trim_end();
    let blocks: Vec<&str> = file.split("\n\n").skip(1).collect();
    let want: Vec<String> = VARIABLES.iter().map(block).collect();
    assert_eq!(blocks, want, "the file should read:\n\n{}\n", want.join("\n\n"));
}

#[test]
fn the_example_file_as_it_is_changes_no_default() {
    let lines = dotenvy::from_read_iter(include_bytes!("../../.env.example").as_slice());
    let variables: HashMap<String, String> = lines.map(|line| line.expect("a line that can be read")).collect();
    let loaded = Config::from_source(&|name| variables.get(name).cloned());
    assert_eq!(problems(&loaded), problems(&Config::from_source(&|_| None)));
}
