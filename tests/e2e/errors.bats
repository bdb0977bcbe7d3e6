#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What goes wrong is said in one line, with the documented exit status.

load common

one_line() { [ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ]; }

@test "memlab-trace: no such process" {
	need_root
	run "$bin/memlab-trace" -p 999999
	echo "$output"
	[ "$status" -eq 4 ] && one_line
	[[ "$output" == memlab-trace:*999999* ]]
}

@test "memlab-trace: without rights" {
	need_root
	sleep 60 3>&- &
	pids+=($!)
	# A copy that anybody may read: the build may lie in a folder of root's own.
	chmod 755 "$dir"
	install -m 755 "$bin/memlab-trace" "$dir/memlab-trace"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/memlab-trace" -p $!
	echo "$output"
	[ "$status" -eq 3 ] && one_line
	[[ "$output" == *root* || "$output" == *CAP_* ]]
}

@test "memlab-trace: bad flags" {
	for flags in "--nonsense" "-p abc" "" "-p 1 --fail-if p98>1ms" "-p 1 -d -1" "-p 1 --alloc=some" "-p 1 --ring-size 5"; do
		# shellcheck disable=SC2086
		run "$bin/memlab-trace" $flags
		echo "$flags: $status: $output"
		[ "$status" -eq 2 ]
		[[ "$output" == *memlab-trace:* ]]
	done
}

@test "memlab-trace: the target ends while watched" {
	need_root
	start_service "$bin/memlab-svc"
	start_tracer "$service_pid" --json "$dir/trace.json"
	run_load 500 1s
	kill -TERM "$service_pid"
	wait $tracer_pid
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
}

@test "memlab-trace: --fail-if says so by its status" {
	need_root
	start_service "$bin/memlab-svc"
	start_tracer "$service_pid" --fail-if 'max>1ns'
	run_load 500 1s
	status=0
	stop_tracer || status=$?
	[ "$status" -eq 99 ]
	grep -q 'max' "$dir/trace.log"
	start_tracer "$service_pid" --fail-if 'p50>50s'
	run_load 500 1s
	stop_tracer
}

@test "memlab-svc: bad flag, taken port, impossible size" {
	run "$bin/memlab-svc" --nonsense
	[ "$status" -eq 2 ]
	start_service "$bin/memlab-svc"
	run "$bin/memlab-svc" --listen "127.0.0.1:$port"
	echo "$output"
	[ "$status" -eq 1 ] && one_line
	run "$bin/memlab-svc" --listen 127.0.0.1:0 --index-size 900TiB
	echo "$output"
	[ "$status" -ne 0 ] && one_line
}

@test "malformed requests get their answer and the service lives on" {
	start_service "$bin/memlab-svc"
	for query in 'key=abc 400' 'key= 400' 'nokey=1 400' 'key=99999999999 404' 'key=-1 400' 'key=1&fmt=xml 400'; do
		code=$(curl -s -o "$dir/body" -w '%{http_code}' "$url/lookup?${query% *}")
		echo "$query: $code $(cat "$dir/body")"
		[ "$code" = "${query#* }" ]
		jq -e . "$dir/body" >/dev/null
	done
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/healthz")" = 200 ]
}
