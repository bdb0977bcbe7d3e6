#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A tracer with PID, mount and network namespaces of its own, as in a container.

inside() {
	unshare --pid --fork --mount-proc --net sh -c "ip link set lo up && timeout 100 $1"
}

@test "records of a live process, from inside a PID namespace" {
	run inside "$BUILD/tests/bpf/test_live"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "socket edges, from inside a PID namespace" {
	run inside "$BUILD/tests/bpf/test_socket"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "attaching and detaching, from inside a PID namespace" {
	run inside "$BUILD/tests/bpf/test_attach"
	echo "$output"
	[ "$status" -eq 0 ]
}
