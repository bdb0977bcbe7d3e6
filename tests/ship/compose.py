# SPDX-License-Identifier: Apache-2.0
"""compose.py ROOT BIN: what can be known of docker/compose.yml without starting it. A line per complaint; status 1 if any.

Files that are mounted exist; every option of a memlab program is one that the program knows; ports are on loopback; who runs
with capabilities gives up all others; Prometheus scrapes ports that a service of this file really listens on."""

import pathlib
import re
import subprocess
import sys

import yaml

root, binaries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
compose = yaml.safe_load((root / "docker/compose.yml").read_text())
prometheus = yaml.safe_load((root / "docker/prometheus.yml").read_text())
services = compose["services"]
complaints = []


def complain(service, text):
    complaints.append(f"{service}: {text}")


def known_options(program):
    text = subprocess.run([binaries / program, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", text))


def check_command(name, command):
    program = command[0]
    if not program.startswith("memlab-"):
        return
    known = known_options(program)
    for word in command[1:]:
        option = word.split("=")[0]
        if option.startswith("-") and option not in known:
            complain(name, f"{program} has no option {option}")


def check_mounts(name, volumes):
    for volume in volumes:
        source, _, mode = volume.split(":")
        if not (root / "docker" / source).exists():
            complain(name, f"{source} does not exist")
        if mode != "ro":
            complain(name, f"{source} is mounted writable")


def check_rights(name, service):
    if service.get("privileged"):
        complain(name, "is privileged")
    added = set(service.get("cap_add", []))
    if added and service.get("cap_drop") != ["ALL"]:
        complain(name, "adds capabilities without giving up the others")
    if added - {"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"}:
        complain(name, f"has more capabilities than tracing needs: {added}")
    if service.get("image") == "memlab" and service.get("user") == "root" and name != "trace":
        complain(name, "runs as root")


def listens_on(service):
    command = service.get("command", [])
    at = command.index("--listen") if "--listen" in command else -1
    return command[at + 1].rsplit(":", 1)[1] if at >= 0 else None


for name, service in services.items():
    check_command(name, service.get("command", ["-"]))
    check_mounts(name, service.get("volumes", []))
    check_rights(name, service)
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            complain(name, f"port {port} is open to everyone")
    for other in service.get("depends_on", {}):
        if other not in services:
            complain(name, f"depends on {other}, which is no service")

if services["trace"]["pid"] != "service:svc":
    complain("trace", "does not share the service's PID namespace")
for job in prometheus["scrape_configs"]:
    for target in job["static_configs"][0]["targets"]:
        host, port = target.split(":")
        if host not in services or listens_on(services[host]) != port:
            complain("prometheus", f"nobody listens on {target}")
mounted = [v.split(":")[1] for v in services["prometheus"]["volumes"]]
for file in prometheus["rule_files"]:
    if file not in mounted:
        complain("prometheus", f"{file} is not mounted")
provider = yaml.safe_load((root / "dashboards/provisioning/dashboards/memlab.yml").read_text())["providers"][0]
if provider["options"]["path"] not in [v.split(":")[1] for v in services["grafana"]["volumes"]]:
    complain("grafana", "the dashboards are not where the provisioning looks")

print("\n".join(complaints))
sys.exit(bool(complaints))
