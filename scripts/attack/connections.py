"""Attacks below the routes: too much, too slow, too many, and HTTP that is none."""

import asyncio
import os
import random
import resource
import time

from agents import AUTHORIZED, SAYS
from wire import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING2,
    PREFACE,
    RST,
    SETTINGS,
    WINDOW,
    Connection,
    ask,
    frame2,
    frames2,
    hpack,
    http,
    request2,
)

# A connection that has not begun a request by then is closed; a little is the scheduler's.
BEGINS_WITHIN = 10 + 10
# An answer that is not taken by then is not waited for.
TAKEN_WITHIN = 10 + 10
# As many as the server has room for.
MOST_CONNECTIONS = 8192
# A body that is not there by then is not waited for.
ARRIVES_WITHIN = 5 + 10


async def huge_bodies(at):
    """Bodies beyond every bound, announced and not."""
    target = at.target
    text = target.message(target.conversation, 50, "x" * 300_000)
    await at.ask("100 KB and a byte", http("POST", "/api/call", [AUTHORIZED], b" " * 102_401), {413})
    await at.ask("256 KB of a text", target.webhook("/whatsapp", text), {413}, b"")
    await at.ask("100 KB of a callback", target.webhook("/twiml", text), {413}, b"")
    for length in (102_401, 10**12, 2**64 - 1):
        request = http("POST", "/api/call", [AUTHORIZED, ("content-length", str(length))], b"{", length=False)
        # The greatest of all means something else to hyper, which refuses it.
        await at.ask(f"{length} announced", request, {400, 413, 431}, patience=2)
    for length in (str(2**64), "9" * 40, "-1", "+5", "0x10", "5, 6", "5 5", "", "five"):
        request = http("POST", "/api/call", [AUTHORIZED, ("content-length", length)], b"{", length=False)
        await at.ask(f"a length of {length[:10]!r}", request, {0, 400}, patience=2)
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    for what, path, headers, wanted in (
        ("with the key", "/api/call", [AUTHORIZED], {413}),
        ("without", "/api/call", [], {401}),
        ("signed by nobody", "/whatsapp", [("x-twilio-signature", "x" * 28)], {413}),
    ):
        connection = await Connection.open(at.port)
        await connection.send(http("POST", path, [*headers, ("transfer-encoding", "chunked")]))
        sent = 0
        while sent < 400 and await connection.send(chunk):
            sent += 1
        at.judge(f"chunks without end, {what}", await connection.answer(), wanted | {0})
        at.expect(sent < 400 or what != "with the key", "13 MB were taken")
        connection.close()
    for what, chunks in {
        "a chunk beyond all bounds": b"FFFFFFFFFFFFFFFFF\r\nx",
        "a negative chunk": b"-1\r\nx\r\n0\r\n\r\n",
        "a chunk that is none": b"zz\r\nx\r\n0\r\n\r\n",
        "a chunk with a long extension": b"1;" + b"x" * 100_000 + b"\r\nx\r\n0\r\n\r\n",
    }.items():
        request = http("POST", "/api/call", [AUTHORIZED, ("transfer-encoding", "chunked")], chunks, length=False)
        await at.ask(what, request, {0, 400}, patience=3)


async def slow_bodies(at):
    """Two hundred bodies that come one byte at a time: nobody waits longer than for others, and the carrier not at all."""

    async def one(connection, what, request, wanted):
        began = time.monotonic()
        await connection.send(request)
        answering = asyncio.create_task(connection.answer(20))
        while not answering.done() and await connection.send(b"x"):
            await asyncio.wait([answering], timeout=0.5)
        at.judge(what, await answering, wanted)
        took = time.monotonic() - began
        at.expect(took < ARRIVES_WITHIN, f"{what}: {took:.1f} s")
        connection.close()

    length = ("content-length", "90000")
    signature = ("x-twilio-signature", "x" * 28)
    tries = [("an agent's", http("POST", "/api/call", [AUTHORIZED, length]), {400})]
    tries += [(path, http("POST", path, [signature, length]), {400}) for path in ("/twiml", "/whatsapp")]
    tries *= 67
    crowd = await at.crowd(len(tries))
    everybody = asyncio.gather(*(one(connection, *attempt) for connection, attempt in zip(crowd, tries)))
    await asyncio.sleep(2.5)
    await at.target.answers_the_carrier(at, "between slow bodies")
    await everybody


