#!/usr/bin/env python3
"""Drives the emulated carrier's SMS with the official `telnyx` package:
telnyx_sms_check.py URL CONNECTION KEY PUBLIC_KEY NUMBER PROFILE PERSON.

Sends a text to a person who answers it with "Yes, go on.", and another who wants no more; reads the text back, lets the
package's own verification check every webhook, and checks the codes of refusals. Exits with 1 and says what differs.
"""

import signal
import sys

import telnyx

import emulated_telnyx
from emulated_telnyx import Webhooks, check, kinds, refusal, until

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, CONNECTION, KEY, PUBLIC_KEY, NUMBER, PROFILE, PERSON = sys.argv[1:8]


def main():
    client = emulated_telnyx.client(URL, KEY, PUBLIC_KEY)
    base = emulated_telnyx.listen()
    # What comes in goes to where the latest call's events go.
    client.calls.dial(connection_id=CONNECTION, to=PERSON, from_=NUMBER, webhook_url=f"{base}/twiml")
    until("call.initiated", lambda: "call.initiated" in kinds())
    good = {
        "from_": NUMBER, "to": PERSON, "text": "Shall I?", "type": "SMS", "messaging_profile_id": PROFILE,
        "webhook_url": f"{base}/sms",
    }

    sent = client.messages.send(**good).data
    about = (sent.direction, sent.type, sent.text, sent.messaging_profile_id, sent.from_.phone_number)
    check("a sent text", about, ("outbound", "SMS", "Shall I?", PROFILE, NUMBER))
    check("to whom", [(to.phone_number, to.status) for to in sent.to], [(PERSON, "queued")])
    until("reply", lambda: "message.received" in kinds())
    read = client.messages.retrieve(sent.id).data
    check("a read text", (read.id, [to.status for to in read.to], read.errors), (sent.id, ["delivered"], []))
    texts = {event.event_type: event.payload for event in Webhooks.events if event.event_type.startswith("message.")}
    check("events", sorted(texts), ["message.finalized", "message.received", "message.sent"])
    check("what became of it", (texts["message.finalized"].id, texts["message.finalized"].to[0].status), (sent.id, "delivered"))
    reply = texts["message.received"]
    said = (reply.direction, reply.type, reply.text, reply.from_.phone_number, reply.to[0].phone_number)
    check("the reply", said, ("inbound", "SMS", "Yes, go on.", PERSON, NUMBER))

    client.messages.send(**{**good, "text": "And now?"})
    until("stop", lambda: any(getattr(event.payload, "text", None) == "Stop" for event in Webhooks.events))
    refusal("a text to who wants none", 40300, 400, lambda: client.messages.send(**good))
    check("webhooks that were not verified", Webhooks.wrong, [])

    refusal("an unknown text", 10005, 404, lambda: client.messages.retrieve("00000000-0000-0000-0000-000000000000"))
    stranger = telnyx.Telnyx(api_key=KEY + "x", base_url=f"{URL}/v2", max_retries=0)
    refusal("a wrong key", 10009, 401, lambda: stranger.messages.send(**good))
    for field, value, code, status in [
        ("to", "12345", 40310, 400), ("from_", "+15005550001", 40305, 400), ("text", "", 10027, 422),
        ("text", "x" * 1531, 40302, 400), ("messaging_profile_id", "another", 40312, 400),
    ]:
        refusal(f"{field} {value}", code, status, lambda: client.messages.send(**{**good, field: value}))


main()
