//! What a server can rely on when it talks to the emulator, over the same sockets that it uses.

use axum::extract::ws::Message;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::*;

mod events;
mod server;
mod texts;

use server::{Server, json_of};

#[tokio::test(start_paused = true)]
async fn a_call_goes_from_the_dial_over_speech_both_ways_to_the_hang_up() {
    let mut server = Server::start(Script::converses(["Yes, please go on."])).await;
    let (status, call) = server.dial().await;
    assert_eq!((status, call["status"].as_str()), (201, Some("queued")));
    let mut media = server.media().await;
    assert_eq!(media.start["start"]["customParameters"], json!({"k": "v"}));
    assert_eq!(media.start["start"]["callSid"], call["sid"]);

    let question = "The build is done. Shall I deploy it?";
    let sound = server.speech(question).await.unwrap();
    let began = Instant::now();
    media.play(&sound, "all").await;

    // The person's sound goes to the recogniser as it comes.
    let request = format!("{}/v1/realtime?intent=transcription", server.emulator.url().replace("http", "ws"));
    let mut request = request.into_client_request().unwrap();
    request.headers_mut().insert("authorization", "Bearer sk-emulated".parse().unwrap());
    let (mut hearing, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let input = json!({"format": {"type": "audio/pcmu"}, "transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 600}});
    let update = json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input": input}}});
    hearing.send(update.to_string().into()).await.unwrap();
    let transcript = loop {
        tokio::select! {
            message = media.socket.recv() => {
                let message = json_of(&message.unwrap().unwrap());
                match message["event"].as_str().unwrap() {
                    "media" => {
                        let append = json!({"type": "input_audio_buffer.append", "audio": message["media"]["payload"]});
                        hearing.send(append.to_string().into()).await.unwrap();
                    }
                    "mark" => {
                        assert_eq!(message["mark"]["name"], "all");
                        let (took, length) = (began.elapsed().as_millis(), sound.len() as u128 / 8);
                        assert!(took.abs_diff(length) <= 40, "a mark after {took} ms for {length} ms of sound");
                    }
                    other => panic!("{other}"),
                }
            }
            event = hearing.next() => {
                let event: Value = serde_json::from_str(event.unwrap().unwrap().to_text().unwrap()).unwrap();
                assert_ne!(event["type"], "error", "{event}");
                if let Some(transcript) = event["transcript"].as_str() {
                    break transcript.to_owned();
                }
            }
        }
    };
    assert_eq!(transcript, "Yes, please go on.");

    let path = format!("Calls/{}.json", call["sid"].as_str().unwrap());
    let (status, ended) = server.rest(&path, &[("Status", "completed")]).await;
    assert_eq!((status, ended["status"].as_str()), (200, Some("completed")));
    assert_eq!(media.next().await["event"], "stop");
    assert_eq!(server.rest(&path, &[("Status", "completed")]).await.1["code"], 21220);
    server.wait(What::Callback { name: Callback::Completed, status: Some(200) }).await;

    let record = server.emulator.calls().remove(0);
    assert_eq!((record.state, record.ended_by), (CallState::Completed, Some(Side::Server)));
    assert_eq!(record.heard_text(), question);
    assert_eq!((record.segments.len(), record.segments[0].audio.len()), (1, sound.len()));
    let states = server.field("CallStatus", "SequenceNumber");
    assert_eq!(states, ["initiated", "ringing", "in-progress", "completed"]);
    assert_eq!(server.field("SequenceNumber", "SequenceNumber"), ["0", "1", "2", "3"]);
    assert_eq!(server.field("AnsweredBy", "MachineDetectionDuration"), ["human"]);
    assert!(server.emulator.timeline().violations().is_empty(), "{}", server.emulator.timeline());
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_is_not_answered_ends_as_it_was_not() {
    let cases = [
        (PickUp::Never, CallState::NoAnswer, 25_000, "487"),
        (PickUp::After(Duration::from_secs(40)), CallState::NoAnswer, 25_000, "487"),
        (PickUp::Declines(Duration::from_secs(3)), CallState::NoAnswer, 3_500, "603"),
        (PickUp::Busy, CallState::Busy, 500, "486"),
        (PickUp::Failed, CallState::Failed, 500, "404"),
    ];
    for (pick_up, state, after, sip) in cases {
        let server = Server::start(Script::unanswered(pick_up)).await;
        let began = Instant::now();
        server.dial().await;
        server.wait(What::State(state)).await;
        assert_eq!(began.elapsed().as_millis(), after, "{pick_up:?}");
        server.wait(What::Callback { name: Callback::Completed, status: Some(200) }).await;
        assert_eq!(server.field("CallStatus", "CallDuration"), [state.as_str()]);
        assert_eq!(server.field("SipResponseCode", "CallDuration"), [sip]);
    }
}

#[tokio::test(start_paused = true)]
async fn clear_cuts_the_sound_and_returns_the_marks_at_once() {
    let mut server = Server::start(Script::answers()).await;
    server.dial().await;
    let mut media = server.media().await;
    media.play(&[0x20; 8000], "a").await;
    media.play(&[0x20; 8000], "b").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    media.send(json!({"event": "clear"})).await;
    let marks = [media.next().await["mark"]["name"].clone(), media.next().await["mark"]["name"].clone()];
    assert_eq!((marks, began.elapsed().as_millis()), ([json!("a"), json!("b")], 0));
    let record = server.emulator.calls().remove(0);
    let heard = record.segments[0].length().as_millis();
    assert!(record.segments[0].cut && heard.abs_diff(500) <= 20, "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_socket_comes_back_by_the_redirect_and_the_script_goes_on() {
    let script =
        Script::answers().wait(Duration::from_secs(1)).drop_socket().say("Are you there?").press('5').hang_up();
    let mut server = Server::start(script).await;
    server.dial().await;
    let mut first = server.media().await;
    assert_eq!(first.next().await, Value::Null);
    let mut second = server.media().await;
    let dtmf = second.next().await;
    assert_eq!((dtmf["event"].as_str(), dtmf["dtmf"]["digit"].as_str()), (Some("dtmf"), Some("5")));
    assert_eq!(second.next().await["event"], "stop");
    server.wait(What::State(CallState::Completed)).await;
    let record = server.emulator.calls().remove(0);
    assert_eq!((record.ended_by, record.streams), (Some(Side::Person), 2));
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_on_the_line_end_at_the_dials_time_limit() {
    let mut server = Server::start(Script::answers()).await;
    let mut form = server.dial_form();
    form.push(("TimeLimit", "600".to_owned()));
    server.rest("Calls.json", &form.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>()).await;
    let mut media = server.media().await;
    let began = Instant::now();
    assert_eq!(media.next().await["event"], "stop");
    assert_eq!(began.elapsed().as_secs(), 600);
}

#[tokio::test(start_paused = true)]
async fn a_dial_can_go_wrong_in_every_way_and_be_placed_or_not() {
    let hangs = |placed| DialFault::Hangs { placed };
    let closed = |placed| DialFault::Closed { placed };
    let refused = DialFault::Refused { status: 429, code: 20429 };
    let cases = [(hangs(true), 1), (hangs(false), 0), (closed(true), 1), (closed(false), 0), (refused, 0)];
    for (fault, calls) in cases {
        let server = Server::start(Script::answers()).await;
        server.emulator.faults().add(Fault::Dial(fault), Times::Once);
        if fault == refused {
            let (status, body) = server.dial().await;
            assert_eq!((status, body["code"].as_u64(), body["status"].as_u64()), (429, Some(20429), Some(429)));
        } else {
            let config = EmulatorConfig::default();
            let url = format!("{}/2010-04-01/Accounts/{}/Calls.json", server.emulator.url(), config.account_sid);
            let request = server.http.post(url).basic_auth(config.account_sid, Some(config.auth_token));
            let request = request.form(&server.dial_form()).timeout(Duration::from_secs(10));
            let error = request.send().await.unwrap_err();
            assert_eq!(error.is_timeout(), matches!(fault, DialFault::Hangs { .. }), "{fault:?}: {error:?}");
        }
        assert_eq!(server.emulator.calls().len(), calls, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn callbacks_can_be_late_repeated_and_out_of_order() {
    let server = Server::start(Script::answers().wait(Duration::from_secs(1)).hang_up()).await;
    let faults = server.emulator.faults();
    faults.add(Fault::CallbackTripled(Callback::Ringing), Times::Once);
    faults.add(Fault::CompletedFirst, Times::Once);
    faults.add(Fault::CallbackDelayed { name: Callback::Verdict, by: Duration::from_mins(1) }, Times::Once);
    faults.add(Fault::TwimlTwice, Times::Once);
    server.dial().await;
    let late = server.wait(What::Callback { name: Callback::Verdict, status: Some(200) }).await;
    assert_eq!(late.as_secs(), 63, "1.5 s to the answer, 2 s to the verdict, a minute late");
    let states = server.field("CallStatus", "SequenceNumber");
    assert_eq!(states, ["initiated", "ringing", "ringing", "ringing", "completed", "in-progress"]);
    assert_eq!(server.emulator.timeline().count(|what| matches!(what, What::Twiml { .. })), 2);
}

#[tokio::test(start_paused = true)]
async fn speech_can_be_refused_cut_stalled_and_abandoned() {
    let server = Server::start(Script::answers()).await;
    let faults = server.emulator.faults();
    faults.add(Fault::SpeechRefused { status: 404, code: "model_not_found" }, Times::Once);
    assert_eq!(server.speech("Hello.").await, Err((404, "\"model_not_found\"".to_owned())));
    faults.add(Fault::SpeechCut { after: 6000 }, Times::Once);
    // 1,000 samples at 8 kHz, but for the 21 that wait in the resampler for its end.
    assert_eq!(server.speech("Hello there, how are you?").await, Err((200, "cut after 979".to_owned())));
    for fault in [Fault::SpeechStalled { after: 6000 }, Fault::SpeechEndless] {
        faults.add(fault, Times::Once);
        let speech = server.speech("Hello there, how are you?");
        assert!(tokio::time::timeout(Duration::from_mins(1), speech).await.is_err());
    }
    let began = Instant::now();
    let whole = server.speech("Hello there, how are you?").await.unwrap();
    let (took, length) = (began.elapsed().as_millis(), whole.len() as u128 / 8);
    assert!(took.abs_diff(200 + length / 4) <= 40, "{took} ms for {length} ms of speech at four times real time");
}

#[tokio::test(start_paused = true)]
async fn a_transcription_socket_refuses_what_the_service_refuses() {
    let server = Server::start(Script::answers()).await;
    let open = async |query: &str, key: &str, beta: bool| {
        let url = format!("{}/v1/realtime{query}", server.emulator.url().replace("http", "ws"));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        if beta {
            request.headers_mut().insert("openai-beta", "realtime=v1".parse().unwrap());
        }
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.map_err(|e| e.to_string())?;
        let event: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
        let close = match socket.next().await {
            Some(Ok(tokio_tungstenite::tungstenite::Message::Close(Some(frame)))) => u16::from(frame.code),
            _ => 0,
        };
        Ok::<_, String>((event["error"]["code"].as_str().unwrap().to_owned(), close))
    };
    let cases = [
        ("?intent=transcription", true, "beta_api_shape_disabled"),
        ("", false, "missing_model"),
        ("?intent=transcription&model=gpt-4o-transcribe", false, "invalid_model"),
        ("?model=gpt-4o-transcribe", false, "invalid_model"),
    ];
    for (query, beta, code) in cases {
        assert_eq!(open(query, "sk-emulated", beta).await, Ok((code.to_owned(), 4000)), "{query}");
    }
    let refused = open("?intent=transcription", "sk-other", false).await.unwrap_err();
    assert!(refused.contains("401"), "{refused}");
    server.emulator.faults().add(Fault::HearingRefused { status: 403 }, Times::Once);
    let refused = open("?intent=transcription", "sk-emulated", false).await.unwrap_err();
    assert!(refused.contains("403"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_a_server_does_wrong_on_the_line_is_written_down() {
    let mut server = Server::start(Script::answers()).await;
    server.dial().await;
    let mut media = server.media().await;
    media.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    media.send(json!({"event": "clap"})).await;
    media.sid = "MZ0".to_owned();
    media.send(json!({"event": "clear"})).await;
    let third = |event: &Event| matches!(&event.what, What::Violation(text) if text.contains("another stream"));
    server.emulator.wait_for(third).await.unwrap();
    let timeline = server.emulator.timeline();
    let want = ["31950 a binary frame", "31950 a message with an unknown event", "31950 a message for another stream"];
    assert_eq!(timeline.violations(), want);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_when_the_emulator_goes() {
    let mut server = Server::start(Script::answers()).await;
    server.dial().await;
    let mut media = server.media().await;
    let url = server.emulator.url();
    let Server { emulator, http, .. } = server;
    drop(emulator);
    assert_eq!(media.next().await, Value::Null);
    assert!(http.get(format!("{url}/v1/models")).send().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_vain_shows_what_happened_instead() {
    let server = Server::start(Script::unanswered(PickUp::Busy)).await;
    server.dial().await;
    let error = server.emulator.wait_for(|event| event.what == What::MediaUp).await.unwrap_err();
    assert!(error.to_string().contains("call is busy"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_behind_a_proxy_is_reached_by_its_public_url() {
    let mut server = Server::start_at(Script::answers(), Some("https://callme.example")).await;
    server.dial().await;
    assert_eq!(server.media().await.start["event"], "start");
    assert!(server.emulator.timeline().violations().is_empty(), "{}", server.emulator.timeline());
}

#[tokio::test(start_paused = true)]
async fn marks_can_be_lost_and_frames_have_other_sizes() {
    let mut server = Server::start(Script::answers()).await;
    server.emulator.faults().add(Fault::MarkLost, Times::Always);
    server.emulator.faults().add(Fault::FrameBytes(400), Times::Once);
    server.dial().await;
    let mut media = server.media().await;
    media.play(&[0x20; 800], "a").await;
    media.send(json!({"event": "clear"})).await;
    let first = json_of(&media.socket.recv().await.unwrap().unwrap());
    let second = json_of(&media.socket.recv().await.unwrap().unwrap());
    assert_eq!(first["media"]["payload"].as_str().unwrap().len(), 400_usize.div_ceil(3) * 4);
    assert_eq!((&first["media"]["timestamp"], &second["media"]["timestamp"]), (&json!("0"), &json!("50")));
    let waiting = tokio::time::timeout(Duration::from_mins(1), media.next());
    assert!(waiting.await.is_err(), "no mark comes back");
}
