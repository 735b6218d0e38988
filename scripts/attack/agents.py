"""Attacks on what only agents may ask: keys, ids, methods, paths, bodies."""

import base64
import json
import random

from target import KEY, METRICS_TOKEN
from wire import http

UNAUTHORIZED = b'{"error":"Unauthorized","code":"unauthorized"}'
AUTHORIZED = ("authorization", f"Bearer {KEY}")
SAYS = b'{"message":"Is anybody there?"}'

# Methods that some routes know, that none does, and that are none.
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "CALL393331234567"]


async def routes(at):
    """Method and path of every route behind the key, as the server itself lists them."""
    _, description = await at.target.agent("GET", "/api/openapi.json")
    found = []
    for path, methods in description["paths"].items():
        path = path.replace("{id}", at.target.call_id)
        found += [(method.upper(), path) for method in methods if path.startswith("/api/") or path == "/metrics"]
    at.expect(len(found) >= 10, f"only {len(found)} routes are listed")
    return found


async def no_key(at):
    """Every route without the key, and paths that are none."""
    others = [(method, f"/api/{rest}") for method in ("GET", "POST") for rest in ("", "x", "call/x/y/z", "../health")]
    others += [("POST", "/api/call/"), ("GET", "/api//history"), ("GET", "/api/call/%2e%2e/%2e%2e/health")]
    for method, path in await routes(at) + others:
        answer = await at.ask(f"{method} {path}", http(method, path, body=SAYS), {401}, UNAUTHORIZED)
        at.expect(answer.headers.get("www-authenticate") == "Bearer", f"{method} {path}: no challenge")
    # A body that is announced is not waited for.
    request = http("POST", "/api/call", [("content-length", "99999")])
    await at.ask("a body that never comes", request, {401}, UNAUTHORIZED, patience=2)


async def wrong_keys(at):
    """Keys that are nearly right, or right and somewhere else."""
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    values = {
        "empty": "",
        "scheme alone": "Bearer",
        "nothing behind it": "Bearer ",
        "cut": f"Bearer {KEY[:-1]}",
        "longer": f"Bearer {KEY}x",
        "in capitals": f"Bearer {KEY.upper()}",
        "twice": f"Bearer {KEY}{KEY}",
        "two in one": f"Bearer {KEY}, Bearer {KEY}",
        "bare": KEY,
        "no space": f"Bearer{KEY}",
        "a tab": f"Bearer\t{KEY}",
        "quoted": f'Bearer "{KEY}"',
        "basic": f"Basic {basic}",
        "another scheme": f"Token {KEY}",
        "null": "Bearer null",
        "long": "Bearer " + "x" * 6000,
        "escaped": f"Bearer {KEY.replace('-', '%2D')}",
        "wide": f"Bearer {KEY.replace('a', 'ａ')}",
        "the metrics token": f"Bearer {METRICS_TOKEN}",
    }
    tries = {what: http("POST", "/api/call", [("authorization", value)], SAYS) for what, value in values.items()}
    beside = {
        "two headers": [AUTHORIZED, AUTHORIZED],
        "a wrong one before": [("authorization", "Bearer x"), AUTHORIZED],
        "a wrong one behind": [AUTHORIZED, ("authorization", "Bearer x")],
        "another header": [("x-api-key", KEY), ("x-authorization", f"Bearer {KEY}")],
        "a proxy's header": [("proxy-authorization", f"Bearer {KEY}")],
        "a cookie": [("cookie", f"authorization=Bearer {KEY}; key={KEY}")],
    }
    tries |= {what: http("POST", "/api/call", headers, SAYS) for what, headers in beside.items()}
    tries["in the query"] = http("POST", f"/api/call?key={KEY}&authorization=Bearer%20{KEY}&access_token={KEY}", body=SAYS)
    tries["in the body"] = http("POST", "/api/call", body=json.dumps({"message": "x", "key": KEY, "api_key": KEY}).encode())
    tries["as user info"] = http("GET", f"http://{KEY}:{KEY}@ex.org/api/history")
    await at.try_each(tries, {401}, UNAUTHORIZED)
    # No header at all by the grammar: refused before anybody compares.
    malformed = {
        "a NUL in it": [("authorization", b"Bearer " + KEY.encode() + b"\0")],
        "a NUL before": [("authorization", b"\0Bearer " + KEY.encode())],
        "a bare line feed": [("authorization", b"Bearer x\n " + KEY.encode())],
        "a space in the name": [("authorization ", f"Bearer {KEY}")],
    }
    tries = {what: http("POST", "/api/call", headers, SAYS) for what, headers in malformed.items()}
    await at.try_each(tries, {400, 401})
    # The right key, written as the standard allows.
    for value in (f"bEARER {KEY}", f"Bearer   {KEY}  "):
        await at.ask(f"{value[:9]!r}", http("GET", "/api/health", [("authorization", value)]), {200})
    # The metrics have two keys, and the second opens nothing else.
    token = [("authorization", f"Bearer {METRICS_TOKEN}")]
    await at.ask("the metrics token at the metrics", http("GET", "/metrics", token), {200})
    await at.ask("the metrics token at the history", http("GET", "/api/history", token), {401}, UNAUTHORIZED)


