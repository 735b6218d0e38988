"""One attack: what was tried, what came back, and what was wrong with that."""

import asyncio
import itertools
from collections import Counter

from wire import STRANGER, Connection, ask, http

# The third part of the addresses that an attack comes from.
NUMBERS = itertools.count(100)

# Connections that may wait for the server to take them. Some systems keep only so many, and let the others believe that they are open.
WAITING = 40


class Attempt:
    def __init__(self, target, name):
        self.target, self.port, self.name = target, target.port, name
        self.answers = Counter()
        # Its own addresses, and how many requests went out from them.
        self.number, self.sent = next(NUMBERS), 0
        self.faults = []

    def note(self, answer):
        """Counts what came back: a status, or a word for something else."""
        self.answers[str(answer or "closed")] += 1

    def fault(self, what):
        self.faults.append(what)

    def expect(self, holds, what):
        if not holds:
            self.fault(what)

    async def crowd(self, count, source=STRANGER):
        """So many connections, all of which the server has taken: whoever came behind them was answered."""
        connections = []
        while len(connections) < count:
            several = min(WAITING, count - len(connections))
            connections += await asyncio.gather(*(Connection.open(self.port, source) for _ in range(several)))
            answer = await ask(self.port, http("GET", "/health"), source, patience=20)
            self.expect(answer.status == 200, f"behind {len(connections)} connections, /health says {answer.status}")
        return connections

    async def ask(self, what, request, statuses, body=None, patience=8, source=STRANGER):
        """Sends a request and checks the answer; status 0 is a connection that was closed without one."""
        answer = await ask(self.port, request, source, patience)
        self.judge(what, answer, statuses, body)
        return answer

    def judge(self, what, answer, statuses, body=None):
        self.note(answer.status)
        self.expect(answer.status in statuses, f"{what}: {answer.status or 'no answer'} {answer.text[:200]!r}")
        if body is not None and answer.status:
            self.expect(answer.body == body, f"{what}: the body is {answer.text[:200]!r}")
        # A handshake's answer has a hash that looks like a signature.
        for found in self.target.leaks(answer.raw.decode(errors="replace")) if answer.status != 101 else ():
            self.fault(f"{what}: the answer has {found}")
        self.expect(answer.status != 500, f"{what}: 500")

    async def try_each(self, tries, statuses, body=None):
        """Requests by name, one after the other; few enough from each address that none is shut out for its failures."""
        for what, request in tries.items():
            self.sent += 1
            source = f"127.0.{self.number}.{1 + self.sent // 20}"
            await self.ask(what, request, statuses, body, source=source)

    @property
    def tries(self):
        return sum(self.answers.values())
