#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memlab-svc's command line, start and stop.

load service.bash

# refused STATUS WORDS ARGUMENTS...: one line on stderr that holds the words.
refused() {
	local expected=$1 words=$2
	shift 2
	run timeout 60 "$@"
	echo "$*: $status $output"
	[ "$status" -eq "$expected" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == memlab-svc:*"$words"* ]]
}

@test "wrong command lines: one line with the next step, status 2" {
	refused 2 "memlab-svc --help" memlab-svc --no-such-flag
	refused 2 "memlab-svc --help" memlab-svc -no-such-flag
	refused 2 "needs a value" memlab-svc --threads
	refused 2 "takes no value" memlab-svc --sites=yes
	refused 2 "unexpected argument" memlab-svc something
	refused 2 "off, on" memlab-svc --pool=maybe
	refused 2 "naive, opt" memlab-svc --path fast
	refused 2 "number" memlab-svc --seed=abc
	refused 2 "number" memlab-svc --threads 0
	refused 2 "64MiB" memlab-svc --index-size lots
	refused 2 "64KiB" memlab-svc --index-size 1KiB
	refused 2 "127.0.0.1:8080" memlab-svc --listen nowhere
	refused 2 "number" memlab-svc --listen 127.0.0.1:99999
	refused 2 "buffer, boxing, strings, header, log" memlab-svc --fix=everything
	refused 2 "--path=opt" memlab-svc --fix=buffer --path=opt
	refused 2 GOGC env GOGC=lots memlab-svc --listen 127.0.0.1:0
	refused 2 GOMEMLIMIT env GOMEMLIMIT=7bananas memlab-svc --listen 127.0.0.1:0
}

@test "what the machine cannot give: one line, status 1" {
	refused 1 "does not fit" memlab-svc --index-size 900000GiB
	refused 1 "not an address" memlab-svc --listen nowhere.example:0
	refused 1 "another address" memlab-svc --listen 192.0.2.1:0
}

@test "a taken port is refused, with one and with several loops" {
	start_service -- --index-size 1MiB
	refused 1 "is taken" memlab-svc --index-size 1MiB --listen "127.0.0.1:$port"
	refused 1 "is taken" memlab-svc --index-size 1MiB --listen "127.0.0.1:$port" --threads 2
	start_service -- --index-size 1MiB --threads 2
	refused 1 "is taken" memlab-svc --index-size 1MiB --listen "127.0.0.1:$port" --threads 2
}

@test "long options with one dash" {
	start_service -- -path=opt -index-size 1MiB -seed=3
	[ "$(allocs .run.path)" = opt ]
	[ "$(allocs .seed)" = 3 ]
}

@test "--help and --version" {
	run memlab-svc --help
	[ "$status" -eq 0 ]
	for flag in --listen --index-size --seed --path --fix --pool --layout --threads --sites; do
		[[ "$output" == *"$flag"* ]]
	done
	run memlab-svc --version
	[ "$status" -eq 0 ]
	[[ "$output" == "memlab-svc "* ]]
}

@test "the manual pages name every option" {
	for program in memlab-svc memlab-gen memlab-loadindex; do
		page="$BATS_TEST_DIRNAME/../../docs/man/$program.1"
		for option in $($program --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' |
			grep -vxE -- '--(help|usage|version)'); do
			echo "$program $option"
			grep -q "Fl Fl ${option#--}\b" "$page"
		done
	done
}

@test "GOGC and GOMEMLIMIT come from the environment" {
	GOGC=off GOMEMLIMIT=512MiB start_service -- --index-size 1MiB
	[ "$(allocs .run.gogc)" = off ]
	[ "$(allocs .run.gomemlimit)" = 536870912 ]
	[ "$(allocs .limit)" = 536870912 ]
}

@test "over the memory limit: degrade, shed or exit, as asked" {
	refused 2 "--memlimit" memlab-svc --limit-policy shed
	# It ends in the middle of work: what it had is not given back one by one.
	ASAN_OPTIONS=detect_leaks=0 run timeout 60 memlab-svc --listen 127.0.0.1:0 --index-size 16MiB --memlimit 8MiB \
		--limit-policy exit
	echo "$status $output"
	[ "$status" -eq 1 ]
	[[ "${lines[-1]}" == *"memory limit"*"; raise "* ]]
	start_service -- --index-size 16MiB --memlimit 8MiB
	sleep 0.3
	[ "$(status_of "$url/lookup?key=1")" = 200 ]
	start_service -- --index-size 16MiB --memlimit 8MiB --limit-policy shed
	for _ in $(seq 50); do
		[ "$(status_of "$url/lookup?key=1")" = 503 ] && break
		sleep 0.1
	done
	[ "$(curl -s "$url/lookup?key=1" | jq -r .error)" = memory_limit ]
	[ "$(status_of "$url/healthz")" = 200 ]
	curl -s -o /dev/null -X POST "$url/debug/knobs?gomemlimit=1GiB"
	for _ in $(seq 50); do
		[ "$(status_of "$url/lookup?key=1")" = 200 ] && break
		sleep 0.1
	done
	[ "$(status_of "$url/lookup?key=1")" = 200 ]
	stop_service
}

@test "--sites lists every allocation site with its place and reason" {
	run memlab-svc --sites
	[ "$status" -eq 0 ]
	root="$BATS_TEST_DIRNAME/../.."
	for site in $(grep -oE '^SITE\([a-z0-9_]+' "$root/svc/sites.def" | cut -d'(' -f2); do
		[ "$site" = none ] || [[ "$output" == *" $site "*svc/* ]]
	done
	# What it says is there: the line allocates.
	while read -r _ _ place _; do
		sed -n "${place#*:}p" "$root/${place%:*}" | grep -q SITE_
	done <<<"$(tail -n +2 <<<"$output")"
}

@test "allocations go through named sites only" {
	run grep -nE '\bgc_(try_)?alloc(_array|_bytes)?\(' "$BATS_TEST_DIRNAME"/../../svc/*.c
	echo "$output"
	[ "$status" -eq 1 ]
}

@test "SIGTERM and SIGINT: status 0, the port is free again" {
	start_service -- --index-size 1MiB
	stop_service
	start_service -- --index-size 1MiB --threads 2
	wrk -t1 -c32 -d1s "$url/lookup?key=7" >/dev/null &
	wrk=$!
	sleep 0.3
	kill -INT "$pid"
	wait "$pid"
	wait $wrk || true
	run curl -s "$url/healthz"
	[ "$status" -ne 0 ]
}

@test "requests in flight are answered before it ends" {
	for what in sleep spin lock; do
		start_service "$BUILD/tests/memlab-svc-inject" -- --index-size 1MiB
		client in_flight "$port" "$pid" "/lookup?key=7&inject=$what&ns=500000000"
		wait "$pid"
	done
}
