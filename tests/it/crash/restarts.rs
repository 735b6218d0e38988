//! Single promises across a restart: repeats, stops, blocks, webhooks that come again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callme::emulator::{Moment, Script, Side, What};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::{QUESTION, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_clients_with_one_call_ring_once_and_get_one_answer() {
    for keyed in [false, true] {
        let stage = Stage::set(&[]).await;
        let agent = stage.agent(keyed);
        let asking = join_all((0..20).map(|_| agent.post("/api/call", QUESTION, "one")));
        let (answers, ()) = tokio::join!(asking, stage.reply());
        for answer in &answers {
            stage.replied(answer);
            assert_eq!(answer.body, answers[0].body, "keyed: {keyed}");
        }
        assert_eq!(stage.reached(), (1, 1), "keyed: {keyed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_gave_up_and_asks_again_gets_the_reply_also_of_the_next_process() {
    for (path, rings) in [("/api/call", 1), ("/api/message", 0)] {
        for (keyed, dies) in [(false, false), (true, false), (false, true), (true, true)] {
            let stage = Stage::set(&[]).await;
            let agent = stage.agent(keyed);
            let tried = agent.try_post(path, QUESTION, "one", Duration::from_secs(2)).await;
            assert!(tried.is_none(), "{tried:?}");
            if dies {
                stage.server.kill();
                stage.is_up(2).await;
            }
            let (answer, ()) = tokio::join!(agent.post(path, QUESTION, "one"), stage.reply());
            stage.replied(&answer);
            assert_eq!(stage.reached(), (rings, 1), "{path}, keyed: {keyed}, dies: {dies}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_has_had_is_not_given_to_it_again_by_the_next_process() {
    for keyed in [false, true] {
        let stage = Stage::set(&[]).await;
        let agent = stage.agent(keyed);
        let asking = async {
            let answer = agent.post("/api/call", QUESTION, "one").await;
            stage.server.kill();
            answer
        };
        let (answer, ()) = tokio::join!(asking, stage.reply());
        stage.replied(&answer);
        stage.is_up(2).await;
        let (_, view) = agent.get(&format!("/api/call/{}", answer.session().expect("an id"))).await;
        assert!(view["replies"].as_array().is_none_or(Vec::is_empty), "keyed: {keyed}: {view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_while_it_waits_for_a_text_sends_clients_to_the_next_one() {
    for keyed in [false, true] {
        let mut stage = Stage::set(&[]).await;
        // It is started again by hand here.
        stage.supervisor.shutdown().await;
        let agent = stage.agent(keyed);
        let asking = agent.try_post("/api/call", QUESTION, "one", Duration::from_secs(30));
        let (asked, (code, took)) = tokio::join!(asking, async {
            stage.emulator.chat().receives(QUESTION).await.unwrap_or_else(|never| panic!("{never}"));
            stage.server.terminate().await
        });
        let (status, body) = asked.expect("an answer");
        assert_eq!((status, &body["code"]), (503, &json!("shutting_down")), "{body}");
        assert!(code == Some(0) && took < Duration::from_secs(8), "{code:?} after {took:?}");
        stage.server.start(None);
        stage.server.listens().await;
        let (answer, ()) = tokio::join!(agent.post("/api/call", QUESTION, "one"), stage.reply());
        stage.replied(&answer);
        assert_eq!(stage.reached(), (1, 1), "keyed: {keyed}");
    }
}

/// A call that somebody has picked up, with the agent's voice in it.
async fn audible(stage: &Stage) {
    let audible = stage.emulator.wait_for(|event| event.what == What::AgentAudible).await;
    audible.unwrap_or_else(|never| panic!("{never}"));
}

fn live(stage: &Stage) -> usize {
    stage.emulator.calls().iter().filter(|call| !call.state.is_over()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_with_its_process_is_hung_up_and_told_as_it_was() {
    for keyed in [false, true] {
        let stage = Stage::set(&[]).await;
        stage.emulator.person().set(Script::answers());
        let agent = stage.agent(keyed);
        let (answer, ()) = tokio::join!(agent.post("/api/call", QUESTION, "one"), async {
            audible(&stage).await;
            stage.server.kill();
        });
        let told = (answer.status, &answer.body["code"], &answer.body["outcome"]["endedBy"]);
        assert_eq!(told, (410, &json!("call_ended"), &json!("crash")), "{answer:?}");
        let id = answer.session().expect("the session is named");
        while live(&stage) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (_, view) = agent.get(&format!("/api/call/{id}")).await;
        assert_eq!((&view["outcome"]["endedBy"], &view["outcome"]["dial"]), (&json!("crash"), &json!("answered")));
        assert_eq!(stage.reached(), (1, 0), "keyed: {keyed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_in_a_call_ends_it_and_is_asked_no_more() {
    let mut stage = Stage::set(&[]).await;
    stage.supervisor.shutdown().await;
    stage.emulator.person().set(Script::answers());
    let agent = stage.agent(true);
    let (answer, (code, took)) = tokio::join!(agent.post("/api/call", QUESTION, "one"), async {
        audible(&stage).await;
        stage.server.terminate().await
    });
    let told = (answer.status, &answer.body["code"], &answer.body["outcome"]["endedBy"]);
    assert_eq!(told, (410, &json!("call_ended"), &json!("shutdown")), "{answer:?}");
    assert!(code == Some(0) && took < Duration::from_secs(8), "{code:?} after {took:?}");
    assert_eq!((live(&stage), stage.reached()), (0, (1, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stopped_messages_gets_none_from_the_next_process() {
    for moment in [Moment::Before, Moment::After] {
        let stage = Stage::set(&[]).await;
        stage.dies_at("webhook whatsapp onMessageAdded", moment);
        let agent = stage.agent(true);
        let (answer, ()) = tokio::join!(agent.post("/api/call", QUESTION, "one"), async {
            stage.emulator.chat().receives(QUESTION).await.unwrap_or_else(|never| panic!("{never}"));
            stage.emulator.chat().write("stop").await;
        });
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!("opted_out")), "{moment:?} {answer:?}");
        let again = agent.post("/api/message", "And the heron's mother?", "two").await;
        assert_eq!((again.status, &again.body["code"]), (403, &json!("opted_out")), "{moment:?} {again:?}");
        let confirmed = stage.emulator.chat().receives("start").await.unwrap_or_else(|never| panic!("{never}"));
        stage.server.kill();
        stage.is_up(3).await;
        let third = agent.post("/api/message", "And its father?", "three").await;
        assert_eq!((third.status, &third.body["code"]), (403, &json!("opted_out")), "{moment:?} {third:?}");
        let shown = stage.emulator.chat().shown();
        let after = shown.iter().filter(|text| text.from == Side::Server && !text.words.contains(QUESTION));
        let after: Vec<_> = after.map(|text| &text.words).collect();
        assert_eq!(after, [&confirmed.words], "{moment:?}: the stop is confirmed, once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_blocked_is_blocked_in_the_next_process() {
    let mut stage = Stage::set(&[("CALLME_RATE_LIMIT_PER_PHONE", "2")]).await;
    // It is started again by hand here.
    stage.supervisor.shutdown().await;
    let chat = stage.emulator.chat();
    // The first answer opens a conversation: the carrier's two ways are counted apart.
    chat.write("hello").await;
    chat.receives("").await.unwrap_or_else(|never| panic!("{never}"));
    let mut answers = Vec::new();
    while answers.len() < 5 && answers.last() != Some(&Some(429)) {
        answers.extend(chat.write(&format!("hello {}", answers.len())).await.answers);
    }
    assert_eq!(answers.last(), Some(&Some(429)), "{answers:?}");
    // A 429 does not wait for the disk, so the first process ends in its own time.
    stage.server.terminate().await;
    for process in ["the second", "the third"] {
        stage.server.start(None);
        stage.server.listens().await;
        assert_eq!(chat.write("and now?").await.answers, [Some(429)], "{process} process");
        stage.server.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_comes_again_to_the_next_process_is_taken_once() {
    let mut stage = Stage::set(&[]).await;
    // It is started again by hand here.
    stage.supervisor.shutdown().await;
    let (server, done) = (stage.server.clone(), AtomicBool::new(false));
    let agent = stage.agent(true);
    let (answer, ()) = tokio::join!(agent.post("/api/call", QUESTION, "one"), stage.reply());
    stage.replied(&answer);
    let id = answer.session().expect("an id");
    stage.emulator.tap(move |event| {
        if event.what.ends_with("onMessageAdded")
            && event.moment == Moment::After
            && !done.swap(true, Ordering::Relaxed)
        {
            server.kill();
            server.start(None);
            // The second copy waits for the next process.
            while !server.is_listening() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let written = stage.emulator.chat().write_twice("And a plaice.").await;
    assert_eq!(written.answers, [Some(200)], "of the last copy");
    let (_, view) = agent.get(&format!("/api/call/{id}")).await;
    let words: Vec<&Value> = view["replies"].as_array().into_iter().flatten().map(|reply| &reply["text"]).collect();
    assert_eq!(words, [&json!("And a plaice.")], "{view}");
    let (_, history) = agent.get("/api/history").await;
    assert_eq!(history.to_string().matches("And a plaice.").count(), 1, "{history}");
}
