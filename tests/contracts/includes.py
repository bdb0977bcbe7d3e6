#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: data flows down, #include points up, nothing includes its consumer.

Prints every forbidden include as `file:line: room may not include room` and exits with 1 if there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A room is the longest prefix that matches. The value: the rooms it may include besides itself.
ROOMS = {
    "svc/heap": {"svc/probes"},
    "svc/probes": set(),
    "svc/dataset": {"svc", "svc/heap/gc.h", "svc/probes"},  # memlab-loadindex uses the service's own loader
    "svc": {"svc/heap/gc.h", "svc/probes", "svc/dataset", "bpf/hist.h"},
    "bpf": {"svc/probes/probes.def"},
    "collectors/trace/core": {"bpf/record.h", "bpf/hist.h", "svc/probes"},
    "collectors/trace/source": {"collectors/trace/core", "collectors/trace/targets", "bpf/record.h", "bpf/trace.h", "bpf/hist.h",
                               "svc/probes"},
    "collectors/trace/targets": {"collectors/trace/core", "bpf/record.h", "bpf/trace.h", "svc/probes"},
    "collectors/trace/symbol": {"collectors/trace/core", "bpf/record.h"},
    "collectors/trace/attribution": {"collectors/trace/core", "bpf/record.h", "bpf/hist.h", "svc/probes"},
    "collectors/trace/export": {"collectors/trace/core", "collectors/trace/attribution/result.h",
                                "collectors/trace/symbol", "bpf/record.h", "bpf/hist.h", "svc/probes"},
    "collectors/trace/ui": {"collectors/trace/core", "collectors/trace/attribution/result.h",
                            "collectors/trace/export", "collectors/trace/symbol", "bpf/record.h", "bpf/hist.h"},
    "collectors/trace": {"collectors/trace", "bpf/record.h", "bpf/hist.h", "svc/probes"},
    "collectors/load": {"bpf/hist.h", "svc/dataset"},
    "collectors/lab": {"bpf/hist.h"},
}
# Generated headers, and the one room that may see each.
GENERATED = {"trace.skel.h": "collectors/trace/source", "commit.h": "svc"}


def room_of(path):
    best = ""
    for room in ROOMS:
        if path == room or path.startswith(room + "/"):
            best = max(best, room, key=len)
    return best


def allowed(room, target):
    target_room = room_of(target)
    if target_room == room:
        return True
    for grant in ROOMS[room]:
        if target == grant or target.startswith(grant + "/"):
            # A grant of a folder is not a grant of a room inside it, unless the whole of trace is meant (main).
            if grant in ROOMS and target_room != grant and grant != "collectors/trace":
                continue
            return True
    return False


def check(path):
    name = str(path.relative_to(ROOT))
    room = room_of(name)
    if not room:
        return
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        if match.group(1) in GENERATED:
            if room != GENERATED[match.group(1)]:
                yield f"{name}:{number}: only {GENERATED[match.group(1)]} may include {match.group(1)}"
            continue
        target = (path.parent / match.group(1)).resolve()
        if not target.is_relative_to(ROOT):
            yield f"{name}:{number}: {match.group(1)} lies outside the project"
            continue
        target_name = str(target.relative_to(ROOT))
        if not target.exists():
            yield f"{name}:{number}: {match.group(1)} does not exist relative to the file"
        elif not allowed(room, target_name):
            yield f"{name}:{number}: {room} may not include {target_name}"
        elif name != "svc/server.c" and "microhttpd" in match.group(1):
            yield f"{name}:{number}: only svc/server.c may include microhttpd.h"


def main():
    files = [p for folder in ("svc", "bpf", "collectors") for p in sorted((ROOT / folder).rglob("*.[ch]"))]
    complaints = [c for p in files if p.name != "vmlinux.h" for c in check(p)]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints or not files else 0


if __name__ == "__main__":
    sys.exit(main())
