#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /debug/knobs: what can change while the service runs.

load service.bash

knobs() { curl -s -w '\n%{http_code}' -X POST "$url/debug/knobs?$1"; }

@test "knobs are shown and changed, wrong ones change nothing" {
	start_service -- --index-size 1MiB
	[ "$(curl -s "$url/debug/knobs" | jq -c '[.gogc, .gomemlimit]')" = '[100,"off"]' ]
	[ "$(knobs 'gogc=300&gomemlimit=1GiB' | tail -1)" = 200 ]
	[ "$(curl -s "$url/debug/knobs" | jq -c '[.gogc, .gomemlimit]')" = '[300,1073741824]' ]
	for wrong in '' 'gogc=0' 'gogc=-1' 'gogc=12x' 'gogc=50&gomemlimit=lots' 'gc=later' 'gogc='; do
		[ "$(knobs "$wrong" | tail -1)" = 400 ]
	done
	[ "$(curl -s "$url/debug/knobs" | jq -c '[.gogc, .gomemlimit]')" = '[300,1073741824]' ]
	[ "$(knobs 'gogc=off&gomemlimit=off' | head -1 | jq -c '[.gogc, .gomemlimit]')" = '["off","off"]' ]
	[ "$(status_of -X PUT "$url/debug/knobs?gogc=100")" = 405 ]
}

@test "a collection on demand, by knob and by signal; readiness answers meanwhile" {
	GOGC=off start_service -- --index-size 32MiB
	before=$(allocs .gc_cycles)
	[ "$(knobs gc=now | tail -1)" = 200 ]
	[ "$(status_of "$url/readyz")" = 200 ]
	for _ in $(seq 100); do
		[ "$(allocs .gc_cycles)" -gt "$before" ] && break
		sleep 0.1
	done
	[ "$(allocs .gc_cycles)" -eq $((before + 1)) ]
	kill -USR2 "$pid"
	for _ in $(seq 100); do
		[ "$(allocs .gc_cycles)" -gt $((before + 1)) ] && break
		sleep 0.1
	done
	[ "$(allocs .gc_cycles)" -eq $((before + 2)) ]
	stop_service
}

@test "readiness is answered all through a forced collection under load" {
	GOGC=off start_service -- --index-size 128MiB
	wrk -t1 -c8 -d60s "$url/lookup?key=7" >/dev/null 2>&1 3>&- &
	wrk=$!
	client ready_in_collection "$port"
	kill "$wrk"
	stop_service
}

@test "knobs are for this machine only" {
	address=$(hostname -I | cut -d' ' -f1)
	[ -n "$address" ] || address=127.0.0.1
	memlab-svc --listen 0.0.0.0:0 --index-size 1MiB >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	started_services="$pid"
	for _ in $(seq 100); do
		port=$(grep -o 'http://0.0.0.0:[0-9]*' "$BATS_TEST_TMPDIR/out" | cut -d: -f3) && [ -n "$port" ] && break
		sleep 0.1
	done
	[ "$(status_of -X POST "http://127.0.0.1:$port/debug/knobs?gogc=200")" = 200 ]
	if [ "$address" != 127.0.0.1 ]; then
		[ "$(status_of -X POST "http://$address:$port/debug/knobs?gogc=400")" = 403 ]
		[ "$(curl -s "http://127.0.0.1:$port/debug/knobs" | jq .gogc)" = 200 ]
	fi
}
