#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The profile as `go tool pprof` reads it: order, sums, labels.

setup() {
	command -v go >/dev/null || skip "go is not installed (apt-get install golang-go)"
	dir=$(mktemp -d)
	PPROF_DUMP=$dir/profile.pb.gz "${BUILD:?}/tests/collectors/trace/test_export_pprof" >/dev/null 2>&1
	export PPROF_TMPDIR=$dir HOME=$dir
}

teardown() {
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

@test "go tool pprof -top lists the sites in order and with their sums" {
	run go tool pprof -top -nodecount=10 "$dir/profile.pb.gz"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Type: alloc_space"* ]]
	[[ "$output" == *"of 976.56kB total"* ]]
	grep -qE '683\.59kB 70\.00% 70\.00%  *683\.59kB 70\.00%  *site_large' <<<"$output"
	grep -qE '195\.31kB 20\.00% 90\.00%  *195\.31kB 20\.00%  *site_small' <<<"$output"
	grep -qE ' 878\.91kB 90\.00%  *caller' <<<"$output"
}

@test "go tool pprof knows the other value and the cause labels" {
	run go tool pprof -sample_index=alloc_objects -top -nodecount=10 "$dir/profile.pb.gz"
	[[ "$output" == *"41 total"* ]]
	run go tool pprof -tags "$dir/profile.pb.gz"
	echo "$output"
	[[ "$output" == *cause* && "$output" == *gc_cpu* && "$output" == *own* ]]
	run go tool pprof -top -tagfocus=cause=gc_cpu "$dir/profile.pb.gz"
	[[ "$output" == *site_large* && "$output" != *site_small* ]]
}

@test "go tool pprof focuses by path and by thread" {
	run go tool pprof -top -tagfocus=path=opt "$dir/profile.pb.gz"
	[[ "$output" == *site_small* && "$output" != *site_large* ]]
	run go tool pprof -top -tagfocus='thread=loop.7.' "$dir/profile.pb.gz"
	echo "$output"
	[[ "$output" == *site_large* && "$output" != *site_small* ]]
}

@test "go tool pprof finds source lines without the binary" {
	run go tool pprof -top -lines "$dir/profile.pb.gz"
	echo "$output"
	[[ "$output" == *test_export_pprof.c:* ]]
}
