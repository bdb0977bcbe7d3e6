#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /metrics in both formats, /healthz and /readyz.

load service.bash

# page.py FORMAT FILE: parses strictly, prints `name{labels} value` lines.
parse() {
	python3 - "$1" "$2" <<'P'
import re, sys
openmetrics, text = sys.argv[1] == "openmetrics", open(sys.argv[2]).read()
assert text.endswith("\n")
lines = text.splitlines()
if openmetrics:
    assert lines.pop() == "# EOF"
types, values = {}, {}
for line in lines:
    if line.startswith("# "):
        _, word, name, rest = line.split(" ", 3)
        assert word in ("HELP", "TYPE") or openmetrics and word == "UNIT", line
        if word == "TYPE":
            types[name] = rest
        if word == "UNIT":
            assert name.endswith("_" + rest), line
        continue
    match = re.fullmatch(r'([a-z_]+)(\{[^}]*\})? ([0-9.e+-]+)( # \{key="\d+"\} [0-9.e+-]+ [0-9.]+)?', line)
    assert match, line
    assert openmetrics or not match.group(4), line
    values[match.group(1) + (match.group(2) or "")] = float(match.group(3))
    family = re.sub("_(bucket|sum|count)$", "", match.group(1))
    if openmetrics and family.endswith("_total"):
        family = family[:-6]
    assert family in types, line
for name, kind in types.items():
    if kind == "histogram":
        buckets = [v for k, v in values.items() if k.startswith(name + "_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == values[name + "_count"], name
for name, value in values.items():
    print(name, value)
P
}

@test "every metric of metrics.def, in both formats" {
	start_service -- --index-size 1MiB
	for i in $(seq 20); do curl -s -o /dev/null "$url/lookup?key=$i"; done
	status_of "$url/nothing"
	curl -s "$url/metrics" >"$BATS_TEST_TMPDIR/classic"
	curl -s -H 'Accept: application/openmetrics-text;version=1.0.0' "$url/metrics" >"$BATS_TEST_TMPDIR/openmetrics"
	for format in classic openmetrics; do
		run parse $format "$BATS_TEST_TMPDIR/$format"
		echo "$output"
		[ "$status" -eq 0 ]
		for name in $(grep -oE '^METRIC\([a-z_]+' "$BATS_TEST_DIRNAME/../../svc/metrics.def" | cut -d'(' -f2); do
			[[ "$output" == *"$name"* ]]
		done
		[[ "$output" == *'memlab_svc_requests_total{code="404"} 1.0'* ]]
		[[ "$output" == *'memlab_svc_lookups_total 20.0'* ]]
	done
	grep -qE '# \{key="[1-9][0-9]*"\}' "$BATS_TEST_TMPDIR/openmetrics"
	[ "$(curl -s -o /dev/null -w '%{content_type}' "$url/metrics")" = "text/plain; version=0.0.4; charset=utf-8" ]
}

@test "the pause histogram counts handshakes" {
	start_service -- --index-size 1MiB
	wrk -t1 -c4 -d2s "$url/lookup?key=7" >/dev/null
	curl -s "$url/metrics" >"$BATS_TEST_TMPDIR/page"
	run parse classic "$BATS_TEST_TMPDIR/page"
	[ "$(awk '/^memlab_gc_pause_seconds_count/ { print ($2 > 0) }' <<<"$output")" = 1 ]
	[ "$(awk '/^memlab_gc_cycles_total/ { print ($2 > 0) }' <<<"$output")" = 1 ]
}

@test "ready and healthy while a collection and load go on" {
	start_service -- --index-size 16MiB
	wrk -t1 -c8 -d3s "$url/lookup?key=7" >/dev/null &
	for _ in $(seq 20); do
		[ "$(status_of "$url/readyz")" = 200 ]
		[ "$(status_of "$url/healthz")" = 200 ]
		sleep 0.1
	done
	wait $!
	[ "$(allocs .gc_cycles)" -gt 0 ]
}
