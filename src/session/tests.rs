//! The runtime as a whole, over ports that do as they are asked.

mod burial;
mod by_sms;
mod connecting;
mod endings;
mod log;
mod ports;
mod reading;
mod restart;
mod shelf;
mod texts;

use std::time::Duration;

use crate::domain::carrier::CallEnd;
use crate::domain::media::{MediaEvent, MediaLoss};
use crate::domain::messaging::Form;
use crate::domain::session::{CarrierNews, Input, Limits, Texting};
use crate::domain::text::{AgentText, PersonText};
use ports::Ports;

use super::*;

fn text(words: &str) -> AgentText {
    AgentText::parse(words).expect("a short text")
}

fn limits() -> Limits {
    let texting = Texting { longest: 1600, template: true, settles: true, sms: false };
    Limits { texting: Some(texting), ..Limits::default() }
}

/// Brings the `n`-th session to a state in which it waits for many things, and gives what asks for its first answer.
async fn begin(ports: &Ports, n: usize) -> Pending {
    let manager = &ports.manager;
    let pending = match n % 3 {
        0 => manager.write(text("Shall I deploy?"), Form::Free, None),
        _ => manager.call(text("Shall I deploy?"), None),
    };
    let pending = pending.expect("there is room");
    tokio::task::yield_now().await;
    let id = &pending.session;
    let call = || ports.call_of(id);
    match n % 6 {
        1 => _ = manager.news(Some(id.clone()), call(), CarrierNews::Over(CallEnd::Busy)),
        2 => {
            manager.news(Some(id.clone()), call(), CarrierNews::Answered);
            tokio::task::yield_now().await;
            ports.happens(id, MediaEvent::Connected);
        }
        4 => _ = manager.news(Some(id.clone()), call(), CarrierNews::Ringing),
        _ => {}
    }
    pending
}

/// Ends it, one way or the other; some are left to the manager's own end.
fn end(ports: &Ports, n: usize, id: &SessionId) -> Option<Pending> {
    let manager = &ports.manager;
    let stop = Input::OptedOut { text: PersonText("stop".to_owned()), channel: Channel::WhatsApp };
    match n % 5 {
        0 => return manager.request(id, None, |request| Input::End { request, text: text("Bye.") }).ok(),
        1 => _ = manager.tell(id, Input::Quit),
        2 => _ = manager.tell(id, stop),
        3 => ports.happens(id, MediaEvent::MediaGone(MediaLoss::Stopped)),
        _ => {}
    }
    None
}

#[tokio::test(start_paused = true)]
async fn sessions_in_thousands_leave_no_task_no_timer_and_no_entry() {
    let many = if std::env::var_os("CALLME_TEST_LONG").is_some() { 10_000 } else { 2_000 };
    let ports = Ports::new(limits(), many);
    let mut requests = Vec::new();
    for n in 0..many {
        requests.push(begin(&ports, n).await);
    }
    assert_eq!(ports.manager.running(), many);
    tokio::time::sleep(Duration::from_secs(10)).await;
    for n in 0..many {
        let id = requests[n].session.clone();
        let wait = ports.manager.request(&id, None, |request| Input::Wait { request });
        requests.extend(wait.into_iter().chain(end(&ports, n, &id)));
    }
    ports.manager.close(Duration::from_mins(2)).await;

    for pending in &requests {
        assert!(pending.given().is_some(), "a request to {} has no answer", pending.session);
    }
    assert!(ports.directory().is_empty());
    assert_eq!((ports.manager.running(), ports.tasks.len()), (0, 0));
    ports.media_tasks.close();
    ports.media_tasks.wait().await;
    let mut tables = ports.manager.shared.lock();
    assert!(tables.calls.is_empty() && tables.sessions.is_empty());
    assert_eq!((tables.line.has_room(1), tables.line.writers().len()), (Ok(()), 0));
    assert!(tables.line.claim_floor(&requests[0].session), "nobody has the floor");
}
