//! What a server can rely on when it uses Conversations.

use axum::http::Method;
use serde_json::{Value, json};

mod desk;
mod faults;
mod phone;
mod sms;

use super::super::*;
use desk::{Desk, PERSON, since, text};

#[tokio::test(start_paused = true)]
async fn a_pair_of_numbers_has_one_open_conversation() {
    let desk = Desk::start().await;
    let (status, made) = desk.post("Conversations", &[("UniqueName", "call-1-7"), ("FriendlyName", "A call")]).await;
    assert_eq!((status, text(&made["state"]), text(&made["unique_name"])), (201, "active", "call-1-7"));
    let first = text(&made["sid"]).to_owned();
    assert!(first.starts_with("CH") && first.len() == 34, "{first}");
    assert_eq!(desk.code("Conversations", &[("UniqueName", "call-1-7")]).await, 50353);
    assert_eq!(desk.code("Conversations", &[("UniqueName", &first)]).await, 50390);
    assert_eq!(desk.code("Conversations", &[("State", "closed")]).await, 50384);
    assert_eq!(desk.get("Conversations/call-1-7").await["sid"], made["sid"], "by its name");
    let participants = "Conversations/call-1-7/Participants";
    let (status, joined) = desk.post(participants, &PERSON).await;
    assert_eq!((status, &joined["messaging_binding"]["type"]), (201, &json!("whatsapp")));
    assert_eq!(desk.get(participants).await["participants"], json!([joined]));
    assert_eq!(desk.code(participants, &PERSON).await, 50433, "in this one");

    let (_, second) = desk.post("Conversations", &[]).await;
    let second = format!("Conversations/{}", text(&second["sid"]));
    let (status, taken) = desk.post(&format!("{second}/Participants"), &PERSON).await;
    assert_eq!((status, &taken["code"]), (409, &json!(50416)));
    assert!(text(&taken["message"]).contains(&first), "{taken}");

    let (status, closed) = desk.post("Conversations/call-1-7", &[("State", "closed")]).await;
    assert_eq!((status, text(&closed["state"])), (200, "closed"));
    for (path, form) in [
        ("", [("State", "active")]),
        ("/Messages", [("Body", "x")]),
        ("/Participants", PERSON[..1].try_into().unwrap()),
    ] {
        assert_eq!(desk.code(&format!("Conversations/{first}{path}"), &form).await, 50377, "{path} of a closed one");
    }
    assert_eq!(desk.post(&format!("{second}/Participants"), &PERSON).await.0, 201, "the pair is free again");
    assert_eq!(desk.ask(Method::DELETE, &second, &[]).await.0, 204);
    assert_eq!(desk.ask(Method::GET, &second, &[]).await.1["code"], 20404);
    assert_eq!(desk.code(&format!("{second}/Messages"), &[("Body", "x")]).await, 20404);
    let left: Vec<_> = desk.emulator.conversations().into_iter().map(|c| (c.sid, c.state, c.participants)).collect();
    assert_eq!(left, [(first, ConversationState::Closed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_participant_is_refused_with_twilios_code_for_what_is_wrong() {
    let desk = Desk::start().await;
    let (_, made) = desk.post("Conversations", &[]).await;
    let path = format!("Conversations/{}/Participants", text(&made["sid"]));
    let (person, sandbox) = ("whatsapp:+393331234567", "whatsapp:+14155238886");
    let cases = [
        ("", sandbox, 50407),
        ("whatsapp:0393331234567", sandbox, 50407),
        ("whatsapp: 393331234567", sandbox, 50407),
        (person, "", 50412),
        (person, "whatsapp:14155238886", 50408),
        (person, "whatsapp:+14155238887", 50408),
        (person, person, 50409),
        (person, "+14155238886", 50414),
        ("+393331234567", sandbox, 50414),
    ];
    for (address, proxy, code) in cases {
        let form = [("MessagingBinding.Address", address), ("MessagingBinding.ProxyAddress", proxy)];
        assert_eq!(desk.code(&path, &form).await, code, "{form:?}");
    }
    let agent = [("Identity", "an agent")];
    assert_eq!((desk.post(&path, &agent).await.0, desk.code(&path, &agent).await), (201, 50433));
}

#[tokio::test(start_paused = true)]
async fn conversations_are_found_by_an_address_whose_plus_is_encoded() {
    let desk = Desk::start().await;
    for n in 0..3 {
        let path = desk.conversation().await;
        if n < 2 {
            desk.post(&path, &[("State", "closed")]).await;
        }
    }
    let found = desk.get("ParticipantConversations?Address=whatsapp%3A%2B393331234567").await;
    let states: Vec<_> =
        found["conversations"].as_array().unwrap().iter().map(|c| text(&c["conversation_state"])).collect();
    assert_eq!(states, ["closed", "closed", "active"]);
    let binding = &found["conversations"][2]["participant_messaging_binding"];
    assert_eq!(text(&binding["proxy_address"]), "whatsapp:+14155238886");
    let lost = desk.get("ParticipantConversations?Address=whatsapp:+393331234567").await;
    assert_eq!(lost["conversations"], json!([]), "a bare plus is a space");

    let mut url = "ParticipantConversations?Address=whatsapp%3A%2B393331234567&PageSize=2".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = desk.get(&url).await;
        sizes.push(page[text(&page["meta"]["key"])].as_array().unwrap().len());
        let Some(next) = page["meta"]["next_page_url"].as_str() else { break };
        next.strip_prefix(&format!("{}/v1/", desk.emulator.url())).unwrap().clone_into(&mut url);
    }
    assert_eq!(sizes, [2, 1]);
}

#[tokio::test(start_paused = true)]
async fn messages_are_listed_either_way_with_what_was_sent_along() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    let attributes = r#"{"turn":"call-1-7.1"}"#;
    let (_, sent) = desk.post(&format!("{path}/Messages"), &[("Body", "Shall I?"), ("Attributes", attributes)]).await;
    assert_eq!((text(&sent["author"]), &sent["index"], &sent["delivery"]), ("system", &json!(0), &Value::Null));
    let template = EmulatorConfig::default().template_sid;
    let form = [("ContentSid", template.as_str()), ("ContentVariables", r#"{"1":"Shall I?"}"#), ("Author", "callme")];
    desk.post(&format!("{path}/Messages"), &form).await;
    desk.emulator.chat().write("Yes").await;
    let list = desk.get(&format!("{path}/Messages?Order=desc&PageSize=2")).await;
    let seen: Vec<_> = list["messages"].as_array().unwrap().iter().map(|m| (text(&m["author"]), &m["body"])).collect();
    assert_eq!(seen, [("whatsapp:+393331234567", &json!("Yes")), ("callme", &Value::Null)]);
    assert_eq!(list["messages"][1]["content_sid"], json!(template));
    assert!(list["meta"]["next_page_url"].is_string());
    let first = &desk.get(&format!("{path}/Messages")).await["messages"][0];
    assert_eq!((&first["sid"], text(&first["attributes"])), (&sent["sid"], attributes));
    let read = desk.get(&format!("{path}/Messages/{}", text(&sent["sid"]))).await;
    assert_eq!((&read["sid"], &read["index"]), (&sent["sid"], &json!(0)));
    assert_eq!(desk.code(&format!("{path}/Messages"), &[("Body", "x"), ("Attributes", "{")]).await, 20001);
    let unknown = desk.ask(Method::GET, &format!("{path}/Messages/IM0/Receipts"), &[]).await;
    assert_eq!((unknown.0, &unknown.1["code"]), (404, &json!(20404)));
}

#[tokio::test(start_paused = true)]
async fn receipts_come_by_webhook_and_can_be_asked_for() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    let began = desk.emulator.phone().now();
    let message = desk.send(&path, "Shall I?").await;
    assert_eq!(desk.receipt(&message).await, (Value::Null, Value::Null), "there is none yet");
    let arrived = desk.wait(|what| matches!(what, What::TextArrived { text: 1, words } if words == "Shall I?")).await;
    assert_eq!(since(began, arrived), 1);
    assert_eq!(desk.receipt(&message).await, (json!("delivered"), json!(0)));
    let read = desk.wait(|what| matches!(what, What::TextRead { text: 1 })).await;
    assert_eq!(since(arrived, read), 2);
    let summary = desk.get(&message).await["delivery"].clone();
    assert_eq!((&summary["total"], &summary["read"], &summary["failed"]), (&json!(1), &json!("all"), &json!("none")));
    desk.told(TextWebhook::Delivery, 3).await;
    assert_eq!(desk.each(TextWebhook::Delivery, "Status"), ["sent", "delivered", "read"]);
    let shown = desk.emulator.chat().shown().remove(0);
    let receipt = desk.get(&format!("{message}/Receipts")).await["delivery_receipts"][0].clone();
    for form in desk.hooks(TextWebhook::Delivery) {
        let field = |name| form::field(&form, name);
        assert_eq!(field("MessageSid"), message.rsplit('/').next());
        assert_eq!(field("ChannelMessageSid"), Some(shown.channel_sid.as_str()));
        assert_eq!(field("DeliveryReceiptSid"), receipt["sid"].as_str());
        assert_eq!(field("ConversationSid"), path.rsplit('/').next());
        assert_eq!(field("AccountSid"), Some(EmulatorConfig::default().account_sid.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn webhooks_about_the_servers_own_texts_come_as_the_rules_say() {
    use ReceiptWebhooks::{Always, IfAsked, Never};
    for (receipts, echoes, asks, told, echoed) in [
        (Always, false, false, 3, 0),
        (IfAsked, false, false, 0, 0),
        (IfAsked, false, true, 3, 1),
        (Never, true, false, 0, 1),
    ] {
        let desk = Desk::ruled(TextRules { receipts, echoes, ..TextRules::default() }).await;
        let path = desk.conversation().await;
        let mut request = desk.request(Method::POST, &format!("{path}/Messages"), &[("Body", "Shall I?")]);
        if asks {
            request = request.header("X-Twilio-Webhook-Enabled", "true");
        }
        assert_eq!(request.send().await.unwrap().status(), 201);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let case = format!("{receipts:?}, echoes: {echoes}, asks: {asks}");
        assert_eq!(desk.hooks(TextWebhook::Delivery).len(), told, "{case}");
        assert_eq!(desk.each(TextWebhook::Added, "Source"), vec!["API"; echoed], "{case}");
        assert_eq!(desk.each(TextWebhook::Added, "Author"), vec!["system"; echoed], "{case}");
        let message = format!("{path}/Messages/{}", desk.emulator.chat().shown()[0].sid);
        assert_eq!(desk.receipt(&message).await.0, "read", "{case}: whoever asks is told");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_reach_the_phone_is_refused_or_has_a_receipt_that_says_so() {
    /// A name, what is done with the phone, whether a template is sent, and how that fails.
    type Case = (&'static str, fn(&Chat), bool, Option<(u64, &'static str)>);
    let cases: [Case; 8] = [
        ("nothing", |_| {}, false, None),
        ("left", |chat| chat.leaves(), true, Some((63015, "failed"))),
        (
            "left and joined",
            |chat| {
                chat.leaves();
                chat.joins();
            },
            false,
            None,
        ),
        ("blocked", |chat| chat.blocks(true), true, Some((63014, "undelivered"))),
        (
            "no longer blocked",
            |chat| {
                chat.blocks(true);
                chat.blocks(false);
            },
            false,
            None,
        ),
        ("window closed", |chat| chat.closes_window(), false, Some((63016, "undelivered"))),
        ("window closed, template", |chat| chat.closes_window(), true, None),
        (
            "window opened again",
            |chat| {
                chat.closes_window();
                chat.opens_window();
            },
            false,
            None,
        ),
    ];
    for failing in [Failing::ByReceipt, Failing::AtOnce] {
        for (name, condition, is_template, want) in cases {
            let desk = Desk::ruled(TextRules { failing, ..TextRules::default() }).await;
            let path = desk.conversation().await;
            condition(&desk.emulator.chat());
            let template = EmulatorConfig::default().template_sid;
            let form = [("ContentSid", template.as_str()), ("ContentVariables", r#"{"1":"Shall I?"}"#)];
            let body = [("Body", "Shall I?")];
            let form: &[_] = if is_template { &form } else { &body };
            let (status, sent) = desk.post(&format!("{path}/Messages"), form).await;
            if let (Failing::AtOnce, Some((code, _))) = (failing, want) {
                assert_eq!((status, sent["code"].as_u64()), (400, Some(code)), "{name}");
                assert_eq!(desk.emulator.conversations()[0].messages, 0, "{name}");
                continue;
            }
            assert_eq!(status, 201, "{name}: {sent}");
            tokio::time::sleep(Duration::from_mins(1)).await;
            let receipt = desk.receipt(&format!("{path}/Messages/{}", text(&sent["sid"]))).await;
            let shown = desk.emulator.chat().shown().remove(0);
            let told = desk.each(TextWebhook::Delivery, "ErrorCode").pop();
            match want {
                None => assert_eq!((receipt.0, shown.state), (json!("read"), TextState::Read), "{name}"),
                Some((code, word)) => {
                    assert_eq!(receipt, (json!(word), json!(code)), "{name}");
                    assert_eq!((told, shown.arrived), (Some(code.to_string()), None), "{name}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_opted_out_at_the_carrier_cannot_be_sent_to() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    desk.emulator.chat().opts_out(true);
    assert_eq!(desk.code(&format!("{path}/Messages"), &[("Body", "x")]).await, 21610);
    desk.emulator.chat().opts_out(false);
    desk.send(&path, "x").await;
}

#[tokio::test(start_paused = true)]
async fn only_the_account_is_let_in() {
    let desk = Desk::start().await;
    let url = format!("{}/v1/Conversations", desk.emulator.url());
    let EmulatorConfig { account_sid, auth_token, .. } = EmulatorConfig::default();
    for request in [
        desk.http.post(&url),
        desk.http.post(&url).basic_auth(&account_sid, Some("other")),
        desk.http.post(&url).basic_auth("AC0", Some(&auth_token)),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.json::<Value>().await.unwrap()["code"], 20003);
    }
    assert!(desk.emulator.conversations().is_empty());
}
