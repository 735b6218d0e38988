//! What can be wrong, one by one.

use callme::emulator::{Fault, Times};

use super::clinic::{Clinic, Front};

/// Something that is wrong.
pub(super) struct Breach {
    /// In words.
    pub(super) what: &'static str,
    /// What it is done to; of two that are done to one thing only the later would be wrong.
    pub(super) subject: &'static str,
    /// The check that is to find it.
    pub(super) check: &'static str,
    pub(super) done: fn(&mut Clinic),
}

const fn breach(what: &'static str, subject: &'static str, check: &'static str, done: fn(&mut Clinic)) -> Breach {
    Breach { what, subject, check, done }
}

fn set(clinic: &mut Clinic, name: &'static str, value: &str) {
    clinic.settings.insert(name, value.to_owned());
}

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";
/// Not on this machine, and refused at once.
const ELSEWHERE: &str = "http://255.255.255.255";

pub(super) const TWILIO: &[Breach] = &[
    breach("a number that is none", "from", "configuration", |clinic| set(clinic, "CALLME_PHONE_NUMBER", "555")),
    breach("a setting that is missing", "person", "configuration", |clinic| {
        set(clinic, "CALLME_USER_PHONE_NUMBER", "none");
    }),
    breach("a key that can be guessed", "key", "api-key", |clinic| set(clinic, "CALLME_API_KEY", "secret")),
    breach("a clock that is off", "clock", "clock", |clinic| clinic.ahead = 400),
    breach("no TLS", "public", "public-url-https", |clinic| set(clinic, "CALLME_PUBLIC_URL", ELSEWHERE)),
    breach("no such name", "public", "public-url-name", |clinic| {
        set(clinic, "CALLME_PUBLIC_URL", "https://callme.invalid");
    }),
    breach("nobody at the address", "public", "public-url-health", |clinic| set(clinic, "CALLME_PUBLIC_URL", NOBODY)),
    breach("somebody else at the address", "public", "public-url-health", |clinic| {
        let url = clinic.emulator.url();
        set(clinic, "CALLME_PUBLIC_URL", &url);
    }),
    breach("no server", "server", "public-url-health", |clinic| clinic.is_running = false),
    breach("a server of another address", "start url", "public-url-health", |clinic| {
        clinic.started_with.insert("CALLME_PUBLIC_URL", "https://earlier.example".to_owned());
    }),
    breach("a server that has no number", "start number", "public-url-health", |clinic| {
        clinic.started_with.insert("CALLME_PHONE_NUMBER", "555".to_owned());
    }),
    breach("a server with an earlier token", "start token", "webhook-signed", |clinic| {
        clinic.started_with.insert("CALLME_PHONE_AUTH_TOKEN", "an-earlier-token".to_owned());
    }),
    breach("a server with an earlier key", "start key", "public-url-server", |clinic| {
        clinic.started_with.insert("CALLME_API_KEY", "an-earlier-key-of-the-agents".to_owned());
    }),
    breach("a proxy that answers the carrier", "front", "webhook-signed", |clinic| clinic.front = Front::Answers),
    breach("a proxy that lets forgers in", "front", "webhook-forged", |clinic| clinic.front = Front::Answers),
    breach("a proxy without WebSockets", "front", "media-socket", |clinic| clinic.front = Front::NoSockets),
    breach("a wrong token", "token", "carrier-account", |clinic| {
        set(clinic, "CALLME_PHONE_AUTH_TOKEN", "not-the-token");
    }),
    breach("another account", "account", "carrier-account", |clinic| {
        let other = format!("AC{}", "f".repeat(32));
        set(clinic, "CALLME_PHONE_ACCOUNT_SID", &other);
    }),
    breach("a closed account", "console account", "carrier-account", |clinic| {
        clinic.emulator.change_console(|console| console.is_active = false);
    }),
    breach("no way to the carrier", "api", "carrier-account", |clinic| set(clinic, "CALLME_TWILIO_API_URL", NOBODY)),
    breach("somebody else's number", "from", "carrier-number", |clinic| {
        set(clinic, "CALLME_PHONE_NUMBER", "+15005550007");
    }),
    breach("a number for texts", "console number", "carrier-number", |clinic| {
        clinic.emulator.change_console(|console| console.voice = false);
    }),
    breach("a country that may not be called", "country", "dialing-permission", |clinic| {
        clinic.emulator.change_console(|console| console.countries.retain(|country| country != "IT"));
    }),
    breach("no such sender", "sender number", "whatsapp-sender", |clinic| {
        set(clinic, "CALLME_WHATSAPP_PHONE_NUMBER", "+15005550098");
    }),
    breach("a sender that is offline", "sender", "whatsapp-sender", |clinic| {
        clinic.emulator.change_console(|console| "OFFLINE".clone_into(&mut console.sender));
    }),
    breach("a sender without a webhook", "sender webhook", "whatsapp-sender-webhook", |clinic| {
        clinic.emulator.change_console(|console| console.sender_url.clear());
    }),
    breach("a sender that asks by GET", "sender webhook", "whatsapp-sender-webhook", |clinic| {
        clinic.emulator.change_console(|console| "GET".clone_into(&mut console.sender_method));
    }),
    breach("no such template", "template sid", "whatsapp-template", |clinic| {
        let other = format!("HX{}", "f".repeat(32));
        set(clinic, "CALLME_WHATSAPP_TEMPLATE_SID", &other);
    }),
    breach("a template that was rejected", "template", "whatsapp-template", |clinic| {
        clinic.emulator.change_console(|console| "rejected".clone_into(&mut console.template));
    }),
    breach("conversations that go elsewhere", "conversations", "whatsapp-webhook", |clinic| {
        clinic
            .emulator
            .change_console(|console| "https://elsewhere.example/x".clone_into(&mut console.conversations_url));
    }),
    breach("conversations without receipts", "conversations", "whatsapp-webhook", |clinic| {
        clinic.emulator.change_console(|console| console.conversations_filters.truncate(1));
    }),
    breach("a number without SMS", "console number", "sms-number", |clinic| {
        clinic.emulator.change_console(|console| console.sms = false);
    }),
    breach("SMS that go elsewhere", "sms url", "sms-webhook", |clinic| {
        clinic.emulator.change_console(|console| "https://elsewhere.example/x".clone_into(&mut console.sms_url));
    }),
    breach("a wrong key for speech", "speech key", "speech-key", |clinic| {
        set(clinic, "CALLME_OPENAI_API_KEY", "sk-of-another");
    }),
    breach("no way to the speech provider", "speech url", "speech-key", |clinic| {
        set(clinic, "OPENAI_API_BASE_URL", NOBODY);
    }),
    breach("a provider that does not listen", "speech", "speech-stt", |clinic| {
        clinic.emulator.faults().add(Fault::HearingRefused { status: 403 }, Times::Always);
    }),
    breach("a server that can keep nothing", "start store", "server-store", |clinic| {
        clinic.started_with.insert("CALLME_DATA_DIR", "/proc/callme".to_owned());
    }),
    breach("no room to keep anything", "store", "store", |clinic| {
        let directory = clinic.no_directory();
        set(clinic, "CALLME_DATA_DIR", &directory);
    }),
    breach("no Redis", "store", "store", |clinic| set(clinic, "REDIS_URL", "redis://127.0.0.1:1")),
];

