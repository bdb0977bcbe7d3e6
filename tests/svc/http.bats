#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memlab-svc over HTTP: what clients of every kind get.

load service.bash

@test "a record as json and as bin, from both paths" {
	for path in naive opt; do
		start_service -- --path $path --index-size 1MiB
		run curl -s "$url/lookup?key=7&fmt=json"
		[ "$(echo "$output" | jq -c '[.id, .created_s, .balance_cents, .visits, .name, .city, .plan]')" = \
			'[7,1275530944,1537088,215,"Wei Ali","Madrid","team"]' ]
		[ "$(echo "$output" | jq -r .payload | base64 -d | wc -c)" -eq 94 ]
		curl -s "$url/lookup?key=7&fmt=bin" >"$BATS_TEST_TMPDIR/bin"
		[ "$(od -An -tu8 -N16 "$BATS_TEST_TMPDIR/bin" | xargs)" = "7 1275530944" ]
		[ "$(tail -c +37 "$BATS_TEST_TMPDIR/bin" | head -c 7)" = "Wei Ali" ]
		[ "$(stat -c %s "$BATS_TEST_TMPDIR/bin")" -eq $((36 + 7 + 5 + 6 + 4 + 94)) ]
	done
}

@test "errors are JSON with the right status, and the service lives on" {
	start_service -- --index-size 1MiB
	last=$(allocs .keys.last)
	for case in "400 /lookup" "400 /lookup?key=" "400 /lookup?key=x" "400 /lookup?key=-1" "400 /lookup?key=1&fmt=xml" \
		"400 /lookup?key=99999999999999999999999" "404 /lookup?key=$((last + 1))" "404 /lookup?key=18446744073709551615" \
		"404 /" "404 /nothing" "200 /lookup?key=$last" "200 /healthz"; do
		expected=${case%% *}
		body=$(curl -s -w '\n%{http_code} %{content_type}' "$url${case#* }")
		echo "$case: $body"
		[ "${body##*$'\n'}" = "$expected application/json" ]
		[ "$expected" = 200 ] || [ "$(echo "$body" | head -1 | jq .status)" = "$expected" ]
	done
}

@test "other methods get 405 with Allow on a connection that stays open" {
	start_service -- --index-size 1MiB
	client methods "$port"
	client large_body "$port"
}

@test "HEAD, keep-alive, pipelining, a request byte by byte" {
	start_service -- --index-size 1MiB
	client head "$port"
	client keepalive "$port"
	client pipeline "$port" 500
	client byte_by_byte "$port"
}

@test "requests are counted exactly, whatever their status" {
	start_service -- --index-size 1MiB
	before=$(allocs .requests)
	[ "$before" -eq 0 ]
	client pipeline "$port" 500
	client methods "$port"
	status_of "$url/healthz"
	status_of "$url/nothing"
	[ "$(allocs .requests)" -eq $((1 + 500 + 6 + 2)) ]
	[ "$(allocs '.responses["4xx"]')" -eq 6 ]
	[ "$(allocs .lookup.count)" -eq 501 ]
}

@test "naive allocates at least 10 times per lookup, opt and all fixes never" {
	start_service -- --path naive --index-size 1MiB
	client pipeline "$port" 200
	allocs .lookup
	[ "$(allocs '.lookup.allocs_per_request >= 10')" = true ]
	[ "$(allocs '.lookup.bytes_per_request > 500')" = true ]
	start_service -- --path opt --index-size 1MiB
	client pipeline "$port" 200
	[ "$(allocs .lookup.allocs_per_request)" = 0 ]
	start_service -- --path naive --fix buffer,boxing,strings,header,log --index-size 1MiB
	client pipeline "$port" 200
	[ "$(allocs .lookup.allocs_per_request)" = 0 ]
	start_service -- --path opt -pool=off --index-size 1MiB
	client pipeline "$port" 200
	[ "$(allocs .lookup.allocs_per_request)" = 1 ]
}

@test "the opt path calls malloc for nothing" {
	start_service -- --path opt --index-size 1MiB
	[ "$(allocs .malloc_bytes)" -gt 0 ] || return 0 # a sanitizer's malloc, which does not count
	client keepalive "$port"
	# What asking costs, and a connection; then the same with 3,000 lookups, most of lengths not seen before.
	cost() {
		local before
		before=$(allocs .malloc_bytes)
		client pipeline "$port" "$1"
		echo $(($(allocs .malloc_bytes) - before))
	}
	cost 1
	few=$(cost 1)
	many=$(cost 3000)
	echo "1 lookup: $few bytes, 3,000: $many"
	[ "$many" -eq "$few" ]
}

@test "/debug/allocs says what ran" {
	start_service -- --path opt --index-size 2MiB --seed 9
	run curl -s "$url/debug/allocs"
	echo "$output"
	[ "$(echo "$output" | jq -c '[.seed, .keys.first, .records == .keys.last + 1, .run.path, .run.seed, .run.records == .records]')" = \
		'[9,0,true,"opt",9,true]' ]
	for key in live_heap total_alloc gc_cycles gc_cpu_fraction pause_p99_ms pause_last_ms next_gc objects goal limit; do
		[ "$(echo "$output" | jq "has(\"$key\")")" = true ]
	done
	for key in path fix pool layout record intern index_bytes records seed threads gogc gomemlimit profilers_on commit \
		compiler libc kernel cpus; do
		[ "$(echo "$output" | jq ".run | has(\"$key\")")" = true ]
	done
}

@test "64 MiB hold at least 220,000 records, and about as many bytes" {
	start_service -- --path opt
	[ "$(allocs .records)" -ge 220000 ]
	curl -s "$url/lookup?key=219999" | jq -e '.id == 219999'
	bytes=$(allocs .heap_bytes)
	[ "$bytes" -gt $((56 << 20)) ]
	[ "$bytes" -lt $((80 << 20)) ]
}
