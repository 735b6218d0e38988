//! What every carrier's SMS keeps to, without a server behind it: what an adapter claims, it has to show.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use callme::domain::outcome::Channel;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Emulator, EmulatorConfig, Fault, RestFault, RestVerb, Side, Times};
use callme::ids::MessageId;
use callme::phone_number::PhoneNumber;
use callme::privacy::keyed::HashKey;
use callme::provider::public_url::PublicUrl;
use callme::provider::{
    Author, Delivery, MessageNews, MessagingClass, MessagingError, MessagingWebhooks, Sms, SmsOrder, telnyx, twilio,
};
use rstest::rstest;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::super::secs;
use crate::world::{PERSON, PUBLIC};

/// An adapter, the carrier it speaks to, and what the carrier brings.
struct Bench {
    emulator: Emulator,
    sms: Arc<dyn Sms>,
    webhooks: Arc<dyn MessagingWebhooks>,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    _server: JoinSet<()>,
}

impl Bench {
    async fn new(telephony: Telephony) -> Self {
        let config = EmulatorConfig { telephony, ..EmulatorConfig::default() };
        let emulator = Emulator::start(config.clone()).await.expect("a free port");
        let bodies = Arc::<Mutex<Vec<Bytes>>>::default();
        let keep = async |State(bodies): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes| {
            bodies.lock().expect("no holder panics").push(body);
            "<Response/>"
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        emulator.route(PUBLIC, &format!("http://{}", listener.local_addr().expect("it is bound")));
        let router = Router::new().route("/sms", axum::routing::post(keep)).with_state(Arc::clone(&bodies));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        let (from, sender, hash_key) =
            (number(&config.number), number(&config.whatsapp_number), HashKey::new(b"a key"));
        let (public_url, api_url) = (PublicUrl::parse(PUBLIC).expect("a URL"), emulator.url());
        let (sms, webhooks): (Arc<dyn Sms>, Arc<dyn MessagingWebhooks>) = match telephony {
            Twilio => {
                let (account_sid, auth_token) = (config.account_sid.clone(), config.auth_token.into());
                let settings =
                    twilio::TwilioSmsConfig { account_sid, auth_token, from: from.clone(), public_url, api_url };
                let sms = twilio::TwilioSms::new(settings).expect("good settings");
                (Arc::new(sms), Arc::new(twilio::TwilioMessageWebhooks::new(config.account_sid, sender, Some(from))))
            }
            Telnyx => {
                let (api_key, profile) = (config.telnyx_key.into(), Some(config.telnyx_profile));
                let settings = telnyx::TelnyxSmsConfig {
                    api_key,
                    from: from.clone(),
                    profile: profile.clone(),
                    public_url,
                    api_url,
                };
                let sms = telnyx::TelnyxSms::new(settings).expect("good settings");
                let webhooks = telnyx::TelnyxMessageWebhooks::new(sender, Some(from), profile, hash_key);
                (Arc::new(sms), Arc::new(webhooks))
            }
        };
        Self { emulator, sms, webhooks, bodies, _server: server }
    }

    async fn send(&self, text: &str) -> Result<MessageId, MessagingError> {
        self.sms.send(SmsOrder { to: number(PERSON), text: text.to_owned() }).await
    }

    /// What the carrier has brought since this was asked last.
    fn news(&self) -> Vec<MessageNews> {
        let bodies = std::mem::take(&mut *self.bodies.lock().expect("no holder panics"));
        bodies.iter().map(|body| self.webhooks.parse(body)).collect()
    }

    /// The server's texts that are on the phone.
    fn arrived(&self) -> Vec<String> {
        let shown = self.emulator.sms().shown().into_iter();
        let ours = shown.filter(|shown| shown.from == Side::Server && shown.state.has_arrived());
        ours.map(|shown| shown.words).collect()
    }
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).expect("a number")
}

