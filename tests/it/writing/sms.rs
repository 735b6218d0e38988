//! SMS, the last resort: only where it is allowed, only when WhatsApp has failed for good, and never after a stop.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, PickUp, RestFault, RestVerb, Script, Side, TextForm, Times};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{QUESTION, REPLY, TRIED, secs};
use crate::world::{Answer, World};

mod doors;
mod missed;
mod port;
mod stopping;

const ALLOWED: (&str, &str) = ("CALLME_WHATSAPP_FALLBACK_TO_SMS", "true");
/// How the notice begins that goes out by SMS where the operator has set none.
const NOTICE: &str = "An AI agent that works for you writes here";

/// A refusal with this status and code of Twilio's, which the emulated Telnyx has its own for.
fn refused(status: u16, code: u32) -> RestFault {
    RestFault::Refused { status, code, retry_after: None }
}

/// A world in which SMS is allowed.
async fn allowed(on: Telephony) -> World {
    World::writing_on_with(on, &[ALLOWED]).await
}

impl World {
    /// Every sending of this kind fails like this from now on.
    fn fails(&self, verb: RestVerb, fault: RestFault) {
        self.emulator.faults().add(Fault::Text { verb, fault }, Times::Always);
    }

    /// WhatsApp refuses every text for good.
    fn whatsapp_is_down(&self) {
        self.fails(RestVerb::SendMessage, refused(400, 63_013));
    }

    /// What the server wrote by SMS.
    fn sms(&self) -> Vec<String> {
        let shown = self.emulator.sms().shown().into_iter();
        shown.filter(|shown| shown.from == Side::Server).map(|shown| shown.words).collect()
    }

    /// The same without the privacy notice.
    fn asked_by_sms(&self) -> Vec<String> {
        self.sms().into_iter().filter(|words| !words.starts_with(NOTICE)).collect()
    }

    /// Waits for the SMS with these words in it, and answers it.
    async fn answers_sms(&self, to: &str, words: &str) {
        let sms = self.emulator.sms();
        sms.receives(to).await.unwrap_or_else(|never| panic!("{never}"));
        assert_eq!(sms.write(words).await.answers, [Some(200)]);
    }

    /// A call that nobody takes.
    async fn unanswered(&self) -> Answer {
        self.person(Script::unanswered(PickUp::Busy));
        self.call(QUESTION).await
    }

