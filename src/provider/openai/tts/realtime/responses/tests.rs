//! Events in their order, and what each of them does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;

/// The events of a response, whose sounds begin with its tag: created, four sounds, and the end.
pub(in crate::provider::openai::tts::realtime) fn events(tag: u8) -> Vec<String> {
    let response = format!("resp_{tag}");
    let place = json!({"response_id": response, "item_id": "item", "output_index": 0, "content_index": 0});
    let with = |kind: &str, id: usize, more: serde_json::Value| {
        let mut event = place.clone();
        let fields = event.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        fields.insert("type".to_owned(), json!(kind));
        fields.insert("event_id".to_owned(), json!(format!("event_{tag}_{id}")));
        event.to_string()
    };
    let whole = |status: &str| json!({"response": {"id": response, "status": status, "metadata": {"utterance": tag.to_string()}}});
    let sound = |n: u8| with("response.output_audio.delta", n.into(), json!({"delta": STANDARD.encode([tag, n])}));
    [with("response.created", 10, whole("in_progress"))]
        .into_iter()
        .chain((0..4).map(sound))
        .chain([
            with("response.output_audio.done", 11, json!({})),
            with("response.output_audio_transcript.done", 12, json!({"transcript": "Hello."})),
            with("response.done", 13, whole("completed")),
        ])
        .collect()
}

fn read(responses: &mut Responses, text: &str) -> News {
    responses.read(Event::parse(text))
}

fn sound(tag: u8, n: u8) -> Step {
    Step::Sound(Bytes::copy_from_slice(&[tag, n]))
}

#[test]
fn a_response_gives_its_sound_in_order_then_its_words() {
    let mut responses = Responses::default();
    let tag = responses.ask();
    assert_eq!((tag.to_string().as_str(), tag.asking().as_str()), ("1", "say-1"));
    for event in events(1) {
        assert!(responses.is_busy());
        read(&mut responses, &event);
    }
    assert!(!responses.is_busy());
    for n in 0..4 {
        assert_eq!(responses.take(tag), Some(sound(1, n)));
    }
    assert_eq!(responses.take(tag), Some(Step::Over(Some("Hello.".to_owned()))));
    assert_eq!(responses.take(tag), None);
}

#[test]
fn a_response_that_nobody_wants_is_called_off_as_soon_as_it_has_a_name() {
    let mut responses = Responses::default();
    let (first, second, third) = (responses.ask(), responses.ask(), responses.ask());
    assert_eq!(responses.drop(first), None);
    assert_eq!(read(&mut responses, &events(1)[0]), News::CallOff(first, "resp_1".to_owned()));
    assert_eq!(read(&mut responses, &events(1)[1]), News::Nothing, "its sound is nobody's");
    read(&mut responses, &events(2)[0]);
    assert_eq!(responses.drop(second), Some("resp_2".to_owned()));
    for event in events(3) {
        read(&mut responses, &event);
    }
    assert_eq!(responses.drop(third), None, "it is over");
}

#[test]
fn a_server_that_names_no_names_answers_in_the_order_of_asking() {
    let mut responses = Responses::default();
    let (first, second) = (responses.ask(), responses.ask());
    for (name, n) in [("a", 1), ("b", 2)] {
        read(&mut responses, &json!({"type": "response.created", "response": {"id": name}}).to_string());
        let delta = STANDARD.encode([n, 0]);
        read(
            &mut responses,
            &json!({"type": "response.output_audio.delta", "response_id": name, "delta": delta}).to_string(),
        );
    }
    assert_eq!((responses.take(first), responses.take(second)), (Some(sound(1, 0)), Some(sound(2, 0))));
}

#[test]
fn an_error_ends_what_it_is_about() {
    let error = |about: serde_json::Value| {
        json!({"type": "error", "error": {"code": "x", "message": "No.", "event_id": about}}).to_string()
    };
    for (about, hits) in
        [(json!("say-1"), true), (json!(null), true), (json!("stop-1"), false), (json!("other"), false)]
    {
        let mut responses = Responses::default();
        let tag = responses.ask();
        let news = read(&mut responses, &error(about.clone()));
        assert_eq!(matches!(responses.take(tag), Some(Step::Failed(_))), hits, "{about}: {news:?}");
    }
    let mut responses = Responses::default();
    let tag = responses.ask();
    read(&mut responses, &events(1)[0]);
    assert!(matches!(read(&mut responses, &error(json!(null))), News::Trouble(_)), "it was answered already");
    assert_eq!(responses.take(tag), None);
}

#[test]
fn a_lost_socket_ends_what_is_under_way_behind_its_sound() {
    let mut responses = Responses::default();
    let tag = responses.ask();
    for event in &events(1)[..3] {
        read(&mut responses, event);
    }
    let gone = failure();
    responses.lose(&gone);
    assert_eq!(read(&mut responses, &events(1)[3]), News::Nothing, "nothing of the old socket counts");
    assert_eq!([responses.take(tag), responses.take(tag)], [Some(sound(1, 0)), Some(sound(1, 1))]);
    assert_eq!(responses.take(tag), Some(Step::Failed(gone)));
}

#[test]
fn a_response_that_has_sounded_to_its_end_is_no_failure_when_the_socket_is_lost() {
    // (events that came: created, four sounds, the sound's end, the words; what it ends with)
    for (came, words) in [(6, None), (7, Some("Hello.".to_owned()))] {
        let mut responses = Responses::default();
        let tag = responses.ask();
        for event in &events(1)[..came] {
            read(&mut responses, event);
        }
        responses.lose(&failure());
        assert!(!responses.is_busy());
        for n in 0..4 {
            assert_eq!(responses.take(tag), Some(sound(1, n)));
        }
        assert_eq!(responses.take(tag), Some(Step::Over(words)), "{came}");
    }
    let mut responses = Responses::default();
    let tag = responses.ask();
    for at in [0, 1, 5, 2] {
        read(&mut responses, &events(1)[at]);
    }
    responses.lose(&failure());
    let steps = [responses.take(tag), responses.take(tag), responses.take(tag)];
    assert_eq!(steps[2], Some(Step::Failed(failure())), "more came behind what was taken for the end: {steps:?}");
}

fn failure() -> ProviderError {
    ProviderError { class: crate::provider::ErrorClass::Unknown, code: None, message: "gone".to_owned() }
}
