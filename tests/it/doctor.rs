//! `callme doctor`: every ✗ has a remedy, and doing exactly what the remedy says turns it into a ✓.

use std::time::Duration;

use callme::cli::doctor::Mark;
use callme::emulator::{EmulatorConfig, PickUp, Script, Telephony};

mod clinic;
mod faults;

use clinic::Clinic;
use faults::{Breach, TELNYX, TWILIO};

/// How many of the pairs are tried where the run is to be short: each so many.
const SAMPLE: usize = 29;

#[tokio::test]
async fn where_nothing_is_wrong_every_check_that_can_be_made_is_right() {
    for (telephony, unchecked) in [
        (Telephony::Twilio, &[][..]),
        // Only Telnyx can sign as Telnyx; of WhatsApp there the doctor sees the profile's webhook alone, which is that of SMS.
        (Telephony::Telnyx, &["webhook-signed", "whatsapp-sender", "whatsapp-template", "whatsapp-webhook"]),
    ] {
        let clinic = Clinic::new(telephony).await;
        let report = clinic.examine(true).await;
        assert!(report.is_ok(), "{report}");
        for finding in &report.findings {
            let is_made = !unchecked.contains(&finding.name);
            // The models of today end within sixty days, and the tests may run in a container.
            let soon = matches!(finding.name, "speech-tts" | "speech-stt" | "store-lasts" | "server-warning");
            assert!(finding.mark == Mark::Ok || soon || !is_made, "{report}");
        }
    }
}

#[tokio::test]
async fn each_remedy_done_as_it_is_printed_heals_what_it_stands_beside() {
    for (telephony, breaches) in [(Telephony::Twilio, TWILIO), (Telephony::Telnyx, TELNYX)] {
        for breach in breaches {
            let mut clinic = Clinic::new(telephony).await;
            clinic.breach(breach).await;
            let report = clinic.examine(false).await;
            let marks = report.findings.iter().filter(|finding| finding.name == breach.check);
            let bad: Vec<_> = marks.filter(|finding| finding.mark == Mark::Bad).collect();
            assert_eq!(bad.len(), 1, "{}:\n{report}", breach.what);
            heals(&mut clinic, &[breach]).await;
        }
    }
}

#[tokio::test]
async fn no_fault_hides_another_for_good() {
    let step = if std::env::var_os("CALLME_TEST_LONG").is_some() { 1 } else { SAMPLE };
    let pairs = |breaches: &'static [Breach]| {
        let pairs =
            breaches.iter().enumerate().flat_map(|(n, one)| breaches[n + 1..].iter().map(move |two| [one, two]));
        pairs.filter(|[one, two]| one.subject != two.subject).step_by(step)
    };
    let all = pairs(TWILIO).map(|pair| (Telephony::Twilio, pair));
    for (telephony, pair) in all.chain(pairs(TELNYX).map(|pair| (Telephony::Telnyx, pair))) {
        let mut clinic = Clinic::new(telephony).await;
        for breach in pair {
            clinic.breach(breach).await;
        }
        heals(&mut clinic, &pair).await;
    }
}

/// Does what the remedies say, round after round: one fault may stand before another. Nothing that is broken is ever said to be right.
async fn heals(clinic: &mut Clinic, breaches: &[&Breach]) {
    let what: Vec<_> = breaches.iter().map(|breach| breach.what).collect();
    let mut report = clinic.examine(false).await;
    for breach in breaches {
        let found: Vec<Mark> =
            report.findings.iter().filter(|finding| finding.name == breach.check).map(|finding| finding.mark).collect();
        assert!(found.is_empty() || found.iter().any(|mark| *mark != Mark::Ok), "a false ✓ for {what:?}:\n{report}");
    }
    for _ in 0..5 {
        if report.is_ok() {
            break;
        }
        let fix = clinic.follow(&report).await;
        report = clinic.examine(fix).await;
    }
    assert!(report.is_ok(), "{what:?} is not healed:\n{report}");
    for breach in breaches {
        let mut found = report.findings.iter().filter(|finding| finding.name == breach.check);
        assert!(found.all(|finding| matches!(finding.mark, Mark::Ok | Mark::Warning)), "{what:?}:\n{report}");
    }
}

#[tokio::test]
async fn the_report_has_a_stable_shape_for_scripts() {
    let mut clinic = Clinic::new(Telephony::Twilio).await;
    let report = clinic.examine(true).await.json();
    let names: Vec<&str> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| finding["name"].as_str().expect("text"))
        // One for each that the server has of its own, such as of a model that ends.
        .filter(|name| *name != "server-warning")
        .collect();
    let want = [
        "configuration",
        "api-key",
        "hash-key",
        "clock",
        "public-url-https",
        "public-url-name",
        "public-url-health",
        "server-store",
        "webhook-signed",
        "webhook-forged",
        "media-socket",
        "public-url-server",
        "carrier-account",
        "dialing-permission",
        "carrier-number",
        "voice-webhook",
        "whatsapp-sender",
        "whatsapp-sender-webhook",
        "whatsapp-template",
        "whatsapp-webhook",
        "sms-number",
        "sms-webhook",
        "speech-key",
        "speech-tts",
        "speech-stt",
        "store",
        "store-lasts",
    ];
    assert_eq!(names, want);
    clinic.breach(&TWILIO[0]).await;
    for report in [report, clinic.examine(false).await.json()] {
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().expect("an object").keys().cloned().collect()
        };
        let mut top = keys(&report);
        top.sort_unstable();
        assert_eq!(top, ["counts", "findings", "ok"]);
        let findings = report["findings"].as_array().expect("a list");
        for finding in findings {
            let mut own = keys(finding);
            own.sort_unstable();
            assert_eq!(own, ["mark", "name", "remedy", "seen"]);
            let mark = finding["mark"].as_str().expect("text");
            let has_remedy = finding["remedy"].is_string();
            assert_eq!(has_remedy, matches!(mark, "bad" | "warning"), "{finding}");
            assert!(finding["seen"].as_str().is_some_and(|seen| !seen.is_empty()), "{finding}");
        }
        let count = |mark: &str| findings.iter().filter(|finding| finding["mark"] == mark).count();
        for mark in ["ok", "warning", "bad", "not_checked"] {
            assert_eq!(report["counts"][mark], count(mark), "{mark}");
        }
        assert_eq!(report["ok"], count("bad") == 0);
    }
}