    /// Holds that this answer is a reply by SMS, with these words.
    #[track_caller]
    fn texted(&self, answer: &Answer, words: &str) {
        let told = [answer.at("/response"), answer.at("/contactMode"), answer.at("/outcome/replyChannel")];
        let want = [words, "sms", "sms"].map(Value::from);
        assert_eq!((answer.status, told), (200, want), "{answer:?}\n{}", self.emulator.timeline());
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_question_that_whatsapp_does_not_carry_goes_by_sms_and_the_reply_answers_the_same_request(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for (fault, tries) in [
        // For good.
        (refused(400, 63_013), 1),
        (refused(401, 20_003), 1),
        (refused(400, 63_024), 1),
        // For now, three times.
        (refused(429, 20_429), 3),
        (refused(400, 63_018), 3),
    ] {
        let world = allowed(on).await;
        world.fails(RestVerb::SendMessage, fault);
        let (answer, ()) = tokio::join!(world.unanswered(), world.answers_sms(QUESTION, REPLY));
        world.texted(&answer, REPLY);
        assert_eq!((answer.at("/outcome/dial"), answer.at("/outcome/messageHeard")), (json!("busy"), json!(null)));
        assert_eq!(world.asked_by_sms(), [format!("{TRIED}{QUESTION}")], "{fault:?}");
        assert_eq!(world.used("send message"), tries, "{fault:?}\n{}", world.emulator.timeline());
        assert_eq!(world.words(), [""; 0], "{fault:?}: nothing is on WhatsApp");
        let look = world.look(&answer.call_id()).await;
        assert_eq!((look.at("/state"), look.at("/contactMode")), (json!("messaging"), json!("sms")), "{look:?}");
        // What follows goes the same way, without another try at WhatsApp.
        let before = world.used("send message");
        let id = answer.call_id();
        let (next, ()) = tokio::join!(world.say("continue", &id, "And the docs?"), world.answers_sms("docs?", "No."));
        world.texted(&next, "No.");
        assert_eq!(world.used("send message"), before, "{fault:?}");
        assert_eq!(world.asked_by_sms()[1..], ["And the docs?"]);
        world.say("end", &id, "Goodbye.").await;
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_message_that_whatsapp_does_not_carry_goes_by_sms_as_well(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let (answer, ()) = tokio::join!(world.message(QUESTION), world.answers_sms(QUESTION, REPLY));
    world.texted(&answer, REPLY);
    assert_eq!(world.asked_by_sms(), [QUESTION]);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn without_the_switch_nothing_goes_by_sms_and_the_refusal_is_told(#[values(Twilio, Telnyx)] on: Telephony) {
    for settings in [&[][..], &[("CALLME_WHATSAPP_FALLBACK_TO_SMS", "false")]] {
        let world = World::writing_on_with(on, settings).await;
        world.whatsapp_is_down();
        let answer = world.unanswered().await;
        world.refused(&answer, 408, "no_answer");
        assert!(answer.error().contains("63013"), "{answer:?}");
        let written = world.emulator.sms().write(REPLY).await;
        assert_eq!(written.answers, [Some(200)], "the same answer as where it is allowed");
        sleep(secs(60)).await;
        world.settled().await;
        assert_eq!((world.sms(), world.used("send sms")), (vec![], 0), "{}", world.emulator.timeline());
        // What came by SMS is nobody's.
        world.emulator.faults().clear();
        let (next, _) = tokio::join!(world.message("And now?"), world.replies("And now?", "No."));
        world.wrote(&next, "No.");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_text_that_whatsapp_took_and_did_not_deliver_goes_by_sms(#[values(Twilio, Telnyx)] on: Telephony) {
    for code in [63_003, 63_013, 63_024] {
        let world = allowed(on).await;
        world.emulator.faults().add(Fault::ReceiptFails { code }, Times::Always);
        let (answer, ()) = tokio::join!(world.unanswered(), world.answers_sms(QUESTION, REPLY));
        world.texted(&answer, REPLY);
        assert_eq!(world.asked_by_sms(), [format!("{TRIED}{QUESTION}")], "{code}\n{}", world.emulator.timeline());
        assert!(world.texts().iter().all(|text| !text.state.has_arrived()), "{code}");
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn where_sms_fails_too_the_error_says_so(#[values(Twilio, Telnyx)] on: Telephony) {
    for (fault, code, told) in [
        (Fault::Text { verb: RestVerb::SendSms, fault: refused(400, 21_612) }, "no_answer", "21612"),
        (Fault::Text { verb: RestVerb::SendSms, fault: refused(429, 29_999) }, "no_answer", "29999"),
        // It was taken: the person may write yet.
        (Fault::SmsFails { code: 30_003 }, "no_reply", "30003"),
    ] {
        let world = allowed(on).await;
        world.whatsapp_is_down();
        world.emulator.faults().add(fault.clone(), Times::Always);
        let answer = world.unanswered().await;
        world.refused(&answer, 408, code);
        assert!(answer.error().contains(told), "{fault:?}: {answer:?}\n{}", world.emulator.timeline());
        assert_eq!(answer.at("/contactMode"), "sms", "{fault:?}: {answer:?}");
        world.settled().await;
        assert!(world.emulator.sms().shown().iter().all(|shown| !shown.state.has_arrived()));
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_sms_of_which_nobody_knows_whether_it_was_sent_is_not_sent_again(#[values(Twilio, Telnyx)] on: Telephony) {
    for fault in [RestFault::Broken { status: 502, done: true }, RestFault::Closed { done: true }] {
        let world = allowed(on).await;
        world.whatsapp_is_down();
        world.fails(RestVerb::SendSms, fault);
        let answer = world.unanswered().await;
        assert_ne!(answer.status, 200, "{answer:?}");
        world.settled().await;
        assert_eq!(world.sms(), [format!("{TRIED}{QUESTION}")], "{fault:?}\n{}", world.emulator.timeline());
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_writes_on_whatsapp_is_written_to_there_again(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let (answer, ()) = tokio::join!(world.unanswered(), world.answers_sms(QUESTION, REPLY));
    world.texted(&answer, REPLY);
    world.emulator.faults().clear();
    let id = answer.call_id();
    let person = async {
        world.emulator.sms().receives("And the docs?").await.expect("it goes on by SMS");
        world.emulator.chat().write("WhatsApp works again.").await
    };
    let (second, _) = tokio::join!(world.say("continue", &id, "And the docs?"), person);
    world.wrote(&second, "WhatsApp works again.");
    let (third, _) =
        tokio::join!(world.say("continue", &id, "And the tests?"), world.replies("And the tests?", "Yes."));
    world.wrote(&third, "Yes.");
    assert_eq!(world.asked_by_sms().len(), 2, "{}", world.emulator.timeline());
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_privacy_notice_goes_out_once_by_sms_with_a_text_of_its_own_where_none_is_set(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    const OURS: &str = "An AI agent writes here. Details: https://callme.example/privacy";
    for (settings, notice) in [(&[ALLOWED][..], NOTICE), (&[ALLOWED, ("CALLME_PRIVACY_NOTICE", OURS)], OURS)] {
        let world = World::writing_on_with(on, settings).await;
        world.whatsapp_is_down();
        for question in [QUESTION, "And the docs?", "And the tests?"] {
            let (answer, ()) = tokio::join!(world.message(question), world.answers_sms(question, REPLY));
            world.texted(&answer, REPLY);
            world.say("end", &answer.call_id(), "Goodbye.").await;
        }
        world.settled().await;
        let words = world.sms();
        assert_eq!(words.iter().filter(|words| words.starts_with(notice)).count(), 1, "{words:?}");
        assert!(words[0].contains(QUESTION), "the question comes first: {words:?}");
        // On WhatsApp it is told on its own.
        world.emulator.faults().clear();
        let (answer, _) = tokio::join!(world.message("On WhatsApp?"), world.replies("On WhatsApp?", "Yes."));
        world.wrote(&answer, "Yes.");
        sleep(secs(10)).await;
        let told = world.words().iter().filter(|words| words.starts_with(OURS)).count();
        assert_eq!(told, settings.len() - 1, "{:?}", world.words());
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_long_text_comes_in_parts_and_none_is_lost(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let words: Vec<String> = (0..500).map(|n| format!("word{n}")).collect();
    let question = format!("{} Deploy?", words.join(" "));
    let (answer, ()) = tokio::join!(world.message(&question), world.answers_sms("Deploy?", REPLY));
    world.texted(&answer, REPLY);
    let parts = world.asked_by_sms();
    assert!(parts.len() > 1 && parts.join(" ") == question, "{parts:?}");
    let shown = world.emulator.sms().shown();
    assert!(shown.iter().all(|shown| shown.form == TextForm::Sms && shown.state.has_arrived()), "{shown:?}");
    world.settled().await;
}
