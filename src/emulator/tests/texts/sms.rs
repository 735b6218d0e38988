//! What a server can rely on when it sends and gets SMS; the official packages see to the rest.

use axum::http::StatusCode;

use super::desk::{Desk, PUBLIC};
use crate::emulator::*;

impl Desk {
    /// Sends an SMS to the person.
    async fn text(&self, body: &str) -> StatusCode {
        let EmulatorConfig { account_sid, auth_token, number, person, .. } = EmulatorConfig::default();
        let url = format!("{}/2010-04-01/Accounts/{account_sid}/Messages.json", self.emulator.url());
        let callback = format!("{PUBLIC}/sms");
        let form = [("To", person.as_str()), ("From", &number), ("Body", body), ("StatusCallback", &callback)];
        let request = self.http.post(url).basic_auth(&account_sid, Some(auth_token)).form(&form);
        request.send().await.unwrap().status()
    }

    fn violations(&self) -> usize {
        self.emulator.timeline().violations().len()
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_go_to_the_person_as_an_answer_is_a_violation_and_a_receipt_takes_any() {
    let desk = Desk::start().await;
    assert_eq!(desk.text("Shall I?").await, StatusCode::CREATED);
    desk.told(TextWebhook::SmsDelivery, 2).await;
    assert_eq!(desk.violations(), 0);
    // This server says nothing at all, which is no document.
    assert_eq!(desk.emulator.sms().write("Yes.").await.answers, [Some(200)]);
    assert_eq!(desk.violations(), 1, "{}", desk.emulator.timeline());
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_goes_where_the_console_says_and_else_beside_what_comes_on_whatsapp() {
    let desk = Desk::start().await;
    desk.emulator.sms().write("Here.").await;
    desk.emulator.change_console(|console| console.sms_url = "http://127.0.0.1:1/nowhere".to_owned());
    assert_eq!(desk.emulator.sms().write("There.").await.answers, [None]);
    let words: Vec<_> = desk.emulator.sms().shown().into_iter().map(|shown| shown.words).collect();
    assert_eq!(words, ["Here.", "There."]);
    assert_eq!(desk.emulator.chat().shown(), [], "WhatsApp shows none of it");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_cannot_send_sends_nothing() {
    for change in [|console: &mut Console| console.sms = false, |console: &mut Console| console.has_number = false] {
        let desk = Desk::start().await;
        desk.emulator.change_console(change);
        assert_eq!(desk.text("Shall I?").await, StatusCode::BAD_REQUEST);
        assert_eq!(desk.emulator.sms().shown(), []);
    }
}