#[tokio::test]
async fn what_is_set_at_the_carrier_is_set_once_and_nothing_else_is_touched() {
    let clinic = Clinic::new(Telephony::Twilio).await;
    clinic.emulator.change_console(|console| {
        console.conversations_filters = vec!["onConversationAdded".to_owned()];
        console.voice_url = "https://elsewhere.example/a?token=s3cret".to_owned();
        console.sms_url = console.voice_url.clone();
    });
    let before = clinic.emulator.console();
    let seen = clinic.examine(false).await;
    assert_eq!(clinic.emulator.console(), before, "looking changes nothing");
    assert!(!seen.to_string().contains("s3cret"), "{seen}");
    clinic.examine(true).await;
    let after = clinic.emulator.console();
    assert_eq!(after.voice_url, format!("{}/twiml", clinic.url()));
    assert_eq!(after.conversations_url, format!("{}/whatsapp", clinic.url()));
    assert_eq!(after.sender_url, format!("{}/whatsapp", clinic.url()));
    assert_eq!(after.conversations_filters, ["onConversationAdded", "onDeliveryUpdated", "onMessageAdded"]);
    assert_eq!(after.sms_url, format!("{}/sms", clinic.url()));
    assert_eq!((after.is_active, &after.countries), (before.is_active, &before.countries));
}

#[tokio::test]
async fn without_sms_the_profile_is_looked_at_for_whatsapp() {
    let mut clinic = Clinic::new(Telephony::Telnyx).await;
    clinic.settings.insert("CALLME_WHATSAPP_FALLBACK_TO_SMS", "false".to_owned());
    clinic.settings.insert("CALLME_TELNYX_MESSAGING_PROFILE_ID", EmulatorConfig::default().telnyx_profile);
    let mark = |report: &callme::cli::doctor::Report| {
        report.findings.iter().find(|finding| finding.name == "whatsapp-webhook").map(|finding| finding.mark)
    };
    clinic.emulator.change_console(|console| "https://elsewhere.example/x".clone_into(&mut console.sms_url));
    for (fix, want) in [(false, Mark::Bad), (true, Mark::Ok), (false, Mark::Ok)] {
        let report = clinic.examine(fix).await;
        assert_eq!(mark(&report), Some(want), "{report}");
    }
    assert_eq!(clinic.emulator.console().sms_url, format!("{}/whatsapp", clinic.url()));
    clinic.settings.insert("CALLME_TELNYX_MESSAGING_PROFILE_ID", "e0c1d2b3-0000-4000-8000-000000000000".to_owned());
    let report = clinic.examine(false).await;
    assert_eq!(mark(&report), Some(Mark::Bad), "{report}");
}

#[tokio::test]
async fn a_number_whose_calls_something_else_takes_is_not_said_to_be_right() {
    type Change = fn(&mut callme::emulator::Console);
    let cases: [(&str, Change, bool); 3] = [
        ("by GET", |console| "GET".clone_into(&mut console.voice_method), true),
        ("an application", |console| console.voice_application = format!("AP{}", "1".repeat(32)), true),
        // What a trunk is for is its owner's to know.
        ("a trunk", |console| console.trunk = format!("TK{}", "1".repeat(32)), false),
    ];
    for (what, change, is_set) in cases {
        let clinic = Clinic::new(Telephony::Twilio).await;
        clinic.emulator.change_console(change);
        let before = clinic.emulator.console();
        let mark = |report: &callme::cli::doctor::Report| {
            report.findings.iter().find(|finding| finding.name == "voice-webhook").map(|finding| finding.mark)
        };
        let seen = clinic.examine(false).await;
        assert_eq!(mark(&seen), Some(Mark::Warning), "{what}:\n{seen}");
        let fixed = clinic.examine(true).await;
        assert_eq!(mark(&fixed), Some(if is_set { Mark::Ok } else { Mark::Warning }), "{what}:\n{fixed}");
        assert_eq!(clinic.emulator.console() != before, is_set, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_person_is_rung_where_that_is_wanted_and_what_they_do_is_told() {
    for (script, mark) in [
        (Script::converses(["Yes, I hear you."]), Mark::Ok),
        (Script::unanswered(PickUp::Declines(Duration::from_secs(3))), Mark::Warning),
    ] {
        let clinic = Clinic::new(Telephony::Telnyx).await;
        clinic.emulator.person().set(script);
        let found = clinic.ring().await;
        assert_eq!((found.name, found.mark), ("call", mark), "{found:?}");
        assert_eq!(clinic.emulator.calls().len(), 1);
    }
}
