//! What every carrier's messaging keeps to, without a server behind it: what an adapter claims, it has to show.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use callme::domain::line::WINDOW;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{
    Emulator, EmulatorConfig, Failing, Fault, RestFault, RestVerb, Shown, TextForm, TextRules, Times, WindowRule,
};
use callme::ids::{ConversationId, Mark, MessageId};
use callme::phone_number::PhoneNumber;
use callme::privacy::keyed::HashKey;
use callme::provider::public_url::PublicUrl;
use callme::provider::{
    Author, Delivery, MessageNews, Messaging, MessagingClass, MessagingError, MessagingWebhooks, SendOrder, telnyx,
    twilio,
};
use rstest::rstest;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::secs;
use crate::world::{PERSON, PUBLIC};

/// An adapter, the carrier it speaks to, and what the carrier brings.
struct Bench {
    emulator: Emulator,
    messaging: Arc<dyn Messaging>,
    webhooks: Arc<dyn MessagingWebhooks>,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    _server: JoinSet<()>,
}

impl Bench {
    async fn new(telephony: Telephony, template: bool) -> Self {
        let text_rules = TextRules { window: WindowRule::Strict, failing: Failing::AtOnce, ..TextRules::default() };
        let config = EmulatorConfig { telephony, text_rules, ..EmulatorConfig::default() };
        let emulator = Emulator::start(config.clone()).await.expect("a free port");
        emulator.chat().opens_window();
        let bodies = Arc::<Mutex<Vec<Bytes>>>::default();
        let keep = async |State(bodies): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes| {
            bodies.lock().expect("no holder panics").push(body);
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        emulator.route(PUBLIC, &format!("http://{}", listener.local_addr().expect("it is bound")));
        let router = Router::new().fallback(keep).with_state(Arc::clone(&bodies));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        let (from, hash_key) = (number(&config.whatsapp_number), HashKey::new(b"a key"));
        let (messaging, webhooks): (Arc<dyn Messaging>, Arc<dyn MessagingWebhooks>) = match telephony {
            Twilio => (
                Arc::new(
                    twilio::TwilioConversations::new(twilio::ConversationsConfig {
                        account_sid: config.account_sid.clone(),
                        auth_token: config.auth_token.into(),
                        from: from.clone(),
                        mode: twilio::SenderMode::Production,
                        template: template.then_some(config.template_sid),
                        conversations_url: emulator.url(),
                    })
                    .expect("good settings"),
                ),
                Arc::new(twilio::TwilioMessageWebhooks::new(config.account_sid, from, None)),
            ),
            Telnyx => (
                Arc::new(
                    telnyx::TelnyxMessaging::new(telnyx::TelnyxMessagingConfig {
                        api_key: config.telnyx_key.into(),
                        from: from.clone(),
                        template: telnyx::Template::parse(&config.telnyx_template).filter(|_| template),
                        hash_key: hash_key.clone(),
                        public_url: PublicUrl::parse(PUBLIC).expect("a URL"),
                        api_url: emulator.url(),
                    })
                    .expect("good settings"),
                ),
                Arc::new(telnyx::TelnyxMessageWebhooks::new(from, None, Some(config.telnyx_profile), hash_key)),
            ),
        };
        Self { emulator, messaging, webhooks, bodies, _server: server }
    }

    async fn open(&self) -> ConversationId {
        self.messaging.open(&number(PERSON)).await.expect("it opens").conversation
    }

    async fn send(&self, template: bool, text: &str, mark: &str) -> Result<MessageId, MessagingError> {
        let (conversation, to, mark) = (self.open().await, number(PERSON), Mark::read(mark));
        self.messaging.send(SendOrder { conversation, to, template, text: text.to_owned(), mark }).await
    }

    /// The texts on the phone.
    fn shown(&self) -> Vec<Shown> {
        self.emulator.chat().shown()
    }

    /// What the carrier has brought since this was asked last.
    fn news(&self) -> Vec<MessageNews> {
        let bodies = std::mem::take(&mut *self.bodies.lock().expect("no holder panics"));
        bodies.iter().map(|body| self.webhooks.parse(body)).collect()
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
async fn a_person_has_one_conversation_whose_name_says_nothing_of_them(#[values(Twilio, Telnyx)] on: Telephony) {
    let bench = Bench::new(on, false).await;
    let first = bench.open().await;
    assert_eq!(bench.open().await, first);
    assert!(!first.as_str().contains(&PERSON[3..]), "{first:?}");
    let other = bench.messaging.open(&number("+393337654321")).await.expect("it opens").conversation;
    assert_ne!(other, first);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_text_is_as_long_as_is_claimed_and_no_longer(#[values(Twilio, Telnyx)] on: Telephony) {
    let bench = Bench::new(on, false).await;
    let longest = "é".repeat(bench.messaging.abilities().longest);
    bench.send(false, &longest, "one").await.expect("it is taken");
    sleep(secs(10)).await;
    assert_eq!(bench.shown().iter().map(|shown| &shown.words).collect::<Vec<_>>(), [&longest]);
    assert_eq!(class(bench.send(false, &(longest + "é"), "two").await), MessagingClass::Permanent);
    assert_eq!(bench.shown().len(), 1);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_window_is_as_long_as_the_line_takes_it_for_and_a_template_goes_through_it_where_there_is_one(
    #[values(Twilio, Telnyx)] on: Telephony,
    #[values(true, false)] template: bool,
) {
    let bench = Bench::new(on, template).await;
    bench.emulator.chat().write("Hello.").await;
    sleep(WINDOW.saturating_sub(secs(60))).await;
    bench.send(false, "Within it.", "one").await.expect("it is open");
    sleep(secs(61)).await;
    assert_eq!(class(bench.send(false, "After it.", "two").await), MessagingClass::Window);
    let sent = bench.send(true, "Deploy?", "three").await;
    if !bench.messaging.abilities().template {
        assert_eq!((template, class(sent)), (false, MessagingClass::Configuration));
        return;
    }
    sent.expect("a template arrives always");
    sleep(secs(10)).await;
    let last = bench.shown().pop().expect("it is there");
    assert_eq!((last.form, last.words.contains("Deploy?"), template), (TextForm::Template, true, true), "{last:?}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_conversation_is_read_back_where_that_is_claimed_and_else_refused_without_asking(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let bench = Bench::new(on, false).await;
    let sent = bench.send(false, "Deploy?", "call-1-7.1").await.expect("it is taken");
    bench.emulator.chat().write("Yes.").await;
    let before = bench.emulator.timeline().events().len();
    let latest = bench.messaging.latest(&bench.open().await, &number(PERSON)).await;
    if !bench.messaging.abilities().reads_back {
        assert_eq!(latest.map_err(|error| error.class), Err(MessagingClass::Permanent));
        assert_eq!(bench.emulator.timeline().events().len(), before, "nobody was asked");
        return;
    }
    let latest = latest.expect("it can be read");
    let [newest, older] = &latest[..] else { panic!("two messages: {latest:?}") };
    assert!(matches!(&newest.author, Author::Person(text) if text.as_str() == "Yes."), "{newest:?}");
    assert_eq!((&older.message, &older.author), (&sent, &Author::Us(Some(Mark::read("call-1-7.1")))));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_became_of_a_text_is_told_and_can_be_asked(#[values(Twilio, Telnyx)] on: Telephony) {
    for code in [None, Some(63_003)] {
        let bench = Bench::new(on, false).await;
        if let Some(code) = code {
            bench.emulator.faults().add(Fault::ReceiptFails { code }, Times::Once);
        }
        let sent = bench.send(false, "Deploy?", "one").await.expect("it is taken");
        sleep(secs(10)).await;
        let conversation = bench.open().await;
        let asked = bench.messaging.receipt(&conversation, &sent).await.expect("an answer").expect("it is known");
        let told = bench.news().pop().expect("something is told");
        assert_eq!(told, MessageNews::Receipt(asked.clone()), "{code:?}: both ways tell the same");
        assert_eq!(asked.message, sent);
        match asked.delivery {
            Delivery::Fine => assert_eq!(code, None),
            Delivery::Failed(error) => assert_eq!((code.is_some(), error.class), (true, MessagingClass::BadNumber)),
            Delivery::Underway => panic!("its way is over"),
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_the_person_writes_comes_in_with_their_number_its_place_and_what_it_quotes(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let bench = Bench::new(on, false).await;
    bench.send(false, "Deploy?", "one").await.expect("it is taken");
    sleep(secs(10)).await;
    let names = bench.news().into_iter().find_map(|news| match news {
        MessageNews::Receipt(receipt) => receipt.channel_message,
        _ => None,
    });
    let chat = bench.emulator.chat();
    chat.reply_to(&bench.shown()[0], "Yes.").await;
    chat.send_picture("This one").await;
    let news: Vec<_> = bench.news().into_iter().filter(|news| !matches!(news, MessageNews::Receipt(_))).collect();
    let [MessageNews::Inbound { from, message: reply, .. }, MessageNews::Inbound { message: picture, .. }] = &news[..]
    else {
        panic!("two messages: {news:?}")
    };
    assert_eq!((from, reply.text.as_str(), picture.text.as_str()), (&number(PERSON), "Yes.", "This one\n[photo]"));
    assert_eq!(reply.conversation, Some(bench.open().await));
    assert_eq!((&reply.quotes, reply.quotes.is_some()), (&names, true), "a receipt told the name that quotes use");
    assert_ne!(reply.message, picture.message);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_sending_that_failed_says_whether_anything_may_arrive(#[values(Twilio, Telnyx)] on: Telephony) {
    let refused = |status, code| RestFault::Refused { status, code, retry_after: Some(secs(7)) };
    for (fault, want) in [
        (refused(429, 20_429), MessagingClass::Transient),
        (refused(400, 21_610), MessagingClass::OptedOut),
        (refused(400, 63_003), MessagingClass::BadNumber),
        (refused(400, 63_016), MessagingClass::Window),
        (refused(401, 20_003), MessagingClass::Configuration),
        (refused(400, 63_013), MessagingClass::Permanent),
        (refused(503, 20_503), MessagingClass::Unknown),
        (RestFault::Broken { status: 502, done: true }, MessagingClass::Unknown),
        (RestFault::Closed { done: true }, MessagingClass::Unknown),
        (RestFault::Hangs { done: true }, MessagingClass::Unknown),
    ] {
        let bench = Bench::new(on, false).await;
        bench.emulator.faults().add(Fault::Text { verb: RestVerb::SendMessage, fault }, Times::Once);
        let error = bench.send(false, "Deploy?", "one").await.expect_err("it fails");
        assert_eq!(error.class, want, "{fault:?}: {error}");
        assert!(!error.to_string().contains(&PERSON[1..]), "{error}");
        let asked = matches!(fault, RestFault::Refused { .. });
        assert_eq!(error.retry_after, asked.then_some(secs(7)), "{fault:?}");
        let arrives = !matches!(fault, RestFault::Refused { .. });
        assert_eq!(bench.shown().len(), usize::from(arrives), "{fault:?}: once at most");
    }
}
