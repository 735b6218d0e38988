#!/usr/bin/env python3
"""Drives the emulated carrier's Conversations with the official `twilio` package:
twilio_text_check.py URL ACCOUNT TOKEN NUMBER WHATSAPP PERSON TEMPLATE.

Makes a conversation with a person who answers the first text with "Yes, go on.", reads it back, closes and deletes it, lets
the package's own validator check every webhook's signature, and checks the codes of refusals. Exits with 1 and says what
differs.
"""

import json
import signal
import sys
from datetime import datetime

import emulated
from emulated import Webhooks, check, refusal, until

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, ACCOUNT, TOKEN, NUMBER, WHATSAPP, PERSON, TEMPLATE = sys.argv[1:8]
PAIR = {
    "messaging_binding_address": f"whatsapp:{PERSON}",
    "messaging_binding_proxy_address": f"whatsapp:{WHATSAPP}",
}


def webhooks(event):
    return [form for form in Webhooks.forms if form.get("EventType") == event]


def main():
    base = emulated.listen(TOKEN)
    client = emulated.client(URL, ACCOUNT, TOKEN)
    # Webhooks about texts go to where the latest call's instructions are.
    client.calls.create(to=PERSON, from_=NUMBER, url=f"{base}/twiml")
    conversations = client.conversations.v1.conversations

    made = conversations.create(unique_name="call-1-7", friendly_name="A call")
    check("a new conversation", (made.state, made.unique_name, made.account_sid), ("active", "call-1-7", ACCOUNT))
    check("type of its date", type(made.date_created), datetime)
    check("by its name", conversations("call-1-7").fetch().sid, made.sid)
    refusal("a name that is taken", 50353, 409, lambda: conversations.create(unique_name="call-1-7"))
    here = conversations(made.sid)

    person = here.participants.create(**PAIR)
    check("a participant", person.messaging_binding["address"], PAIR["messaging_binding_address"])
    check("listed participants", [p.sid for p in here.participants.list()], [person.sid])
    refusal("the same participant", 50433, 409, lambda: here.participants.create(**PAIR))
    second = conversations(conversations.create().sid)
    sentence = refusal("a pair that is taken", 50416, 409, lambda: second.participants.create(**PAIR))
    check("the conversation that has it", made.sid in sentence, True)
    other = {**PAIR, "messaging_binding_proxy_address": "whatsapp:+14155238887"}
    refusal("a number that is not ours", 50408, 400, lambda: second.participants.create(**other))
    check("deleted", second.delete(), True)
    refusal("a deleted conversation", 20404, 404, second.fetch)
    found = client.conversations.v1.participant_conversations.list(address=PAIR["messaging_binding_address"])
    check("found by address", [(c.conversation_sid, c.conversation_state) for c in found], [(made.sid, "active")])

    attributes = json.dumps({"turn": "call-1-7.1"})
    sent = here.messages.create(body="Shall I?", attributes=attributes, x_twilio_webhook_enabled="true")
    check("a sent message", (sent.index, sent.author, sent.body, sent.attributes), (0, "system", "Shall I?", attributes))
    until("reply", lambda: any(form.get("Body") == "Yes, go on." for form in webhooks("onMessageAdded")))
    echo, reply = webhooks("onMessageAdded")
    check("the echo", (echo["Source"], echo["MessageSid"]), ("API", sent.sid))
    check("the reply's author", (reply["Author"], reply["ParticipantSid"]), (f"whatsapp:{PERSON}", person.sid))
    receipts = here.messages(sent.sid).delivery_receipts
    until("read", lambda: [receipt.status for receipt in receipts.list()] == ["read"])
    until("receipts", lambda: len(webhooks("onDeliveryUpdated")) == 3)
    # They may overtake each other.
    check("statuses", {f["Status"] for f in webhooks("onDeliveryUpdated")}, {"sent", "delivered", "read"})
    check("summary", here.messages(sent.sid).fetch().delivery["read"], "all")
    newest = [(message.body, message.author) for message in here.messages.list(order="desc", page_size=1)]
    check("messages page by page", newest, [("Yes, go on.", f"whatsapp:{PERSON}"), ("Shall I?", "system")])

    by_template = here.messages.create(content_sid=TEMPLATE, content_variables=json.dumps({"1": "Shall I?"}))
    check("a template", (by_template.content_sid, by_template.body), (TEMPLATE, None))
    for what, code, fields in [
        ("unknown template", 92006, {"content_sid": "HX" + "0" * 32}),
        ("variables", 21656, {"content_sid": TEMPLATE, "content_variables": "{}"}),
        ("long body", 21617, {"body": "x" * 1601}),
    ]:
        refusal(what, code, 400, lambda: here.messages.create(**fields))
    stranger = emulated.client(URL, ACCOUNT, TOKEN + "x").conversations.v1.conversations
    refusal("wrong token", 20003, 401, lambda: stranger.create())

    check("closed", here.update(state="closed").state, "closed")
    refusal("message to a closed one", 50377, 400, lambda: here.messages.create(body="x"))
    check("deleted in the end", here.delete(), True)
    check("webhooks with a wrong signature", Webhooks.wrong, [])
    check("where texts go", {form["path"] for form in Webhooks.forms if "EventType" in form}, {"/whatsapp"})
    print("twilio: the emulator behaves with texts, too")


main()
