#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /debug/pprof: profiles of allocations by site, of the heap, of CPU time.

load service.bash

# samples FILE TYPE...: decodes profile.proto without help, checks its types, prints `function value...` per sample.
samples() {
	python3 - "$@" <<'P'
import gzip, sys
data = gzip.open(sys.argv[1]).read()
def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]; at += 1
        value |= (byte & 127) << shift; shift += 7
        if byte < 128:
            return value, at
def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2
            length, at = varint(data, at)
            value = data[at:at + length]; at += length
            assert len(value) == length
        yield key >> 3, value
top = list(fields(data))
strings = [v.decode() for f, v in top if f == 6]
assert strings[0] == ""
functions = {dict(fields(v))[1]: strings[dict(fields(v))[2]] for f, v in top if f == 5}
locations = {dict(fields(v))[1]: functions[dict(fields(dict(fields(v))[4]))[1]] for f, v in top if f == 4}
types = [strings[dict(fields(v))[1]] for f, v in top if f == 1]
assert types == sys.argv[2:], types
for f, v in top:
    if f == 2:
        sample = list(fields(v))
        print(locations[[x for n, x in sample if n == 1][0]].replace(" ", "_"), *[x for n, x in sample if n == 2])
P
}

@test "allocs by site sum to the heap's own counts, as pprof and as text" {
	start_service -- --index-size 1MiB
	client pipeline "$port" 300
	curl -s -o "$BATS_TEST_TMPDIR/allocs.pb.gz" "$url/debug/pprof/allocs"
	run samples "$BATS_TEST_TMPDIR/allocs.pb.gz" alloc_objects alloc_space
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(awk '{ n += $2 } END { print n }' <<<"$output")" = "$(allocs .total_allocs)" ]
	[ "$(awk '{ n += $3 } END { print n }' <<<"$output")" = "$(allocs .total_alloc_bytes)" ]
	[ "$(awk '$1 == "sink_close" { print $2 }' <<<"$output")" = 300 ]
	text=$(curl -s "$url/debug/pprof/allocs?debug=1")
	[ "$(awk 'NR > 1 { n += $1 } END { print n }' <<<"$text")" = "$(allocs .total_allocs)" ]
	grep -q 'buffer_text sink_close svc/serialize_naive.c:' <<<"$text"
}

@test "cmdline, and the index names every profile" {
	start_service -- --index-size 1MiB --seed 99
	for name in $(curl -s "$url/debug/pprof/" | cut -d' ' -f1); do
		[ "$(status_of "$url/debug/pprof/$name?seconds=1")" = 200 ]
		names="$names $name"
	done
	[ "$names" = " allocs heap profile cmdline" ]
	[[ "$(curl -s "$url/debug/pprof/cmdline" | tr '\0' ' ')" == *"memlab-svc --listen 127.0.0.1:0 --index-size 1MiB --seed 99" ]]
}

# Waits for a forced collection, swept.
collect() {
	local before
	before=$(allocs .forced_cycles)
	curl -s -o /dev/null -X POST "$url/debug/knobs?gc=now"
	for _ in $(seq 200); do
		[ "$(allocs .forced_cycles)" -gt "$before" ] && [ "$(allocs .objects)" = "$(allocs .objects)" ] && break
		sleep 0.05
	done
	sleep 0.3
}

heap_sums() { # column: the sum of a column of the heap profile's text
	curl -s "$url/debug/pprof/heap?debug=1" | awk -v c="$1" 'NR > 2 { n += $c } END { print n + 0 }'
}