fn class(result: Result<MessageId, MessagingError>) -> MessagingClass {
    result.expect_err("it is refused").class
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_became_of_a_text_is_told_and_can_be_asked(#[values(Twilio, Telnyx)] on: Telephony) {
    for (code, want) in [
        (None, None),
        (Some(30_005), Some(MessagingClass::BadNumber)),
        (Some(30_003), Some(MessagingClass::Permanent)),
        (Some(21_610), Some(MessagingClass::OptedOut)),
    ] {
        let bench = Bench::new(on).await;
        if let Some(code) = code {
            bench.emulator.faults().add(Fault::SmsFails { code }, Times::Once);
        }
        let sent = bench.send("Deploy? È ora.").await.expect("it is taken");
        assert_eq!(bench.sms.receipt(&sent).await, Ok(None), "nobody knows yet");
        sleep(secs(10)).await;
        let asked = bench.sms.receipt(&sent).await.expect("an answer").expect("it is known");
        let told = bench.news().pop().expect("something is told");
        assert_eq!(told, MessageNews::Receipt(asked.clone()), "{code:?}: both ways tell the same");
        assert_eq!(asked.message, sent);
        match asked.delivery {
            Delivery::Fine => assert_eq!((code, bench.arrived()), (None, vec!["Deploy? È ora.".to_owned()])),
            Delivery::Failed(error) => assert_eq!((Some(error.class), bench.arrived()), (want, vec![])),
            Delivery::Underway => panic!("its way is over"),
        }
        let unknown = MessageId(sent.as_str().chars().rev().collect());
        assert_eq!(bench.sms.receipt(&unknown).await, Ok(None), "another's is not known");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_sending_that_failed_says_whether_anything_may_arrive(#[values(Twilio, Telnyx)] on: Telephony) {
    let refused = |status, code| RestFault::Refused { status, code, retry_after: Some(secs(7)) };
    for (fault, want) in [
        (refused(429, 20_429), MessagingClass::Transient),
        (refused(400, 21_610), MessagingClass::OptedOut),
        (refused(400, 21_211), MessagingClass::BadNumber),
        (refused(401, 20_003), MessagingClass::Configuration),
        (refused(400, 99_999), MessagingClass::Permanent),
        (refused(503, 20_503), MessagingClass::Unknown),
        (RestFault::Broken { status: 502, done: true }, MessagingClass::Unknown),
        (RestFault::Closed { done: true }, MessagingClass::Unknown),
        (RestFault::Hangs { done: true }, MessagingClass::Unknown),
    ] {
        let bench = Bench::new(on).await;
        bench.emulator.faults().add(Fault::Text { verb: RestVerb::SendSms, fault }, Times::Once);
        let error = bench.send("Deploy?").await.expect_err("it fails");
        assert_eq!(error.class, want, "{fault:?}: {error}");
        assert!(!error.to_string().contains(&PERSON[1..]), "{error}");
        let asked = matches!(fault, RestFault::Refused { .. });
        assert_eq!(error.retry_after, asked.then_some(secs(7)), "{fault:?}");
        sleep(secs(10)).await;
        assert_eq!(bench.arrived().len(), usize::from(!asked), "{fault:?}: once at most");
    }
    // The carrier's own checks.
    let bench = Bench::new(on).await;
    assert_eq!(class(bench.send(&"é".repeat(1_601)).await), MessagingClass::Permanent);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_the_person_wrote_is_read_back_where_that_is_claimed_and_else_refused_without_asking(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let bench = Bench::new(on).await;
    bench.send("Deploy?").await.expect("it is taken");
    let sms = bench.emulator.sms();
    sms.write("Yes.").await;
    sleep(secs(5)).await;
    sms.write("And the docs.").await;
    bench.emulator.sms_of("+393337654321").write("Not mine.").await;
    let before = bench.emulator.timeline().events().len();
    let latest = bench.sms.latest(&number(PERSON)).await;
    if !bench.sms.abilities().reads_back {
        assert_eq!(latest.map_err(|error| error.class), Err(MessagingClass::Permanent));
        assert_eq!(bench.emulator.timeline().events().len(), before, "nobody was asked");
        return;
    }
    let latest = latest.expect("it can be read");
    let words = |past: &callme::provider::PastMessage| match &past.author {
        Author::Person(text) => text.as_str().to_owned(),
        Author::Us(_) => panic!("ours bear no mark: {past:?}"),
    };
    assert_eq!(latest.iter().map(words).collect::<Vec<_>>(), ["And the docs.", "Yes."]);
    let told: Vec<_> = bench
        .news()
        .into_iter()
        .filter_map(|news| match news {
            MessageNews::Inbound { from, message, .. } if from == number(PERSON) => Some(message.message),
            _ => None,
        })
        .collect();
    let read: Vec<_> = latest.into_iter().rev().map(|past| past.message).collect();
    assert_eq!(read, told, "both ways have the same names");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_the_person_writes_comes_in_with_their_number_and_without_a_place(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let bench = Bench::new(on).await;
    bench.emulator.sms().write(" Yes,\u{202e} go on. ").await;
    let news = bench.news();
    let [MessageNews::Inbound { from, channel, message }] = &news[..] else { panic!("one message: {news:?}") };
    assert_eq!((from, *channel, message.text.as_str()), (&number(PERSON), Channel::Sms, "Yes, go on."));
    assert_eq!((&message.conversation, &message.quotes), (&None, &None));
    assert_eq!(bench.emulator.timeline().violations(), [""; 0]);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn each_word_that_the_carrier_is_said_to_mind_it_does_mind(#[values(Twilio, Telnyx)] on: Telephony) {
    let bench = Bench::new(on).await;
    let words = bench.sms.abilities().words;
    let sms = bench.emulator.sms();
    let by_carrier = || sms.shown().into_iter().filter(|shown| shown.from == Side::Carrier).count();
    for (n, stop) in words.stop.iter().enumerate() {
        let start = words.start[n % words.start.len()];
        let answered = by_carrier();
        sms.write(&stop.to_uppercase()).await;
        assert_eq!(class(bench.send("Deploy?").await), MessagingClass::OptedOut, "{stop}");
        sms.write(start).await;
        bench.send("Deploy?").await.unwrap_or_else(|error| panic!("{start}: {error}"));
        assert_eq!(by_carrier(), answered + 2, "{stop} and {start} are answered");
    }
    for help in words.help {
        let answered = by_carrier();
        sms.write(help).await;
        assert_eq!(by_carrier(), answered + 1, "{help} is answered");
    }
    // Only as the whole message; and the server hears of each.
    sms.write("stop it").await;
    bench.send("Deploy?").await.expect("that was no such word");
    let heard = bench.news().iter().filter(|news| matches!(news, MessageNews::Inbound { .. })).count();
    assert_eq!(heard, 2 * words.stop.len() + words.help.len() + 1);
}
