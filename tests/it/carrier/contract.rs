//! What every carrier's adapter keeps to, without a server behind it.

use std::sync::Arc;
use std::time::Duration;

use callme::clock::Millis;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{DialFault, Emulator, EmulatorConfig, Fault, PickUp, Script, Times};
use callme::ids::{CarrierCallId, SessionId};
use callme::phone_number::PhoneNumber;
use callme::provider::public_url::PublicUrl;
use callme::provider::{CallProgress, Carrier, DialOrder, ErrorClass, LostDial, telnyx, twilio};
use rstest::rstest;

use crate::world::PERSON;

/// An adapter, and the carrier it speaks to.
async fn carrier(telephony: Telephony) -> (Emulator, Arc<dyn Carrier>) {
    let config = EmulatorConfig { telephony, ..EmulatorConfig::default() };
    let emulator = Emulator::start(config.clone()).await.expect("a free port");
    emulator.person().set(Script::unanswered(PickUp::Never));
    // Nobody listens there: the webhooks of these calls are nobody's.
    let public_url = PublicUrl::parse("http://127.0.0.1:9").expect("a URL");
    let (from, api_url) = (number(&config.number), emulator.url());
    let adapter: Arc<dyn Carrier> = match telephony {
        Twilio => Arc::new(
            twilio::Twilio::new(twilio::TwilioConfig {
                account_sid: config.account_sid,
                auth_token: config.auth_token.into(),
                from,
                public_url,
                api_url,
            })
            .expect("good settings"),
        ),
        Telnyx => Arc::new(
            telnyx::Telnyx::new(telnyx::TelnyxConfig {
                connection_id: config.connection_id,
                api_key: config.telnyx_key.into(),
                from,
                public_url,
                api_url,
            })
            .expect("good settings"),
        ),
    };
    (emulator, adapter)
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).expect("a number")
}

/// Now, by the carrier's clock.
fn now(emulator: &Emulator) -> Millis {
    Millis(u64::try_from(emulator.clock().as_millisecond()).expect("after 1970"))
}

fn order(emulator: &Emulator, session: &str) -> DialOrder {
    DialOrder {
        session: SessionId::parse(session).expect("a session"),
        decided_at: now(emulator),
        to: number(PERSON),
        ring: Duration::from_secs(25),
        longest: Duration::from_mins(55),
    }
}

fn lost(order: &DialOrder) -> LostDial {
    LostDial { session: order.session.clone(), to: order.to.clone(), decided_at: order.decided_at }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_has_a_name_by_which_it_is_found_seen_and_ended(#[values(Twilio, Telnyx)] on: Telephony) {
    let (emulator, carrier) = carrier(on).await;
    let order = order(&emulator, "call-1-1790000000000");
    assert_eq!(carrier.find(&lost(&order)).await, Ok(Vec::new()), "nothing was dialled");
    let call = carrier.dial(order.clone()).await.expect("it is placed");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let found = carrier.find(&lost(&order)).await.expect("it is listed");
    assert_eq!(found.iter().map(|(call, _)| call).collect::<Vec<_>>(), [&call]);
    for progress in [found[0].1, carrier.look_up(&call).await.expect("it is there")] {
        assert!(!matches!(progress, CallProgress::Over(_)), "{progress:?}");
    }
    for _ in 0..2 {
        assert_eq!(carrier.hang_up(&call).await, Ok(()), "ending an ended call succeeds");
    }
    assert!(emulator.calls()[0].state.is_over());
    assert!(matches!(carrier.look_up(&call).await, Ok(CallProgress::Over(_))));
    let nobodys = CarrierCallId("CA00000000000000000000000000000000".to_owned());
    assert_eq!(carrier.hang_up(&nobodys).await, Ok(()), "a call that is gone needs no ending");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_whose_hang_up_is_refused_is_not_given_up_for_hung_up(#[values(Twilio, Telnyx)] on: Telephony) {
    let (emulator, carrier) = carrier(on).await;
    let call = carrier.dial(order(&emulator, "call-1-1790000000000")).await.expect("it is placed");
    for (status, code) in [(400, 20_001), (401, 20_003), (403, 20_006), (409, 20_409), (429, 20_429), (500, 20_500)] {
        emulator.faults().add(Fault::HangUpRefused { status, code }, Times::Once);
        let error = carrier.hang_up(&call).await.expect_err("it fails");
        assert_eq!((error.class, emulator.calls()[0].state.is_over()), (ErrorClass::Unknown, false), "{status}");
    }
    assert_eq!(carrier.hang_up(&call).await, Ok(()));
    assert!(emulator.calls()[0].state.is_over());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_dial_that_failed_says_whether_the_phone_may_ring(#[values(Twilio, Telnyx)] on: Telephony) {
    let refused = |status, code| DialFault::Refused { status, code };
    for (fault, class, code) in [
        (refused(400, 21_215), ErrorClass::Refused, Some("21215")),
        (refused(401, 20_003), ErrorClass::Refused, Some("20003")),
        (refused(429, 20_429), ErrorClass::Busy, Some("20429")),
        (refused(500, 20_500), ErrorClass::Unknown, Some("20500")),
        (DialFault::Closed { placed: true }, ErrorClass::Unknown, None),
        (DialFault::Closed { placed: false }, ErrorClass::Unknown, None),
        (DialFault::Hangs { placed: true }, ErrorClass::Unknown, None),
    ] {
        let (emulator, carrier) = carrier(on).await;
        emulator.faults().add(Fault::Dial(fault), Times::Once);
        let order = order(&emulator, "call-2-1790000000000");
        let error = carrier.dial(order.clone()).await.expect_err("it fails");
        assert_eq!((error.class, error.code.as_deref()), (class, code), "{fault:?}: {error}");
        assert!(!error.to_string().contains(&PERSON[1..]), "{error}");
        let placed = matches!(fault, DialFault::Closed { placed: true } | DialFault::Hangs { placed: true });
        let found = carrier.find(&lost(&order)).await.expect("the carrier answers again");
        assert_eq!((found.len(), emulator.calls().len()), (usize::from(placed), usize::from(placed)), "{fault:?}");
    }
}
