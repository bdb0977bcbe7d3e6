#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# make demo and make up as a user runs them, shortened; and Ctrl-C in the middle.

load common

@test "the demo ends with both verdicts and leaves its files" {
	need_root
	cd "$BATS_TEST_DIRNAME/../.."
	RATE=2000 SECONDS_NAIVE=3 run collectors/lab/demo "build/$(basename "$BUILD")"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"WHY THE SLOWEST"* ]]
	[[ "$output" != *"not found"* ]]
	grep -qE '^naive +[0-9]+ us +[0-9]+ us ' <<<"$output"
	grep -qE '^opt +[0-9]+ us +[0-9]+ us ' <<<"$output"
	for file in naive.html opt.html alloc.svg tail.svg trace.json load.json alloc.folded; do [ -s "build/demo/$file" ]; done
	check build/demo/naive.trace.json '.alloc.per_request_mean >= 10 and .lost == 0'
	check build/demo/opt.trace.json '.alloc.total == 0 and .lost == 0'
}

@test "Ctrl-C leaves nothing running" {
	need_root
	cd "$BATS_TEST_DIRNAME/../.."
	run python3 "$BATS_TEST_DIRNAME/interrupt.py" "memlab is up" collectors/lab/up "build/$(basename "$BUILD")"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"memlab is up"* ]]
	run python3 "$BATS_TEST_DIRNAME/interrupt.py" "1/3" collectors/lab/demo "build/$(basename "$BUILD")"
	echo "$output"
	[ "$status" -eq 0 ]
}
