#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memlab-trace's other commands and outputs: record and report, requests as CSV, page and metrics, doctor, probes.

load common

report_tells_the_same() { # mode
	GOGC=25 start_service "$bin/memlab-svc" --path naive
	LC_ALL=C recording=$dir/trace.mlr start_tracer "$service_pid" --mode "$1" --json "$dir/live.json" --requests "$dir/live.csv"
	run_load 4000 2s --stamp
	stop_tracer
	chmod 755 "$dir"
	chmod 644 "$dir/trace.mlr"
	install -m 755 "$bin/memlab-trace" "$dir/memlab-trace"
	mkdir -m 777 "$dir/out"
	LC_ALL=C.UTF-8 setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/memlab-trace" report "$dir/trace.mlr" \
		--json "$dir/out/report.json" --requests "$dir/out/report.csv" --html "$dir/out/report.html" \
		--timeline "$dir/out/timeline.json" --flame "tail:$dir/out/tail.svg" >"$dir/out/screen"
	story='{mode, requests, cut, server_ns, queue_ns, service_ns, client, causes, without_gc_ns, gc_tail_ns, alloc, worst}'
	check "$dir/live.json" ".mode == \"$1\""
	check "$dir/live.json" ".client.requests == $(jq .answered_total "$dir/load.json")"
	diff <(jq -S "$story" "$dir/live.json") <(jq -S "$story" "$dir/out/report.json")
	cmp "$dir/live.csv" "$dir/out/report.csv"
	# One is in ASCII, one in UTF-8.
	for pair in "screen live.json" "out/screen out/report.json"; do
		# shellcheck disable=SC2086
		(cd "$dir" && python3 "$BATS_TEST_DIRNAME/../collectors/trace/every_number.py" $pair)
	done
	[ "$(wc -l <"$dir/live.csv")" = $(($(jq .requests "$dir/live.json") + 1)) ]
	grep -q '</html>' "$dir/out/report.html"
	grep -q '</svg>' "$dir/out/tail.svg"
	jq -e '.traceEvents | length > 10' "$dir/out/timeline.json" >/dev/null
}

@test "a report of a recording tells the same story as the live trace, without rights" {
	need_root
	report_tells_the_same exact
}

@test "a report of a recording in tail mode does so too" {
	need_root
	report_tells_the_same tail
}

@test "a line of --requests sums to its server time" {
	need_root
	start_service "$bin/memlab-svc"
	start_tracer "$service_pid" --requests "$dir/requests.csv"
	run_load 1000 1s
	stop_tracer
	python3 - "$dir/requests.csv" <<'END'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert len(rows) > 900, len(rows)
for row in rows:
    arrival, begin, end = (int(row[name]) for name in ("arrival_ns", "begin_ns", "end_ns"))
    queue = sum(int(value) for name, value in row.items() if name.startswith("queue_"))
    service = sum(int(value) for name, value in row.items() if name.startswith("service_"))
    assert (queue, service) == (begin - arrival, end - begin), row
END
}

@test "a recording that was cut short or is none explains itself" {
	need_root
	start_service "$bin/memlab-svc"
	LC_ALL=C "$bin/memlab-trace" record -o "$dir/trace.mlr" -p "$service_pid" -d 500ms >/dev/null 2>&1
	head -c $(($(stat -c %s "$dir/trace.mlr") - 20)) "$dir/trace.mlr" >"$dir/cut.mlr"
	run "$bin/memlab-trace" report "$dir/cut.mlr"
	echo "$output"
	[[ "$output" == *"cut short"* ]]
	echo "hello" >"$dir/foreign"
	run "$bin/memlab-trace" report "$dir/foreign"
	echo "$output"
	[ "$status" -eq 1 ] && [ "$(wc -l <<<"$output")" -eq 1 ]
	run "$bin/memlab-trace" report "$dir/nothing"
	[ "$status" -ne 0 ] && [ "$(wc -l <<<"$output")" -eq 1 ]
}

@test "--listen serves the page and the metrics, on loopback only" {
	need_root
	start_service "$bin/memlab-svc"
	start_tracer "$service_pid" --jsonl --listen 127.0.0.1:0
	page=$(sed -n 's/.*page and metrics on \(http[^ ]*\).*/\1/p' "$dir/trace.log")
	run_load 1000 3s
	curl -s --max-time 5 "$page" | grep -q '<title>'
	curl -s --max-time 5 "${page}metrics" >"$dir/metrics"
	grep -q '^memlab_request_server_seconds_count [1-9]' "$dir/metrics"
	curl -s --max-time 5 "${page}data.json" | jq -e '.trace.requests > 0' >/dev/null
	stop_tracer
	[ "$(wc -l <"$dir/screen")" -ge 2 ]
	jq -es 'all(.requests >= 0)' "$dir/screen" >/dev/null
	run "$bin/memlab-trace" -p "$service_pid" --listen 0.0.0.0:0 -d 1
	echo "$output"
	[ "$status" -eq 2 ]
}