async def slow_heads(at):
    """Requests that never get as far as their first line's end, and connections that say nothing at all."""

    async def one(connection, what, begins, drip):
        began = time.monotonic()
        await connection.send(begins)
        reading = asyncio.create_task(connection.rest(30))
        while not reading.done() and (not drip or await connection.send(drip)):
            await asyncio.wait([reading], timeout=0.5)
        _, closed = await reading
        took = time.monotonic() - began
        at.note("closed in time" if closed and took < BEGINS_WITHIN else f"{what}: {took:.1f} s")
        at.expect(closed and took < BEGINS_WITHIN, f"{what}: {took:.1f} s")
        connection.close()

    tries = [
        ("silence", b"", b""),
        ("a head without end", b"GET /health HTTP/1.1\r\n", b"x-a: b\r\n"),
        ("a line without end", b"GET /", b"x"),
        ("half a preface", PREFACE[:10], b""),
        ("a preface alone", PREFACE, b""),
        ("settings alone", PREFACE + frame2(SETTINGS), frame2(SETTINGS)),
        ("pings alone", PREFACE + frame2(SETTINGS), frame2(PING2, b"12345678")),
        ("headers without end", PREFACE + frame2(SETTINGS) + request2(1, flags=END_STREAM), frame2(CONTINUATION, b"", stream=1)),
    ]
    tries *= 10
    crowd = await at.crowd(len(tries))
    await asyncio.gather(*(one(connection, *attempt) for connection, attempt in zip(crowd, tries)))


