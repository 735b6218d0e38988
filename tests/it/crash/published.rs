//! The client that people run today, `call-me-cloud-mcp` 1.3.1, in front of the real binary while something is wrong. It asks
//! again by itself, up to two times, and gives what it asks no name: nobody is rung twice for that, and the reply arrives.

use std::process::Command;
use std::time::Duration;

use callme::emulator::{DialFault, Emulator, EmulatorConfig, Fault, PickUp, Script, Side, Times, What};
use rstest::rstest;

use super::gateway::{First, Gateway};
use super::server::{Server, Store, lasting_port};
use crate::mcp::packages::run;
use crate::world::KEY;

/// What the client asks, word for word as in its script.
const QUESTION: &str = "The tests are green. Shall I go on?";
const REPLY: &str = "Yes, go on.";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// Nothing; all its tools are used.
    Nothing,
    /// The server cannot make calls yet, and answers 503 itself.
    Starting,
    /// The platform answers 503 in its place.
    Unavailable,
    /// The connection breaks before the server has the question.
    NotAsked,
    /// The connection breaks while the phone rings.
    CutOff,
    /// The carrier refuses the call with a 500, once.
    CarrierFails,
    /// The carrier takes the call and breaks the connection before it says so.
    CarrierSilent,
    /// The server is killed while the question is open in writing.
    Killed,
}

/// The client, until it is content.
async fn client(url: &str, wrong: Wrong) {
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/published_client.mjs"));
    command.args([url, KEY]);
    if wrong != Wrong::Nothing {
        command.args(["--once", REPLY]);
    }
    run(command).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_client_that_people_run_today_has_its_reply_and_rings_once_whatever_goes_wrong(
    #[values(
        Wrong::Nothing,
        Wrong::Starting,
        Wrong::Unavailable,
        Wrong::NotAsked,
        Wrong::CutOff,
        Wrong::CarrierFails,
        Wrong::CarrierSilent,
        Wrong::Killed
    )]
    wrong: Wrong,
) {
    // All of them where there is time: nothing is hurried here.
    let sample = [Wrong::Starting, Wrong::CutOff, Wrong::Killed];
    if !sample.contains(&wrong) && std::env::var_os("CALLME_TEST_LONG").is_none() {
        return;
    }
    let port = lasting_port();
    let messaging_webhook = Some(format!("http://127.0.0.1:{port}/whatsapp"));
    let emulator = Emulator::start(EmulatorConfig { messaging_webhook, ..EmulatorConfig::default() }).await;
    let emulator = emulator.expect("a free port");
    emulator.person().set(match wrong {
        Wrong::Killed => Script::unanswered(PickUp::Busy),
        Wrong::Nothing => Script::converses([REPLY, "The second one."]),
        // Rings for longer than the client waits before it asks again.
        _ => Script::converses([REPLY]).picking_up(PickUp::After(Duration::from_secs(3))),
    });
    if wrong == Wrong::Nothing {
        emulator.person().types_after(Duration::from_millis(500), [REPLY]);
    }
    match wrong {
        Wrong::CarrierFails => {
            emulator.faults().add(Fault::Dial(DialFault::Refused { status: 500, code: 20500 }), Times::Once);
        }
        Wrong::CarrierSilent => emulator.faults().add(Fault::Dial(DialFault::Closed { placed: true }), Times::Once),
        _ => {}
    }
    let server = Server::new(&emulator, port, Store::Embedded, &[]);
    server.start((wrong == Wrong::Starting).then(|| ("CALLME_OPENAI_API_KEY", String::new())));
    server.listens().await;
    let gateway = Gateway::before(
        port,
        match wrong {
            Wrong::Unavailable => First::Unavailable,
            Wrong::NotAsked => First::BreaksBefore,
            Wrong::CutOff => First::BreaksLater,
            _ => First::Passes,
        },
    );
    let gateway = gateway.await;
    let meanwhile = async {
        match wrong {
            Wrong::Starting => {
                while gateway.answered() == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                server.kill();
                server.start(None);
            }
            Wrong::CutOff => {
                let dialled = emulator.wait_for(|event| matches!(event.what, What::Rest { verb: "dial", .. }));
                dialled.await.expect("it is dialled");
                gateway.break_off();
            }
            Wrong::Killed => {
                emulator.chat().receives(QUESTION).await.expect("it is written");
                server.kill();
                emulator.chat().write(REPLY).await;
                server.start(None);
            }
            _ => {}
        }
    };
    tokio::join!(client(&gateway.url, wrong), meanwhile);
    let rung = emulator.calls().len();
    let texts = emulator.chat().shown().into_iter().filter(|shown| shown.from == Side::Server);
    let written = texts.filter(|shown| shown.words.contains(QUESTION)).count();
    let writes = matches!(wrong, Wrong::Killed | Wrong::Nothing);
    assert_eq!((rung, written), (1, usize::from(writes)), "{}", emulator.timeline());
    let (least, most) = match wrong {
        Wrong::Nothing | Wrong::CarrierSilent => (1, 1),
        _ => (2, 3),
    };
    assert!((least..=most).contains(&gateway.asked()), "asked {} times", gateway.asked());
}
