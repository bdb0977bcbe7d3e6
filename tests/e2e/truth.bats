#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# make bench-truth in short: the tracer and the client's own kernel tell of the same requests, in the right order, and count the same.

load common

@test "request by request the client's kernel agrees: counts, order, nothing lost" {
	need_root
	run "$BATS_TEST_DIRNAME/../bench/bench-truth" "$BUILD" agreement --mode exact --rate 3000 --connections 16 --seconds 1.5 --strict
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"lost 0, in the wrong order 0"* ]]
}

@test "allocations are the heap's own, to the last" {
	need_root
	run "$BATS_TEST_DIRNAME/../bench/bench-truth" "$BUILD" counts --rate 5000 --requests 10000 --strict
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"difference 0 and 0"* ]]
}
