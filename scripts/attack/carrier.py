"""Attacks on what only the carrier may say: signatures, accounts, repetitions."""

import asyncio
import base64
import hashlib
import json
import random
import time

from target import CARRIER, REPLY
from wire import Connection, ask, http

# Refused because it is not signed.
REFUSED = {401}
# The same, once too often from one address.
SHUT_OUT = {401, 429}
# By the server's own limits, of which the attack leaves the usual ones: messages a minute by one phone, in one
# conversation, in all.
PER_PHONE, PER_CONVERSATION, IN_ALL = 10, 20, 100
BLOCK = 300
FORGED = 10_000


def voice(at, **changes):
    """The fields of a status callback about the call."""
    fields = {
        "CallSid": at.target.call_sid,
        "AccountSid": at.target.account,
        "From": at.target.settings["CALLME_PHONE_NUMBER"],
        "To": at.target.person,
        "CallStatus": "completed",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": "9",
    }
    return list((fields | changes).items())


async def signatures(at):
    """Webhooks that would change something, if they were the carrier's."""
    target = at.target
    stop = target.message(target.conversation, 1, "stop")
    for path, fields in (("/twiml", voice(at)), (f"/twiml?s={target.call_id}", voice(at)), ("/whatsapp", stop)):
        good = target.sign(path, fields)
        other = dict(fields) | {"CallStatus": "busy", "Body": "help"}
        signed = {
            "none": [],
            "empty": [""],
            "blank": ["   "],
            "doubled": [good, good],
            "two in one": [f"{good}, {good}"],
            "a wrong one before": ["x" * 28, good],
            "an empty one behind": [good, ""],
            "of another body": [target.sign(path, list(other.items()))],
            "of no body": [target.sign(path, [])],
            "of another path": [target.sign("/sms", fields)],
            "of another query": [target.sign(f"{path}&x=1" if "?" in path else f"{path}?x=1", fields)],
            "by another token": [target.sign(path, fields, token="another-token")],
            "by no token": [target.sign(path, fields, token="")],
            "for another port": [target.sign(f":{target.port + 1}{path}", fields, port=False)],
            "for the usual port": [target.sign(f":80{path}", fields, port=False)],
            "in small letters": [good.lower()],
            "cut": [good[:-1]],
            "longer": [good + "="],
            "without its padding": [good.rstrip("=")],
            "for URLs": [good.translate(str.maketrans("+/", "-_")) + "_"],
            "in hexadecimal": [base64.b64decode(good).hex()],
            "quoted": [f'"{good}"'],
            "long": ["A" * 6000],
            "zeros": [base64.b64encode(bytes(20)).decode()],
        }
        tries = {f"{path} {what}": target.webhook(path, fields, value) for what, value in signed.items()}
        await at.try_each(tries, REFUSED, b"")
        # No header by the grammar.
        await at.ask("a NUL behind", target.webhook(path, fields, [good.encode() + b"\0"]), {400})
        await altered(at, path, fields, good)


async def altered(at, path, fields, good):
    """A good signature with something else than was signed."""
    joint = "&" if "?" in path else "?"
    request = at.target.webhook(path, fields, [good])
    head, _, body = request.partition(b"\r\n\r\n")
    length = b"content-length: %d" % len(body)
    form = b"application/x-www-form-urlencoded; charset=utf-8"

    def with_body(new):
        return head.replace(length, b"content-length: %d" % len(new)) + b"\r\n\r\n" + new

    tries = {
        "another query": request.replace(path.encode() + b" ", f"{path}{joint}x=1 ".encode(), 1),
        "another path": request.replace(path.encode() + b" ", b"/whatsapp/ " if path == "/whatsapp" else b"/whatsapp ", 1),
        "a field more": with_body(body + b"&Body=help"),
        "a field less": with_body(body.rpartition(b"&")[0]),
        "no body": with_body(b""),
        "another case": with_body(body.replace(b"AccountSid", b"accountsid")),
        "as JSON": request.replace(form, b"application/json"),
        "as JSON with its hash": http(
            "POST",
            f"{path}{joint}bodySHA256={hashlib.sha256(body).hexdigest()}",
            [("content-type", "application/json"), ("x-twilio-signature", good)],
            body,
        ),
        "in another header": request.replace(b"x-twilio-signature", b"x-signature"),
        "in the query": http("POST", f"{path}{joint}x-twilio-signature={good}", body=body),
        "from the carrier, it says": request.replace(good.encode(), b"x").replace(
            b"content-type", b"x-forwarded-for: 54.172.60.0\r\nuser-agent: TwilioProxy/1.1\r\ncontent-type"
        ),
    }
    for what, changed in tries.items():
        at.expect(changed != request, f"{what}: nothing was changed")
    await at.try_each({f"{path} {what}": changed for what, changed in tries.items()}, REFUSED | {404})


