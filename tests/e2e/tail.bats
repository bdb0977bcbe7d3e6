#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Modes: what auto chooses and when, what tail mode still knows, and what it says where something is withheld.

load common

last() { jq -s "last$1" "$dir/screen"; }

@test "auto: exact while nothing comes, tail under a load that costs more than the budget" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --jsonl --budget 0.01%
	for _ in $(seq 400); do [ -s "$dir/screen" ] && break; sleep 0.05; done
	[ "$(last .mode)" = '"exact"' ]
	run_load 4000 2s
	stop_tracer
	[ "$(last .mode)" = '"tail"' ]
	[ "$(last .mode_asked)" = '"auto"' ]
	[[ "$(last .mode_why)" == *"over the budget of 0.01 %"* ]]
	grep -q 'mode auto: tail' "$dir/trace.log"
	# No request is told twice or not at all on the way over, and none lacks its arrival.
	[ "$(last .requests)" = "$(answered)" ]
	[ "$(last .lost)" = 0 ]
	[ "$(last .checks.without_arrival)" = 0 ]
	[ "$(last .checks.sum_error_ns_max)" = 0 ]
	[ "$(last '.cost.budget_percent')" = 0.01 ]
	jq -se 'last.cost | .target_ns_per_request > 0 and .tracer_cpu_percent > 0 and .bpf_cpu_percent == null' "$dir/screen"
}

@test "auto: exact under a load that the budget allows" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --jsonl --budget 100%
	run_load 4000 2s
	stop_tracer
	[ "$(last .mode)" = '"exact"' ]
	[ "$(last .mode_why)" = null ]
	[ "$(last .requests)" = "$(answered)" ]
}

@test "what all BPF programs take is measured under load, where the right is there" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_load 4000 4s
	sleep 0.5
	local told='. > 0 and . < 100'
	((16#$(sed -n 's/^CapEff:\s*//p' /proc/self/status) >> 21 & 1)) || told='. == null' # SYS_ADMIN
	for mode in exact tail; do
		"$bin/memlab-trace" -p "$service_pid" --mode $mode -d 500ms --json "$dir/$mode.json" >/dev/null 2>&1
		check "$dir/$mode.json" ".cost.bpf_cpu_percent | $told"
	done
	wait_load
}

# Two tracers watch the same requests, each in its mode.
@test "tail and exact mode agree on the same requests" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	pin "$service_pid" service
	start_tracer "$service_pid" --mode exact --json "$dir/exact.json" --requests "$dir/exact.csv"
	local exact_pid=$tracer_pid
	start_tracer "$service_pid" --mode tail --json "$dir/tail.json" --requests "$dir/tail.csv"
	run_load 4000 2s
	stop_tracer
	kill -INT $exact_pid
	wait $exact_pid
	[ "$(jq .requests "$dir/exact.json")" = "$(jq .requests "$dir/tail.json")" ]
	[ "$(jq .alloc.total "$dir/exact.json")" = "$(jq .alloc.total "$dir/tail.json")" ]
	# Each by connection and order. Both see the same arrival (the second program a moment later), and the end that the
	# service tells is after the answer's last send and before the next request's arrival is due.
	python3 - "$dir/exact.csv" "$dir/tail.csv" <<'END'
import csv, sys
from collections import defaultdict
def load(path):
    by_port = defaultdict(list)
    for row in csv.DictReader(open(path)):
        by_port[row["peer_port"]].append((int(row["arrival_ns"]), int(row["begin_ns"]), int(row["end_ns"]), row["key"], row["allocs"]))
    return {port: sorted(rows) for port, rows in by_port.items()}
exact, tail = load(sys.argv[1]), load(sys.argv[2])
assert exact.keys() == tail.keys()
pairs = [pair for port in exact for pair in zip(exact[port], tail[port], strict=True)]
assert all(e[3:] == t[3:] for e, t in pairs), "other keys or counts"
assert all(t[2] >= e[2] for e, t in pairs), "the service knows its end before the send"
assert all(t[1] >= e[1] for e, t in pairs), "a handler began before the read"
apart = sorted(abs(e[0] - t[0]) for e, t in pairs)
print("arrivals apart: median", apart[len(apart) // 2], "p99", apart[len(apart) * 99 // 100], "max", apart[-1])
assert apart[len(apart) // 2] < 5000
END
	check "$dir/tail.json" '.checks.unattributed_percent <= 2'
}

@test "without the arrivals the answer says that queues are not known" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --mode tail --withhold-arrivals --json "$dir/trace.json"
	run_load 2000 1s
	stop_tracer
	cat "$dir/screen"
	check "$dir/trace.json" '.requests > 0 and .checks.without_arrival == .requests and .queue_ns.max == 0'
	grep -q 'without arrival' "$dir/screen"
}

@test "without flight rings there is no tail mode, and auto stays exact and says why" {
	need_root
	run "$bin/memlab-trace" -p $$ --mode tail --no-flight
	[ "$status" -eq 2 ]
	sleep 60 3>&- &
	pids+=($!)
	run "$bin/memlab-trace" -p $! --mode tail
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"keeps no flight rings"* ]]
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --no-flight --budget 0% --json "$dir/trace.json"
	run_load 2000 1s
	stop_tracer
	check "$dir/trace.json" '.mode == "exact" and (.mode_why | contains("no flight rings"))'
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
}
