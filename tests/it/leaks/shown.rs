//! What is said stands in the log where somebody asked for that, and no secret that it holds.

use std::time::Duration;

use callme::config::{Config, LogFormat};
use callme::emulator::Script;

use super::ink::Ink;
use super::scanners;
use crate::world::{KEY, PERSON, World};

const ASKED: &str = "Shall I charge 4111 1111 1111 1111 and tell jane.doe@example.com?";
const WRITTEN: &str = "Yes, my number is +393331234567,\nand \"sk-abcdefgh12345678\" is the key.";

/// The lines that tell what somebody said.
fn told(ink: &Ink) -> Vec<String> {
    ink.written().lines().filter(|line| line.contains("DEBUG") && line.contains(", by ")).map(str::to_owned).collect()
}

async fn converse(settings: &[(&str, &str)]) -> Ink {
    let ink = Ink::new();
    let _guard = ink.collect(LogFormat::Text, "debug");
    let world = World::writing_under(settings).await;
    world.emulator.person().types_after(Duration::from_secs(1), [WRITTEN]);
    let answer = world.message(ASKED).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    world.say("end", &answer.call_id(), "Thank you.").await;
    world.sessions_end().await;
    world.person(Script::converses(["Ring 333 123 4567 then."]));
    let answer = world.call("Who is it?").await;
    world.say("end", &answer.call_id(), "Goodbye then.").await;
    world.sessions_end().await;
    ink
}

#[tokio::test(start_paused = true)]
async fn each_message_has_one_line_where_that_is_switched_on_and_its_secrets_are_gone() {
    let ink = converse(&[("CALLME_LOG_MESSAGES", "true")]).await;
    let told = told(&ink);
    let want = [
        ("agent", "whatsapp", "Shall I charge <card> and tell <email>?"),
        ("person", "whatsapp", "Yes, my number is +…67,\\nand \\\"<key>\\\" is the key."),
        ("agent", "whatsapp", "Thank you."),
        ("agent", "voice", "Who is it?"),
        ("person", "voice", "Ring +…67 then."),
        ("agent", "voice", "Goodbye then."),
    ];
    assert_eq!(told.len(), want.len(), "{told:#?}");
    for (line, (who, channel, words)) in told.iter().zip(want) {
        assert!(line.contains(&format!("the {who} in ")), "{line}");
        assert!(line.contains(&format!(", by {channel}: \"{words}\"")), "{line}");
    }
    for secret in [PERSON, "3331234567", "4111", "jane", "sk-abc", KEY] {
        assert!(!ink.written().contains(secret), "{secret}: {}", ink.written());
    }
}

#[tokio::test(start_paused = true)]
async fn no_message_has_a_line_where_that_is_not_switched_on() {
    for off in [&[][..], &[("CALLME_LOG_MESSAGES", "false")]] {
        let ink = converse(off).await;
        assert_eq!(told(&ink), [""; 0]);
        let (_, in_logs) = scanners();
        in_logs.with_words(&[ASKED, WRITTEN]).check("the log", &ink.written());
    }
}

#[test]
fn whoever_switches_it_on_is_warned_at_the_start() {
    let warnings = |value: &str| {
        let loaded = Config::from_source(&|name| (name == "CALLME_LOG_MESSAGES").then(|| value.to_owned()));
        loaded.problems.into_iter().filter(|problem| problem.variable == "CALLME_LOG_MESSAGES").count()
    };
    assert_eq!([warnings("true"), warnings("false")], [1, 0]);
}