async def flood(at):
    """Forged webhooks in thousands, in the person's name: the log does not grow with them, and they use up no limit."""
    target = at.target
    # Other attacks write their own lines meanwhile.
    of_forged = rb"did not sign|-> 4(?:01|29)"
    before = target.lines(of_forged)
    request = target.webhook("/whatsapp", target.message(target.conversation, 2, "stop"), ["x" * 28])
    request = request.replace(b"connection: close\r\n", b"")

    async def one(number):
        connection = await Connection.open(at.port, f"127.0.1.{number + 1}")
        for _ in range(FORGED // 10):
            await connection.send(request)
            at.judge("forged", await connection.answer(), SHUT_OUT)
        connection.close()

    await asyncio.gather(*(one(number) for number in range(10)))
    at.expect(at.tries == FORGED, f"only {at.tries} were sent")
    lines = target.lines(of_forged) - before
    at.expect(lines < 50 or target.long, f"{at.tries} forged webhooks wrote {lines} lines")
    # Whoever signs is not kept out by them, also beside them.
    signed = target.webhook("/twiml", voice(at, CallStatus="in-progress", SequenceNumber="1"))
    answer = await ask(at.port, signed, "127.0.1.1")
    at.judge("signed, from the same address", answer, {204})


async def unread(at):
    """What is not signed at all is refused before its body is there."""
    for path in ("/twiml", "/whatsapp"):
        for length in ("99999", "99999999999"):
            began = time.monotonic()
            await at.ask(f"{path} {length}", http("POST", path, [("content-length", length)]), SHUT_OUT, patience=2)
            at.expect(time.monotonic() - began < 1, f"{path}: the body was waited for")


async def foreign(at):
    """Signed, and not for us: another account's, another person's, or not what it should be."""
    target = at.target
    other = "AC" + "f" * 32
    calls = {
        "another account": voice(at, AccountSid=other),
        "no account": [pair for pair in voice(at) if pair[0] != "AccountSid"],
        "two accounts": [("AccountSid", other), *voice(at)],
        "no call": [pair for pair in voice(at) if pair[0] != "CallSid"],
        "a number as call": voice(at, CallSid=target.person),
        "an unknown status": voice(at, CallStatus="exploded"),
        "nothing": [],
    }
    for what, fields in calls.items():
        for path in ("/twiml", f"/twiml?s={target.call_id}"):
            await at.ask(f"a call: {what}", target.webhook(path, fields), {400}, b"")
    message = target.message
    texts = {
        "another account": message(target.conversation, 3, "stop", account=other),
        "another author": message(target.conversation, 4, "stop", author="whatsapp:+4915112345678"),
        "ourselves": message(target.conversation, 5, "stop", author="system"),
        "a number without its channel": message(target.conversation, 6, "stop", author=target.person),
        "an odd conversation": message("CH../../x", 7, "stop"),
        "nothing written": message(target.conversation, 8, " \u202e\x00 ", author="whatsapp:+4915112345678"),
        "far too much": message(target.conversation, 9, "x" * 70_000, author="whatsapp:+4915112345678"),
        "no fields": [("AccountSid", target.account)],
        "nothing": [],
    }
    seen = set()
    for what, fields in texts.items():
        answer = await at.ask(f"a text: {what}", target.webhook("/whatsapp", fields), {200}, b"")
        seen.add(json.dumps({name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}))
    # Neither status nor headers tell one from another.
    at.expect(len(seen) == 1, f"the answers differ: {seen}")
    # Calls that nobody placed: hung up, or turned away.
    unknown = voice(at, CallSid="CA" + "e" * 32, CallStatus="in-progress")
    unknown = [pair for pair in unknown if pair[0] != "CallbackSource"]
    answer = await at.ask("an unknown call", target.webhook("/twiml?s=call-9-9", unknown), {200})
    at.expect("<Hangup/>" in answer.text, f"an unknown call: {answer.text}")
    answer = await at.ask("somebody calls", target.webhook("/twiml", [*unknown, ("Direction", "inbound")]), {200})
    at.expect("<Reject/>" in answer.text, f"somebody calls: {answer.text}")


async def limits(at):
    """Every limit at its edge, by people who are not the person: the last that is let in, and the first that is not."""
    target, number = at.target, 1000

    async def write(phone, conversation):
        nonlocal number
        number += 1
        author = f"whatsapp:+4915100{phone:06}"
        fields = target.message(f"CH{conversation:032x}", number, "Who is this?", author=author)
        answer = await ask(at.port, target.webhook("/whatsapp", fields), CARRIER)
        at.judge("a message", answer, {200, 429}, b"")
        return answer

    async def until_refused(phone, conversation):
        for taken in range(2 * IN_ALL):
            answer = await write(phone(taken), conversation(taken))
            if answer.status == 429:
                return taken, int(answer.headers["retry-after"])
        return 2 * IN_ALL, 0

    began = time.monotonic()
    by_phone, wait = await until_refused(lambda _: 1, lambda n: 1 + n)
    at.expect(by_phone == PER_PHONE, f"a phone was let in {by_phone} times, not {PER_PHONE}")
    at.expect(BLOCK - 1 <= wait <= BLOCK, f"it is blocked for {wait} s, not {BLOCK}")
    in_conversation, wait = await until_refused(lambda n: 100 + n, lambda _: 100)
    # One comes back every three seconds.
    back = (time.monotonic() - began) * PER_CONVERSATION / 60
    most = PER_CONVERSATION + back
    at.expect(PER_CONVERSATION <= in_conversation <= most, f"{in_conversation} in a conversation, not {PER_CONVERSATION}")
    at.expect(1 <= wait <= 3, f"a conversation waits {wait} s")
    others, wait = await until_refused(lambda n: 200 + n, lambda n: 200 + n)
    taken, back = by_phone + in_conversation + others, (time.monotonic() - began) * IN_ALL / 60
    # What was refused by its conversation counts nowhere else. What is forged counts nowhere, so that all are let in.
    at.expect(IN_ALL <= taken <= IN_ALL + back + 1, f"{taken} in all, not {IN_ALL} and {back:.1f} that came back")
    at.expect(wait == 1, f"all wait {wait} s")
    at.expect((await write(1, 1)).status == 429, "the phone is let in before its time")
    # Callbacks about calls are no messages.
    signed = target.webhook("/twiml", voice(at, CallStatus="in-progress", SequenceNumber="1"))
    at.judge("a callback", await ask(at.port, signed, CARRIER), {204}, b"")
    # For the person's own, which follow.
    await asyncio.sleep(12 * 60 / IN_ALL)


async def garbage(at):
    """Bodies that are no form, from somebody who can sign."""
    chance = random.Random(7)
    for number in range(20):
        body = bytes(chance.randrange(256) for _ in range(chance.randrange(2000)))
        # As the server decodes it: what is no UTF-8 is replaced.
        pairs = [piece.partition(b"=") for piece in body.split(b"&") if piece]
        fields = [(decoded(name), decoded(value)) for name, _, value in pairs]
        for path, wanted in (("/twiml", {400}), ("/whatsapp", {200})):
            signature = at.target.sign(path, fields)
            request = http("POST", path, [("x-twilio-signature", signature)], body)
            # Where the two decoders differ in a detail, the signature does not fit.
            await at.ask(f"{path} garbage {number}", request, wanted | SHUT_OUT, b"")


def decoded(text):
    out, at = bytearray(), 0
    text = text.replace(b"+", b" ")
    while at < len(text):
        digits = text[at + 1 : at + 3]
        if text[at : at + 1] == b"%" and len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits):
            out.append(int(digits, 16))
            at += 3
        else:
            out.append(text[at])
            at += 1
    return out.decode(errors="replace")