async def methods(at):
    """Methods that a route does not have, and headers that ask for another."""
    known = set(await routes(at))
    for path in ("/api/call", f"/api/call/{at.target.call_id}", "/api/history", "/health", "/twiml", "/whatsapp", "/media-stream"):
        for method in METHODS:
            if (method, path) in known or (method in ("GET", "HEAD") and path == "/health"):
                continue
            wanted = {400, 401, 404, 405}
            # A known path is read by HEAD as well.
            wanted |= {200} if method == "HEAD" and ("GET", path) in known else set()
            await at.ask(f"{method} {path}", http(method, path, [AUTHORIZED]), wanted)
    for header in ("x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"):
        tricked = [(header, "POST"), (header, "/api/call"), AUTHORIZED]
        await at.ask(header, http("GET", "/api/call", tricked, SAYS), {405})


async def paths(at):
    """Ways around and beside the routes."""
    places = [
        "/api/call/../../health", "/api/%2e%2e/health", "/api%2fhistory", "/api%2Fcall", "/%61pi/history", "/API/history",
        "//api/history", "/./api/history", "/api;/history", "/api/history;x=1", "/api/history/", "/api\\history",
        "/..%2f..%2f..%2fetc/passwd", "/%252e%252e/etc/passwd", "/..;/etc/passwd", "/static/../../../etc/passwd",
        "/media-stream/../api/history", "/media-stream/%2e%2e%2fapi%2fhistory", "/twiml/../api/history",
        "/health/../api/history", "/health%00/x", "/health%0d%0ax-evil:%201", "/%ff%fe", "/" + "a/" * 4000, "/" + "%41" * 9000,
        "/?" + "&" * 9000, "/.env", "/.git/config", "/.data/", "/config/keywords.toml", "/metrics/../metrics",
    ]  # fmt: skip
    for path in places:
        answer = await at.ask(path[:60], http("GET", path), {400, 401, 404, 414, 431})
        at.expect("x-evil" not in answer.headers, f"{path}: a header of ours")
    # Written as no URL is.
    for path in (b"/health\x00", "/\u00e9\u6f22".encode(), b"/a b c", b"*", b"", b"health", b"/\xff"):
        await at.ask(repr(path), http("GET", path), {0, 400, 404, 405, 505})
    for host in ("evil.example", "evil.example:99999", "a b", "\u6f22", "x" * 5000):
        answer = await at.ask(f"host {host[:20]}", http("GET", "/health", host=host), {200, 400})
        at.expect("evil" not in answer.text, "the host header is repeated")


