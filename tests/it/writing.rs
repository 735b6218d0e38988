//! When nobody picks up: the same question over WhatsApp, in the same session and the same request.

use callme::emulator::{PickUp, Script};
use serde_json::json;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn an_unanswered_call_brings_the_typed_reply_in_the_same_request() {
    let world = World::writing().await;
    world.person(Script::unanswered(PickUp::Never));
    let chat = world.emulator.chat();
    let (answer, _) = tokio::join!(world.call("Shall I deploy?"), async {
        chat.receives("Shall I deploy?").await.expect("the question arrives");
        chat.write("Yes, go on").await
    });
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.at("/response"), json!("Yes, go on"));
    println!("{answer:#?}");
    assert_eq!(answer.at("/contactMode"), json!("whatsapp"));
}
