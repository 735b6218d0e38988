#!/usr/bin/env python3
"""Checks the files that put callme on a platform, as far as that goes without one.

They parse; the ones that a schema exists for fit it (compose.yaml, the workflows); all mean the same server: its
Dockerfile, its port, its health check; they name settings of .env.example only, ask for what must be set, and hold no
secret. Prints what was checked; exits with 1 at the first thing that is wrong.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a file may give a value; anything else that it sets must be asked for.
PUBLIC = {"PORT", "CALLME_LOG_FORMAT"}


def read(path):
    text = (ROOT / path).read_text()
    match pathlib.Path(path).suffix:
        case ".json":
            return json.loads(text)
        case ".toml":
            return tomllib.loads(text)
        case _:
            return YAML(typ="safe").load(text)


def check(kept, promise):
    if not kept:
        sys.exit(f"  ✗ {promise}")
    print(f"  ✓ {promise}")


def fits(schema, *paths):
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    found = subprocess.run([*tool, *map(str, paths)], cwd=ROOT, capture_output=True, text=True)
    check(found.returncode == 0, f"{len(paths)} file(s) fit {schema}{found.stdout if found.returncode else ''}")


def settings():
    """Every setting of .env.example, and those that must be filled in."""
    text = (ROOT / ".env.example").read_text()
    every = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    return every, set(re.findall(r"^([A-Z_]+)=$", text, re.MULTILINE))


def main():
    every, needed = settings()
    dockerfile = (ROOT / "Dockerfile").read_text()
    port = int(re.search(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)[1])

    railway = read("deploy/railway.json")
    check((ROOT / railway["build"]["dockerfilePath"]).samefile(ROOT / "Dockerfile"), "railway.json: the Dockerfile")
    check(railway["deploy"]["healthcheckPath"] == "/health", "railway.json: the health check")
    # Railway's documentation shows strings here, which its parser refuses.
    numbers = [value for name, value in railway["deploy"].items() if name.endswith(("Seconds", "Timeout"))]
    check(all(isinstance(number, int) for number in numbers), "railway.json: times are numbers")

    [render] = read("deploy/render.yaml")["services"]
    check((ROOT / render["dockerfilePath"]).samefile(ROOT / "Dockerfile"), "render.yaml: the Dockerfile")
    check(render["healthCheckPath"] == "/health", "render.yaml: the health check")
    variables = {variable["key"]: variable for variable in render["envVars"]}
    check(needed <= variables.keys() <= every, "render.yaml: asks for all that must be set, and for nothing unknown")
    given = {name for name, variable in variables.items() if "value" in variable}
    check(given <= PUBLIC, "render.yaml: no secret")

    fly = read("deploy/fly.toml")
    check((ROOT / "deploy" / fly["build"]["dockerfile"]).samefile(ROOT / "Dockerfile"), "fly.toml: the Dockerfile")
    check([probe["path"] for probe in fly["http_service"]["checks"]] == ["/health"], "fly.toml: the health check")
    check(fly["env"].keys() <= PUBLIC & every, "fly.toml: no secret, nothing unknown")
    check(int(fly["env"]["PORT"]) == fly["http_service"]["internal_port"] == port, "fly.toml: the port")

    compose = read("compose.yaml")["services"]["callme"]
    published, told = compose["ports"][0], compose["environment"]
    check(published.endswith(f":{port}") and told == {"PORT": str(port)}, "compose.yaml: the port")
    fits("vendor.compose-spec", "compose.yaml")

    workflows = sorted(path.relative_to(ROOT) for path in (ROOT / ".github/workflows").glob("*.yml"))
    check(workflows, "there are workflows")
    fits("vendor.github-workflows", *workflows)

    manifest = read("Cargo.toml")["package"]
    check(f"rust:{manifest['rust-version']}-bookworm" in dockerfile, "Dockerfile: the Rust of Cargo.toml")
    pinned = [read(path).get("env", {}).get("RUSTUP_TOOLCHAIN") for path in workflows]
    check(set(pinned) <= {None, manifest["rust-version"]}, "the workflows: the Rust of Cargo.toml")


if __name__ == "__main__":
    main()
