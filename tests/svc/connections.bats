#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Connections to memlab-svc: too long, broken, slow and many, on several loops and while the collector runs.

load service.bash

@test "limits on the request line and headers; garbage" {
	start_service -- --index-size 1MiB
	client long_headers "$port"
	# Libmicrohttpd refuses these itself; they count all the same.
	[ "$(status_of -H "X-Long: $(head -c 20000 /dev/zero | tr '\0' a)" "$url/lookup?key=1")" = 431 ]
	[ "$(allocs '.responses["4xx"]')" -ge 1 ]
	client garbage "$port"
	[ "$(status_of "$url/lookup?key=1")" = 200 ]
}

@test "a client that does not finish its request is closed" {
	start_service -- --index-size 1MiB --idle-timeout 1
	client slow_request "$port" 1
	client trickle "$port" 1
}

@test "a client that hangs up with its last byte is answered, and leaves no socket behind" {
	start_service -- --index-size 1MiB --idle-timeout 600
	client hang_up "$port" "$pid"
}

@test "a slow reader gets every answer, and right, while collections run" {
	for path in naive opt; do
		start_service -- --index-size 1MiB --path $path
		client slow_reader "$port" 3000 10
		cycles=$(allocs .forced_cycles)
		echo "$cycles collections"
		[ "$cycles" -ge 10 ]
		stop_service
	done
}

@test "10,000 idle connections do no harm" {
	start_service -- --index-size 1MiB
	client idle "$port" 10000
}

@test "no stall with exactly 128 n connections" {
	start_service -- --index-size 1MiB --path opt
	for connections in 128 256; do
		wrk -t1 -c$connections -d2s "$url/lookup?key=7" >"$BATS_TEST_TMPDIR/wrk" &
		sleep 1
		before=$(allocs .requests)
		sleep 0.7
		after=$(allocs .requests)
		wait $!
		cat "$BATS_TEST_TMPDIR/wrk"
		echo "$((after - before)) requests in the second half"
		# A stall is none at all; how many there are is the machine's business.
		[ $((after - before)) -ge $connections ]
		[ "$(grep -c timeout "$BATS_TEST_TMPDIR/wrk")" = 0 ]
	done
}

@test "two event loops serve and their counters add up" {
	start_service -- --index-size 1MiB --threads 2
	for i in $(seq 40); do curl -s -o /dev/null "$url/lookup?key=$i"; done
	client pipeline "$port" 200
	[ "$(allocs .lookup.count)" -eq 240 ]
	[ "$(ls "/proc/$pid/task" | while read -r t; do cat "/proc/$pid/task/$t/comm"; done | grep -c '^loop')" -eq 2 ]
	stop_service
}

@test "the collector runs under load, and the answers stay right" {
	start_service -- --index-size 4MiB --path naive
	wrk -t1 -c16 -d3s "$url/lookup?key=7" >/dev/null
	client pipeline "$port" 500
	allocs .gc_cycles
	[ "$(allocs .gc_cycles)" -ge 3 ]
	[ "$(allocs '.heap_bytes < 67108864')" = true ]
	stop_service
}