pub(super) const TELNYX: &[Breach] = &[
    breach("a wrong key", "token", "carrier-account", |clinic| set(clinic, "CALLME_PHONE_AUTH_TOKEN", "KEYnotthekey")),
    breach("another application", "account", "carrier-account", |clinic| {
        set(clinic, "CALLME_PHONE_ACCOUNT_SID", "1234567890");
    }),
    breach("no way to the carrier", "api", "carrier-account", |clinic| set(clinic, "CALLME_TELNYX_API_URL", NOBODY)),
    breach("an application that is off", "application", "carrier-account", |clinic| {
        clinic.emulator.change_console(|console| console.is_active = false);
    }),
    breach("somebody else's number", "from", "carrier-number", |clinic| {
        set(clinic, "CALLME_PHONE_NUMBER", "+15005550007");
    }),
    breach("a number of another application", "number", "carrier-number", |clinic| {
        clinic.emulator.change_console(|console| console.number_is_connected = false);
    }),
    breach("no voice profile", "profile", "dialing-permission", |clinic| {
        clinic.emulator.change_console(|console| console.has_voice_profile = false);
    }),
    breach("a country that may not be called", "country", "dialing-permission", |clinic| {
        clinic.emulator.change_console(|console| console.countries.retain(|country| country != "IT"));
    }),
    breach("a number that is in no messaging profile", "messaging profile", "sms-number", |clinic| {
        clinic.emulator.change_console(|console| console.has_messaging_profile = false);
    }),
    breach("another messaging profile", "set profile", "sms-number", |clinic| {
        set(clinic, "CALLME_TELNYX_MESSAGING_PROFILE_ID", "e0c1d2b3-0000-4000-8000-000000000000");
    }),
    breach("a messaging profile that is off", "profile state", "sms-number", |clinic| {
        clinic.emulator.change_console(|console| console.sms = false);
    }),
    breach("SMS that go nowhere", "sms url", "sms-webhook", |clinic| {
        clinic.emulator.change_console(|console| console.sms_url.clear());
    }),
    breach("events of an earlier form", "version", "voice-webhook", |clinic| {
        clinic.emulator.change_console(|console| "1".clone_into(&mut console.event_version));
    }),
    breach("a proxy that lets forgers in", "front", "webhook-forged", |clinic| clinic.front = Front::Answers),
];
