#!/usr/bin/env python3
"""Drives the emulated carrier with the official `twilio` package: twilio_check.py URL ACCOUNT TOKEN NUMBER.

Dials, reads, lists and hangs up a call, lets the package's own validator check every webhook's signature, and checks the
codes of refusals. Exits with 1 and says what differs.
"""

import signal
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, ACCOUNT, TOKEN, NUMBER = sys.argv[1:5]
PERSON = "+393331234567"


class Redirected(TwilioHttpClient):
    """Sends what is meant for Twilio to the emulator."""

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", URL), *args, **kwargs)


class Webhooks(BaseHTTPRequestHandler):
    """Answers with a pause, and keeps what the validator thinks of each request."""

    forms, wrong = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        url = f"http://{self.headers['Host']}{self.path}"
        if not RequestValidator(TOKEN).validate(url, form, self.headers["X-Twilio-Signature"]):
            self.wrong.append(self.path)
        self.forms.append(form)
        answer = VoiceResponse()
        answer.pause(length=30)
        answer = str(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def refusal(what, code, status, action):
    try:
        action()
    except TwilioRestException as error:
        check(what, (error.code, error.status), (code, status))
    else:
        sys.exit(f"{what}: not refused")


def until(what, found):
    for _ in range(200):
        if found():
            return
        time.sleep(0.05)
    sys.exit(f"{what}: not within ten seconds")


def main():
    hooks = ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{hooks.server_port}"
    client = Client(ACCOUNT, TOKEN, http_client=Redirected())
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
    stranger = Client(ACCOUNT, TOKEN + "x", http_client=Redirected())
    refusal("wrong token", 20003, 401, lambda: stranger.calls.create(**good))
    for field, value, code in [
        ("to", "12345", 21211), ("from_", "12345", 21212), ("url", "nowhere", 21205), ("status_callback_event", ["no-answer"], 21626),
    ]:
        refusal(f"{field} {value}", code, 400, lambda: client.calls.create(**{**good, field: value}))
    print("twilio: the emulator behaves")


main()
