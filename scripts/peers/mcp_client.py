#!/usr/bin/env python3
"""Uses the tools as an agent does, with the official `mcp` package.

    mcp_client.py SCENARIO [--reply TEXT]... [--give-up SECONDS] http URL KEY
    mcp_client.py SCENARIO [--reply TEXT]... [--give-up SECONDS] stdio COMMAND...

URL ends in /mcp; COMMAND gets this process's environment. The person gives the replies in turn, by voice or in writing, in
`slow` only after the client has given up; in `restart` the server is killed after each question, and begins again. Exits with 1
and says what differs.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

REQUIRED = {
    "initiate_call": ["message"],
    "continue_call": ["call_id", "message"],
    "speak_to_user": ["call_id", "message"],
    "end_call": ["call_id", "message"],
    "send_message": ["message"],
    "wait_for_reply": ["call_id"],
    "get_call": ["call_id"],
    "get_call_history": [],
}
LABEL = "User's response:\n"
QUESTION, SECOND = "The tests are green. Shall I go on?", "There are two ways. Which one?"
# Versions that begin with a handshake and that the package does not offer any more.
OLD_VERSIONS = ["2025-03-26", "2025-06-18"]
SDK_VERSIONS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


class Differs(Exception):
    """What is not as it should be, in one sentence."""


def check(what, found, wanted):
    if found != wanted:
        raise Differs(f"{what}: {found!r}, not {wanted!r}")


def check_in(what, part, whole):
    if part not in whole:
        raise Differs(f"{what}: no {part!r} in {whole!r}")


def check_news(what, news, fields):
    """What a tool told while it waited: `(number, message)`. A text may be answered before there is anything new."""
    numbers = [number for number, _ in news]
    least = 2 if fields["contactMode"] == "voice" else 1
    if len(news) < least or any(next_ <= last for last, next_ in itertools.pairwise(numbers)):
        raise Differs(f"{what}: these are not {least} or more rising numbers: {news}")
    check(f"{what}: news without words", [message for _, message in news if not message], [])


def check_tools(tools):
    check("tools", {name: schema.get("required", []) for name, schema in tools.items()}, REQUIRED)
    for name, schema in tools.items():
        missing = [argument for argument in REQUIRED[name] if argument not in schema["properties"]]
        check(f"required and not described by {name}", missing, [])


class Agent:
    """A connected client, with answers as text and fields."""

    def __init__(self, client):
        self.client = client

    async def use(self, tool, progress=None, **arguments):
        """The fields of an answer that is no error; its text is checked to be there, and kept."""
        result = await self.client.call_tool(tool, arguments, progress_callback=progress)
        self.text = "".join(block.text for block in result.content)
        if result.is_error:
            raise Differs(f"{tool}: {self.text}")
        check(f"text of {tool} is there", bool(self.text), True)
        return result.structured_content

    async def use_telling(self, tool, **arguments):
        """The same, with what was told meanwhile."""
        news = []

        async def progress(number, _, message):
            news.append((number, message))

        return await self.use(tool, progress, **arguments), news

    def check_reply(self, tool, fields, reply):
        check(f"response of {tool}", fields.get("response"), reply)
        # The person's words stand last.
        check(f"end of the text of {tool}", self.text[-len(LABEL + reply):], LABEL + reply)


async def conversation(agent, options):
    """A call with two questions, a remark and a goodbye, and what is kept of it."""
    first, second = options.reply
    check_tools({tool.name: tool.input_schema for tool in (await agent.client.list_tools()).tools})
    fields, news = await agent.use_telling("initiate_call", message=QUESTION)
    agent.check_reply("initiate_call", fields, first)
    check_news("initiate_call", news, fields)
    call = fields["callId"]
    check_in("text of initiate_call", f"Call ID: {call}\n", agent.text)
    agent.check_reply("continue_call", await agent.use("continue_call", call_id=call, message=SECOND), second)
    await agent.use("speak_to_user", call_id=call, message="I begin.")
    check_in("text of speak_to_user", "Message spoken: \"I begin.\"", agent.text)
    fields = await agent.use("end_call", call_id=call, message="Goodbye.")
    check("a duration in seconds", isinstance(fields["durationSeconds"], int), True)
    check_in("text of end_call", f"Duration: {fields['durationSeconds']}s", agent.text)
    check("state after the end", (await agent.use("get_call", call_id=call))["state"], "ended")
    await check_history(agent, call, [QUESTION, first, SECOND, second, "I begin.", "Goodbye."])


async def check_history(agent, session, said):
    fields = await agent.use("get_call_history", limit=1)
    kept = fields["conversations"][0]
    check("the newest conversation", kept["id"], session)
    words = [message["message"] for message in kept["messages"]]
    check("what was said and is not in the history", [one for one in said if one not in words], [])
    for one in said:
        check_in("text of get_call_history", f"    {one}", agent.text)


async def message(agent, options):
    """A text and its answer."""
    reply = options.reply[0]
    fields = await agent.use("send_message", message=QUESTION)
    agent.check_reply("send_message", fields, reply)
    check("contactMode", fields["contactMode"], "whatsapp")
    check("callId is the message's", fields["callId"], fields["messageId"])
    check_in("text of send_message", f"Message ID: {fields['messageId']}\n", agent.text)
    window = fields["whatsappSessionWindow"]
    check("WhatsApp's window", (window["status"], window["minutesRemaining"] > 60), ("active", True))
    await agent.use("end_call", call_id=fields["callId"], message="Goodbye.")
    await check_history(agent, fields["callId"], [QUESTION, reply])


async def slow(agent, options):
    """The client gives up before the person answers, and collects the answer later."""
    before = (await agent.use("get_call_history"))["total"]
    try:
        await agent.client.call_tool("initiate_call", {"message": QUESTION}, read_timeout_seconds=options.give_up)
    except MCPError as error:
        check_in("giving up", "timed out", str(error).lower())
    else:
        raise Differs(f"initiate_call: answered within {options.give_up} s; the person is to be slower in this scenario")
    session = (await agent.use("get_call_history", limit=1))["conversations"][0]["id"]
    # Until the ceiling, nobody having answered is no error.
    while (fields := await agent.use("wait_for_reply", call_id=session)).get("response") is None:
        check_in("text of wait_for_reply", "No answer yet", agent.text)
    agent.check_reply("wait_for_reply", fields, options.reply[0])
    await agent.use("end_call", call_id=session, message="Goodbye.")
    check("sessions for this question", (await agent.use("get_call_history"))["total"] - before, 1)


async def restart(options):
    """Two questions, after each of which the server dies before its answer and begins again."""
    first, second = options.reply
    async with contextlib.AsyncExitStack() as stack:
        # In front of a server far away one process stays; over HTTP the package gives up with the connection.
        kept = Agent(await stack.enter_async_context(connected(options))) if options.way == "stdio" else None
        call = await persistently(options, kept, first, "initiate_call", message=QUESTION)
        await persistently(options, kept, second, "continue_call", call_id=call, message=SECOND)
        async with agent_of(options, kept) as agent:
            await agent.use("end_call", call_id=call, message="Goodbye.")
            check("sessions in all", (await agent.use("get_call_history"))["total"], 1)
            await check_history(agent, call, [QUESTION, first, SECOND, second, "Goodbye."])


@contextlib.asynccontextmanager
async def agent_of(options, kept):
    if kept:
        yield kept
    else:
        async with connected(options) as client:
            yield Agent(client)


async def persistently(options, kept, reply, tool, **arguments):
    """Asks once. Where that brought no answer, the session that it began is looked for, and its reply waited for there."""
    asked = False
    while True:
        try:
            async with asyncio.timeout(options.give_up), agent_of(options, kept) as agent:
                if asked:
                    tool = "wait_for_reply"
                    arguments = {"call_id": (await agent.use("get_call_history", limit=1))["conversations"][0]["id"]}
                asked = True
                fields = await agent.use(tool, **arguments)
        except (BaseExceptionGroup, MCPError, Differs, httpx2.HTTPError, OSError):
            fields = {}
        if "response" in fields:
            check(f"response of {tool}", fields["response"], reply)
            return fields.get("callId") or arguments["call_id"]
        await asyncio.sleep(0.2)


async def errors(agent, _options):
    """What is asked wrongly is told clearly, and the next request is served."""
    before = (await agent.use("get_call_history"))["total"]
    nobody = "call-00000000-0000-4000-8000-000000000000"
    for tool, arguments, part in [
        ("initiate_call", {}, "message"),
        ("initiate_call", {"message": 5}, "message"),
        ("initiate_call", {"message": " "}, "message"),
        ("initiate_call", {"message": "long " * 1000}, "4096"),
        ("send_message", {"message": ["a"]}, "message"),
        ("send_message", {"message": "Hello", "first_contact": "yes"}, "first_contact"),
        ("continue_call", {"message": "Hello"}, "call_id"),
        ("continue_call", {"call_id": nobody}, "No active call"),
        ("continue_call", {"call_id": nobody, "message": "Hello"}, "No active call"),
        ("speak_to_user", {"call_id": 7, "message": "Hello"}, "call_id"),
        ("speak_to_user", {"call_id": nobody, "message": "Hello"}, "No active call"),
        ("end_call", {"call_id": "../history", "message": "Hello"}, "call_id"),
        ("end_call", {"call_id": nobody, "message": "Hello"}, "No active call"),
        ("wait_for_reply", {"call_id": ""}, "call_id"),
        ("wait_for_reply", {"call_id": nobody}, "No active call"),
        ("get_call", {}, "call_id"),
        ("get_call", {"call_id": nobody}, "No active call"),
        ("get_call_history", {"limit": "many"}, "limit"),
        ("get_call_history", {"limit": 2.5}, "limit"),
    ]:
        result = await agent.client.call_tool(tool, arguments)
        text = "".join(block.text for block in result.content)
        what = f"{tool} with {json.dumps(arguments)[:60]}"
        check(f"{what} is an error", (result.is_error, text[:7]), (True, "Error: "))
        check_in(what, part, text)
    try:
        await agent.client.call_tool("order_pizza", {})
    except MCPError as error:
        check("unknown tool", error.error.code, -32602)
        check_in("unknown tool", "tools/list", error.error.message)
    else:
        raise Differs("unknown tool: not refused")
    check("calls made by all this", (await agent.use("get_call_history"))["total"], before)


async def versions(options):
    """The same short call in every version of the protocol."""
    for mode, version in SDK_VERSIONS.items():
        async with connected(options, mode) as client:
            check("version", client.protocol_version, version)
            agent = Agent(client)
            check_tools({tool.name: tool.input_schema for tool in (await client.list_tools()).tools})
            fields, news = await agent.use_telling("initiate_call", message=QUESTION)
            agent.check_reply(f"initiate_call in {version}", fields, options.reply[0])
            check_news(f"initiate_call in {version}", news, fields)
            await agent.use("end_call", call_id=fields["callId"], message="Goodbye.")
    for version in OLD_VERSIONS:
        async with (raw_http if options.way == "http" else raw_stdio)(options, version) as ask:
            await old_version(ask, version, options.reply[0])


async def old_version(ask, version, reply):
    greeting = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "peer", "version": "1"}}
    answer, _ = await ask("initialize", greeting)
    check(f"version answered to {version}", answer["protocolVersion"], version)
    await ask("notifications/initialized", None)
    check("answer to a ping", (await ask("ping", {}))[0], {})
    answer, _ = await ask("tools/list", {})
    check_tools({tool["name"]: tool["inputSchema"] for tool in answer["tools"]})
    asked = {"name": "initiate_call", "arguments": {"message": QUESTION}, "_meta": {"progressToken": "news-1"}}
    answer, told = await ask("tools/call", asked)
    check(f"tokens told in {version}", {news["progressToken"] for news in told}, {"news-1"})
    fields = answer["structuredContent"]
    check_news(f"initiate_call in {version}", [(news["progress"], news.get("message")) for news in told], fields)
    check(f"reply in {version}", fields["response"], reply)
    goodbye = {"call_id": fields["callId"], "message": "Goodbye."}
    answer, _ = await ask("tools/call", {"name": "end_call", "arguments": goodbye})
    check(f"goodbye in {version}", answer.get("isError", False), False)


class Replies:
    """JSON-RPC as far as these conversations need it: one request at a time."""

    def __init__(self):
        self.number = 0

    def question(self, method, params):
        body = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            self.number += 1
            body |= {"id": self.number, "params": params}
        return body

    def take(self, body, told):
        """The result, if this is it; what is told is kept."""
        if body.get("method") == "notifications/progress":
            told.append(body["params"])
        if body.get("id") != self.number:
            return None
        if "result" not in body:
            raise Differs(f"the server answered {body}")
        return body["result"]


@contextlib.asynccontextmanager
async def raw_http(options, version):
    url, key = options.target
    replies = Replies()
    headers = {"authorization": f"Bearer {key}", "accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=headers, timeout=300, trust_env=False) as http:
        async def ask(method, params):
            told = []
            named = {} if method == "initialize" else {"mcp-protocol-version": version}
            response = await http.post(url, json=replies.question(method, params), headers=named)
            if params is None:
                check(f"status of {method}", response.status_code, 202)
                return None, told
            check(f"status of {method}", response.status_code, 200)
            if response.headers["content-type"].startswith("text/event-stream"):
                bodies = [json.loads(line[5:]) for line in response.text.splitlines() if line[:5] == "data:" and line[5:].strip()]
            else:
                bodies = [response.json()]
            results = [result for body in bodies if (result := replies.take(body, told)) is not None]
            check(f"answers to {method}", len(results), 1)
            return results[0], told

        yield ask


@contextlib.asynccontextmanager
async def raw_stdio(options, _version):
    pipe, limit = asyncio.subprocess.PIPE, 1 << 24
    process = await asyncio.create_subprocess_exec(*options.target, stdin=pipe, stdout=pipe, limit=limit)
    replies = Replies()

    async def ask(method, params):
        told = []
        process.stdin.write(json.dumps(replies.question(method, params)).encode() + b"\n")
        await process.stdin.drain()
        while params is not None:
            line = await process.stdout.readline()
            if not line:
                raise Differs(f"the server ended instead of answering {method}")
            if (result := replies.take(json.loads(line), told)) is not None:
                return result, told
        return None, told

    yield ask
    process.stdin.close()
    check("the server's exit code once its client has hung up", await asyncio.wait_for(process.wait(), 10), 0)


@contextlib.asynccontextmanager
async def connected(options, mode="auto"):
    async with contextlib.AsyncExitStack() as stack:
        if options.way == "http":
            url, key = options.target
            headers = {"authorization": f"Bearer {key}"}
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=300, trust_env=False))
            server = streamable_http_client(url, http_client=http)
        else:
            server = StdioServerParameters(command=options.target[0], args=options.target[1:], env=dict(os.environ))
        yield await stack.enter_async_context(Client(server, mode=mode))


async def main(options):
    if options.scenario in ("versions", "restart"):
        await SCENARIOS[options.scenario](options)
    else:
        async with connected(options) as client:
            await SCENARIOS[options.scenario](Agent(client), options)
    print(f"mcp: {options.scenario} over {options.way} is well")


SCENARIOS = {
    "conversation": conversation,
    "message": message,
    "slow": slow,
    "restart": restart,
    "errors": errors,
    "versions": versions,
}


def command_line():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--reply", action="append", help="what the person answers; again for the next question")
    parser.add_argument("--give-up", type=float, default=5, help="seconds after which a slow person is waited for no more")
    parser.add_argument("way", choices=["http", "stdio"])
    parser.add_argument("target", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    options.reply = options.reply or ["Yes, go on.", "The second one."]
    if not options.target or (options.way == "http" and len(options.target) != 2):
        parser.error("http needs a URL and a key, stdio a command")
    return options


if __name__ == "__main__":
    # Whatever waits in vain ends the script.
    signal.alarm(240)
    try:
        asyncio.run(main(command_line()))
    except BaseException as error:
        # The tasks of the package gather what goes wrong in them, also where it is one thing.
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, Differs | MCPError | httpx2.HTTPError | OSError):
            sys.exit(f"mcp: {error}")
        raise error
