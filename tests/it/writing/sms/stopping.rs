//! "Stop" by SMS, which the carrier hears first, and elsewhere: it holds everywhere.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Side, Times};
use rstest::rstest;
use tokio::time::sleep;

use super::super::{QUESTION, REPLY, secs};
use super::{Fault, RestVerb, allowed, refused};
use crate::world::World;

/// Holds that nothing more is sent, whichever way it is asked for.
async fn nothing_more_is_sent(world: &World) {
    let sent = || (world.words(), world.sms(), world.used("send message"), world.used("send sms"));
    let before = sent();
    let message = world.message("Are you there?").await;
    world.refused(&message, 403, "opted_out");
    let call = world.unanswered().await;
    world.refused(&call, 403, "opted_out");
    sleep(secs(60)).await;
    assert_eq!(sent(), before, "{}", world.emulator.timeline());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_on_whatsapp_is_no_reason_to_write_by_sms(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    let (answer, _) = tokio::join!(world.unanswered(), world.replies(QUESTION, "Stop"));
    world.refused(&answer, 403, "opted_out");
    world.whatsapp_is_down();
    nothing_more_is_sent(&world).await;
    assert_eq!(world.used("send sms"), 0);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_whatsapp_says_is_opted_out_is_not_written_to_by_sms(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.emulator.chat().opts_out(true);
    let answer = world.unanswered().await;
    world.refused(&answer, 403, "opted_out");
    assert_eq!(world.used("send sms"), 0, "{}", world.emulator.timeline());
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_by_sms_ends_what_waits_and_holds_on_whatsapp_too_and_only_the_carrier_confirms_it(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    // The last three are ordinary words elsewhere.
    for words in ["STOP", "Unsubscribe", "end", "Cancel", "quit"] {
        let world = allowed(on).await;
        world.whatsapp_is_down();
        let (answer, ()) = tokio::join!(world.unanswered(), world.answers_sms(QUESTION, words));
        world.refused(&answer, 403, "opted_out");
        assert!(answer.error().contains(&format!("\"{words}\"")), "{answer:?}");
        assert_eq!((answer.at("/contactMode"), answer.at("/outcome/endedBy")), ("sms".into(), "opt-out".into()));
        world.emulator.faults().clear();
        nothing_more_is_sent(&world).await;
        assert!(world.sms().len() <= 2, "the question and the notice: {:?}", world.sms());
        assert_eq!(world.words(), [""; 0], "nothing is confirmed on WhatsApp");
        let by_carrier = world.emulator.sms().shown().iter().filter(|shown| shown.from == Side::Carrier).count();
        assert_eq!(by_carrier, 1, "the carrier confirms it");
        // The carrier's own word lets both through again.
        world.emulator.sms().write("START").await;
        sleep(secs(10)).await;
        assert!(world.sms().len() <= 2 && world.words().is_empty(), "{}", world.emulator.timeline());
        world.whatsapp_is_down();
        let (next, ()) = tokio::join!(world.message("And now?"), world.answers_sms("And now?", REPLY));
        assert_eq!((next.status, next.at("/contactMode")), (200, "sms".into()), "{words}: {next:?}");
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_word_that_only_we_mind_is_confirmed_by_us(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let (answer, ()) = tokio::join!(world.unanswered(), world.answers_sms(QUESTION, "opt out"));
    world.refused(&answer, 403, "opted_out");
    world.emulator.sms().receives("You will get no more messages").await.expect("nobody else confirms it");
    nothing_more_is_sent(&world).await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_the_carrier_sends_no_sms_to_is_opted_out(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    world.emulator.sms().opts_out(true);
    let answer = world.unanswered().await;
    world.refused(&answer, 403, "opted_out");
    assert_eq!(world.sms(), [""; 0]);
    world.settled().await;
    // The same where it says so by itself.
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let fault = Fault::Text { verb: RestVerb::SendSms, fault: refused(400, 21_610) };
    world.emulator.faults().add(fault, Times::Always);
    let answer = world.unanswered().await;
    world.refused(&answer, 403, "opted_out");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_other_words_are_what_they_are_on_whatsapp_and_help_is_given_once(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    // Twilio minds it, and yet it is a reply.
    let (answer, ()) = tokio::join!(world.unanswered(), world.answers_sms(QUESTION, "Yes"));
    world.texted(&answer, "Yes");
    let sms = world.emulator.sms();
    let from = |side: Side| sms.shown().into_iter().filter(|shown| shown.from == side).count();
    let before = from(Side::Server);
    sms.write("help").await;
    sleep(secs(10)).await;
    let want = if on == Twilio { (1, 0) } else { (0, 1) };
    assert_eq!((from(Side::Carrier), from(Side::Server) - before), want, "{}", world.emulator.timeline());
    sms.write("call me").await;
    sleep(secs(60)).await;
    assert_eq!(world.used("dial"), 2, "{}", world.emulator.timeline());
    let told = world.sms().pop().unwrap_or_default();
    assert!(told.contains("tried to call") || told.contains("could not call"), "{told}");
    world.say("end", &answer.call_id(), "Goodbye.").await;
    world.settled().await;
}
