#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Delays of known cause, injected into a live service behind which other requests queue: the tracer names each, in the service of
# the one and in the queues of the others. One run of the service, the tracer and the client for all; causes.py judges.

load common

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	# In memory: a service that waits for a disk to take the truth down would change it.
	causes=$(mktemp -d -p /dev/shm)
	export causes
	python3 "$BATS_TEST_DIRNAME/causes.py" run "$BUILD" "$causes" 6 3>&-
}

teardown_file() { rm -rf "${causes:?}"; }

# The share of the injected time on the right cause, what was blamed on innocent ones, and one blame for each request that queued;
# of few it may be said that nobody knows, and only where the kernel's records contradict each other (docs/decisions/005).
named() { # kind
	need_root
	cat "$causes/verdict.csv"
	local unknown=0
	[ "$(jq .checks.doubts "$causes/trace.json")" = 0 ] || unknown=11
	awk -F, -v kind="$1" -v unknown="$unknown" '$1 == kind { found = 1; bad = $2 < 1e6 || $3 < $4 || $5 > 1 || $6 < 15 * $8 || (kind != "touch" && $7 < 0.99 * $6) || $9 > unknown * $8 } END { exit !found || bad }' \
		"$causes/verdict.csv"
}

@test "a sleep is blocked" { named sleep; }
@test "a spin is own" { named spin; }
@test "a lock is blocked" { named lock; }
@test "a forced stop is stop, and forty requests behind it have forty blames" { named stop; }
@test "a long assist is assist" { named assist; }
@test "a major fault is fault" { named fault; }
@test "first touches of memory are fault, by estimate" { named touch; }
@test "a thread of the same process is runq" { named hog; }
@test "a collector's thread is gc_cpu" { named collector; }
@test "another process is runq" { named crowd; }

@test "without injection no cause rises" {
	need_root
	cat "$causes/verdict.csv"
	awk -F, '$1 == "nothing" { found = 1; bad = $5 > 1 } END { exit !found || bad }' "$causes/verdict.csv"
}

@test "what no record explains stays within its bounds in all of this" {
	need_root
	check "$causes/trace.json" '.lost == 0 and .checks.sum_error_ns_max == 0 and .checks.unattributed_percent <= 2'
	check "$causes/trace.json" '[.worst[] | (.causes.unattributed.queue_ns + .causes.unattributed.service_ns) <= .server_ns / 10] | all'
}
