"""Attacks on the media socket: whoever does not prove which call it is gets nothing, and not for long."""

import asyncio
import base64
import json
import os
import re
import time

from wire import BINARY, CLOSE, PING, TEXT, ask, frame, http, websocket

# Strangers without a token in their path who may be at the door at once, by the server's own bound.
MOST_STRANGERS = 256


def start(at, token="0" * 64, account=None, call=None):
    said = {
        "streamSid": "MZ" + "0" * 32,
        "accountSid": account or at.target.account,
        "callSid": call or at.target.call_sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": token},
    }
    return json.dumps({"event": "start", "sequenceNumber": "1", "start": said, "streamSid": said["streamSid"]}).encode()


async def is_closed(at, what, path, frames, within=4):
    """Opens a socket, says these frames, and sees it closed without a word of media."""
    answer, connection = await websocket(at.port, path)
    at.judge(what, answer, {101})
    for data in frames:
        await connection.send(data)
    read, closed = await connection.rest(within)
    at.expect(closed, f"{what}: still open after {within} s")
    at.expect(b'"event"' not in read, f"{what}: it is spoken to: {read[:200]!r}")
    connection.close()


async def replayed_fetch(at):
    """The carrier's request for instructions, recorded and sent again: its tokens do not open the call, whose stream is alive."""
    target = at.target
    fields = {
        "CallSid": target.call_sid,
        "AccountSid": target.account,
        "From": target.settings["CALLME_PHONE_NUMBER"],
        "To": target.person,
        "CallStatus": "in-progress",
        "Direction": "outbound-api",
        "ApiVersion": "2010-04-01",
    }
    request = target.webhook(f"/twiml?s={target.call_id}", list(fields.items()))
    before = await target.reconnects()
    for _ in range(3):
        tokens = []
        for _ in range(6):
            answer = await ask(at.port, request)
            at.note(answer.status)
            found = re.search(r'/media-stream/([0-9a-f]{64})"', answer.text)
            at.expect(answer.status == 200 and found, f"no instructions: {answer.status}")
            tokens += [found[1]] if found else []
        at.expect(len(set(tokens)) == 6, "a token was given twice")
        # The oldest two are good for nothing any more, and the others are not enough.
        says = (lambda token: [frame(TEXT, start(at, token=token))])
        await asyncio.gather(*(is_closed(at, "a token", f"/media-stream/{token}", says(token), 2) for token in tokens[:4]))
        await asyncio.gather(*(is_closed(at, "a parameter", "/media-stream", says(token), 2) for token in tokens[4:]))
    at.expect(await target.reconnects() == before, "the carrier's own stream was disturbed")


async def strangers(at):
    """Sockets with a wrong token, or that say anything but what a carrier says first."""
    audio = base64.b64encode(b"\xff" * 160).decode()
    media = json.dumps({"event": "media", "streamSid": "MZ1", "media": {"track": "inbound", "payload": audio}}).encode()
    # A token that nobody minted is shown the door at once.
    tokens = ["0" * 64, "x", at.target.person, "%00", "%2e%2e%2f", "a" * 5000, "%F0%9F%93%9E", at.target.call_id]
    await asyncio.gather(*(is_closed(at, token[:20], f"/media-stream/{token}", [], 2) for token in tokens))
    connected = b'{"event":"connected","protocol":"Call","version":"1.0.0"}'
    says = {
        "a wrong token": [frame(TEXT, connected), frame(TEXT, start(at))],
        "no token": [frame(TEXT, start(at, token=""))],
        "another account": [frame(TEXT, start(at, account="AC" + "f" * 32))],
        "another call": [frame(TEXT, start(at, call="CA" + "f" * 32))],
        "a number": [frame(TEXT, start(at, token=at.target.person, call=at.target.person))],
        "media first": [frame(TEXT, media)],
        "a mark first": [frame(TEXT, b'{"event":"mark","mark":{"name":"1"}}')],
        "stop first": [frame(TEXT, b'{"event":"stop"}')],
        "no JSON": [frame(TEXT, b"{")],
        "deep JSON": [frame(TEXT, b'{"event":' + b"[" * 30_000)],
        "no text": [frame(TEXT, b"\xff\xfe")],
        "an empty one": [frame(TEXT, b"")],
        "far too long": [frame(TEXT, b"x" * 65_537)],
        "announced as longer": [frame(TEXT, b"x", length=1 << 62)],
        "in pieces without end": [frame(TEXT, b"x" * 8000, fin=False)] + [frame(0, b"x" * 8000, fin=False)] * 9,
        "a piece of nothing": [frame(0, b"x")],
        "not masked": [frame(TEXT, connected, masked=False)],
        "of no kind": [frame(3, b"x"), frame(11, b"x")],
        "a long ping": [frame(PING, b"x" * 200)],
        "garbage": [os.urandom(4000)],
        "closed twice": [frame(CLOSE, b"\x03\xe8"), frame(CLOSE, b"\x03\xe8")],
    }
    await asyncio.gather(*(is_closed(at, what, "/media-stream", frames) for what, frames in says.items()))
    # Not a handshake.
    upgrade = [("upgrade", "websocket"), ("connection", "upgrade")]
    handshakes = {
        "no upgrade": http("GET", "/media-stream"),
        "no key": http("GET", "/media-stream", [*upgrade, ("sec-websocket-version", "13")]),
        "another version": http("GET", "/media-stream", [*upgrade, ("sec-websocket-version", "8"), ("sec-websocket-key", "eA==")]),
        "another protocol": http("GET", "/media-stream", [("upgrade", "h2c"), ("connection", "upgrade, http2-settings")]),
    }
    await at.try_each(handshakes, {400, 426})


async def silent(at):
    """More sockets than may wait at the door, which never say whose they are: most are sent away at once, all in the end."""
    crowd = await at.crowd(MOST_STRANGERS + 44)
    sockets = await asyncio.gather(*(websocket(at.port, "/media-stream", connection=connection) for connection in crowd))
    for answer, _ in sockets:
        at.note(answer.status)
    began = time.monotonic()
    # Binary frames and pings are no sign of a carrier.
    for _, connection in sockets:
        await connection.send(frame(BINARY, b"\0" * 100) + frame(PING, b"x"))

    async def ended(connection):
        _, closed = await connection.rest(14)
        connection.close()
        return closed, time.monotonic() - began

    ends = await asyncio.gather(*(ended(connection) for _, connection in sockets))
    at.expect(all(closed for closed, _ in ends), f"{sum(not closed for closed, _ in ends)} are still open")
    early = sum(took < 5 for _, took in ends)
    at.expect(early >= 40, f"only {early} of {len(ends)} were sent away at once")
    at.answers["gone after 10 s"] = len(ends) - early


ATTACKS = [strangers, replayed_fetch]
