#!/usr/bin/env python3
"""Checks the alerts and the dashboard: by themselves, and against servers that somebody calls and writes with.

    python scripts/check_alerts.py CALLME EMULATED

CALLME is the server's binary, EMULATED the example of that name. promtool reads the rules and runs their tests; then a real
Prometheus, with the example configuration, reads a server with a call and a message (`callme serve`) and one in which the
person talks (`callme demo`). Every query of the rules and of the dashboard must give data. One that compares may give none: its
selectors must. Exits with 1 when anything is wrong.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from ruamel.yaml import YAML
from websockets.asyncio.client import connect

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/attack"))
from target import METRICS_TOKEN, REPLY, Target, free_port  # noqa: E402
from wire import Connection, ask, http  # noqa: E402

RULES = ROOT / "deploy/prometheus/callme.rules.yml"
TESTS = ROOT / "deploy/prometheus/callme.rules.test.yml"
CONFIG = ROOT / "deploy/prometheus/prometheus.yml"
DASHBOARD = ROOT / "deploy/grafana/callme.json"
# Where scripts/setup puts Prometheus.
TOOLS = ROOT / "target/tools/prometheus/usr/bin"

SELECTOR = re.compile(r"\b(callme[_:][a-z0-9_:]+|up)\b({[^}]*})?")
COMPARES = re.compile(r"==|!=(?!~)|[<>]=?|\bunless\b|\band\b")
SPAN = "15m"
PATIENCE = 60

faults = []


def check(kept, promise):
    print(f"  {'✓' if kept else '✗'} {promise}")
    if not kept:
        faults.append(promise)


def tool(name):
    return [str(TOOLS / name) if (TOOLS / name).exists() else name]


def read_yaml(path):
    return YAML(typ="safe").load(path.read_text())


def promtool(promise, *arguments, cwd):
    found = subprocess.run([*tool("promtool"), *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    check(found.returncode == 0, f"{promise}{'' if found.returncode == 0 else found.stdout + found.stderr}")


# The files by themselves.


def rules():
    """Every rule, with the name that it goes by."""
    return [
        (rule.get("alert") or rule["record"], rule) for group in read_yaml(RULES)["groups"] for rule in group["rules"]
    ]


def check_rules(folder):
    promtool("the rules can be read", "check", "rules", RULES, cwd=ROOT)
    promtool("the example configuration can be read", "check", "config", "prometheus.yml", cwd=folder)
    promtool("the rules' tests pass", "test", "rules", TESTS.name, cwd=TESTS.parent)
    tried = [one for group in read_yaml(TESTS)["tests"] for one in group.get("alert_rule_test", [])]
    page = (ROOT / "docs/TROUBLESHOOTING.md").read_text() if (ROOT / "docs/TROUBLESHOOTING.md").exists() else ""
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", page, re.M)}
    for name, alert in rules():
        if "alert" not in alert:
            continue
        fires = {bool(one.get("exp_alerts")) for one in tried if one["alertname"] == name}
        check(fires == {True, False}, f"{name}: is tried, both firing and quiet")
        check(alert["labels"]["severity"] in ("critical", "warning"), f"{name}: its severity")
        check(alert["annotations"]["summary"].strip().endswith("."), f"{name}: its summary is a sentence")
        file, _, anchor = alert["annotations"]["runbook"].partition("#")
        check(file == "docs/TROUBLESHOOTING.md" and anchor in anchors, f"{name}: {file} has its section, #{anchor}")


def check_dashboard(dashboard):
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    check(len(set(ids)) == len(ids), "the dashboard's panels have ids of their own")
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    check(variables["datasource"]["type"] == "datasource", "the dashboard's data source is a variable")
    for panel in panels:
        sources = [panel["datasource"], *(one["datasource"] for one in panel["targets"])]
        good = panel.get("description") and panel["fieldConfig"]["defaults"].get("unit")
        good = good and all(source["uid"] == "${datasource}" for source in sources)
        check(good, f"panel {panel['title']!r}: a description, a unit, and the variable's data source")
    return [(f"panel {panel['title']!r}", one["expr"]) for panel in panels for one in panel["targets"]]


# Prometheus, and what it reads.


class Prometheus:
    """The example configuration, but for where the servers are, and for patience."""

    def __init__(self, folder, servers):
        self.port = free_port()
        config = read_yaml(CONFIG)
        (example,) = config["scrape_configs"]
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"] = []
        for number, (port, token) in enumerate(servers):
            # The example's name for the token's file is kept for the first.
            file = example["authorization"]["credentials_file"] if number == 0 else f"token-{number}"
            (folder / file).write_text(token)
            own = example | {"job_name": f"{example['job_name']}{number or ''}", "scheme": "http"}
            own["authorization"] = example["authorization"] | {"credentials_file": file}
            own["static_configs"] = [{"targets": [f"127.0.0.1:{port}"], "labels": {"job": example["job_name"]}}]
            config["scrape_configs"].append(own)
        (folder / "live.yml").write_text(json.dumps(config))
        (folder / RULES.name).write_text(RULES.read_text())
        arguments = ["--config.file=live.yml", "--storage.tsdb.path=data", "--log.level=warn"]
        self.log = (folder / "prometheus.log").open("w+")
        self.process = subprocess.Popen(
            [*tool("prometheus"), *arguments, f"--web.listen-address=127.0.0.1:{self.port}"],
            cwd=folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def get(self, path, **fields):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def values(self, query):
        """The values that a query gives, without those that are none."""
        answer = self.get("query", query=query)
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        values = [float(sample["value"][1]) for sample in answer["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    async def until(self, holds, what):
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            with contextlib.suppress(OSError, ValueError):
                if holds():
                    return
            await asyncio.sleep(0.2)
        self.log.seek(0)
        raise SystemExit(f"Prometheus: {what}; {self.get('targets')}\n{self.log.read()}")

    async def reads(self, servers):
        await self.until(lambda: self.values('up{job="callme"}') == [1.0] * servers, "it does not read the servers")

    async def has_read_all(self):
        """What was until now has been read, and every rule has been run on that."""
        now = time.time()

        def evaluated():
            groups = self.get("rules")["data"]["groups"]
            read = min(self.values("timestamp(up)")) > now
            return read and all(instant(group["lastEvaluation"]) > now + 2 for group in groups)

        await self.until(evaluated, "it does not run the rules")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def instant(text):
    """Seconds since the epoch. There may be nanoseconds, which nobody needs and not every Python reads."""
    return datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", text)).timestamp()


class Demo:
    """`callme demo`, whose person is steered from here."""

    def __init__(self, binary):
        self.port = free_port()
        arguments = [pathlib.Path(binary).resolve(), "demo", "--no-open", "--port", str(self.port)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def world(self):
        """Learns the key. The page is for this machine's names alone."""
        request = http("GET", "/demo/world", host=f"127.0.0.1:{self.port}")
        answer = await ask(self.port, request, "127.0.0.1")
        self.key = json.loads(answer.body)["key"]

    async def agent(self, path, message):
        headers = [("authorization", f"Bearer {self.key}"), ("content-type", "application/json")]
        body = json.dumps({"message": message}).encode()
        answer = await ask(self.port, http("POST", path, headers, body), "127.0.0.1", PATIENCE)
        if answer.status != 200:
            raise SystemExit(f"the demo answers {answer.status} to {path}: {answer.text}")
        return json.loads(answer.body)

    async def converses(self):
        """A question and its answer, an interruption, a goodbye."""
        async with connect(f"ws://127.0.0.1:{self.port}/demo/phone", max_size=None) as phone:
            refusals = asyncio.Queue()

            async def listen():
                async for message in phone:
                    if isinstance(message, str) and "refused" in json.loads(message):
                        refusals.put_nowait(message)

            async def does(**order):
                """Tries until it is possible: it has to ring before it can be picked up."""
                for _ in range(PATIENCE):
                    await phone.send(json.dumps(order))
                    try:
                        async with asyncio.timeout(1):
                            await refusals.get()
                        await asyncio.sleep(0.2)
                    except TimeoutError:
                        return
                raise SystemExit(f"the phone cannot {order['do']}")

            ears = asyncio.create_task(listen())
            call = asyncio.create_task(self.agent("/api/call", "Shall I deploy the release to all servers now?"))
            await does(do="pick-up")
            await asyncio.sleep(1)
            await does(do="say", text="Yes, please deploy it.")
            path = f"/api/call/{(await call)['callId']}"
            plan = "Understood. I will deploy it to every server in Europe, one after the other, and call you at the end."
            more = asyncio.create_task(self.agent(f"{path}/continue", plan))
            await asyncio.sleep(2)
            await does(do="say", text="Stop. Only the first server please.")
            await more
            await self.agent(f"{path}/end", "Goodbye.")
            ears.cancel()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


