#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every panel's query against a real Prometheus that scrapes a board with moving numbers and a loaded service: none is empty, and each is
# listed with its series and samples. A
# build of the service without /metrics is replaced by a stand-in that publishes what svc/metrics.def promises.

setup() {
	command -v prometheus >/dev/null || skip "prometheus is not installed (apt-get install prometheus)"
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
	dir=$(mktemp -d)
	started=()
}

teardown() {
	[ "${#started[@]}" -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for() { # url
	for _ in $(seq 150); do curl -sf -o /dev/null "$1" && return; sleep 0.1; done
	echo "no answer from $1"
	return 1
}

start_service() {
	GOGC=10 memlab-svc --listen "127.0.0.1:$service" --index-size 4MiB >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_for "http://127.0.0.1:$service/healthz"
	if curl -sf -o /dev/null "http://127.0.0.1:$service/metrics"; then
		started+=($pid)
		memlab-load --url "http://127.0.0.1:$service" --rate 3000 --duration 60s --warmup 0s >/dev/null 2>&1 3>&- &
		started+=($!)
		return
	fi
	kill "$pid"
	wait "$pid" 2>/dev/null || true
	echo "the service has no /metrics: a stand-in"
	python3 "$BATS_TEST_DIRNAME/stand_in.py" "$service" 3>&- &
	started+=($!)
	wait_for "http://127.0.0.1:$service/metrics"
}

@test "every panel of every dashboard shows data" {
	service=$(free_port) own=$(free_port)
	for i in 1 2 3; do # a fleet of three boards
		"${BUILD:?}/tests/collectors/trace/test_screen_page" serve "$dir/port$i" 3>&- &
		started+=($!)
	done
	start_service
	for _ in $(seq 100); do [ -s "$dir/port1" ] && [ -s "$dir/port2" ] && [ -s "$dir/port3" ] && break; sleep 0.1; done
	boards=$(sed "s/.*/'127.0.0.1:&'/" "$dir"/port? | paste -sd,)
	cat >"$dir/prometheus.yml" <<Y
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$PWD/dashboards/prometheus/rules.yml]
scrape_configs:
  - {job_name: svc, static_configs: [{targets: ['127.0.0.1:$service']}]}
  - {job_name: trace, static_configs: [{targets: [$boards]}]}
Y
	promtool check config "$dir/prometheus.yml"
	prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" --web.listen-address="127.0.0.1:$own" \
		--enable-feature=exemplar-storage >"$dir/log" 2>&1 3>&- &
	started+=($!)
	wait_for "http://127.0.0.1:$own/-/ready"
	python3 - "$own" >"$dir/panels" <<'P' || { cat "$dir/panels"; false; }
import json, subprocess, sys, time, urllib.parse, urllib.request
queries = subprocess.run(["python3", "dashboards/lint.py", "--queries", *(f"dashboards/grafana/{n}.json" for n in ("tail-latency", "heap-and-gc", "fleet"))],
                         capture_output=True, text=True, check=True).stdout.splitlines()
def get(path, **parameters):
    with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/api/v1/{path}?" + urllib.parse.urlencode(parameters)) as answer:
        return json.load(answer)["data"]
def filled_in(expr):
    for name, value in (("$__rate_interval", "10s"), ("$job", ".+"), ("$instance", ".+")):
        expr = expr.replace(name, value)
    return expr
def ask(expr):
    return [s for s in get("query", query=filled_in(expr))["result"] if s["value"][1] != "NaN"]
def samples(expr):
    """What the panel draws of the last 15 seconds: how many points."""
    now = time.time()
    drawn = get("query_range", query=filled_in(expr), start=now - 15, end=now, step=1)["result"]
    return sum(1 for series in drawn for _, value in series["values"] if value != "NaN")
def exemplars():
    return get("query_exemplars", query="memlab_request_server_seconds_bucket", start=time.time() - 600, end=time.time() + 60)
deadline = time.time() + 40
while True:
    counts = [(len(ask(q.split("\t")[2])), *q.split("\t")[:2]) for q in queries]
    if all(c[0] for c in counts) or time.time() > deadline:
        break
    time.sleep(1)
drawn = {q: samples(q.split("\t")[2]) for q in queries}
for (count, board, panel), query in zip(counts, queries):
    print(f"{count:4} series {drawn[query]:5} samples  {board}: {panel}")
assert all(drawn.values()), "nothing to draw"
empty = [c for c in counts if not c[0]]
assert len(counts) > 30 and not empty, f"empty: {empty}"
assert exemplars(), "no exemplar was stored"
# The fleet's tail is one query: the three boards' slow requests are slow because of the collector, and it says so.
up = ask('count(memlab_trace_target_info{job="trace"})')
assert up[0]["value"][1] == "3", up
tail = next(q.split("\t")[2] for q in queries if q.split("\t")[1] == "Causes above the fleet's p99")
causes = {s["metric"]["cause"]: float(s["value"][1]) for s in ask(tail)}
assert causes["gc_cpu"] > 0.9 * sum(causes.values()), causes
P
	sed 's/^/# /' "$dir/panels" >&3
}
