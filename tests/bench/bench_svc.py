# SPDX-License-Identifier: Apache-2.0
"""What bench-svc is built of: servers on one CPU, windows of load from the other, figures from pairs of windows."""
import contextlib
import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

SERVER_CPU, LOAD_CPU = "0", "1"
WARMUP_S = 0.2
RUNQUEUE_PERCENT_MAX = 5
STEAL_PERCENT_MAX = 1
CONTROL_S = 0.5
CONTROL_FACTOR_MAX = 1.15


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def judge(met, target, figure):
    """One line per target of the issue: what was asked, what came of it."""
    say(f"  {'met   ' if met else 'MISSED'} {target}: {figure}")


# ------------------------------------------------------------------ servers


class Server:
    """A server process on the server CPU. `times_ns` is what its threads have used, and waited for a CPU.

    `alone`: one thread does all the work, so that a wait for a CPU is somebody else's doing."""

    def __init__(self, name, command, environment=None, alone=True):
        self.name, self.alone = name, alone
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CPU, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})}, text=True)
        self.pids = [self.process.pid]

    def wait_url(self):
        for line in self.process.stdout:
            if "http://" in line:
                self.url = "http://" + line.split("http://")[1].split()[0]
                return self
        raise SystemExit(f"bench-svc: {self.name} did not start; run it by hand to see why")

    def times_ns(self):
        used = waited = 0
        for pid in self.pids:
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):
                    with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                        fields = file.read().split()
                    used, waited = used + int(fields[0]), waited + int(fields[1])
        return used, waited

    def faults(self):
        """Page faults of the process so far."""
        count = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/stat") as file:
                count += int(file.read().rsplit(")", 1)[1].split()[7])
        return count

    def about(self):
        with urllib.request.urlopen(self.url + "/debug/allocs", timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Nginx(Server):
    def __init__(self, directory, body_bytes):
        port = free_port()
        path = os.path.join(directory, "nginx.conf")
        with open(path, "w") as file:
            file.write(f"""worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.err; daemon off;
events {{ worker_connections 12000; }}
http {{ access_log off; keepalive_requests 1000000000; default_type application/json;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "{'x' * body_bytes}"; }} }} }}""")
        super().__init__("nginx", ["nginx", "-c", path])
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            time.sleep(0.05)
            children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
            if children.stdout:
                break
        self.pids = [int(pid) for pid in children.stdout.split()]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def service(build, path, environment=None, *arguments):
    name = f"memlab-svc/path={path}"
    command = [f"{build}/bin/memlab-svc", "--listen", "127.0.0.1:0", "--path", path, *arguments]
    return Server(name, command, environment, alone=path == "opt").wait_url()


# ------------------------------------------------------------------ windows


def steal_ticks():
    with open("/proc/stat") as file:
        fields = [int(word) for word in file.readline().split()[1:]]
    return fields[7], sum(fields[:8])


class Sampler(threading.Thread):
    """CPU time and page faults of a server against the clock, so that they can be read at a window's exact ends."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.points, self.over = server, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            self.points.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC), *self.server.times_ns(), self.server.faults()))
            self.over.wait(0.02)

    def at(self, when, column):
        before = max((p for p in self.points if p[0] <= when), default=self.points[0])
        after = min((p for p in self.points if p[0] > when), default=self.points[-1])
        if after[0] <= before[0]:
            return before[column]
        return before[column] + (after[column] - before[column]) * (when - before[0]) / (after[0] - before[0])

    def between(self, begin, end):
        """CPU time used and waited for, page faults."""
        return [self.at(end, column) - self.at(begin, column) for column in (1, 2, 3)]


def disturbed(load, server, server_wait_percent, steal_percent):
    """What else ran on these CPUs during a window, or None. Nothing here depends on how well the server did."""
    if server.alone and server_wait_percent > RUNQUEUE_PERCENT_MAX:
        return "server waited for a CPU"
    if load["generator"]["runqueue_percent"] > RUNQUEUE_PERCENT_MAX:
        return "generator waited for a CPU"
    if steal_percent > STEAL_PERCENT_MAX:
        return "stolen time"
    return None


def window(build, server, rate, connections, seconds):
    """One window: the load's JSON with cpu_ns_per_request of the server, its page faults, and `disturbed`."""
    sampler = Sampler(server)
    steal, total = steal_ticks()
    sampler.start()
    command = ["taskset", "-c", LOAD_CPU, f"{build}/bin/memlab-load", "--url", server.url, "--rate", str(rate),
               "--connections", str(connections), "--duration", f"{seconds}s", "--warmup", f"{WARMUP_S}s", "--json", "-"]
    if not server.name.startswith("memlab-svc"):
        command[5] += "/lookup?key=100000&fmt=json"
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    sampler.over.set()
    sampler.join()
    if not run.stdout:
        raise SystemExit(f"bench-svc: memlab-load against {server.name}: {run.stderr.strip()}")
    load = json.loads(run.stdout)
    steal_after, total_after = steal_ticks()
    step = load["steps"][0]
    used, waited, faults = sampler.between(step["measured_ns"], step["end_ns"])
    load["faults"] = round(faults)
    load["cpu_ns_per_request"] = used / max(1, load["achieved_rate"] * step["duration_s"])
    load["disturbed"] = disturbed(load, server, 100 * waited / (step["end_ns"] - step["measured_ns"]),
                                  100 * (steal_after - steal) / max(1, total_after - total))
    return load


def benchmark_line(part, server, rate, connections, load, **more):
    values = {"cpu-ns/op": load["cpu_ns_per_request"], "p50-ns": load["response_ns"]["p50"],
              "p99-ns": load["response_ns"]["p99"], "max-ns": load["response_ns"]["max"], "lag-p50-ns": load["send_lag_ns"]["p50"],
              "req/s": load["achieved_rate"], "errors": load["errors"], **more}
    name = f"Benchmark{part}/server={server.name}/rate={rate}/conns={connections}"
    print(name, load["requests"], *(f"{value:.6g} {unit}" for unit, value in values.items()), sep="\t", flush=True)


def round_of_windows(build, servers, control, rate, connections, seconds, around):
    """A window of each server, in this order, and of the control: its own, or short ones between and at both ends."""
    loads, controls = {}, []
    for server in servers:
        if control not in servers:
            controls.append(window(build, control, rate, connections, CONTROL_S))
        if around:
            around.before(server)
        loads[server.name] = window(build, server, rate, connections, seconds)
        if around:
            around.after(server, loads[server.name])
    controls.append(loads[control.name] if control in servers else window(build, control, rate, connections, CONTROL_S))
    return loads, controls


def slow_rounds(rounds):
    """Per round true if the machine was slower than in the better half of all rounds, by what the control's requests took."""
    worst = [max(cpu(load) for load in controls) for _, controls in rounds]
    usual = statistics.median(sorted(worst)[:(len(worst) + 1) // 2])
    return [value > CONTROL_FACTOR_MAX * usual for value in worst]


def turns(build, part, servers, control, rate, connections, count, seconds, noisy, around=None):
    """`count` windows for each server, in turn and back. Per server a list, None where the window does not count.

    A window counts if nothing else ran on its CPUs and if the control, a server that is not judged, needed no more
    CPU time per request in that round than in the better half of the rounds. What the window itself came to has no
    say. `around` has before(server) and after(server, load), called right before and after each window."""
    rounds = [round_of_windows(build, servers if turn % 2 == 0 else servers[::-1], control, rate, connections, seconds, around)
              for turn in range(count)]
    results = {server.name: [] for server in servers}
    reasons = {}
    for (loads, controls), slow in zip(rounds, slow_rounds(rounds)):
        slow = "the control was slow" if slow else next((load["disturbed"] for load in controls if load["disturbed"]), None)
        for server in servers:
            load = loads[server.name]
            reason = load["disturbed"] or slow
            results[server.name].append(load if noisy or not reason else None)
            if reason:
                reasons[reason] = reasons.get(reason, 0) + 1
            if noisy or not reason:
                benchmark_line(part, server, rate, connections, load)
    controls = [load for _, controls in rounds for load in controls]
    excluded = ", ".join(f"{reason}: {number}" for reason, number in sorted(reasons.items()))
    say(f"{part} {rate}/s {connections} connections: {count} windows of {seconds} s for each of {len(servers)} servers, "
        f"{'disturbed but counted' if noisy else 'left out'}: {excluded or 'none'}; control {control.name}: cpu "
        f"{median(controls, cpu) / 1000:.2f} us/request ({min(map(cpu, controls)) / 1000:.2f} to "
        f"{max(map(cpu, controls)) / 1000:.2f}), p99 {median(controls, p99) / 1e6:.3f} ms")
    return results


# ------------------------------------------------------------------ figures


def paired_ratio(ours, theirs, value):
    """Geometric mean of the ratios of neighbouring windows and its 95 % interval."""
    logs = [math.log(value(a) / value(b)) for a, b in zip(ours, theirs) if a and b and value(a) > 0 and value(b) > 0]
    if len(logs) < 2:
        return None
    mean, error = statistics.mean(logs), 1.96 * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - error), math.exp(mean + error), len(logs)


def merged_percentile(loads, percent):
    """Percentile of all windows' response times together."""
    counts = {}
    for load in loads:
        for bucket in load["histogram"]:
            counts[bucket["to_ns"]] = counts.get(bucket["to_ns"], 0) + bucket["count"]
    rank, running = math.ceil(sum(counts.values()) * percent / 100), 0
    for value in sorted(counts):
        running += counts[value]
        if running >= rank:
            return value
    return 0


def median(loads, value):
    values = [value(load) for load in loads if load]
    return statistics.median(values) if values else float("nan")


def cpu(load):
    return load["cpu_ns_per_request"]


def p99(load):
    return load["response_ns"]["p99"]
