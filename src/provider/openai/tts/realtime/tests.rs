//! Speaking sessions against a provider that the test plays by hand.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::*;
use crate::provider::ErrorClass;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::tts::AudioFormat;

/// The provider's door, and a voice that goes to it.
struct Provider {
    listener: TcpListener,
    voice: Box<dyn TtsSession>,
}

/// The provider's side of one socket.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    /// URI and `Authorization` of the upgrade.
    asked: (String, String),
}

impl Provider {
    async fn new(instructions: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = TtsSettings {
            endpoint: Endpoint::parse(&format!("ws://{}/v1", listener.local_addr().unwrap())).unwrap(),
            key: SecretString::from("sk-test-key"),
            model: None,
            alone: false,
            voice: "marin".to_owned(),
            instructions: instructions.map(str::to_owned),
            format: AudioFormat::default(),
        };
        let voice = RealtimeVoice::new(&settings, "gpt-realtime-2.1-mini", Arc::default()).unwrap();
        Self { voice: voice.open(), listener }
    }

    /// Lets the call's side go on while the provider does something.
    async fn meanwhile<T>(&mut self, mut speech: Option<&mut Speech>, what: impl Future<Output = T>) -> T {
        let voice = &mut self.voice;
        tokio::select! {
            done = timeout(Duration::from_mins(1), what) => done.expect("it happens"),
            () = poll_fn(|cx| {
                let said = speech.as_mut().map(|speech| speech.poll_next_unpin(cx));
                assert!(said.is_none_or(|said| said.is_pending()), "nothing is to be heard yet");
                voice.poll_idle(cx);
                Poll::<()>::Pending
            }) => unreachable!("it never ends"),
        }
    }
}

async fn accept(listener: &TcpListener) -> Peer {
    let (socket, _) = listener.accept().await.unwrap();
    // A delayed acknowledgement would take real time, which paused time does not wait for.
    socket.set_nodelay(true).unwrap();
    let mut asked = None;
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let look = |request: &Request, response: Response| {
        asked = Some((request.uri().to_string(), request.headers()["authorization"].to_str().unwrap().to_owned()));
        Ok(response)
    };
    let socket = accept_hdr_async(socket, look).await.unwrap();
    Peer { socket, asked: asked.unwrap() }
}

impl Peer {
    async fn say(&mut self, event: Value) {
        self.socket.send(Message::text(event.to_string())).await.unwrap();
    }

    async fn event(&mut self) -> Value {
        loop {
            match self.socket.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Pong(_) => {}
                other => panic!("{other}"),
            }
        }
    }

    /// Opens a session, which makes this format.
    async fn open(&mut self, format: &str) -> Value {
        self.say(json!({"type": "session.created", "session": {"type": "realtime"}})).await;
        let update = self.event().await;
        let output = json!({"format": {"type": format}});
        self.say(json!({"type": "session.updated", "session": {"audio": {"output": output}}})).await;
        update
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_what_the_provider_describes() {
    let mut provider = Provider::new(Some("Calmly.")).await;
    let mut speech = provider.voice.speak("Your \"table\" is booked.".to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = std::mem::replace(&mut provider.listener, listener);
    let served = async {
        let mut peer = accept(&listener).await;
        let update = peer.open("audio/pcmu").await;
        let ask = peer.event().await;
        peer.say(json!({"type": "response.created", "response": {"id": "resp_1", "metadata": {"utterance": "1"}}}))
            .await;
        (peer, update, ask)
    };
    let (mut peer, update, ask) = provider.meanwhile(Some(&mut speech), served).await;
    let asked = ("/v1/realtime?model=gpt-realtime-2.1-mini".to_owned(), "Bearer sk-test-key".to_owned());
    assert_eq!(peer.asked, asked);
    let instructions = format!("{VERBATIM} How to speak: Calmly.");
    assert_eq!(
        update,
        json!({"type": "session.update", "session": {
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": instructions,
            "audio": {
                "input": {"turn_detection": null},
                "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
            },
        }})
    );
    assert_eq!(
        ask,
        json!({"type": "response.create", "event_id": "say-1", "response": {
            "conversation": "none",
            "output_modalities": ["audio"],
            "metadata": {"utterance": "1"},
            "instructions": instructions,
            "input": [{"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "Your \"table\" is booked."},
            ]}],
        }})
    );
    provider.meanwhile(Some(&mut speech), tokio::time::sleep(Duration::from_secs(1))).await;
    drop(speech);
    let cancel = provider.meanwhile(None, peer.event()).await;
    assert_eq!(cancel, json!({"type": "response.cancel", "event_id": "stop-1", "response_id": "resp_1"}));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_makes_another_format_is_not_played() {
    let mut provider = Provider::new(None).await;
    let mut speech = provider.voice.speak("Hello.".to_owned());
    let served = async {
        let mut peer = accept(&provider.listener).await;
        peer.open("audio/pcm").await;
        peer
    };
    let (_peer, said) = tokio::join!(served, speech.next());
    let error = said.unwrap().unwrap_err();
    assert_eq!(error.class, ErrorClass::Refused, "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_does_not_come_is_waited_for_a_second() {
    let mut provider = Provider::new(None).await;
    let mut speech = provider.voice.speak("Hello.".to_owned());
    let served = async {
        let mut peer = accept(&provider.listener).await;
        peer.open("audio/pcmu").await;
        peer.event().await;
        peer.say(json!({"type": "response.created", "response": {"id": "r"}})).await;
        peer.say(json!({"type": "response.output_audio.delta", "response_id": "r", "delta": "AQI="})).await;
        peer.say(json!({"type": "response.output_audio.done", "response_id": "r"})).await;
        peer
    };
    let (_peer, said) = tokio::join!(served, speech.next());
    assert_eq!(said.unwrap().unwrap()[..], [1, 2]);
    let began = tokio::time::Instant::now();
    assert!(speech.next().await.is_none());
    assert!(began.elapsed() < Duration::from_millis(1100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_good_session_that_is_lost_in_a_pause_is_opened_again_and_a_bad_one_is_not() {
    for (lived, again) in [(60, true), (1, false)] {
        let mut provider = Provider::new(None).await;
        let mut speech = provider.voice.speak("Hello.".to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = std::mem::replace(&mut provider.listener, listener);
        let served = async {
            let mut peer = accept(&listener).await;
            peer.open("audio/pcmu").await;
            peer.event().await;
            peer
        };
        let mut peer = provider.meanwhile(Some(&mut speech), served).await;
        drop(speech);
        provider.meanwhile(None, tokio::time::sleep(Duration::from_secs(lived))).await;
        peer.socket.close(None).await.unwrap();
        let waits = tokio::time::sleep(Duration::from_secs(1));
        provider.meanwhile(None, waits).await;
        assert_eq!(listener.accept().now_or_never().is_some(), again, "after {lived} s");
    }
}
