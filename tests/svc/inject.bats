#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The test build delays the requests it is told to, and no others.

load service.bash

millis() { curl -s -o /dev/null -w '%{time_total}' "$url/$1" | awk '{ print int($1 * 1000) }'; }

@test "each kind of delay lasts at least as long as asked" {
	start_service "$BUILD/tests/memlab-svc-inject" -- --index-size 1MiB
	for what in sleep spin stop lock; do
		took=$(millis "lookup?key=7&inject=$what&ns=100000000")
		echo "$what: $took ms"
		[ "$took" -ge 100 ]
	done
	for what in sleep spin stop lock alloc; do
		curl -s "$url/lookup?key=7&inject=$what" | jq -e '.id == 7'
	done
}

@test "allocations are injected and counted" {
	start_service "$BUILD/tests/memlab-svc-inject" -- --index-size 1MiB --path opt
	curl -s -o /dev/null "$url/lookup?key=7&inject=alloc&ns=1000000"
	[ "$(allocs .lookup.allocs)" -eq 10000 ]
}

@test "delays on two loops at once" {
	start_service "$BUILD/tests/memlab-svc-inject" -- --index-size 1MiB --threads 2
	for i in $(seq 20); do
		for what in stop lock stop; do
			curl -s -o /dev/null "$url/lookup?key=$i&inject=$what&ns=1000000" &
		done
	done
	wait $(jobs -p | grep -v "^$pid\$")
	[ "$(allocs .lookup.count)" -eq 60 ]
}

@test "the service itself knows no delays" {
	start_service -- --index-size 1MiB
	[ "$(millis "lookup?key=7&inject=sleep&ns=900000000")" -lt 900 ]
	run grep -c inject= "$BUILD/bin/memlab-svc"
	[ "$output" = 0 ]
}
