//! The speech endpoint against servers that keep to it, and servers that do not.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;
use crate::audio::pcm::PcmToUlaw;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::tts::AudioFormat;

/// A server that writes fixed bytes, with pauses, to each request; and what it saw.
struct Server {
    tts: SpeechEndpoint,
    asked: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    /// Connections that the client closed.
    closed: Arc<AtomicUsize>,
    work: JoinSet<()>,
}

impl Server {
    fn requests(&mut self) -> &mut Requests {
        Arc::get_mut(&mut self.tts.0).unwrap()
    }
}

/// What the server does after it has read a request.
#[derive(Clone)]
enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    Cut,
}

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

fn chunked(bytes: &[u8]) -> Step {
    let mut out = format!("{:x}\r\n", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    Step::Send(out)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n\r\n";
const END: &str = "0\r\n\r\n";

async fn server(steps: Vec<Step>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests, closed) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<_>>>::default(), Arc::default());
    let mut work = JoinSet::new();
    let counts = (Arc::clone(&asked), Arc::clone(&requests), Arc::clone(&closed));
    work.spawn(async move {
        let mut sockets = JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            // A delayed acknowledgement would take real time, which paused time does not wait for.
            socket.set_nodelay(true).unwrap();
            sockets.spawn(serve(socket, steps.clone(), counts.clone()));
        }
    });
    let settings = TtsSettings {
        endpoint: Endpoint::parse(&format!("http://{address}")).unwrap(),
        key: SecretString::from("sk-test-key"),
        model: None,
        alone: false,
        voice: "coral".to_owned(),
        instructions: None,
        format: AudioFormat::default(),
    };
    Server { tts: SpeechEndpoint::new(&settings, "gpt-4o-mini-tts").unwrap(), asked, requests, closed, work }
}

type Counts = (Arc<AtomicUsize>, Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>);

async fn serve(mut socket: TcpStream, steps: Vec<Step>, (asked, requests, closed): Counts) {
    'request: loop {
        let mut request = Vec::new();
        while !whole(&request) {
            let mut buffer = [0; 4096];
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => break 'request,
                Ok(n) => request.extend_from_slice(&buffer[..n]),
            }
        }
        asked.fetch_add(1, Ordering::SeqCst);
        requests.lock().unwrap().push(String::from_utf8(request).unwrap());
        for step in &steps {
            match step {
                Step::Send(bytes) => {
                    if socket.write_all(bytes).await.is_err() {
                        break 'request;
                    }
                }
                Step::Wait(time) => {
                    let mut byte = [0];
                    tokio::select! {
                        () = sleep(*time) => {}
                        _ = socket.read(&mut byte) => break 'request,
                    }
                }
                Step::Cut => break 'request,
            }
        }
    }
    closed.fetch_add(1, Ordering::SeqCst);
}

/// Whether a request is complete, by its own length.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Half a second of a tone in 24 kHz PCM, and the same as µ-law.
fn tone() -> (Vec<u8>, Vec<u8>) {
    let pcm: Vec<u8> =
        (0..12_000_i32).flat_map(|n| i16::try_from((n * 331) % 9000 - 4500).unwrap().to_le_bytes()).collect();
    let (mut converter, mut ulaw) = (PcmToUlaw::default(), Vec::new());
    converter.push(&pcm, &mut ulaw);
    converter.finish(&mut ulaw);
    (pcm, ulaw)
}

/// All sound of a speech, and the error it ended with.
async fn collect(mut speech: Speech) -> (Vec<u8>, Option<ProviderError>) {
    let mut sound = Vec::new();
    while let Some(item) = speech.next().await {
        match item {
            Ok(bytes) => {
                assert!(!bytes.is_empty());
                sound.extend_from_slice(&bytes);
            }
            Err(error) => {
                assert!(speech.next().await.is_none(), "an error is the last item");
                return (sound, Some(error));
            }
        }
    }
    (sound, None)
}

#[tokio::test(start_paused = true)]
async fn sound_cut_anywhere_comes_out_whole_and_while_it_is_still_made() {
    let (pcm, ulaw) = tone();
    let steps = vec![
        send(OK),
        chunked(&pcm[..1]),
        chunked(&pcm[1..7]),
        chunked(&pcm[7..9_600]),
        Step::Wait(Duration::from_secs(9)),
        chunked(&pcm[9_600..]),
        send(END),
    ];
    let server = server(steps).await;
    let mut speech = server.tts.0.speak("Hello".to_owned());
    let began = Instant::now();
    let first = speech.next().await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "the first sound waits for no later one");
    let (rest, error) = collect(speech).await;
    assert_eq!(error, None);
    assert_eq!([first.to_vec(), rest].concat(), ulaw);
}

