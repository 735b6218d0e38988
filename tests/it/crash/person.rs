//! The person of the story: does what the phone in their hand shows, and knows nothing of the server.

use std::sync::Arc;
use std::time::Duration;

use callme::emulator::{Emulator, PickUp, Script, Shown, Side, What};
use tokio::time::Instant;

use super::trial::{ANSWERS, CALL_ME, GOODBYE, QUESTIONS, SPOKEN};

/// How often the person looks at the phone.
const LOOK: Duration = Duration::from_millis(50);
/// From reading a text to writing.
const TYPING: Duration = Duration::from_millis(200);
/// After a call that broke off, or that never came, the person writes.
const BROKEN_OFF: Duration = Duration::from_millis(2_500);
const NEVER_CAME: Duration = Duration::from_secs(12);

/// Lives as long as it is waited for.
pub(super) async fn live(emulator: Arc<Emulator>) {
    emulator.person().set(Script::unanswered(PickUp::Declines(Duration::from_millis(300))));
    let chat = emulator.chat();
    let (mut read, mut written) = (0, [false; 3]);
    // When the person asked to be called, and how many calls there had been.
    let mut asked: Option<(Instant, usize)> = None;
    let mut broke_off: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let texts = chat.shown().into_iter().filter(|shown| is_new(shown, read));
        for text in texts.collect::<Vec<_>>() {
            read = read.max(text.number);
            let asks = QUESTIONS.iter().position(|question| text.words.contains(question));
            // Whatever else comes after a call that was asked for says that it failed.
            let fails = asked.is_some() && !text.words.contains(GOODBYE);
            let Some(n) = asks.or(fails.then_some(2)) else { continue };
            tokio::time::sleep(TYPING).await;
            if n == 2 && asked.is_none() {
                let answers =
                    Script { pick_up: PickUp::After(Duration::from_millis(300)), ..Script::converses([SPOKEN]) };
                emulator.person().set(answers);
                asked = Some((Instant::now(), emulator.calls().len()));
                chat.sends(CALL_ME);
            } else if !written[n] {
                written[n] = true;
                chat.sends(ANSWERS[n]);
            }
        }
        let Some((at, before)) = asked.filter(|_| !written[2]) else { continue };
        let calls = emulator.calls();
        let over = calls.len() > before && calls.iter().all(|call| call.state.is_over());
        let said = emulator.timeline().events().iter().any(|event| matches!(event.what, What::PersonSaid(_)));
        if over && !said {
            broke_off.get_or_insert_with(Instant::now);
        }
        let never_came = calls.len() == before && at.elapsed() > NEVER_CAME;
        if never_came || broke_off.is_some_and(|at| at.elapsed() > BROKEN_OFF) {
            written[2] = true;
            chat.sends(ANSWERS[2]);
        }
    }
}

fn is_new(shown: &Shown, read: usize) -> bool {
    shown.from == Side::Server && shown.state.has_arrived() && shown.number > read
}
