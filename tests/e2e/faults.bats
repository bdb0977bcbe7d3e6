#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What goes wrong around a tracer: it is killed, starved, drowned; its target stops, forks, executes, ends.
# MEMLAB_KILLS says how often it is killed (make faults: 100 times).

load common

@test "killed at random moments, two at once among them, it leaves nothing behind and fails no request" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	local kills=${MEMLAB_KILLS:-4}
	start_load 2000 600s
	sleep 0.3
	python3 "$BATS_TEST_DIRNAME/kills.py" "$bin/memlab-trace" "$service_pid" "$kills"
	kill -INT $load_pid
	wait $load_pid || true
	check "$dir/load.json" '.errors == 0 and .requests > 0'
}

@test "a ring far too small: losses are counted, sums hold, and what they make unknown is said to be unknown" {
	need_root
	GOGC=25 start_service "$bin/memlab-svc" --path naive
	pin "$service_pid" service
	start_tracer "$service_pid" --mode exact --ring-size 4KiB --json "$dir/trace.json" --no-flight
	pin "$tracer_pid" other
	pin $$ other
	run_load 8000 2s
	stop_tracer
	cat "$dir/screen"
	check "$dir/trace.json" '.lost > 1000 and .requests > 0 and .checks.sum_error_ns_max == 0'
	[ "$(jq .requests "$dir/trace.json")" -le "$(answered)" ]
	# Nothing is invented: what was lost is unattributed, not own, and the replay is not known.
	check "$dir/trace.json" '.without_gc_ns.p99 == null and .gc_tail_ns.p99 == null'
	check "$dir/trace.json" '[.worst[] | .without_gc_ns <= .server_ns] | all'
	grep -q 'not known: records were lost' "$dir/screen"
}

@test "a tracer that gets no CPU for a second goes on where it was" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	recording=$dir/trace.mlr start_tracer "$service_pid" --mode exact --ring-size 32MiB --json "$dir/trace.json"
	start_load 4000 3s
	sleep 0.8
	kill -STOP $tracer_pid
	sleep 1.5
	kill -CONT $tracer_pid
	wait_load
	stop_tracer
	"$bin/memlab-trace" report "$dir/trace.mlr" --json "$dir/report.json" >/dev/null
	for story in trace report; do
		[ "$(jq .requests "$dir/$story.json")" = "$(answered)" ]
		check "$dir/$story.json" '.lost == 0 and .late == 0 and .checks.sum_error_ns_max == 0 and .without_gc_ns.p99 != null'
	done
	[ "$(jq -c .causes "$dir/trace.json")" = "$(jq -c .causes "$dir/report.json")" ]
}

@test "a target that is stopped and goes on: its requests waited, and it is said" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --mode exact --json "$dir/trace.json"
	start_load 2000 2s
	sleep 0.7
	kill -STOP $service_pid
	sleep 0.4
	kill -CONT $service_pid
	wait_load
	stop_tracer
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	check "$dir/trace.json" '.lost == 0 and .server_ns.max >= 300000000 and .checks.sum_error_ns_max == 0'
}

@test "a target that ends under load: the story so far, and it is said" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --json "$dir/trace.json"
	start_load 2000 2s
	sleep 1
	kill -9 $service_pid
	wait $tracer_pid
	check "$dir/trace.json" '.requests > 500 and .checks.sum_error_ns_max == 0'
}
