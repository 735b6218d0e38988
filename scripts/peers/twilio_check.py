#!/usr/bin/env python3
"""Drives the emulated carrier's calls with the official `twilio` package: twilio_check.py URL ACCOUNT TOKEN NUMBER.

Dials, reads, lists and hangs up a call, lets the package's own validator check every webhook's signature, and checks the
codes of refusals. Exits with 1 and says what differs.
"""

import signal
import sys
from datetime import datetime, timedelta, timezone

import emulated
from emulated import Webhooks, check, refusal, until

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, ACCOUNT, TOKEN, NUMBER = sys.argv[1:5]
PERSON = "+393331234567"


def main():
    base = emulated.listen(TOKEN)
    client = emulated.client(URL, ACCOUNT, TOKEN)
    events = ["initiated", "ringing", "answered", "completed"]
    good = {"to": PERSON, "from_": NUMBER, "url": f"{base}/twiml?s=call-1%20x"}

    began = datetime.now(timezone.utc) - timedelta(minutes=1)
    call = client.calls.create(
        **good, status_callback=f"{base}/status", status_callback_event=events, timeout=25, time_limit=60,
        machine_detection="Enable", async_amd="true", async_amd_status_callback=f"{base}/amd")
    check("status of a new call", (call.status, call.direction, call.to), ("queued", "outbound-api", PERSON))
    check("type of the date of a new call", type(call.date_created), datetime)
    until("answer", lambda: client.calls(call.sid).fetch().status == "in-progress")
    until("verdict", lambda: client.calls(call.sid).fetch().answered_by == "human")
    listed = client.calls.list(to=PERSON, status="in-progress", start_time_after=began)
    check("listed calls", [c.sid for c in listed], [call.sid])
    check("calls of tomorrow", client.calls.list(start_time_after=began + timedelta(days=1)), [])
    check("status after hang-up", client.calls(call.sid).update(status="completed").status, "completed")
    until("completed callback", lambda: any("CallDuration" in form for form in Webhooks.forms))
    ended = client.calls(call.sid).fetch()
    check("ended call", (ended.status, ended.end_time is not None), ("completed", True))
    states = [form["CallStatus"] for form in Webhooks.forms if "SequenceNumber" in form]
    check("status callbacks", sorted(states), sorted(["initiated", "ringing", "in-progress", "completed"]))
    check("webhooks with a wrong signature", Webhooks.wrong, [])

    second = client.calls.create(**good)
    third = client.calls.create(**good)
    newest = [c.sid for c in client.calls.list(page_size=1)]
    check("calls page by page", newest, [third.sid, second.sid, call.sid])
    check("status after cancelling", client.calls(third.sid).update(status="canceled").status, "canceled")
    client.calls(second.sid).update(status="completed")

    refusal("hang-up of an ended call", 21220, 400, lambda: client.calls(call.sid).update(status="completed"))
    refusal("unknown call", 20404, 404, lambda: client.calls("CA" + "0" * 32).fetch())
    stranger = emulated.client(URL, ACCOUNT, TOKEN + "x")
    refusal("wrong token", 20003, 401, lambda: stranger.calls.create(**good))
    for field, value, code in [
        ("to", "12345", 21211), ("from_", "12345", 21212), ("url", "nowhere", 21205), ("status_callback_event", ["no-answer"], 21626),
    ]:
        refusal(f"{field} {value}", code, 400, lambda: client.calls.create(**{**good, field: value}))
    print("twilio: the emulator behaves")


main()
