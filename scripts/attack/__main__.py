#!/usr/bin/env python3
"""Tries a server as strangers would, and fails when one of them gets anywhere.

    python scripts/attack CALLME EMULATED           what every change must pass
    python scripts/attack CALLME EMULATED --long    more of it, with a log of everything
    python scripts/attack CALLME EMULATED --only NAME

CALLME is the server's binary, EMULATED the example of that name. The server has a live call and a message that waits for its
reply. After each attack it still answers, its memory is bounded, its log tells nothing, and nothing that the person or the
agent could notice has changed. Prints a table.
"""

import argparse
import asyncio
import logging
import pathlib
import resource
import time

import agents
import carrier
import connections
import sockets
from attempt import Attempt
from target import Target

# What takes its time by itself, and goes on beside the others.
PATIENT = [connections.slow_bodies, connections.slow_heads, connections.untaken, sockets.silent]
OTHERS = agents.ATTACKS + carrier.ATTACKS + sockets.ATTACKS + connections.ATTACKS + carrier.LAST

HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def name(attack):
    return attack.__name__.replace("_", " ")


async def run(attack, target):
    attempt, began = Attempt(target, name(attack)), time.monotonic()
    try:
        await attack(attempt)
    except Exception as error:  # whatever it is, the others go on and the report says so
        attempt.fault(f"{type(error).__name__}: {error}")
    attempt.took = time.monotonic() - began
    await target.check(attempt)
    return attempt


async def the_person_is_still_reached(at):
    """The call goes on as if nothing had been, and ends when its agent ends it."""
    target = at.target
    status, ended = await target.agent("POST", f"/api/call/{target.call_id}/end", {"message": "Goodbye."})
    at.note(status)
    at.expect((status, ended.get("outcome", {}).get("endedBy")) == (200, "agent"), f"end: {status} {ended}")
    status, answer = await target.waiting[0]
    at.note(status)
    at.expect((status, answer["code"]) == (410, "call_ended"), f"the request that waited: {status} {answer}")


async def attack(target, only):
    await target.begin()
    wanted = [one for one in OTHERS if not only or name(one) == only]
    patient = [asyncio.create_task(run(one, target)) for one in PATIENT if not only or name(one) == only]
    attempts = [await run(one, target) for one in wanted] + await asyncio.gather(*patient)
    if only:
        return attempts
    attempts.append(await run(carrier.replays, target))
    last = Attempt(target, name(the_person_is_still_reached))
    began, last.took = time.monotonic(), 0
    await the_person_is_still_reached(last)
    # Connections of strangers are gone.
    await asyncio.sleep(0.5)
    last.expect(target.descriptors() < 60, f"{target.descriptors()} descriptors are open")
    last.took = time.monotonic() - began
    return [*attempts, last]


def main():
    parser = argparse.ArgumentParser(prog="attack", description=__doc__.partition("\n")[0])
    parser.add_argument("callme")
    parser.add_argument("emulated")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", metavar="NAME", choices=[name(one) for one in OTHERS + PATIENT])
    given = parser.parse_args()
    # For its thousands of connections, and the server's.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16_384, HARD), HARD))
    # Writing to a server that has hung up is what some attacks are about.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    began = time.monotonic()
    target = Target(given.callme, given.emulated, given.long)
    try:
        attempts = asyncio.run(attack(target, given.only))
        memory = target.memory()
    finally:
        code, took = target.stop()
    rest = Attempt(target, "the log to its end")
    for found in target.leaks(target.log()):
        rest.fault(found)
    rest.expect(code == 0 and took < 8, f"the server ended with {code} after {took:.1f} s")
    build = pathlib.Path(given.callme).resolve().parent.name
    end = f"The {build} build took {time.monotonic() - began:.0f} s and has {memory:.0f} MB of memory in the end."
    report([*attempts, rest], end)


def report(attempts, end):
    print(f"{'attack':<28} {'tries':>6} {'s':>5}  {'verdict':<8} answers")
    for one in attempts:
        answers = ", ".join(f"{what} ×{count}" if not what.startswith("held") else what for what, count in one.answers.most_common())
        took = getattr(one, "took", 0)
        print(f"{one.name:<28} {one.tries:>6} {took:>5.1f}  {'FAILED' if one.faults else 'ok':<8} {answers}")
    print(end)
    for one in attempts:
        for fault in one.faults[:10]:
            print(f"✗ {one.name}: {fault}")
        if len(one.faults) > 10:
            print(f"✗ {one.name}: and {len(one.faults) - 10} more")
    if any(one.faults for one in attempts):
        raise SystemExit(1)


main()
