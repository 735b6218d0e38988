#!/usr/bin/env python3
"""Checks the files that put callme on a platform, as far as that goes without one.

They parse; the ones that a schema exists for fit it (compose.yaml, the workflows); all mean the same server: its
Dockerfile, its port, its health check; they name settings of .env.example only, ask for what must be set, and hold no
secret. No schema for Kubernetes or systemd is at hand offline: of those two, what callme needs is looked at piece by piece.
Prints what was checked; exits with 1 at the first thing that is wrong.
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
PUBLIC = {"PORT", "CALLME_LOG_FORMAT", "CALLME_PUBLIC_URL", "CALLME_DATA_DIR"}
# From SIGTERM to the end callme takes 8 seconds at most, and what kills it sooner cuts the goodbye.
GRACE = 10
# What a process of this server may have open beside its 8,192 connections is not many.
DESCRIPTORS = 10_000
# What the unit must forbid, whatever else it does.
FORBIDDEN = {
    "CapabilityBoundingSet": "",
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
}


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


def unit(path):
    """A unit's sections; a name that comes again begins a new value, as for SystemCallFilter."""
    sections, section = {}, {}
    for line in (ROOT / path).read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            section.setdefault(name, []).append(value)
    return sections


def check_unit(every):
    sections = unit("deploy/callme.service")
    service = sections["Service"]
    check(service["ExecStart"] == ["/usr/local/bin/callme serve"], "callme.service: runs the server")
    # What is in it is nobody's but root's; a minus before it would let the service start without.
    check(service["EnvironmentFile"] == ["/etc/callme/callme.env"], "callme.service: the settings, from a file of their own")
    given = dict(pair.split("=", 1) for line in service["Environment"] for pair in line.split())
    check(given.keys() <= PUBLIC & every, "callme.service: no secret, nothing unknown")
    state = f"/var/lib/{service['StateDirectory'][0]}"
    check(given["CALLME_DATA_DIR"] == state == service["WorkingDirectory"][0], "callme.service: where state is kept")
    check(int(service["TimeoutStopSec"][0]) >= GRACE, "callme.service: time for the goodbye")
    check(int(service["LimitNOFILE"][0]) >= DESCRIPTORS, "callme.service: descriptors for all connections")
    lax = [name for name, value in FORBIDDEN.items() if service.get(name) != [value]]
    check(not lax, f"callme.service: forbids what callme does not need {' '.join(lax)}".rstrip())
    check(sections["Install"] == {"WantedBy": ["multi-user.target"]}, "callme.service: starts with the machine")


def check_kubernetes(every, port, user):
    text = (ROOT / "deploy/kubernetes.yaml").read_text()
    documents = list(YAML(typ="safe").load_all(text))
    kinds = [document["kind"] for document in documents]
    check(kinds == ["PersistentVolumeClaim", "Deployment", "Service", "Ingress"], "kubernetes.yaml: the four kinds")
    claim, deployment, service, ingress = documents
    spec, pod = deployment["spec"], deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    check(spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"}, "kubernetes.yaml: one pod at a time")
    check(pod["terminationGracePeriodSeconds"] >= GRACE, "kubernetes.yaml: time for the goodbye")
    # Kubernetes would set CALLME_PORT to an address, because the service is called callme.
    check(pod["enableServiceLinks"] is False, "kubernetes.yaml: no CALLME_PORT of the cluster's")
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    check(given.keys() <= PUBLIC & every, "kubernetes.yaml: no secret, nothing unknown")
    check(container["envFrom"] == [{"secretRef": {"name": "callme"}}], "kubernetes.yaml: the secret, by its name")
    named = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    check(int(given["PORT"]) == named["http"] == port, "kubernetes.yaml: the port")
    probes = [container[probe]["httpGet"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    check(all(probe == {"path": "/health", "port": "http"} for probe in probes), "kubernetes.yaml: the health check")
    mounts = {volume["name"]: volume["mountPath"] for volume in container["volumeMounts"]}
    claims = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]}
    check(mounts == {"data": "/data"} and claims == {"data": claim["metadata"]["name"]}, "kubernetes.yaml: /data lasts")
    context = pod["securityContext"]
    users = {context["runAsUser"], context["runAsGroup"], context["fsGroup"]}
    check(users == {user} and context["runAsNonRoot"], "kubernetes.yaml: the image's user, who may write /data")
    contained = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    check(container["securityContext"] == contained, "kubernetes.yaml: nothing that callme does not need")
    labels = spec["template"]["metadata"]["labels"]
    check(spec["selector"]["matchLabels"] == service["spec"]["selector"] == labels, "kubernetes.yaml: the labels")
    check([entry["targetPort"] for entry in service["spec"]["ports"]] == ["http"], "kubernetes.yaml: the service's port")
    [rule], [tls] = ingress["spec"]["rules"], ingress["spec"]["tls"]
    [path] = rule["http"]["paths"]
    backend = path["backend"]["service"]
    found = backend["name"] == service["metadata"]["name"] and backend["port"] == {"name": "http"}
    check(found and path["path"] == "/", "kubernetes.yaml: the way in")
    # The carrier signs the address: it must be the one that is asked.
    hosts = {rule["host"], *tls["hosts"], given["CALLME_PUBLIC_URL"].removeprefix("https://")}
    check(len(hosts) == 1, "kubernetes.yaml: one host")


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

    check_unit(every)
    check_kubernetes(every, port, int(re.search(r"^USER (\d+)", dockerfile, re.MULTILINE)[1]))

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