@test "trapping at each request and reading flight rings tell the same" {
	need_root
	start_service "$bin/memlab-svc" --path naive
	for flag in --verbose --no-flight; do
		start_tracer "$service_pid" $flag --json "$dir/trace.json"
		run_load 2000 2s
		stop_tracer
		[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
		check "$dir/trace.json" '.lost == 0 and .alloc.requests == .requests and .alloc.per_request_mean > 28 and .alloc.per_request_mean <= 29'
	done
}

@test "doctor finds nothing wrong here; probes lists what a service announces" {
	need_root
	run "$bin/memlab-trace" doctor
	echo "$output"
	[ "$status" -eq 0 ]
	start_service "$bin/memlab-svc"
	run "$bin/memlab-trace" probes -p "$service_pid" -d 200ms
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *gc_assist_begin* && "$output" == *request_end* ]]
}

@test "--alloc=malloc takes a stack for each malloc of a process without memlab's probes" {
	need_root
	cat >"$dir/allocate.py" <<'END'
import time
print("running", flush=True)
while True:
    [bytearray(5000 + n) for n in range(50)]
    time.sleep(0.01)
END
	python3 "$dir/allocate.py" >"$dir/allocate.log" 3>&- &
	pids+=($!)
	await "$dir/allocate.log" running $! # until then it is a shell still
	"$bin/memlab-trace" -p $! --alloc=malloc -d 1s --folded "alloc_objects:$dir/malloc.folded" >"$dir/screen" 2>"$dir/trace.log"
	cat "$dir/trace.log"
	grep -q 'each allocation will cost' "$dir/trace.log"
	head -3 "$dir/malloc.folded"
	[ "$(awk '{ n += $NF } END { print n }' "$dir/malloc.folded")" -ge 1000 ]
	grep -q 'malloc' "$dir/malloc.folded"
	run "$bin/memlab-trace" -p $! --alloc=every -d 1s
	echo "$output"
	[ "$status" -eq 4 ]
	[[ "$output" == *--alloc=malloc* ]]
}

@test "a command is started and watched to its end" {
	need_root
	"$bin/memlab-trace" --json "$dir/trace.json" -- "$bin/memlab-svc" --listen 127.0.0.1:0 --path naive >"$dir/service.log" 2>"$dir/trace.log" 3>&- &
	tracer_pid=$!
	pids+=($tracer_pid)
	await "$dir/trace.log" 'watching memlab-svc' $tracer_pid
	await "$dir/service.log" 'listening on' $tracer_pid
	url=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$dir/service.log" | head -1)
	records=1000 seed=42
	run_load 1000 1.5s
	stop_tracer
	[ "$(jq .requests "$dir/trace.json")" = "$(answered)" ]
	check "$dir/trace.json" '.run.path == "naive" and .alloc.total > 0 and .lost == 0'
	# It has ended with the tracer.
	run pgrep -P $tracer_pid
	[ "$status" -eq 1 ]
	run "$bin/memlab-trace" -- /nowhere/at/all
	[ "$status" -eq 4 ] && [[ "$output" == *"cannot start /nowhere/at/all"* ]]
	run "$bin/memlab-trace" -p 1 -- true
	[ "$status" -eq 2 ]
}

@test "--follow goes on with the service that is started again" {
	need_root
	start_service "$bin/memlab-svc" --path opt
	start_tracer "$service_pid" --follow --json "$dir/trace.json"
	grep -q 'stays behind' "$dir/trace.log"
	# The one that stays has not more rights than attaching takes, the one that watches has none.
	local watcher
	watcher=$(pgrep -P $tracer_pid)
	grep -qE '^CapEff:\s0000000000000000$' "/proc/$watcher/status"
	run grep -E '^CapEff:\s000001ffffffffff$' "/proc/$tracer_pid/status"
	[ "$status" -eq 1 ]
	run_load 500 0.5s
	kill $service_pid
	await "$dir/trace.log" 'waiting for the next' $tracer_pid
	: >"$dir/trace.log"
	start_service "$bin/memlab-svc" --path opt
	await "$dir/trace.log" 'watching' $tracer_pid
	run_load 700 1s
	stop_tracer
	# The question that start_service asks may have come before it was attached, or after.
	local told
	told=$(jq .requests "$dir/trace.json")
	[ "$told" -ge "$(answered)" ] && [ "$told" -le $(($(answered) + 1)) ]
}