#[tokio::test(start_paused = true)]
async fn the_request_has_what_the_schema_knows_and_nothing_else() {
    let mut server = server(vec![send(OK), chunked(&tone().0), send(END)]).await;
    collect(server.tts.0.speak("Your \"table\" is booked.".to_owned())).await;
    server.requests().settings.instructions = Some("Calm.".to_owned());
    sleep(Duration::from_millis(1)).await;
    collect(server.tts.0.speak("Bye".to_owned())).await;
    sleep(Duration::from_millis(1)).await;
    server.requests().model = "tts-1-hd".to_owned();
    collect(server.tts.0.speak("Bye".to_owned())).await;
    let want = [
        json!({"model": "gpt-4o-mini-tts", "input": "Your \"table\" is booked.", "voice": "coral", "response_format": "pcm"}),
        json!({"model": "gpt-4o-mini-tts", "input": "Bye", "voice": "coral", "instructions": "Calm.", "response_format": "pcm"}),
        json!({"model": "tts-1-hd", "input": "Bye", "voice": "coral", "response_format": "pcm"}),
    ];
    let requests = server.requests.lock().unwrap();
    for (request, want) in requests.iter().zip(want) {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/audio/speech HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nauthorization: Bearer sk-test-key\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-type: application/json"), "{head}");
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), want);
    }
    assert_eq!(requests.len(), 3);
    assert_eq!(server.closed.load(Ordering::SeqCst), 0, "the connection is kept");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_before_the_first_poll_and_dropping_hangs_up() {
    let server = server(vec![send(OK), chunked(&tone().0), Step::Wait(Duration::from_mins(10))]).await;
    let mut speech = server.tts.0.speak("Hello".to_owned());
    sleep(Duration::from_mins(1)).await;
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
    assert!(speech.next().await.unwrap().is_ok());
    assert!(speech.next().now_or_never().is_none());
    drop(speech);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((server.asked.load(Ordering::SeqCst), server.closed.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_in_the_providers_words() {
    let answer = |status: &str, body: &str| {
        vec![send(&format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))]
    };
    let cases = [
        (
            answer(
                "400 Bad Request",
                r#"{"error":{"message":"No such voice.","type":"x","param":"voice","code":"bad_voice"}}"#,
            ),
            ErrorClass::Refused,
            "No such voice. (code bad_voice)",
        ),
        (
            answer(
                "429 Too Many Requests",
                r#"{"error":{"message":"Slow.","type":"requests","code":"rate_limit_exceeded"}}"#,
            ),
            ErrorClass::Busy,
            "Slow. (code rate_limit_exceeded)",
        ),
        (
            answer("429 Too Many Requests", r#"{"error":{"message":"Pay.","type":"insufficient_quota","code":null}}"#),
            ErrorClass::Refused,
            "Pay. (code insufficient_quota)",
        ),
        (answer("503 Service Unavailable", "busy at sk-secret-1"), ErrorClass::Unknown, "busy at sk-…"),
        (
            answer("307 Temporary Redirect", ""),
            ErrorClass::Refused,
            "the speech provider answered with HTTP status 307",
        ),
        (
            vec![send("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 90\r\n\r\nhalf"), Step::Cut],
            ErrorClass::Unknown,
            "half",
        ),
    ];
    for (steps, class, text) in cases {
        let server = server(steps).await;
        let (sound, error) = collect(server.tts.0.speak("Hello".to_owned())).await;
        let error = error.expect(text);
        assert_eq!((sound.len(), error.class, error.to_string().as_str()), (0, class, text));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_keeps_its_sound_and_ends_in_an_error() {
    let (pcm, ulaw) = tone();
    for end in [vec![Step::Cut], vec![Step::Wait(Duration::from_secs(11)), send(END)]] {
        let stalls = end.len() == 2;
        let server = server([vec![send(OK), chunked(&pcm[..12_001])], end].concat()).await;
        let began = Instant::now();
        let (sound, error) = collect(server.tts.0.speak("Hello".to_owned())).await;
        let error = error.unwrap();
        assert_eq!(error.class, ErrorClass::Unknown);
        assert!(sound.len() > 1_900 && ulaw.starts_with(&sound), "{} bytes", sound.len());
        let waited = began.elapsed();
        assert_eq!(stalls, waited >= STALL, "{error} after {waited:?}");
        assert!(waited < STALL + Duration::from_millis(100), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_first_byte_is_given_up_after_ten_seconds() {
    let silent = Step::Wait(Duration::from_mins(1));
    let late = vec![Step::Wait(Duration::from_secs(6)), send(OK), silent.clone()];
    for steps in [vec![silent.clone()], vec![send(OK), silent], late] {
        let server = server(steps).await;
        let began = Instant::now();
        let (sound, error) = collect(server.tts.0.speak("Hello".to_owned())).await;
        assert_eq!((sound.len(), error), (0, Some(stall())));
        assert!((STALL..STALL + Duration::from_millis(100)).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_pauses_for_the_phone_is_no_stalled_server() {
    let (pcm, ulaw) = tone();
    let server = server(vec![send(OK), chunked(&pcm[..12_000]), chunked(&pcm[12_000..]), send(END)]).await;
    let mut speech = server.tts.0.speak("Hello".to_owned());
    let mut sound = speech.next().await.unwrap().unwrap().to_vec();
    sleep(Duration::from_mins(2)).await;
    let (rest, error) = collect(speech).await;
    sound.extend(rest);
    assert_eq!((error, sound), (None, ulaw));
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_no_sound() {
    let empty = server(vec![send(OK), send(END)]).await;
    assert_eq!(collect(empty.tts.0.speak("Hello".to_owned())).await, (Vec::new(), None));
}

#[tokio::test(start_paused = true)]
async fn a_closed_port_is_an_error_without_the_address() {
    let mut gone = server(vec![]).await;
    let port = gone.tts.0.url.port().unwrap().to_string();
    gone.work.shutdown().await;
    let (_, error) = collect(gone.tts.0.speak("Hello".to_owned())).await;
    let error = error.unwrap();
    assert_eq!(error.class, ErrorClass::Busy);
    assert!(!error.message.contains(&port), "{error}");
}
