#!/usr/bin/env python3
"""Drives the emulated carrier's calls with the official `telnyx` package: telnyx_check.py URL CONNECTION KEY PUBLIC_KEY NUMBER.

Dials, reads, lists and hangs up a call, lets the package's own verification check every webhook, and checks the codes of
refusals. Exits with 1 and says what differs.
"""

import base64
import signal
import sys

import telnyx

import emulated_telnyx
from emulated_telnyx import Webhooks, check, kinds, refusal, until

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, CONNECTION, KEY, PUBLIC_KEY, NUMBER = sys.argv[1:6]
PERSON = "+393331234567"


def main():
    client = emulated_telnyx.client(URL, KEY, PUBLIC_KEY)
    webhook = f"{emulated_telnyx.listen()}/twiml?s=call-1-7"
    state = base64.b64encode(b"call-1-7").decode()
    good = {
        "connection_id": CONNECTION, "to": PERSON, "from_": NUMBER, "webhook_url": webhook, "timeout_secs": 25,
        "time_limit_secs": 60, "answering_machine_detection": "premium", "client_state": state, "retry_on_timeout": False,
    }

    call = client.calls.dial(**good, command_id="first").data
    check("a new call", (call.record_type, call.is_alive, call.client_state), ("call", False, state))
    again = client.calls.dial(**good, command_id="first").data
    check("the same dial again", again.call_control_id, call.call_control_id)
    until("call.answered", lambda: "call.answered" in kinds())
    until("verdict", lambda: "call.machine.premium.detection.ended" in kinds())
    name = call.call_control_id
    check("a live call", client.calls.retrieve_status(name).data.is_alive, True)
    listed = [(live.call_control_id, live.client_state) for live in client.connections.list_active_calls(CONNECTION)]
    check("live calls", listed, [(name, state)])
    check("hang-up", client.calls.actions.hangup(name).data.result, "ok")
    until("call.hangup", lambda: "call.hangup" in kinds())
    check("an ended call", client.calls.retrieve_status(name).data.is_alive, False)
    check("live calls after it", list(client.connections.list_active_calls(CONNECTION)), [])
    check("events", sorted(kinds()), sorted([
        "call.initiated", "call.answered", "call.machine.premium.detection.ended", "call.hangup"]))
    check("webhooks that were not verified", Webhooks.wrong, [])
    for event in Webhooks.events:
        payload = event.payload
        about = (payload.call_control_id, payload.connection_id, payload.client_state)
        check(f"whose {event.event_type} is", about, (name, CONNECTION, state))
    ended = next(event for event in Webhooks.events if event.event_type == "call.hangup").payload
    check("how it ended", (ended.hangup_cause, ended.hangup_source), ("normal_clearing", "caller"))

    refusal("hang-up of an ended call", 90018, 422, lambda: client.calls.actions.hangup(name))
    refusal("an unknown call", 10005, 404, lambda: client.calls.retrieve_status("v3:none"))
    stranger = telnyx.Telnyx(api_key=KEY + "x", base_url=f"{URL}/v2", max_retries=0)
    refusal("a wrong key", 10009, 401, lambda: stranger.calls.dial(**good))
    for field, value, code, status in [
        ("to", "12345", 10016, 422), ("from_", "12345", 10016, 422), ("webhook_url", "nowhere", 10027, 422),
        ("connection_id", "1", 10027, 422), ("timeout_secs", 1, 10027, 422), ("client_state", "?", 10027, 422),
    ]:
        refusal(f"{field} {value}", code, status, lambda: client.calls.dial(**{**good, field: value}))


main()