@test "the heap profile at rate 1 counts every object, and in use is what a collection leaves" {
	start_service -- --index-size 1MiB --heap-profile-rate 1
	client pipeline "$port" 300
	[ "$(heap_sums 3)" = "$(allocs .total_allocs)" ]
	[ "$(heap_sums 4)" = "$(allocs .total_alloc_bytes)" ]
	collect
	text=$(curl -s "$url/debug/pprof/heap?debug=1")
	echo "$text"
	[ "$(heap_sums 1)" = "$(allocs .objects)" ]
	[ "$(heap_sums 2)" = "$(allocs .live_heap)" ]
	# Nothing that requests allocated outlives them.
	[ "$(awk '/naive/ { n += $1 } END { print n }' <<<"$text")" = 0 ]
	curl -s -o "$BATS_TEST_TMPDIR/heap.pb.gz" "$url/debug/pprof/heap"
	run samples "$BATS_TEST_TMPDIR/heap.pb.gz" alloc_objects alloc_space inuse_objects inuse_space
	echo "$output"
	[ "$(awk '{ n += $4 } END { print n }' <<<"$output")" = "$(allocs .objects)" ]
}

@test "the heap profile sampled by bytes estimates what the heap counts" {
	start_service -- --index-size 16MiB --heap-profile-rate 4KiB
	client pipeline "$port" 300
	# 5,000 samples and more: 10 % are seven standard deviations.
	ratio=$((100 * $(heap_sums 4) / $(allocs .total_alloc_bytes)))
	echo "$ratio %"
	[ "$ratio" -gt 90 ]
	[ "$ratio" -lt 110 ]
	curl -s -o /dev/null -X POST "$url/debug/knobs?heap_profile_rate=off"
	[ "$(curl -s "$url/debug/knobs" | jq .heap_profile_rate)" = 0 ]
	[ "$(status_of -X POST "$url/debug/knobs?heap_profile_rate=often")" = 400 ]
}

@test "the opt path at rate 1: no sample of a request" {
	start_service -- --index-size 1MiB --heap-profile-rate 1 --path opt
	before=$(heap_sums 3)
	client pipeline "$port" 3000
	[ "$(heap_sums 3)" = "$before" ]
	[ "$before" -gt 0 ]
}

@test "a CPU profile names the service's own functions, one at a time, and requests go on beside it" {
	start_service -- --index-size 1MiB
	curl -s -m 30 -o "$BATS_TEST_TMPDIR/cpu.pb.gz" "$url/debug/pprof/profile?seconds=2" &
	local profile=$!
	sleep 0.3
	[ "$(status_of "$url/debug/pprof/profile?seconds=2")" = 409 ]
	wrk -t1 -c16 -d1s "$url/lookup?key=7" >/dev/null
	wait $profile
	run samples "$BATS_TEST_TMPDIR/cpu.pb.gz" samples cpu
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(awk '{ n += $2 } END { print n }' <<<"$output")" -ge 5 ]
	[ "$(awk '{ n += $2 * 10000000 - $3 } END { print (n < 0 ? -n : n) < 100000000 }' <<<"$output")" = 1 ]
	GOCACHE=$BATS_TEST_TMPDIR go tool pprof -raw "$BATS_TEST_TMPDIR/cpu.pb.gz" >"$BATS_TEST_TMPDIR/raw"
	grep -Eq 'M=1 .*(on_request|answer_lookup|loop_main)' "$BATS_TEST_TMPDIR/raw" || { cat "$BATS_TEST_TMPDIR/raw"; return 1; }
	[ "$(status_of "$url/debug/pprof/profile?seconds=0")" = 400 ]
	[ "$(status_of "$url/debug/pprof/profile?seconds=301")" = 400 ]
	curl -s "$url/debug/pprof/profile?seconds=1&debug=1" | grep -q '^samples function'
}

@test "the service ends while a profile is taken: it is answered first" {
	start_service -- --index-size 1MiB
	curl -s -m 30 -o "$BATS_TEST_TMPDIR/cpu.pb.gz" -w '%{http_code}' "$url/debug/pprof/profile?seconds=100" >"$BATS_TEST_TMPDIR/status" &
	local profile=$!
	sleep 0.5
	stop_service
	wait $profile
	[ "$(cat "$BATS_TEST_TMPDIR/status")" = 200 ]
	samples "$BATS_TEST_TMPDIR/cpu.pb.gz" samples cpu
}
