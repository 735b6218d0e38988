#!/usr/bin/env python3
"""How soon a server answers, and what it holds while nobody calls.

    measure_idle.py [BINARY]    target/release/callme where none is given

Starts the server twenty times with good settings and nobody behind them: the time from the start of the process to the
first 200 of /health, and after five quiet seconds of the last one its resident memory. Prints one line.
"""

import http.client
import os
import pathlib
import statistics
import subprocess
import sys
import time

from try_image import SETTINGS, free_port

RUNS = 20


def answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def start(binary):
    """A server that answers, and how many milliseconds it took."""
    port = free_port()
    # From /, where no .env lies.
    environment = SETTINGS | {"PORT": str(port)}
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([binary, "serve"], cwd="/", env=environment, stdout=quiet, stderr=quiet)
    while not answers(port):
        if server.poll() is not None or time.perf_counter() - began > 10:
            sys.exit(f"{binary} does not answer")
        time.sleep(0.0005)
    return server, (time.perf_counter() - began) * 1000


def main():
    binary = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/callme").resolve()
    times = []
    for run in range(RUNS):
        server, took = start(binary)
        times.append(took)
        if run == RUNS - 1:
            time.sleep(5)
            memory = dict(line.split(":", 1) for line in open(f"/proc/{server.pid}/status"))
            resident, anonymous = (int(memory[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))
        server.terminate()
        server.wait(timeout=20)
    size = binary.stat().st_size / 1e6
    print(
        f"start {statistics.median(times):.1f} ms (median of {RUNS}; {min(times):.1f} to {max(times):.1f})"
        f" · idle {resident:.1f} MiB resident, {anonymous:.1f} MiB of it its own · binary {size:.1f} MB"
        f" · load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
