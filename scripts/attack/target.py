"""A server with a carrier, a person and two sessions, and what must stay as it is whatever strangers try."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import tempfile
import time
from urllib.parse import quote, unquote_to_bytes, urlencode

from wire import Connection, ask, http

KEY = "a-key-for-the-attack-0123456789"
METRICS_TOKEN = "a-token-for-the-scraper-9876543"
QUESTION = "Shall I restart the xylophone turbine?"
WRITTEN = "May the marmalade zeppelin depart?"
REPLY = "Certainly, but fasten the kaleidoscope."

# Where the carrier comes from.
CARRIER = "127.0.0.1"

# Beyond what it needs with two sessions: thousands of connections have their price, and it has to be a bounded one.
MOST_MEMORY_MB = 256


def free_port():
    """A port below those that the system gives to outgoing connections: thousands of these are made, and linger."""
    while True:
        port = random.randrange(15_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


class Target:
    def __init__(self, binary, emulator, long=False, **settings):
        """Starts both. `settings` are variables of the server's that shall have other values."""
        self.long = long
        self.emulator = subprocess.Popen([emulator], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.settings = {}
        while line := self.emulator.stdout.readline().strip():
            name, _, value = line.partition("=")
            self.settings[name] = value
        self.port = free_port()
        self.public = f"http://127.0.0.1:{self.port}"
        self.account = self.settings["CALLME_PHONE_ACCOUNT_SID"]
        self.token = self.settings["CALLME_PHONE_AUTH_TOKEN"]
        self.person = self.settings["CALLME_USER_PHONE_NUMBER"]
        self.log_file = tempfile.NamedTemporaryFile(prefix="attack-", suffix=".log")
        self.folder = tempfile.TemporaryDirectory(prefix="attack-")
        environment = self.settings | {
            "PORT": str(self.port),
            "CALLME_PUBLIC_URL": self.public,
            "CALLME_API_KEY": KEY,
            "CALLME_METRICS_TOKEN": METRICS_TOKEN,
            "CALLME_DATA_DIR": self.folder.name,
            "CALLME_LOG": "trace" if long else "info",
            **settings,
        }
        self.server = subprocess.Popen(
            [pathlib.Path(binary).resolve(), "serve"],
            cwd=self.folder.name,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log_file,
            stderr=subprocess.STDOUT,
        )
        self.numbers = [self.settings[name][3:] for name in self.settings if name.endswith("PHONE_NUMBER")]
        self.secrets = [KEY, METRICS_TOKEN, self.token, self.settings["CALLME_OPENAI_API_KEY"]]
        self.words = [word for text in (QUESTION, WRITTEN, REPLY) for word in re.findall(r"\w{7,}", text.lower())]
        self.read = 0
        self.waiting = []

    # Asking as the agent and as the carrier.

    async def agent(self, method, path, body=None, patience=60):
        body = b"" if body is None else json.dumps(body).encode()
        headers = [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")]
        answer = await ask(self.port, http(method, path, headers, body), CARRIER, patience)
        return answer.status, json.loads(answer.body or b"null")

    def sign(self, path, fields, port=True, token=None):
        url = (self.public if port else "http://127.0.0.1") + path
        text = url + "".join(name + value for name, value in sorted(set(fields)))
        mac = hmac.new((self.token if token is None else token).encode(), text.encode(), hashlib.sha1)
        return base64.b64encode(mac.digest()).decode()

    def webhook(self, path, fields, signature=None):
        """A request as the carrier sends it; other signature headers where they are given as a list."""
        signatures = [self.sign(path, fields)] if signature is None else signature
        headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
        headers += [("x-twilio-signature", value) for value in signatures]
        return http("POST", path, headers, urlencode(fields, quote_via=quote).encode())

    def message(self, conversation, number, words, author=None, account=None):
        """The fields of a message in a conversation."""
        return [
            ("EventType", "onMessageAdded"),
            ("AccountSid", account or self.account),
            ("ConversationSid", conversation),
            ("MessageSid", f"IM{number:032x}"),
            ("Index", str(number)),
            ("DateCreated", "2026-11-21T10:00:00.000Z"),
            ("Body", words),
            ("Author", author or f"whatsapp:{self.person}"),
            ("Source", "WHATSAPP"),
        ]

    async def carrier(self, path):
        """A resource of the emulated carrier."""
        login = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        port = int(self.settings["CALLME_TWILIO_API_URL"].rpartition(":")[2])
        answer = await ask(port, http("GET", path, [("authorization", f"Basic {login}")]), CARRIER)
        return json.loads(answer.body)

    # The two sessions.

    async def begin(self):
        """A call in which the person is listened to, and a message that waits for its reply."""
        for _ in range(500):
            try:
                (await Connection.open(self.port, CARRIER)).close()
                break
            except OSError:
                await asyncio.sleep(0.02)
        else:
            raise SystemExit(f"the server did not start; it says:\n{self.log()}")
        for path, text in (("/api/call", QUESTION), ("/api/message", WRITTEN)):
            self.waiting.append(asyncio.create_task(self.agent("POST", path, {"message": text}, 300)))
            # One by one, so that it is known which is which.
            await self.until(lambda: self.sessions(len(self.waiting)))
        await self.until(self.settled)
        calls = (await self.carrier(f"/2010-04-01/Accounts/{self.account}/Calls.json"))["calls"]
        self.call_sid = calls[0]["sid"]
        _, written = await self.agent("GET", f"/api/call/{self.message_id}")
        self.conversation = written["conversationSid"]
        self.before = await self.state()

    async def sessions(self, count):
        _, history = await self.agent("GET", "/api/history")
        ids = [conversation["id"] for conversation in reversed(history["conversations"])]
        if len(ids) == count:
            self.call_id, self.message_id = (ids + [None])[:2]
        return len(ids) == count

    async def settled(self):
        _, call = await self.agent("GET", f"/api/call/{self.call_id}")
        _, written = await self.agent("GET", f"/api/call/{self.message_id}")
        heard = call["outcome"]["messageHeard"] == "full" and call["outcome"]["answeredBy"] == "human"
        return heard and written.get("conversationSid") and written["waiting"]

    async def until(self, holds, patience=20):
        ends = time.monotonic() + patience
        while not await holds():
            if time.monotonic() > ends:
                raise SystemExit(f"the sessions do not come about; the log:\n{self.log()}")
            await asyncio.sleep(0.05)

    async def state(self):
        """Everything that a stranger might change."""
        _, history = await self.agent("GET", "/api/history")
        looks = [(await self.agent("GET", f"/api/call/{id}"))[1] for id in (self.call_id, self.message_id)]
        for look in looks:
            look.pop("durationSeconds")
        calls = await self.carrier(f"/2010-04-01/Accounts/{self.account}/Calls.json")
        texts = await self.carrier(f"/v1/Conversations/{self.conversation}/Messages")
        placed = [(call["sid"], call["status"]) for call in calls["calls"]]
        lines = [conversation["messages"] for conversation in history["conversations"]]
        return {
            "how many sessions there are": history["total"],
            "what was said": lines,
            "the call": looks[0],
            "the conversation": looks[1],
            "what the carrier has of calls": placed,
            "how many texts there are": len(texts["messages"]),
        }

    async def reconnects(self):
        """How often a call's media came back."""
        answer = await ask(self.port, http("GET", "/metrics", [("authorization", f"Bearer {METRICS_TOKEN}")]), CARRIER)
        return int(re.search(r"^callme_media_reconnects_total (\d+)", answer.text, re.MULTILINE)[1])

    # What must hold during and after each attack.

    async def answers_the_carrier(self, attempt, when):
        """News of the call, which are no news, signed and soon answered."""
        fields = {
            "CallSid": self.call_sid,
            "AccountSid": self.account,
            "CallStatus": "ringing",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": "0",
        }
        began = time.monotonic()
        answer = await ask(self.port, self.webhook("/twiml", list(fields.items())), CARRIER)
        took = time.monotonic() - began
        if answer.status != 204 or took > 2:
            attempt.fault(f"a signed webhook {when}: {answer.status or 'no answer'} after {took:.1f} s")

    async def check(self, attempt):
        began = time.monotonic()
        answer = await ask(self.port, http("GET", "/health"), CARRIER)
        took = time.monotonic() - began
        if answer.status != 200 or took > 2:
            attempt.fault(f"/health: {answer.status or 'no answer'} after {took:.1f} s")
        await self.answers_the_carrier(attempt, "afterwards")
        if self.server.poll() is not None:
            attempt.fault(f"the server has ended with {self.server.returncode}")
            return
        memory = self.memory()
        if memory > MOST_MEMORY_MB:
            attempt.fault(f"{memory:.0f} MB of memory")
        for found in self.leaks(self.log()):
            attempt.fault(f"the log has {found}")
        if answer.status == 200 and (now := await self.state()) != self.before:
            changed = [(name, now[name], was) for name, was in self.before.items() if now[name] != was]
            for name, is_now, was in changed:
                attempt.fault(f"{name} changed: {is_now!r}, was {was!r}")
            # Each attack answers for what it did itself.
            self.before = now

    def memory(self):
        """The resident memory, in megabytes."""
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def log(self):
        """What was written since this was asked last."""
        written = pathlib.Path(self.log_file.name).read_bytes()[self.read :]
        self.read += len(written)
        return written.decode(errors="replace")

    def lines(self, of):
        """How many lines with this were written in all."""
        return len(re.findall(of, pathlib.Path(self.log_file.name).read_bytes()))

    def leaks(self, text, words=True):
        """What must not have been written, in whichever usual way it was."""
        for line in text.splitlines():
            plain = unquote_to_bytes(line).decode(errors="replace")
            digits = re.sub(r"(?<=\d)[^\w]{1,4}(?=\d)", "", plain)
            found = [number for number in self.numbers if number in digits]
            found += [secret for secret in self.secrets if secret in plain]
            found += [word for word in self.words if words and word in plain.lower()]
            found += re.findall(r"\b[0-9a-f]{64}\b|\b[A-Za-z0-9+/]{27}=|\+\d{7,}|panicked at", plain)
            yield from (f"{what!r} in {line[:300]!r}" for what in found)

    def stop(self):
        """Ends both; gives the server's exit code and how long it took."""
        began = time.monotonic()
        self.server.terminate()
        try:
            code = self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            code = None
        self.emulator.stdin.close()
        self.emulator.wait(10)
        return code, time.monotonic() - began
