#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memlab-load against memlab-svc: it finds keys and seed by itself, every record is right, and both count the same.

load ../../svc/service.bash

setup() {
	json=$BATS_TEST_TMPDIR/load.json
}

expect() {
	jq -e "$1" "$json" >/dev/null || { echo "not so: $1"; jq 'del(.histogram, .steps)' "$json"; return 1; }
}

@test "every record of every path and format passes --check, pipelined or not" {
	local path format
	for path in naive opt; do
		start_service -- --index-size 1MiB --seed 99 --path $path
		for format in json bin; do
			timeout 60 memlab-load --url "$url" --rate 8k --connections 16 --duration 1s --warmup 0 --check \
				--sequential --format $format --pipeline 4 --json "$json"
			expect '.errors == 0 and .requests == 8000 and .load.seed == 99 and .load.keys == .run.records and .load.keys < 8000'
			expect ".run.path == \"$path\""
		done
		stop_service
	done
}

@test "another seed is a wrong record" {
	start_service -- --index-size 1MiB --seed 99
	run timeout 60 memlab-load --url "$url" --rate 500 --duration 200ms --warmup 0 --check --seed 98 --json "$json"
	[ "$status" -eq 1 ]
	expect '.errors_by_kind.check == 100 and .errors == 100'
}

@test "both count the same requests, warm-up, window and drain" {
	start_service -- --index-size 1MiB
	timeout 60 memlab-load --url "$url" --rate 5k --connections 64 --duration 2s --warmup 500ms --arrivals poisson --json "$json"
	expect '.errors == 0 and .sent_total == .answered_total and .requests < .answered_total and .control_requests == 1'
	[ "$(allocs .lookup.count)" -eq "$(jq .answered_total "$json")" ]
}

@test "the connections that break libmicrohttpd's own loop: 128, 256, 384, 512, 1024" {
	local connections
	start_service -- --index-size 1MiB --path opt
	for connections in 128 256 384 512 1024; do
		timeout 60 memlab-load --url "$url" --rate 10k --connections $connections --duration 1s --warmup 0 --json "$json"
		expect ".errors == 0 and .requests == 10000 and .load.connections == $connections"
	done
}

@test "a service that is stopped before the run is told from one that is absent, in bounded time" {
	start_service -- --index-size 1MiB
	kill -STOP "$pid"
	SECONDS=0
	run timeout 60 memlab-load --url "$url" --keys 10 --rate 100 --connections 4 --duration 1s --warmup 0 --timeout 1s
	kill -CONT "$pid"
	[ "$status" -eq 4 ]
	[ "$SECONDS" -lt 20 ]
	[[ $output == *"cannot connect"*"timed out"* ]]
}

@test "the manual page names every option" {
	local option
	for option in $(memlab-load --help | grep -oE -- '--[a-z]+' | sort -u); do
		grep -Eq "Fl Fl ${option#--}( |\$)" "$BATS_TEST_DIRNAME/../../../docs/man/memlab-load.1" || { echo "missing: $option"; return 1; }
	done
}
