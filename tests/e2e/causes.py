#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Known causes and what a tracer makes of them.

causes.py run BUILD FOLDER [REPEATS]   asks the injecting service for delays, other requests queue behind each, and compares what the
                                       tracer says of them (trace.json, requests.csv) with the truth: verdict.csv, a line per kind

The truth is a list of intervals (tests/svc/truth.h). A request's queue or service should blame the right cause for as long as
it overlaps them; `share` is how much of that it did, request by request, `wrong` how much was blamed on causes that have
nothing to do with it (without own, runq and wake, which other processes and the request itself cause, and without unattributed, which
names nobody and has bounds of its own). Requests of which the
tracer says that it does not know more than a tenth are left out and counted in `unknown`: some kernels do not report every
switch (docs/decisions/005).
"""
import bisect
import csv
import os
import re
import signal
import socket
import subprocess
import sys
import time

QUEUED = 40
NS = 5_000_000
# kind: (cause, least share in percent)
KINDS = {
    "nothing": (None, 0),
    "sleep": ("blocked", 99),
    "spin": ("own", 95),
    "lock": ("blocked", 95),
    "stop": ("stop", 99),
    "assist": ("assist", 99),
    "fault": ("fault", 95),
    "touch": ("fault", 50),
    "hog": ("runq", 95),
    "collector": ("gc_cpu", 95),
    "crowd": ("runq", 95),
}
INNOCENT = {"own", "runq", "wake", "unattributed"}
# The thread's sleep as the injector sees it ends on a CPU. From the call to there it is `wake`, milliseconds where a hypervisor takes them
# to bring back the CPU; no more than half of the sleep may be told so.
CALLED = {"fault": "wake"}


class Connection:
    def __init__(self, address):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, query, count=1):
        self.socket.sendall(f"GET /lookup?key=7{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * count)

    def receive(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, body = data.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += self.more()
        assert head.startswith(b"HTTP/1.1 200"), head
        return len(head) + 4 + len(body)

    def ask_many(self, count):
        """Without waiting for the answers in between."""
        self.send("")
        left = self.receive() * (count - 1)
        self.send("", count - 1)
        while left > 0:
            left -= len(self.more())

    def more(self):
        data = self.socket.recv(65536)
        assert data, "the service closed a connection"
        return data


RING_ENTRIES = 32768  # svc/probes/flight.h


def warm_up(connections):
    """The pages of the thread's flight ring fault when they are touched for the first time, and forty requests would wait for each."""
    for connection in connections:
        connection.ask_many(RING_ENTRIES // len(connections) + 1)


def wait_until(time_ns):
    while time.monotonic_ns() < time_ns:
        pass


def inject(connections, kind):
    begin_ns = time.monotonic_ns()
    connections[0].send("" if kind == "nothing" else f"&inject={kind}&ns={NS}")
    for number, connection in enumerate(connections[1:]):
        wait_until(begin_ns + 500_000 + number * NS // 2 // QUEUED)
        connection.send("")
    for connection in connections:
        connection.receive()


def drive(where, hog_cpu, windows, repeats):
    host, port = where.split(":")
    connections = [Connection((host, int(port))) for _ in range(QUEUED + 1)]
    warm_up(connections)
    with open(windows, "w", encoding="ascii") as file:
        for kind in KINDS:
            hog = None
            if kind == "crowd":
                hog = subprocess.Popen(["taskset", "-c", hog_cpu, "sh", "-c", "while :; do :; done"])
                time.sleep(0.05)
            time.sleep(0.005)
            begin_ns = time.monotonic_ns()
            for _ in range(repeats):
                inject(connections, kind)
                time.sleep(0.002)
            file.write(f"{kind},{begin_ns},{time.monotonic_ns()},{repeats}\n")
            if hog:
                hog.kill()
                hog.wait()


def intersect(some, others):
    """Of sorted, disjoint intervals."""
    result, at = [], 0
    for begin, end in some:
        while at < len(others) and others[at][1] <= begin:
            at += 1
        look = at
        while look < len(others) and others[look][0] < end:
            result.append((max(begin, others[look][0]), min(end, others[look][1])))
            look += 1
    return result


def overlap(intervals, begin, end):
    return sum(e - b for b, e in intersect([(begin, end)], intervals))


def read_truth(path):
    truth = {}
    with open(path, encoding="ascii") as file:
        for kind, begin, end in csv.reader(file):
            truth.setdefault(kind, []).append((int(begin), int(end)))
    for intervals in truth.values():
        intervals.sort()
    for kind in ("hog", "collector"):
        # The waiter's gaps, as far as it was our own thread that ran meanwhile.
        truth[kind] = intersect(truth.get(kind, []), truth.get("press", []))
    return truth


def judge_kind(kind, requests, intervals):
    cause, floor = KINDS[kind]
    expected = got = alone = queued = blamed = unknown = 0
    wrong = {}
    for row in requests:
        arrival, begin, end = int(row["arrival_ns"]), int(row["begin_ns"]), int(row["end_ns"])
        if int(row["queue_unattributed_ns"]) + int(row["service_unattributed_ns"]) > max((end - arrival) / 10, 100_000):
            unknown += 1
            continue
        for span, since, until in (("queue", arrival, begin), ("service", begin, end)):
            true_ns = overlap(intervals, since, until)
            told_ns = int(row[f"{span}_{cause}_ns"]) if cause else 0
            expected += true_ns
            alone += min(true_ns, told_ns)
            told_ns += int(row[f"{span}_{CALLED[kind]}_ns"]) if kind in CALLED else 0
            got += min(true_ns, told_ns)
            for other, value in row.items():
                if other.startswith(f"{span}_") and other[len(span) + 1:-3] not in INNOCENT | {cause}:
                    wrong[other[:-3]] = wrong.get(other[:-3], 0) + int(value)
            if span == "queue" and true_ns > 100_000:
                queued += 1
                blamed += told_ns >= 0.0095 * floor * true_ns - 20_000
    return expected, got if 2 * alone >= got else alone, wrong, floor, queued, blamed, unknown


def judge(requests_path, truth_path, windows_path, out):
    truth = read_truth(truth_path)
    with open(requests_path, encoding="ascii") as file:
        requests = sorted(csv.DictReader(file), key=lambda row: int(row["arrival_ns"]))
    arrivals = [int(row["arrival_ns"]) for row in requests]
    with open(windows_path, encoding="ascii") as file:
        windows = [(kind, int(begin), int(end), int(repeats)) for kind, begin, end, repeats in csv.reader(file)]
    scale = None  # what was injected by the kind before: nothing injected is compared with it
    print("kind,injected_ns,share_percent,floor_percent,wrong_percent,queued,blamed,repeats,unknown,wrong_most", file=out)
    for kind, begin, end, repeats in sorted(windows, key=lambda window: window[0] == "nothing"):
        mine = requests[bisect.bisect_left(arrivals, begin):bisect.bisect_left(arrivals, end)]
        expected, got, wrong, floor, queued, blamed, unknown = judge_kind(kind, mine, truth.get(kind, []))
        injected = scale = expected or scale
        share = 100 * got / expected if expected else 100
        print(f"{kind},{expected},{share:.2f},{floor},{100 * sum(wrong.values()) / injected:.2f},"
              f"{queued},{blamed},{repeats},{unknown},{max(wrong, key=wrong.get)}", file=out)


def start(command, says, cpu, environment=None):
    """Returns the process and the line in which it says so."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | (environment or {}),
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    said = []
    for line in process.stdout:
        said.append(line)
        if says in line:
            return process, line
    sys.exit(f"causes.py: {command[0]}: " + "".join(said))


def end(process, how):
    process.send_signal(how)
    process.communicate(timeout=60)
    return process.returncode


def run(build, folder, repeats):
    cpus = sorted(os.sched_getaffinity(0))
    here, there = cpus[0], cpus[-1]
    os.sched_setaffinity(0, {there})
    service, line = start([f"{build}/tests/memlab-svc-inject", "--listen", "127.0.0.1:0", "--path", "opt", "--index-size", "4MiB"], "listening on", here,
                          {"GOGC": "off", "MEMLAB_INJECT_TRUTH": f"{folder}/truth.csv", "MEMLAB_INJECT_FOLDER": f"{build}/tests"})
    try:
        tracer, _ = start([f"{build}/bin/memlab-trace", "-p", str(service.pid), "--mode", "exact", "--json", f"{folder}/trace.json",
                           "--requests", f"{folder}/requests.csv"], "watching", there)
        try:
            drive(re.search(r"http://([\d.:]+)", line)[1], str(here), f"{folder}/windows.csv", repeats)
        finally:
            status = end(tracer, signal.SIGINT)
    finally:
        end(service, signal.SIGTERM)
    with open(f"{folder}/verdict.csv", "w", encoding="ascii") as file:
        judge(f"{folder}/requests.csv", f"{folder}/truth.csv", f"{folder}/windows.csv", file)
    return status


def main():
    if len(sys.argv) < 4 or sys.argv[1] != "run":
        sys.exit(__doc__)
    sys.exit(run(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 8))


if __name__ == "__main__":
    main()