async def listens(port):
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            (await Connection.open(port, "127.0.0.1")).close()
            return
        await asyncio.sleep(0.05)
    raise SystemExit(f"nobody listens on port {port}")


async def happens(target):
    """A call, a message and its reply, a second call that finds the line busy, and a webhook that nobody signed."""
    await target.begin()
    await target.agent("POST", "/api/call", {"message": "And may I ask another thing?"})
    fields = target.message(target.conversation, 1, REPLY)
    await ask(target.port, target.webhook("/whatsapp", fields), "127.0.0.1")
    await ask(target.port, target.webhook("/twiml", [("CallSid", "CA1")], ["forged"]), "127.0.0.1")
    status, answer = await asyncio.wait_for(target.waiting[1], PATIENCE)
    if status != 200:
        raise SystemExit(f"the message got no reply: {status} {answer}")
    await target.agent("POST", f"/api/call/{target.call_id}/end", {"message": "Goodbye."})
    await target.waiting[0]


# The queries.


class Queries:
    def __init__(self, prometheus):
        self.prometheus = prometheus

    def trouble(self, expr):
        """Why a query is not as it should be; nothing where it is."""
        try:
            if self.prometheus.values(expr):
                return ""
        except ValueError as error:
            return f"an error: {error}"
        if not COMPARES.search(re.sub(r"{[^}]*}", "", expr)):
            return "no data; nothing of " + ", ".join(self.missing(expr) or ["what it needs together"])
        return ", ".join(f"no data of {selector}" for selector in self.missing(expr))

    def missing(self, expr):
        """The selectors without a series that should have one."""
        return sorted({name + matchers for name, matchers in SELECTOR.findall(expr) if not self.is_there(name, matchers)})

    def is_there(self, name, matchers):
        return bool(self.prometheus.values(f"count(last_over_time({name}{matchers}[{SPAN}]))"))


