"""What the scripts share that drive the emulated carrier with the official `twilio` package."""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

HOSTS = ["https://api.twilio.com", "https://conversations.twilio.com"]


class Redirected(TwilioHttpClient):
    """Sends what is meant for Twilio to the emulator."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def request(self, method, url, *args, **kwargs):
        for host in HOSTS:
            url = url.replace(host, self.url)
        return super().request(method, url, *args, **kwargs)


def client(url, account, token):
    return Client(account, token, http_client=Redirected(url))


class Webhooks(BaseHTTPRequestHandler):
    """Answers with a pause, and keeps what the validator thinks of each request."""

    token = None
    forms, wrong = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        url = f"http://{self.headers['Host']}{self.path}"
        if not RequestValidator(self.token).validate(url, form, self.headers["X-Twilio-Signature"]):
            self.wrong.append(self.path)
        self.forms.append({**form, "path": self.path})
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


def listen(token):
    """Takes webhooks from now on; gives the URL of whoever takes them."""
    Webhooks.token = token
    hooks = ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{hooks.server_port}"


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def refusal(what, code, status, action):
    """The sentence that an action is refused with."""
    try:
        action()
    except TwilioRestException as error:
        check(what, (error.code, error.status), (code, status))
        return error.msg
    sys.exit(f"{what}: not refused")


def until(what, found):
    for _ in range(200):
        if found():
            return
        time.sleep(0.05)
    sys.exit(f"{what}: not within ten seconds")
