#!/usr/bin/env python3
"""Drives the emulated carrier's SMS with the official `twilio` package: twilio_sms_check.py URL ACCOUNT TOKEN NUMBER PERSON.

Sends a text to a person who answers it with "Yes, go on.", and another who wants no more; reads and lists the texts, lets the
package's own validator check every webhook's signature, and checks the codes of refusals. Exits with 1 and says what differs.
"""

import signal
import sys
from datetime import datetime

import emulated
from emulated import Webhooks, check, refusal, until

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, ACCOUNT, TOKEN, NUMBER, PERSON = sys.argv[1:6]


def main():
    base = emulated.listen(TOKEN)
    client = emulated.client(URL, ACCOUNT, TOKEN)
    client.incoming_phone_numbers.list(phone_number=NUMBER)[0].update(sms_url=f"{base}/sms")
    good = {"to": PERSON, "from_": NUMBER, "body": "Shall I? È ora.", "status_callback": f"{base}/status"}

    sent = client.messages.create(**good)
    about = (sent.status, sent.direction, sent.from_, sent.to, sent.body, sent.error_code)
    check("a sent text", about, ("queued", "outbound-api", NUMBER, PERSON, "Shall I? È ora.", None))
    check("type of its date", type(sent.date_created), datetime)
    until("reply", lambda: any(form.get("Body") == "Yes, go on." for form in Webhooks.forms))
    check("a read text", client.messages(sent.sid).fetch().status, "delivered")
    reply = next(form for form in Webhooks.forms if "Body" in form)
    check("the reply", (reply["From"], reply["To"], reply["SmsStatus"], reply["path"]), (PERSON, NUMBER, "received", "/sms"))
    until("statuses", lambda: sum(form["path"] == "/status" for form in Webhooks.forms) == 2)
    told = [(form["MessageSid"], form["MessageStatus"]) for form in Webhooks.forms if form["path"] == "/status"]
    # They may overtake each other.
    check("statuses", sorted(told), [(sent.sid, "delivered"), (sent.sid, "sent")])

    listed = client.messages.list(to=NUMBER, from_=PERSON)
    check("listed by numbers", [(m.sid, m.direction, m.body) for m in listed], [(reply["MessageSid"], "inbound", "Yes, go on.")])
    newest = [m.sid for m in client.messages.list(page_size=1)]
    check("texts page by page", newest, [reply["MessageSid"], sent.sid])

    client.messages.create(**{**good, "body": "And now?"})
    until("stop", lambda: any(form.get("Body") == "Stop" for form in Webhooks.forms))
    refusal("a text to who wants none", 21610, 400, lambda: client.messages.create(**good))
    check("webhooks with a wrong signature", Webhooks.wrong, [])

    refusal("an unknown text", 20404, 404, lambda: client.messages("SM" + "0" * 32).fetch())
    stranger = emulated.client(URL, ACCOUNT, TOKEN + "x")
    refusal("wrong token", 20003, 401, lambda: stranger.messages.create(**good))
    for field, value, code in [
        ("to", "12345", 21211), ("from_", "+15005550001", 21659), ("body", "", 21602), ("body", "x" * 1601, 21617),
        ("to", NUMBER, 21266), ("status_callback", "nowhere", 21609),
    ]:
        refusal(f"{field} {value}", code, 400, lambda: client.messages.create(**{**good, field: value}))
    print("twilio: the emulator behaves with SMS, too")


main()