def with_values(expr):
    """A dashboard's query with the variables' values."""
    for name, value in (("$job", "callme"), ("$instance", ".*"), ("$span", SPAN)):
        expr = expr.replace(name, value)
    return expr


async def live(binary, emulator, folder, panels):
    # It looks ahead to the ends of the speech models, which the emulator turns off.
    target, demo, prometheus = Target(binary, emulator, CALLME_SPEECH_PROBE_HOURS="6"), Demo(binary), None
    try:
        await listens(target.port)
        await listens(demo.port)
        await demo.world()
        # Counters are read before they move: otherwise there is no increase.
        prometheus = Prometheus(folder, [(target.port, METRICS_TOKEN), (demo.port, demo.key)])
        await prometheus.reads(2)
        await asyncio.gather(happens(target), demo.converses())
        await prometheus.has_read_all()
        queries = Queries(prometheus)
        asked = [(name, rule["expr"]) for name, rule in rules()]
        asked += [(name, with_values(expr)) for name, expr in panels]
        for name, expr in asked:
            trouble = queries.trouble(expr)
            check(not trouble, f"{name}: {trouble or 'data'}")
        groups = prometheus.get("rules")["data"]["groups"]
        broken = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] != "ok"]
        check(not broken, f"Prometheus runs every rule{', but for ' if broken else ''}{', '.join(broken)}")
    finally:
        if prometheus:
            prometheus.stop()
        demo.stop()
        target.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("callme")
    parser.add_argument("emulated")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alerts-") as folder:
        folder = pathlib.Path(folder)
        for file in (CONFIG, RULES):
            (folder / file.name).write_text(file.read_text())
        (folder / "callme-metrics-token").write_text(METRICS_TOKEN)
        check_rules(folder)
        panels = check_dashboard(json.loads(DASHBOARD.read_text()))
        asyncio.run(live(arguments.callme, arguments.emulated, folder, panels))
    if faults:
        sys.exit(f"{len(faults)} of the alerts' promises are broken:\n" + "\n".join(f"  ✗ {fault}" for fault in faults))


if __name__ == "__main__":
    main()
