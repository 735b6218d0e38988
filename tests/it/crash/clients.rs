//! The official clients across restarts of the server: it is killed while they wait, twice in one conversation.

use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, PickUp, Script, Side};
use rstest::rstest;

use super::server::{Server, Store, lasting_port};
use crate::mcp::packages::{In, client, run};
use crate::world::KEY;

/// What the clients ask, word for word as in their scripts.
const QUESTIONS: [&str; 2] = ["The tests are green. Shall I go on?", "There are two ways. Which one?"];
const REPLIES: [&str; 2] = ["Yes, go on.", "The second one."];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_have_each_answer_once_although_the_server_was_killed_before_it(
    #[values(In::Python, In::TypeScript)] language: In,
    #[values(false, true)] stdio: bool,
) {
    let port = lasting_port();
    let messaging_webhook = Some(format!("http://127.0.0.1:{port}/whatsapp"));
    let emulator = Emulator::start(EmulatorConfig { messaging_webhook, ..EmulatorConfig::default() }).await;
    let emulator = emulator.expect("a free port");
    emulator.person().set(Script::unanswered(PickUp::Busy));
    let server = Server::new(&emulator, port, Store::Embedded, &[]);
    server.start(None);
    server.listens().await;

    let mut command = client(language);
    let url = format!("http://127.0.0.1:{port}");
    // A client over HTTP learns of the end of its server by waiting in vain.
    command.args(["restart", "--give-up", if stdio { "40" } else { "4" }]);
    if stdio {
        command.arg("stdio").arg(env!("CARGO_BIN_EXE_callme")).arg("mcp");
        command.env("CALLME_CLOUD_URL", &url).env("CALLME_API_KEY", KEY);
    } else {
        command.args(["http", &format!("{url}/mcp"), KEY]);
    }
    let kills = async {
        let chat = emulator.chat();
        chat.receives(QUESTIONS[0]).await.expect("it is written");
        server.kill();
        // Written while nobody listens.
        chat.write(REPLIES[0]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start(None);
        chat.receives(QUESTIONS[1]).await.expect("it is written");
        server.kill();
        server.start(None);
        server.listens().await;
        // And written to a process that was never asked.
        chat.write(REPLIES[1]).await;
    };
    tokio::join!(run(command), kills);
    assert_eq!((emulator.calls().len(), server.starts()), (1, 3), "{}", emulator.timeline());
    let texts = emulator.chat().shown().into_iter().filter(|shown| shown.from == Side::Server);
    let texts: Vec<String> = texts.map(|shown| shown.words).collect();
    for question in QUESTIONS {
        assert_eq!(texts.iter().filter(|text| text.contains(question)).count(), 1, "{question}: {texts:?}");
    }
}
