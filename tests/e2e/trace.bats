#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The main job end to end: service, load, tracer; counts exact, sums honest. Known delays: causes.bats.

load common

@test "counts are exact and sums are honest under load" {
	need_root
	GOGC=25 start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --json "$dir/trace.json"
	pin "$service_pid" service
	pin "$tracer_pid" other
	pin $$ other
	run_load 8000 6s
	stop_tracer
	cat "$dir/screen"
	# Every answer the load counted is a request of the tracer, and nothing else is.
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	[ "$(jq .errors "$dir/load.json")" = 0 ]
	check "$dir/trace.json" '.lost == 0 and .late == 0'
	check "$dir/trace.json" '.gc.cycles >= 3'
	check "$dir/trace.json" '.checks.sum_error_ns_max == 0'
	check "$dir/trace.json" '.checks.unattributed_percent <= 2'
	# Where others press onto the service's CPU, the kernel's own account is off by microseconds per preemption
	# (docs/decisions/002): 2 % holds where requests did not mainly wait for a CPU.
	check "$dir/trace.json" '.checks.cpu_time_error_percent <= (if .causes.runq.queue_ns.total > 0.3 * .server_ns.mean * .requests then 6 else 2 end)'
	# Of each slow request at most a tenth is unexplained.
	check "$dir/trace.json" '[.worst[] | select(.server_ns > 1000000) | (.causes.unattributed.queue_ns + .causes.unattributed.service_ns) <= .server_ns / 10] | all'
	# Allocations: the tracer's sum is the service's own.
	kill -0 $service_pid
	ask >"$dir/allocs.after.json"
	check "$dir/trace.json" '.alloc.per_request_mean >= 10 and .alloc.bytes_per_request_mean > 0'
	traced=$(jq .alloc.total "$dir/trace.json")
	counted=$(jq -n --slurpfile a "$dir/allocs.before.json" --slurpfile b "$dir/allocs.after.json" '$b[0].total_allocs - $a[0].total_allocs')
	echo "traced $traced, counted by the service $counted"
	[ "$traced" = "$counted" ]
}

@test "the optimised path allocates nothing on the collected heap" {
	need_root
	start_service "$bin/memlab-svc" --path opt
	start_tracer "$service_pid" --json "$dir/trace.json"
	run_load 4000 2s
	stop_tracer
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	check "$dir/trace.json" '.alloc.total == 0 and .requests > 0'
}

@test "withholding the scheduler's records makes unattributed grow" {
	need_root
	GOGC=25 start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --mode exact --json "$dir/with.json"
	run_load 4000 3s
	stop_tracer
	start_tracer "$service_pid" --mode exact --withhold-sched --json "$dir/without.json"
	run_load 4000 3s
	stop_tracer
	with=$(jq .checks.unattributed_percent "$dir/with.json")
	without=$(jq .checks.unattributed_percent "$dir/without.json")
	echo "unattributed: $with % with scheduler records, $without % without"
	jq -en "$without > 4 * $with and $without > 10"
	check "$dir/without.json" '.checks.sum_error_ns_max == 0'
}

@test "every allocation with its stack: flame graph and folded stacks" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	start_tracer "$service_pid" --alloc=every --json "$dir/trace.json" --flame "$dir/alloc.svg" --folded "alloc_objects:$dir/alloc.folded"
	run_load 500 2s
	stop_tracer
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	check "$dir/trace.json" '.lost == 0'
	head -5 "$dir/alloc.folded"
	grep -q '</svg>' "$dir/alloc.svg"
	run grep -E 'https?://[^w]' "$dir/alloc.svg"
	[ "$status" -eq 1 ]
	# Every allocation has a stack, but for those whose slots were handed out before the tracer came.
	stacks=$(awk '{ n += $NF } END { print n }' "$dir/alloc.folded")
	total=$(jq .alloc.total "$dir/trace.json")
	echo "$stacks stacks, $total allocations"
	[ "$stacks" -le "$total" ] && [ "$stacks" -ge $((total - 1500)) ]
}

@test "a process without memlab's probes is traced by its sockets and the scheduler" {
	need_root
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	mkdir -p "$dir/logs"
	cat >"$dir/nginx.conf" <<END
daemon off; master_process off; pid $dir/nginx.pid; error_log $dir/error.log;
events { worker_connections 256; }
http { access_log off; client_body_temp_path $dir/a; proxy_temp_path $dir/b; fastcgi_temp_path $dir/c; uwsgi_temp_path $dir/d;
 scgi_temp_path $dir/e; keepalive_requests 100000;
 server { listen 127.0.0.1:$port; location / { return 200 "hello\n"; } } }
END
	nginx -c "$dir/nginx.conf" -p "$dir" 3>&- &
	service_pid=$!
	pids+=($service_pid)
	url=http://127.0.0.1:$port
	for _ in $(seq 100); do curl -s "$url" >/dev/null && break; sleep 0.05; done
	records=1000 seed=1
	start_tracer "$service_pid" --json "$dir/trace.json"
	run_load 2000 2s
	stop_tracer
	cat "$dir/screen"
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	# Here a request takes 40 us, of which the microsecond between the queued data and the wakeup call is unattributed.
	check "$dir/trace.json" '.lost == 0 and .checks.sum_error_ns_max == 0 and .checks.unattributed_percent <= 5'
	grep -q 'cannot be seen' "$dir/screen"
	run "$bin/memlab-trace" -p "$service_pid" --require-probes -d 1
	[ "$status" -eq 4 ]
}

@test "kill -9 of the tracer leaves nothing behind and fails no request" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	# Of processes that run this tracer; others on the machine come and go.
	objects() {
		for process in /proc/[0-9]*; do
			[ "$process/exe" -ef "$bin/memlab-trace" ] && ls -l "$process/fd" 2>/dev/null
		done | grep -cE 'anon_inode:bpf[-_](link|prog|map)' || true
	}
	before=$(objects)
	start_tracer "$service_pid"
	start_load 4000 3s
	sleep 1.2
	[ "$(objects)" -gt "$before" ]
	python3 "$BATS_TEST_DIRNAME/semaphores.py" "$service_pid" | tee "$dir/semaphores.during"
	grep -qE 'gc_cycle_end [1-9]' "$dir/semaphores.during"
	kill -9 $tracer_pid
	wait_load
	check "$dir/load.json" '.errors == 0 and .requests == 12000'
	[ "$(objects)" -eq "$before" ]
	python3 "$BATS_TEST_DIRNAME/semaphores.py" "$service_pid" | tee "$dir/semaphores.after"
	run grep -E ' [1-9]' "$dir/semaphores.after"
	[ "$status" -eq 1 ]
}
