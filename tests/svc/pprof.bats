#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /debug/pprof: profiles of allocations by site.

load service.bash

# Decodes profile.proto without help: prints `function objects bytes` per sample.
samples() {
	python3 - "$1" <<'P'
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
assert types == ["alloc_objects", "alloc_space"], types
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
	run samples "$BATS_TEST_TMPDIR/allocs.pb.gz"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(awk '{ n += $2 } END { print n }' <<<"$output")" = "$(allocs .total_allocs)" ]
	[ "$(awk '{ n += $3 } END { print n }' <<<"$output")" = "$(allocs .total_alloc_bytes)" ]
	[ "$(awk '$1 == "sink_close" { print $2 }' <<<"$output")" = 300 ]
	text=$(curl -s "$url/debug/pprof/allocs?debug=1")
	[ "$(awk 'NR > 1 { n += $1 } END { print n }' <<<"$text")" = "$(allocs .total_allocs)" ]
	grep -q 'buffer_text sink_close svc/serialize_naive.c:' <<<"$text"
}

@test "cmdline" {
	start_service -- --index-size 1MiB --seed 99
	[[ "$(curl -s "$url/debug/pprof/cmdline" | tr '\0' ' ')" == *"memlab-svc --listen 127.0.0.1:0 --index-size 1MiB --seed 99" ]]
}
