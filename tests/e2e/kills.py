#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kills.py TRACER PID COUNT [SEED]: starts the tracer COUNT times on a process and kills it at a random moment, half of the times while it
still attaches. Afterwards nothing may be left: no link, program or map of BPF held by anybody, no semaphore above 0. One moment in four has a
second tracer beside it, which must not notice. Prints a line; status 1 if anything was left."""
import os
import random
import re
import signal
import subprocess
import sys
import time

SETTLE_S = 3  # the kernel frees a killed process's descriptors in its own time


def objects(tracer):
    """Descriptors on BPF links, programs and maps, of all processes that run this tracer; others may come and go."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if not os.path.samefile(f"/proc/{pid}/exe", tracer):
                continue
            for fd in os.listdir(f"/proc/{pid}/fd"):
                count += bool(re.match(r"anon_inode:bpf[-_](link|prog|map)", os.readlink(f"/proc/{pid}/fd/{fd}")))
        except OSError:
            pass
    return count


def semaphores(pid):
    """Names of those that somebody watches."""
    told = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "semaphores.py"), str(pid)], capture_output=True, text=True, check=True).stdout
    return [line for line in told.splitlines() if not line.endswith(" 0")]


def start(tracer, pid, *more):
    """SIGINT as from a terminal: a script's background jobs ignore it, and would miss one that comes before they catch it."""
    return subprocess.Popen([tracer, "-p", str(pid), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def kill_one(tracer, pid):
    other = start(tracer, pid, "--mode", "exact") if random.random() < 0.25 else None
    victim = start(tracer, pid, "--mode", random.choice(["exact", "tail", "auto"]))
    time.sleep(random.uniform(0, 0.25) if random.random() < 0.5 else random.uniform(0.25, 0.8))
    died_alone = victim.poll() is not None
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    if other:
        died_alone |= other.poll() is not None
        other.send_signal(signal.SIGINT)
        died_alone |= other.wait(timeout=20) not in (0, -signal.SIGINT)  # interrupted before it caught the signal
    return died_alone


def left(tracer, pid, before):
    for _ in range(SETTLE_S * 20):
        if objects(tracer) == before and not semaphores(pid):
            return ""
        time.sleep(0.05)
    return f"{objects(tracer) - before} descriptors, semaphores {semaphores(pid)}"


def main():
    tracer, pid, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    random.seed(int(sys.argv[4]) if len(sys.argv) > 4 else time.monotonic_ns())
    before, bad = objects(tracer), 0
    for number in range(count):
        ended = kill_one(tracer, pid)
        rest = left(tracer, pid, before)
        if ended or rest:
            bad += 1
            print(f"kill {number}: " + ("a tracer had ended by itself" if ended else f"left behind: {rest}"))
    print(f"{count} kills, {bad} with something left behind")
    sys.exit(bad > 0)


main()