async def ids(at):
    """Ids that nobody gave out, numbers among them; and what stands beside a real one."""
    person, call = at.target.person, at.target.call_id
    count, began = call.split("-")[1:]
    names = [
        person, person[1:], f"%2B{person[1:]}", f"call-1-{person[1:]}", f"call-{person[1:]}-1", f"CALL-{count}-{began}",
        f"call-{count}-{int(began) + 1}", f"call-0{count}-{began}", f"call-{count}-{began}%00", f"call-{count}-{began}%20",
        f"call-{count}-{began}.json", f"call-+{count}-{began}", "call-1-1e9", "call--1--1", "call-" + "9" * 20 + "-1",
        "call-\u0663-\u0664", "call-%D9%A3-%D9%A4", "%F0%9F%93%9E", "%ff%fe", "%", "%zz", "x" * 5000, "..%2fhistory",
        "%E2%80%AE12-llac", "null", "undefined", "*", "0", "CA0123456789abcdef0123456789abcdef", f"whatsapp:{person}",
    ]  # fmt: skip
    for name in names:
        for method, rest in (("GET", ""), ("POST", "/continue"), ("POST", "/wait")):
            # What is no URL is refused as such.
            wanted = {404} if name.isascii() else {400, 404}
            request = http(method, f"/api/call/{name}{rest}".encode(), [AUTHORIZED], SAYS)
            answer = await at.ask(f"{name[:40]}{rest}", request, wanted)
            at.expect(len(answer.body) < 300, f"{name[:40]}: an answer of {len(answer.body)} bytes")


async def bodies(at):
    """Bodies of a client gone wrong: with the key, and no call for it."""
    deep = 49_000
    many = ",".join(f'"{n}":1' for n in range(8000))
    wrong = {
        "nothing": b"",
        "a list": b"[]",
        "null": b"null",
        "no text": b'{"message":7}',
        "empty": b'{"message":""}',
        "blank": '{"message":" \\u200b\\ufeff\\u0000 "}'.encode(),
        "too long": json.dumps({"message": "x" * 4097}).encode(),
        "deep lists": b'{"message":' + b"[" * deep + b"]" * deep + b"}",
        "deep objects": b'{"a":' * 16_000 + b"1" + b"}" * 16_000,
        "many names": f"{{{many}}}".encode(),
        "a huge number": b'{"message":1e999999}',
        "half a pair": b'{"message":"\\ud800"}',
        "not UTF-8": b'{"message":"\xff\xfe"}',
        "UTF-16": '{"message":"x"}'.encode("utf-16"),
        "a mark before it": b'\xef\xbb\xbf{"message":"x"}',
        "two values": b'{"message":"x"} {"message":"y"}',
        "a comment": b'{"message":"x"/**/}',
        "a form": b"message=x",
        "cut": b'{"message":"x',
        "with NULs": b'{"message":"x"}\0\0\0\0',
    }
    tries = {what: http("POST", "/api/call", [AUTHORIZED], body) for what, body in wrong.items()}
    keys = {"blank": " ", "wide": "ключ", "long": "k" * 300, "spaced": "a b", "a control": b"a\x01"}
    tries |= {
        f"key {what}": http("POST", "/api/call", [AUTHORIZED, ("idempotency-key", key)], SAYS) for what, key in keys.items()
    }
    tries["two keys"] = http("POST", "/api/call", [AUTHORIZED, ("idempotency-key", "a"), ("idempotency-key", "b")], SAYS)
    await at.try_each(tries, {400})
    await at.ask("a number to call", http("POST", "/api/call?to=%2B4915112345678", [AUTHORIZED], b'{"to":"+4915112345678"}'), {400})


async def garbage_everywhere(at):
    """Bytes that are nothing, at every route, with the key and without."""
    chance = random.Random(11)
    places = await routes(at) + [("POST", "/twiml"), ("POST", "/whatsapp"), ("GET", "/media-stream"), ("GET", "/health")]
    for method, path in places:
        for headers in ([AUTHORIZED], [], [("x-twilio-signature", "x" * 28)]):
            if headers == [AUTHORIZED] and (method in ("GET", "DELETE") or path.endswith("/wait")):
                # They read no body, and answer all the same.
                continue
            body = b"{" + chance.randbytes(chance.randrange(1, 3000))
            request = http(method, path, [*headers, ("content-type", "application/json")], body)
            await at.ask(f"{method} {path}", request, {200} if path == "/health" else {400, 401})


ATTACKS = [garbage_everywhere, no_key, wrong_keys, methods, paths, ids, bodies]
