#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Profiles of allocations: what the tracer sees against what the service counts itself.

load common

# pprof_top FILE [pprof's options]: `count function` per site, as go tool pprof -top lists them.
pprof_top() {
	local file=$1
	shift
	PPROF_TMPDIR=$dir HOME=$dir go tool pprof -top -nodecount=100 -sample_index=alloc_objects "$@" "$file" |
		awk 'listed && $1 > 0 { print $1, $6 } $1 == "flat" { listed = 1 }'
}

@test "go tool pprof lists the naive path's sites as the service's own profile does" {
	need_root
	command -v go >/dev/null || skip "go is not installed (apt-get install golang-go)"
	start_service "$bin/memlab-svc" --path naive --index-size 4MiB
	# While somebody watches allocations, no slots are handed out in advance; so after a while each one is told.
	start_tracer "$service_pid" --alloc=every
	local first=$tracer_pid
	run_load 500 0.6s
	start_tracer "$service_pid" --alloc=every --json "$dir/trace.json" --pprof "alloc:$dir/traced.pb.gz"
	kill -INT $first
	wait $first
	curl -s -o "$dir/before.pb.gz" "$url/debug/pprof/allocs"
	run_load 500 1s
	curl -s -o "$dir/after.pb.gz" "$url/debug/pprof/allocs"
	stop_tracer
	check "$dir/trace.json" '.lost == 0 and .alloc.total > 10000'
	pprof_top "$dir/after.pb.gz" -base "$dir/before.pb.gz" >"$dir/counted"
	# text_concat allocates for callers who name the site; serialize_naive_type calls it last, so its frame has gone.
	pprof_top "$dir/traced.pb.gz" -hide '^text_concat$' | sed 's/answer_naive/serialize_naive_type/' >"$dir/traced"
	paste "$dir/counted" "$dir/traced"
	python3 - "$dir/counted" "$dir/traced" "$(jq .alloc.total "$dir/trace.json")" <<'END'
import sys
counted, traced = ([(name, int(count)) for count, name in map(str.split, open(path))] for path in sys.argv[1:3])
exact = dict(counted)
assert len(counted) >= 13 and {name for name, _ in traced} == set(exact), "other sites"
for name, count in traced:
    assert abs(count - exact[name]) <= 0.05 * exact[name], (name, count, exact[name])
order = [exact[name] for name, _ in traced]
assert all(a >= 0.95 * b for a, b in zip(order, order[1:])), "another order"
for sites in counted, traced:
    assert abs(sum(count for _, count in sites) - int(sys.argv[3])) <= 0.05 * int(sys.argv[3])
END
}
