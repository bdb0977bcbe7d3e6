#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Views in a real browser, without network: Chromium opens them, works them, and its console stays empty.

setup() {
	dir=$(mktemp -d)
	top=$BATS_TEST_DIRNAME/../../..
}

teardown() {
	rm -rf "$dir"
}

# The page's document after its scripts ran; the console goes to $dir/console.
browse() {
	timeout 90 chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$dir/profile" \
		--allow-file-access-from-files --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --v=0 \
		--virtual-time-budget=4000 --dump-dom "$1" 2>"$dir/console"
	! grep -E 'CONSOLE' "$dir/console"
}

need_chromium() {
	command -v chromium >/dev/null || skip "chromium is not installed (apt-get install chromium)"
}

@test "a flame graph zooms, searches and is walked by keys in a browser" {
	need_chromium
	cp "$top/tests/golden/flame.svg" "$BATS_TEST_DIRNAME/flame_harness.html" "$dir"
	browse "file://$dir/flame_harness.html" >"$dir/dom"
	cat "$dir/dom"
	for line in 'frames: 12' 'zoomed: true' 'parents stay: true' 'others hidden: true' 'reset: true' 'search ended: true' \
		'details: serialize_naive (serialize.c): 704 B, 82.63 %' 'found: search: SERIAL  1 frames, 82.6 %' 'walked to: main (main.c:40): 804 B, 94.37 %' \
		'zoomed by key: true' 'scripts: 1' 'done'; do
		grep -qF "$line" "$dir/dom" || { echo "missing: $line"; false; }
	done
}

@test "a flame graph is well-formed XML" {
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$top/tests/golden/flame.svg"
}

@test "the JSON documents are valid and have every key scripts rely on" {
	for file in trace.json trace-empty.json; do
		jq -e '
			(.target | has("pid") and has("comm") and has("kind")) and has("run") and has("duration_s") and has("requests")
			and has("lost") and has("cut") and has("late") and has("mode")
			and (.cost | has("target_ns_per_request") and has("tracer_cpu_percent") and has("bpf_cpu_percent") and has("budget_percent"))
			and ([.server_ns, .queue_ns, .service_ns] | all(has("p50") and has("p90") and has("p99") and has("p999")
				and has("p9999") and has("max") and has("mean")))
			and (.causes | keys | length == 10) and ([.causes[] | .queue_ns, .service_ns] | all(has("p50") and has("p99") and has("p999")))
			and (.cohort | has("p50") and has("p99") and has("p999"))
			and ([.without_gc_ns, .gc_tail_ns] | all(has("p50") and has("p99") and has("p999")))
			and (.gc | has("cycles") and has("handshake_ns") and has("stop_ns") and has("assist_ns") and has("cpu_fraction"))
			and (.alloc | has("per_request_mean") and has("bytes_per_request_mean") and has("total") and has("total_bytes"))
			and (.worst | type == "array")
			and (.checks | has("sum_error_ns_max") and has("unattributed_percent") and has("cpu_time_error_percent"))
		' "$top/tests/golden/$file" >/dev/null
	done
}

@test "causes of a cohort and of each worst request sum to its time" {
	jq -e '
		([.causes[] | .queue_ns.p99 + .service_ns.p99] | add) as $sum
		| (.cohort_server_ns.p99 - $sum | fabs) < 1
		and (.worst | length > 0)
		and ([.worst[] | ([.causes[].queue_ns] | add) == .queue_ns and ([.causes[].service_ns] | add) == .service_ns
			and .queue_ns + .service_ns == .server_ns] | all)
	' "$top/tests/golden/trace.json" >/dev/null
}
