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

# sums TEXT: objects and bytes of everything allocated, as the service's own heap profile estimates them.
heap_profile() { curl -s "$url/debug/pprof/heap?debug=1" | awk 'NR > 2 { objects += $3; bytes += $4 } END { print objects + 0, bytes + 0 }'; }

@test "--alloc=sample: stacks by bytes, the same samples that the service's heap profile has; a recording keeps them with their names" {
	need_root
	start_service "$bin/memlab-svc" --path naive --index-size 4MiB --heap-profile-rate 512
	"$bin/memlab-trace" record -o "$dir/trace.mlr" -p "$service_pid" --alloc=sample --sample --json "$dir/trace.json" \
		--folded "alloc_bytes:$dir/bytes" --folded "alloc_objects:$dir/objects" --folded "cpu:$dir/cpu" --pprof "alloc:$dir/live.pb.gz" \
		>"$dir/screen" 2>"$dir/trace.log" 3>&- &
	tracer_pid=$!
	pids+=($tracer_pid)
	await "$dir/trace.log" 'watching' $tracer_pid
	read -r objects bytes < <(heap_profile)
	run_load 2000 1.5s
	read -r objects_after bytes_after < <(heap_profile)
	stop_tracer
	check "$dir/trace.json" '.lost == 0 and .alloc_mode == "sample" and .alloc.sample_period_bytes == 512 and .alloc.samples > 5000'
	sum() { awk '{ n += $NF } END { printf "%d\n", n }' "$dir/$1"; }
	echo "traced $(sum objects) objects, $(sum bytes) bytes; the service's profile $((objects_after - objects)), $((bytes_after - bytes)); counted $(jq -c .alloc "$dir/trace.json")"
	# The same samples with the same weights: what rounding leaves.
	python3 - "$(sum objects)" $((objects_after - objects)) "$(sum bytes)" $((bytes_after - bytes)) "$(jq .alloc.total_bytes "$dir/trace.json")" <<'END'
import sys
objects, objects_told, bytes_, bytes_told, bytes_counted = map(int, sys.argv[1:])
assert abs(objects - objects_told) <= 40 and abs(bytes_ - bytes_told) <= 40
# More than 5,000 samples: 10 % are seven standard deviations.
assert abs(bytes_ - bytes_counted) < 0.1 * bytes_counted
END
	grep -q 'serialize_naive;.*buffer_bytes_new [0-9]' "$dir/bytes"
	kill -9 "$service_pid" # its report needs no process
	"$bin/memlab-trace" report "$dir/trace.mlr" --json "$dir/report.json" --folded "alloc_bytes:$dir/report.bytes" --folded "cpu:$dir/report.cpu" \
		--folded "alloc_objects:$dir/report.objects" --pprof "alloc:$dir/report.pb.gz" --html "$dir/report.html" >/dev/null
	for kind in bytes objects cpu; do cmp "$dir/$kind" "$dir/report.$kind"; done
	diff <(jq -S .alloc "$dir/trace.json") <(jq -S .alloc "$dir/report.json")
	[ "$(jq .alloc_mode "$dir/report.json")" = '"sample"' ]
	[ "$(wc -c <"$dir/live.pb.gz")" -gt 1000 ]
}

@test "a recording without stacks says what would have them" {
	need_root
	start_service "$bin/memlab-svc" --path naive --index-size 4MiB
	"$bin/memlab-trace" record -o "$dir/trace.mlr" -p "$service_pid" -d 300ms >/dev/null 2>&1
	run "$bin/memlab-trace" report "$dir/trace.mlr" --flame "alloc_bytes:$dir/bytes.svg"
	echo "$output"
	[ "$status" -eq 2 ] && [[ "$output" == *"no stacks of allocations; record with --alloc=sample"* ]]
	run "$bin/memlab-trace" report "$dir/trace.mlr" --flame "cpu:$dir/cpu.svg"
	echo "$output"
	[ "$status" -eq 2 ] && [[ "$output" == *"no stacks of time; record with --sample"* ]]
	"$bin/memlab-trace" report "$dir/trace.mlr" --flame "tail:$dir/tail.svg" >/dev/null
}
