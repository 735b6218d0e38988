"""What the scripts share that drive the emulated carrier with the official `telnyx` package."""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import telnyx


class Webhooks(BaseHTTPRequestHandler):
    """Keeps what the package makes of each event."""

    client = None
    events, wrong = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = dict(self.headers.items())
        try:
            self.events.append(self.client.webhooks.unwrap(body, headers=headers).data)
        except ValueError as error:
            self.wrong.append(str(error))
        for altered in [body + " ", body.replace("data", "date", 1)]:
            try:
                self.client.webhooks.unwrap(altered, headers=headers)
                self.wrong.append("an altered body was taken")
            except ValueError:
                pass
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def until(what, found):
    for _ in range(200):
        if found():
            return
        time.sleep(0.05)
    sys.exit(f"{what}: not within ten seconds")


def refusal(what, code, status, action):
    try:
        action()
    except telnyx.APIStatusError as error:
        check(what, (error.body["errors"][0]["code"], error.status_code), (str(code), status))
        return
    sys.exit(f"{what}: not refused")


def kinds():
    return [event.event_type for event in Webhooks.events]


def client(url, key, public_key):
    """The package, sent to the emulator; it checks webhooks by this key."""
    made = telnyx.Telnyx(api_key=key, public_key=public_key, base_url=f"{url}/v2", max_retries=0)
    Webhooks.client = made
    return made


def listen():
    """Takes webhooks from now on; gives the URL of whoever takes them."""
    hooks = ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{hooks.server_port}"