async def replays(at):
    """What the carrier sent once, byte by byte again: the reply that ends the wait, and news of the call."""
    target = at.target
    reply = target.webhook("/whatsapp", target.message(target.conversation, 100, REPLY))
    at.judge("the reply", await ask(at.port, reply, CARRIER), {200}, b"")
    status, answer = await target.waiting[1]
    at.expect((status, answer["response"]) == (200, REPLY), f"the reply is not the agent's: {status} {answer}")
    # From here on this is how it stands.
    target.before = await target.state()
    again = [reply] * 5
    # Old news, and news that came before.
    again += [target.webhook("/twiml", voice(at, CallStatus=status, SequenceNumber="0")) for status in ("initiated", "ringing")] * 5
    again += [target.webhook("/twiml", [pair for pair in voice(at, AnsweredBy="human") if pair[0] != "CallStatus"])]
    for answer in await asyncio.gather(*(ask(at.port, request) for request in again)):
        at.judge("a repetition", answer, {200, 204}, b"")
    # In other clothes it is the same message still.
    other = dict(target.message(target.conversation, 100, REPLY))
    other |= {"ConversationSid": target.conversation.upper(), "MessageSid": other["MessageSid"].lower(), "RetryCount": "1"}
    at.judge("a retry", await ask(at.port, target.webhook("/whatsapp", list(other.items()))), {200}, b"")


ATTACKS = [signatures, unread, foreign, garbage]
# Last, because it leaves nothing of the limits.
LAST = [flood, limits]
