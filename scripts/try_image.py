"""Runs an unpacked image as a platform would: its own user, no privileges, a read-only root, process number one.

    try_image.py IMAGE.json ROOT    what `buildah inspect --type image` printed, and where the image is mounted

What is started comes from the image's own settings: user, directory, environment, entry point, command, health check
and stop signal. The network is this machine's; no engine limits anything else.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

# Good settings with nobody behind them: port 9 refuses, and /health does not ask the providers.
SETTINGS = {
    "CALLME_API_KEY": "0123456789abcdef0123456789abcdef",
    "CALLME_PHONE_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "CALLME_PHONE_AUTH_TOKEN": "fedcba9876543210fedcba9876543210",
    "CALLME_PHONE_NUMBER": "+15005550006",
    "CALLME_USER_PHONE_NUMBER": "+15005550010",
    "CALLME_OPENAI_API_KEY": "sk-nobody",
    "CALLME_PUBLIC_URL": "https://callme.example.com",
    "CALLME_TWILIO_API_URL": "http://127.0.0.1:9",
    "OPENAI_API_BASE_URL": "http://127.0.0.1:9/v1",
}

# Makes the root read-only, then gives up everything but the image's user.
START = """
set -e
root=$1 user=$2 group=$3 directory=$4
shift 4
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc -o ro proc "$root/proc"
mount --bind /dev "$root/dev"
exec chroot "$root" /usr/bin/setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all /usr/bin/env --chdir "$directory" "$@"
"""


class Image:
    def __init__(self, description, root):
        self.settings = json.load(open(description))["Docker"]["config"]
        self.root = root

    def start(self, command, environment=(), **options):
        """Starts `command` where the image would; what it is told from here comes over the image's environment."""
        user, group = self.settings["User"].split(":")
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        where = [self.root, user, group, self.settings["WorkingDir"] or "/"]
        told = dict(line.split("=", 1) for line in self.settings["Env"]) | dict(environment)
        # `env` looks the program up in the image's PATH, as an engine does.
        words = ["-i", *(f"{name}={value}" for name, value in told.items()), *command]
        return subprocess.Popen([*unshare, "sh", "-c", START, "sh", *where, *words], text=True, **options)

    def run(self, command, environment=()):
        """Runs `command` to its end: exit code and everything it printed."""
        process = self.start(command, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        printed, _ = process.communicate(timeout=120)
        return process.returncode, printed.strip()


def check(kept, promise):
    print(("  ✓ " if kept else "  ✗ ") + promise, flush=True)
    if not kept:
        sys.exit(1)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def health(port):
    """Status and body of /health, or None while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)
    except OSError:
        return None


def until_answered(port, process):
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        if answer := health(port):
            return answer
        time.sleep(0.01)
    return None


def child(process):
    """The image's first process, as this machine numbers it."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
        return int(children.read().split()[0])


def status(pid):
    with open(f"/proc/{pid}/status") as lines:
        return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def try_server(image):
    settings = image.settings
    port = free_port()
    environment = SETTINGS | {"PORT": str(port), "CALLME_LOG": "warn"}
    check_command = settings["Healthcheck"]["Test"]
    check(check_command[0] == "CMD", "the health check needs no shell")

    server = image.start([*settings["Entrypoint"], *settings["Cmd"]], environment)
    try:
        answer = until_answered(port, server)
        green = answer is not None and answer[0] == 200 and answer[1]["status"] == "ok"
        check(green, f"PORT is honoured, /health is green: {answer}")
        first = child(server)
        facts = status(first)
        check(facts["Uid"].split() == [settings["User"].split(":")[0]] * 4, f"runs as user {facts['Uid'].split()[0]}")
        check(int(facts["CapEff"], 16) == 0 and facts["NoNewPrivs"] == "1", "without a privilege, and can get none")
        code, printed = image.run(check_command[1:], environment)
        check(code == 0, f"the health check passes: {printed}")
        began = time.monotonic()
        os.kill(first, signal.Signals[settings.get("StopSignal") or "SIGTERM"])
        code = server.wait(timeout=20)
        check(code == 0, f"as process number one it stops when told, in {time.monotonic() - began:.2f} s")
    finally:
        server.kill()
    code, printed = image.run(check_command[1:], environment)
    check(code == 1, f"the health check fails where nobody listens: {printed}")


def try_without_settings(image):
    port = free_port()
    command = [*image.settings["Entrypoint"], *image.settings["Cmd"]]
    server = image.start(command, {"PORT": str(port)}, stderr=subprocess.DEVNULL)
    try:
        answer = until_answered(port, server)
        check(answer is not None and answer[0] == 503, "without settings it says on /health what is missing")
        code, _ = image.run(image.settings["Healthcheck"]["Test"][1:], {"PORT": str(port)})
        check(code == 1, "and the health check fails")
    finally:
        server.kill()


def main():
    image = Image(sys.argv[1], sys.argv[2])
    print("the image, as its own user, on a read-only root:")
    code, printed = image.run(["touch", "/data/file", "/tmp/file"])
    check(code != 0 and printed.count("Read-only file system") == 2, "no file can be written")
    check(image.settings["ExposedPorts"] == {"3333/tcp": {}}, "port 3333 is exposed")
    check(os.path.getsize(f"{image.root}/etc/ssl/certs/ca-certificates.crt") > 100_000, "it has certificates")
    check("MIT" in open(f"{image.root}/usr/share/doc/callme/LICENSE").read(), "it has its licence")
    owner = os.stat(f"{image.root}/data")
    check(f"{owner.st_uid}:{owner.st_gid}" == image.settings["User"], "/data is its user's")
    try_server(image)
    try_without_settings(image)
    code, printed = image.run([*image.settings["Entrypoint"], "demo", "--script"])
    check(code == 0, f"`demo --script` passes inside: {printed.splitlines()[-1] if printed else 'it printed nothing'}")


if __name__ == "__main__":
    main()
