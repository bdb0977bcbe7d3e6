#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Client and tracer share one clock: what the tracer says of single requests fits into what the client saw of them.

load common

# Every request of `worst` lies inside exactly one request of the client on that connection:
# send <= arrival <= begin <= end <= receipt, with the client's status.
bracketed() {
	jq -r '.worst[] | [.peer_port, .arrival_ns, .begin_ns, .end_ns, .status] | @csv' "$dir/trace.json" >"$dir/worst.csv"
	[ "$(wc -l <"$dir/worst.csv")" -ge 5 ]
	awk -F, '
		NR == FNR { count = ++n[$1]; send[$1, count] = $4; receipt[$1, count] = $5; status[$1, count] = $6; next }
		{
			found = 0
			for (i = 1; i <= n[$1]; i++)
				found += send[$1, i] <= $2 && $2 <= $3 && $3 <= $4 && $4 <= receipt[$1, i] && status[$1, i] == $5
			if (found != 1) { print "port " $1 " arrival " $2 ": in " found + 0 " requests of the client"; bad = 1 }
		}
		END { exit bad }' "$dir/edges.csv" "$dir/worst.csv"
}

@test "the slowest requests lie inside the client's times for them" {
	need_root
	GOGC=25 start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --mode exact --json "$dir/trace.json"
	run_load 6000 3s --edges "$dir/edges.csv"
	stop_tracer
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	bracketed
	# On average the server's part is less than the whole, for all requests together.
	check "$dir/trace.json" ".server_ns.mean < $(jq .uncorrected_ns.mean "$dir/load.json")"
}

@test "and so they do with several requests outstanding on a connection" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --mode exact --json "$dir/trace.json"
	run_load 6000 2s --edges "$dir/edges.csv" --pipeline 8
	stop_tracer
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
}
