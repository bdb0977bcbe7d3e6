#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The contracts between the parts, checked on the text of the tree.

root="$BATS_TEST_DIRNAME/../.."

@test "includes point up: nothing includes its consumer" {
	run python3 "$root/tests/contracts/includes.py"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "every source file names its licence, bpf/ the kernel's pair" {
	cd "$root"
	sources() { git -c safe.directory='*' ls-files '*.c' '*.h' '*.def' '*.mk' '*.py' '*.bats' '*.sh' Makefile; }
	missing=$(comm -23 <(sources | sort) <(sources | xargs grep -m1 -nH SPDX-License-Identifier | awk -F: '$2 <= 3 { print $1 }' | sort))
	echo "$missing"
	[ -z "$missing" ]
	foreign=$(grep -L 'SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0' bpf/* || true)
	echo "$foreign"
	[ -z "$foreign" ]
}

@test "only the top-level folders that the layout knows" {
	cd "$root"
	extra=$(git -c safe.directory='*' ls-files | cut -d/ -f1 | sort -u |
		grep -vxE 'Makefile|svc|bpf|collectors|dashboards|docker|tests|docs|README.md|LICENSE|\.ci|\.[a-z-]+' || true)
	echo "$extra"
	[ -z "$extra" ]
}

@test "event ids are unique and below the limit" {
	cd "$root"
	ids=$(grep -oE '^PROBE\([0-9]+' svc/probes/probes.def | grep -oE '[0-9]+')
	[ -n "$ids" ]
	[ -z "$(echo "$ids" | sort | uniq -d)" ]
	[ "$(echo "$ids" | sort -n | tail -1)" -lt 48 ]
}

@test "the heap library exports nothing but its own prefixes" {
	names=$(nm -g --defined-only "$BUILD/lib/libmlheap.a" | awk 'NF == 3 { print $3 }' |
		grep -vE '^(gc_|memlab_(probe|semaphore)_|memlab_run_info$|_\.stapsdt\.base$)' || true)
	echo "$names"
	[ -z "$names" ]
}