async def idle(at):
    """More connections than there is room for, which want nothing, some after a request: those who want something get it."""
    # As many as the system lets us have.
    count = min(MOST_CONNECTIONS + 600, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
    before = at.target.memory()
    connections = []
    request = http("GET", "/health").replace(b"connection: close\r\n", b"")
    for batch in range(0, count, 250):
        # From as many addresses as it takes for the ports.
        connections += await at.crowd(250, f"127.0.2.{batch // 250 + 1}")
        # Those that say nothing are closed soon; those that were answered are kept, as load balancers want it.
        if batch < MOST_CONNECTIONS:
            for connection in connections[-250:]:
                await connection.send(request)
            for connection in connections[-250:]:
                at.judge("one request", await connection.answer(), {200})
        await at.target.answers_the_carrier(at, f"beside {len(connections)} idle connections")
    await at.target.check(at)
    each = (at.target.memory() - before) * 1024 / count
    at.answers[f"held, {each:.0f} KB each"] = count
    at.expect(each < 40, f"each connection costs {each:.0f} KB")
    for connection in connections:
        connection.close()


async def pipelined(at):
    """Requests one behind the other, garbage among them, and requests that two readers would part in two ways."""
    good = http("GET", "/health").replace(b"connection: close\r\n", b"")
    connection = await Connection.open(at.port)
    await connection.send(good * 50 + b"\x00\x01garbage \r\n\r\n" + good)
    for _ in range(50):
        at.judge("pipelined", await connection.answer(), {200})
    at.judge("garbage behind them", await connection.answer(), {400})
    read, closed = await connection.rest(2)
    at.expect(closed and not read, "what stands behind garbage is read")
    connection.close()

    hidden = b"GET /api/health HTTP/1.1\r\nhost: ex.org\r\n" + b": ".join(part.encode() for part in AUTHORIZED) + b"\r\n\r\n"
    smuggled = {
        "both lengths": [("content-length", str(len(hidden))), ("transfer-encoding", "chunked")],
        "two lengths": [("content-length", "0"), ("content-length", str(len(hidden)))],
        "a list of lengths": [("content-length", f"0, {len(hidden)}")],
        "an unknown coding": [("transfer-encoding", "xchunked")],
        "chunked, not last": [("transfer-encoding", "chunked, identity")],
        "chunked twice": [("transfer-encoding", "chunked"), ("transfer-encoding", "identity")],
        "a tab before": [("transfer-encoding", "\tchunked")],
        "a space in the name": [("transfer-encoding ", "chunked")],
        "folded": [("x-a", "b\r\n transfer-encoding: chunked")],
    }
    for what, headers in smuggled.items():
        connection = await Connection.open(at.port)
        request = http("POST", "/api/call", headers).replace(b"connection: close\r\n", b"")
        await connection.send(request + b"0\r\n\r\n" + hidden)
        first = await connection.answer(3)
        at.judge(what, first, {0, 400, 401})
        # A refused body may be followed by what it hid only where the server knows its end; then it is a request of ours.
        rest, _ = await connection.rest(0.3)
        at.expect(first.status == 401 or b" 200 " not in rest, f"{what}: {rest[:100]!r}")
        connection.close()
    heads = {
        "no version": b"GET /health\r\n\r\n",
        "an old one": b"GET /health HTTP/0.9\r\n\r\n",
        "a future one": b"GET /health HTTP/3.7\r\nhost: x\r\n\r\n",
        "no colon": b"GET /health HTTP/1.1\r\nhost\r\n\r\n",
        "a control": b"GET /health HTTP/1.1\r\nhost: x\r\nx-a: \x01\x02\r\n\r\n",
        "a bare CR": b"GET /health HTTP/1.1\rhost: x\r\n\r\n",
        "TLS": bytes.fromhex("1603010200010001fc0303") + os.urandom(200),
        "SSH": b"SSH-2.0-OpenSSH_9.7\r\n" + b"\0" * 100,
        "SMTP": b"EHLO ex.org\r\nMAIL FROM:<a@b>\r\n",
        "Redis": b"*1\r\n$4\r\nPING\r\n",
        "garbage": random.Random(3).randbytes(5000) + b"\r\n\r\n",
        "NULs": bytes(5000) + b"\r\n\r\n",
    }
    await at.try_each(heads, {0, 400, 505})


async def heads(at):
    """Heads that are far too large."""
    each = ("x-" + "a" * 50, "b" * 50)
    tries = {
        "5,000 headers": http("GET", "/health", [each] * 5000),
        "a header of a megabyte": http("GET", "/health", [("x-a", "b" * 1_000_000)]),
        "a name of a megabyte": http("GET", "/health", [("a" * 1_000_000, "b")]),
        "a path of a megabyte": http("GET", "/" + "a" * 1_000_000),
        "a method of a megabyte": http("A" * 1_000_000, "/"),
        "a thousand keys": http("GET", "/api/health", [AUTHORIZED] * 1000),
        "a thousand lengths": http("POST", "/api/call", [("content-length", "1")] * 1000),
    }
    await at.try_each(tries, {0, 400, 401, 414, 431})


async def half_heads(at):
    """400 KB of a head without its end, as the first request and as a later one: refused, and not kept."""
    first = http("GET", "/health").replace(b"connection: close\r\n", b"")
    half = b"GET /health HTTP/1.1\r\nhost: x\r\nx-a: " + b"b" * 400_000
    before = at.target.memory()
    crowd = await at.crowd(200)
    for number, connection in enumerate(crowd):
        if number % 2:
            await connection.send(first)
            at.judge("the first", await connection.answer(), {200})
        await connection.send(half)
    for connection in crowd:
        at.judge("half a head", await connection.answer(5), {0, 431})
        connection.close()
    grown = at.target.memory() - before
    at.expect(grown < 20, f"{grown:.0f} MB more for 200 half heads")


async def untaken(at):
    """HTTP/2 without room for a byte of an answer, and pings acknowledged for ever: the stream is cut off, not waited for."""
    no_window = PREFACE + frame2(SETTINGS, b"\0\x04\0\0\0\0")

    async def one(connection):
        began = time.monotonic()
        await connection.send(no_window + request2(1, "GET", "/health", END_HEADERS | END_STREAM))
        read, closed = b"", False
        while not closed and time.monotonic() - began < TAKEN_WITHIN:
            more, closed = await connection.rest(1)
            read += more
            if any(kind == RST for kind, *_ in frames2(read)):
                break
            for kind, flags, _, payload in frames2(more):
                if kind == PING2 and not flags & 1:
                    await connection.send(frame2(PING2, payload, 1, 0))
        reset = any(kind == RST for kind, *_ in frames2(read))
        at.note("closed" if closed else "reset" if reset else "waited for")
        at.expect(closed or reset, f"waited for after {time.monotonic() - began:.1f} s")
        connection.close()

    crowd = await at.crowd(100)
    await asyncio.gather(*(one(connection) for connection in crowd))
    await at.target.answers_the_carrier(at, "after answers that nobody took")


async def http2(at):
    """HTTP/2 as nobody writes it."""
    settings = PREFACE + frame2(SETTINGS)
    chance = random.Random(5)
    big = b"\x10" + b"\x01a" + b"\x7f\x80\x80\x7e" + b"b" * 2_080_000
    floods = {
        "garbage behind the preface": [PREFACE + chance.randbytes(20_000)],
        "garbage frames": [settings] + [frame2(chance.randrange(256), chance.randbytes(50), chance.randrange(256), n) for n in range(500)],
        "a frame of 16 MB": [settings + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(100_000)],
        "settings on a stream": [PREFACE + frame2(SETTINGS, b"\0" * 6, 0, 1)],
        "settings of a wrong size": [PREFACE + frame2(SETTINGS, b"\0" * 5)],
        "an even stream": [settings + request2(2)],
        "data on no stream": [settings + frame2(DATA, b"x", 0, 0)],
        "window beyond all bounds": [settings] + [frame2(WINDOW, b"\x7f\xff\xff\xff")] * 3,
        "a broken table": [settings + frame2(HEADERS, b"\xff\xff\xff\xff\xff\x0f", 5, 1)],
        "continuations without end": [settings + frame2(HEADERS, hpack([("a", "b")]), 0, 1)]
        + [frame2(CONTINUATION, hpack([("x-" + "a" * 50, "b" * 100)] * 100), 0, 1)] * 400,
        "a header of 2 MB": [settings + frame2(HEADERS, big[:16_000], 0, 1)]
        + [frame2(CONTINUATION, big[at : at + 16_000], 0, 1) for at in range(16_000, len(big), 16_000)],
    }
    for what, frames in floods.items():
        connection = await Connection.open(at.port)
        for data in frames:
            if not await connection.send(data):
                break
        read, closed = await connection.rest(2)
        ended = closed or any(kind == GOAWAY for kind, *_ in frames2(read))
        refused = any(kind == RST for kind, *_ in frames2(read)) or b"431" in read
        at.note("ended" if ended else "stream refused" if refused else "ignored")
        at.expect(ended or refused, f"{what}: taken: {frames2(read)[:5]}")
        connection.close()
    # What is allowed once is not in any number: a stream opened and reset a thousand times, pings, settings, empty data.
    opened = b"".join(request2(2 * n + 1) + frame2(RST, b"\0\0\0\x08", 0, 2 * n + 1) for n in range(3000))
    upload = request2(1, "POST", "/whatsapp", END_HEADERS, [("x-twilio-signature", "x" * 28)])
    for what, flood in {
        "reset at once": opened,
        "pings": frame2(PING2, b"12345678") * 20_000,
        "settings": frame2(SETTINGS, b"\0\x04\0\0\0\0") * 20_000,
        "empty data": upload + frame2(DATA, b"", 0, 1) * 20_000,
        "priorities": request2(1) + frame2(2, b"\0\0\0\0\1", 0, 3) * 20_000,
    }.items():
        connection = await Connection.open(at.port)
        began = time.monotonic()
        await connection.send(settings + flood)
        read, closed = await connection.rest(1)
        at.note("ended" if closed or any(kind == GOAWAY for kind, *_ in frames2(read)) else "borne")
        answer = await ask(at.port, http("GET", "/health"), patience=3)
        at.expect(answer.status == 200, f"{what}: /health says {answer.status} {time.monotonic() - began:.1f} s after it began")
        connection.close()
    # Requests by it are refused like others.
    connection = await Connection.open(at.port)
    await connection.send(
        settings
        + request2(1, "POST", "/api/call")
        + request2(3, "POST", "/whatsapp")
        + request2(5, "POST", "/twiml", more=[("x-twilio-signature", "x" * 28)])
        + request2(7, "GET", "/health", more=[("connection", "upgrade")])
        + request2(9, "GET", "/api/health", more=[AUTHORIZED, AUTHORIZED])
    )
    read, _ = await connection.rest(1)
    answers = {stream: payload for kind, _, stream, payload in frames2(read) if kind == HEADERS}
    # The one indexed field that begins an answer: 200, or another status as a literal.
    at.expect(not any(payload[:1] == b"\x88" for stream, payload in answers.items() if stream != 7), f"{answers}")
    at.expect(set(answers) >= {1, 3, 5, 9}, f"only {set(answers)} are answered")
    at.answers["refused"] += len(answers)
    connection.close()


ATTACKS = [huge_bodies, pipelined, heads, half_heads, http2, idle]
