#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Three services, three tracers, one real Prometheus: the causes above the fleet's p99, before and after a roll-out from naive to opt, are
# one query, and it is the one of the fleet board's panel. tests/run: alone

setup() {
	[ "$(id -u)" = 0 ] || skip "BPF needs root"
	command -v prometheus >/dev/null || skip "prometheus is not installed (apt-get install prometheus)"
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	bin=${BUILD:?}/bin
	dir=$(mktemp -d)
	pids=()
	source "$BATS_TEST_DIRNAME/fleet.bash"
}

teardown() {
	[ "${#pids[@]}" -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

# Waits until all three say they run `path` and the panel's query answers of them alone; prints its answer as {"cause": share}.
tail_of() { # path
	python3 - "$prometheus" "$1" "$root" <<'P'
import json, subprocess, sys, time, urllib.parse, urllib.request
port, path, root = sys.argv[1:]
rows = subprocess.run(["python3", root + "/dashboards/lint.py", "--queries", root + "/dashboards/grafana/fleet.json"],
                      capture_output=True, text=True, check=True).stdout.splitlines()
tail = next(row.split("\t")[2] for row in rows if row.split("\t")[1] == "Causes above the fleet's p99")
def ask(expr):
    for name, value in (("$__rate_interval", "3s"), ("$job", ".+"), ("$instance", ".+")):
        expr = expr.replace(name, value)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expr})) as answer:
        return json.load(answer)["data"]["result"]
deadline, since = time.time() + 30, None
while time.time() < deadline:
    up = ask(f'count(memlab_trace_target_info{{path="{path}"}})')
    ready = up and up[0]["value"][1] == "3" and len(ask('rate(memlab_request_server_seconds_count[3s]) > 0')) == 3
    since = since or time.time() if ready else None
    if since and time.time() - since > 3.5:  # the window holds nothing older
        break
    time.sleep(0.3)
causes = {s["metric"]["cause"]: float(s["value"][1]) for s in ask(tail)}
whole = sum(causes.values())
assert len(causes) == 10 and whole > 0, (up, causes)
print(json.dumps({cause: value / whole for cause, value in causes.items()}))
P
}

@test "the causes above the fleet's p99, before and after a roll-out, are one query" {
	fleet_prometheus
	fleet_start naive
	before=$(tail_of naive)
	fleet_stop
	fleet_start opt
	after=$(tail_of opt)
	echo "naive: $before"
	echo "opt:   $after"
	# opt allocates nothing per request: what the heap does to requests is gone from the fleet's tail. Of the time on a
	# CPU: how much others took of it is theirs, and changes from one half to the other.
	jq -en --argjson b "$before" --argjson a "$after" 'def heap: (.alloc + .assist) / (.own + .alloc + .assist);
		($b | heap) > 0.001 and ($a | heap) < ($b | heap) / 2'
}
