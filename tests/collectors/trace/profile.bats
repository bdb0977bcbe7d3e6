#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Samples of a real service's time: they add up to it, and they know the requests' causes. One run, looked at from all sides.

load ../../e2e/common

# One run for all tests of this file.
setup_file() {
	dir=$(mktemp -d)
	export dir
	pids=()
	local program=${BUILD:?}/bin/memlab-svc
	start_service "$program" --path naive --index-size 8MiB
	"$bin/memlab-load" --url "$url" --rate 3000 --connections 8 --duration 6s --warmup 0s --keys "$records" --seed "$seed" \
		>"$dir/load.log" 2>&1 3>&- &
	pids+=($!)
	"$bin/memlab-trace" -p "$service_pid" -d 4 --json "$dir/trace.json" --timeline "$dir/timeline.json" \
		--pprof "requests:$dir/requests.pb.gz" --folded "cpu:$dir/cpu" --folded "offcpu:$dir/offcpu" --folded "tail:$dir/tail" \
		--folded "diff:$dir/diff" >"$dir/screen" 2>"$dir/trace.log"
	kill "${pids[@]}"
	wait
}

setup() { need_root; }
teardown() { :; }
teardown_file() { rm -rf "$dir"; }

sum() { # file pattern
	grep -E "$2" "$dir/$1" | awk '{sum += $NF} END {printf "%.0f\n", sum}'
}

@test "a serving thread's time on and off the CPU is all of its time" {
	python3 - "$(sum cpu '^loop;')" "$(sum offcpu '^loop;')" "$(jq .duration_s "$dir/trace.json")" <<'P'
import sys
on, off, seconds = float(sys.argv[1]) / 1e9, float(sys.argv[2]) / 1e9, float(sys.argv[3])
loops = round((on + off) / seconds)
print(f"on {on:.2f} s, off {off:.2f} s, {loops} loops in {seconds:.2f} s")
assert loops >= 1 and on > 0 and off > 0
assert abs(on + off - loops * seconds) < 0.1 * loops * seconds
P
	grep -q 'serialize_naive' "$dir/cpu"
	# In poll, which sits below loop_main; from glibc 2.41 on the system call has a function of its own, and a walk along frame
	# pointers misses its caller.
	local inside=poll
	[ "$(printf '2.41\n%s\n' "$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)" | sort -V | head -1)" != 2.41 ] || inside=loop_main
	grep -qE "^loop;\[asleep\];.*$inside" "$dir/offcpu"
}

@test "the tail flame graph is one mean slow request, by cause and by stack" {
	python3 - "$dir" <<'P'
import collections, json, sys
causes, total = collections.Counter(), 0
for line in open(sys.argv[1] + "/tail"):
    path, value = line.rsplit(" ", 1)
    cause, span, *stack = path.split(";")
    assert span in ("queue", "service") and stack, line
    causes[cause] += int(value)
diff = sum(int(line.rsplit(" ", 1)[1]) for line in open(sys.argv[1] + "/diff"))
trace = json.load(open(sys.argv[1] + "/trace.json"))
mean = trace["cohort_server_ns"]["p99"]
print(f"tail {sum(causes.values())} ns, diff {diff} ns, mean of the slowest 1 % {mean:.0f} ns")
assert 0.85 * mean < sum(causes.values()) < 1.2 * mean
assert abs(diff - sum(causes.values())) < 0.01 * diff
# The two ways to the greatest cause agree.
exact = {name: c["queue_ns"]["p99"] + c["service_ns"]["p99"] for name, c in trace["causes"].items()}
greatest = max(exact, key=exact.get)
assert abs(causes[greatest] - exact[greatest]) < 0.25 * exact[greatest], (causes, exact)
P
}

@test "the timeline has each worst request's thread and the collector on one axis" {
	jq -e '
		.traceEvents as $e
		| ([$e[] | select(.ph == "X" and .pid == 1 and .cat == "span")] | group_by(.tid) | map(map(.dur) | add)) as $requests
		| ([$e[] | select(.ph == "X" and .pid == 1 and .cat == "cause")] | group_by(.tid) | map(map(.dur) | add)) as $causes
		| ($requests | length) == 10 and ([range(10) | ($requests[.] - $causes[.] | fabs) < 0.01 * $requests[.] + 1] | all)
		and ([$e[] | select(.ph == "X" and .pid == 2)] | length) > 10
		and ([$e[] | select(.name == "thread_name" and .pid == 2) | .args.name] | all(startswith("loop[")))
		and ([$e[] | select(.name == "process_name")] | length) == 3
	' "$dir/timeline.json" >/dev/null || { jq -c '[.traceEvents[] | select(.pid == 1)] | .[0:12]' "$dir/timeline.json"; false; }
	# On a track, nothing overlaps.
	jq -e '[.traceEvents[] | select(.ph == "X" and .pid > 1)] | group_by([.pid, .tid])
		| all(sort_by(.ts) | . as $s | all(range(1; length); $s[.].ts >= $s[. - 1].ts + $s[. - 1].dur - 0.01))' "$dir/timeline.json" >/dev/null
}

@test "go tool pprof finds requests' time by cause, span, path, thread and speed" {
	command -v go >/dev/null || skip "go is not installed (apt-get install golang-go)"
	export PPROF_TMPDIR=$dir HOME=$dir
	run go tool pprof -tags "$dir/requests.pb.gz"
	echo "$output"
	for key in cause span path thread speed; do [[ "$output" == *"$key: Total"* ]]; done
	run go tool pprof -top -tagfocus=cause=own -tagfocus=path=naive "$dir/requests.pb.gz"
	[[ "$output" == *serialize_naive* ]]
	run go tool pprof -top -tagfocus=speed=slow "$dir/requests.pb.gz"
	[[ "$output" == *"Type: request_time"* && "$output" == *flat* ]]
}
