#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memlab-load from the outside: against a service that misbehaves on command (fake_service.py), and against nginx.

setup() {
	here=$BATS_TEST_DIRNAME
	load=${BUILD:-$here/../../../build/release}/bin/memlab-load
	json=$BATS_TEST_TMPDIR/load.json
	log=$BATS_TEST_TMPDIR/service.json
	service=
}

teardown() {
	[ -n "$service" ] || return 0
	# nginx's worker outlives a killed master.
	[ -z "${worker:-}" ] || kill -9 "$worker" 2>/dev/null || true
	kill -9 "$service" 2>/dev/null || true
	wait "$service" 2>/dev/null || true
}

# fake MODE: starts the fake service; $url is its address.
fake() {
	python3 "$here/fake_service.py" "$1" "$BATS_TEST_TMPDIR/port" "$log" >"$BATS_TEST_TMPDIR/service.err" 2>&1 3>&- &
	service=$!
	for _ in $(seq 100); do
		[ -s "$BATS_TEST_TMPDIR/port" ] && break
		sleep 0.05
	done
	url=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")
}

# Ends the fake service, which then writes what it counted.
fake_end() {
	kill -TERM "$service"
	wait "$service" || true
	service=
}

# expect FILTER: the filter holds for the JSON output.
expect() {
	jq -e "$1" "$json" >/dev/null || { echo "not so: $1"; jq 'del(.histogram, .steps)' "$json"; return 1; }
}

@test "asks the service for keys and seed, and counts to the request" {
	fake ok
	run timeout 30 "$load" --url "$url" --rate 1k --connections 8 --duration 1s --warmup 300ms --json "$json"
	[ "$status" -eq 0 ]
	fake_end
	expect '.requests == 1000 and .answered_total == 1300 and .sent_total == 1300 and .control_requests == 1 and .errors == 0'
	expect '.load.keys == 1000 and .load.seed == 7 and .run == {"path":"naive","records":1000,"seed":7,"gogc":100}'
	[ "$(jq .lookups "$log")" -eq 1300 ]
	[ "$(jq .controls "$log")" -eq 1 ]
	[ "$(jq .connections "$log")" -eq 9 ]
}

@test "JSON has every member that scripts rely on, and text the same percentiles" {
	fake ok
	run timeout 30 "$load" --url "$url" --rate 500 --connections 4 --duration 1s --warmup 0 --json "$json"
	[ "$status" -eq 0 ]
	expect 'has("run","asked_rate","achieved_rate","duration_s","requests","errors","errors_by_kind","response_ns","uncorrected_ns","client_wait_ns","send_lag_ns","histogram","steps","generator","warnings","interrupted")'
	expect '[.response_ns, .uncorrected_ns, .client_wait_ns, .send_lag_ns] | all(has("p50","p90","p99","p999","p9999","max","mean","count") and .count == 500)'
	expect '.asked_rate == 500 and .steps[0].asked_rate == 500'
	expect '([.histogram[].count] | add) == .response_ns.count'
	expect '[.histogram[] | .from_ns <= .to_ns] | all'
	expect '.response_ns | .p50 <= .p90 and .p90 <= .p99 and .p99 <= .p999 and .p999 <= .p9999 and .p9999 <= .max'
	# A response time contains the uncorrected one and the wait before it.
	expect '(.response_ns.mean - .uncorrected_ns.mean - .client_wait_ns.mean | fabs) < 1'
	for word in response uncorrected 'send lag' p50 p90 p99 p99.9 p99.99 max mean; do
		grep -q -- "$word" <<<"$output"
	done
}

@test "same seed, same keys; another seed, others; Zipf is skewed, sequential is not" {
	for seed in 1 1 2; do
		fake ok
		timeout 30 "$load" --url "$url" --rate 2k --connections 4 --duration 500ms --warmup 0 --seed $seed --zipf 1.5
		fake_end
		jq -cS .keys "$log" >>"$BATS_TEST_TMPDIR/keys"
		rm "$BATS_TEST_TMPDIR/port"
	done
	[ "$(sed -n 1p "$BATS_TEST_TMPDIR/keys")" = "$(sed -n 2p "$BATS_TEST_TMPDIR/keys")" ]
	[ "$(sed -n 1p "$BATS_TEST_TMPDIR/keys")" != "$(sed -n 3p "$BATS_TEST_TMPDIR/keys")" ]
	# The most popular of 1000 keys has 1 / sum(k^-1.5) = 0.39 of 1000 requests.
	jq -es '.[0] | [.[]] | max > 330 and max < 450' "$BATS_TEST_TMPDIR/keys"
	fake ok
	timeout 30 "$load" --url "$url" --rate 2k --duration 500ms --warmup 0 --sequential
	fake_end
	jq -e '[.keys[]] | length == 1000 and max == 1' "$log"
}

@test "--keys and --seed need no /debug/allocs that knows them; a path is requested as it is" {
	fake ok
	timeout 30 "$load" --url "$url" --keys 3 --seed 5 --sequential --format bin --rate 1k --duration 100ms --warmup 0 --json "$json"
	expect '.load.keys == 3 and .load.seed == 5 and .load.format == "bin"'
	timeout 30 "$load" --url "$url/some/page?a=b" --rate 1k --duration 100ms --warmup 0 --json "$json"
	expect '.control_requests == 0 and .requests == 100'
	fake_end
	jq -e '.keys == {"0": 34, "1": 33, "2": 33, "/some/page?a=b": 100}' "$log"
}

@test "--stamp carries the two times that --edges writes" {
	fake ok
	timeout 30 "$load" --url "$url" --rate 1k --connections 1 --duration 300ms --warmup 100ms --stamp --edges "$BATS_TEST_TMPDIR/edges.csv" --json "$json"
	fake_end
	head -1 "$BATS_TEST_TMPDIR/edges.csv" | grep -qx 'local_port,sequence,intended_ns,send_ns,receipt_ns,status'
	[ "$(tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | wc -l)" -eq 400 ]
	tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | awk -F, '{print $3, $4}' >"$BATS_TEST_TMPDIR/ours"
	jq -r '.stamps[] | "\(.[0]) \(.[1])"' "$log" >"$BATS_TEST_TMPDIR/theirs"
	cmp "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/theirs"
	# One connection: sequence counts up, times are in order, every line has its status.
	tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | awk -F, '$2 != NR - 1 || $3 > $4 || $4 >= $5 || $6 != 200 { bad = 1 } END { exit bad }'
}

@test "percentiles are those of the raw times that --edges writes" {
	fake ok
	timeout 30 "$load" --url "$url" --rate 3k --connections 8 --duration 2s --warmup 0 --arrivals poisson --edges "$BATS_TEST_TMPDIR/edges.csv" --json "$json"
	tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | awk -F, '{print $5 - $3}' | sort -n >"$BATS_TEST_TMPDIR/response"
	tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | awk -F, '{print $5 - $4}' | sort -n >"$BATS_TEST_TMPDIR/uncorrected"
	local kind percent
	for kind in response uncorrected; do
		for percent in 50:p50 90:p90 99:p99 99.9:p999 100:max; do
			awk -v percent="${percent%:*}" -v reported="$(jq ".${kind}_ns.${percent#*:}" "$json")" '
				{ value[NR] = $1 }
				END {
					rank = NR * percent / 100
					exact = value[int(rank) + (rank > int(rank))]
					print percent, exact, reported
					exit !(reported >= exact && reported <= exact * 1.008)
				}' "$BATS_TEST_TMPDIR/$kind"
		done
	done
}

@test "every kind of failure is counted as what it is" {
	fake status
	run timeout 30 "$load" --url "$url" --rate 1k --connections 4 --duration 1s --warmup 0 --json "$json"
	[ "$status" -eq 1 ]
	grep -q 'memlab-load: 100 errors, 1000 requests sent;' <<<"$output"
	expect '.errors == 100 and .errors_by_kind.status == 100 and .requests == 1000 and .response_ns.count == 900'
	fake_end; rm "$BATS_TEST_TMPDIR/port"
	fake garbage
	run timeout 30 "$load" --url "$url" --rate 1k --connections 4 --duration 1s --warmup 0 --json "$json"
	[ "$status" -eq 1 ]
	expect '.errors_by_kind.parse >= 18 and .errors_by_kind.parse <= 21 and .errors == .errors_by_kind.parse and .requests + .errors == .sent_total'
	fake_end; rm "$BATS_TEST_TMPDIR/port"
	fake cut
	run timeout 30 "$load" --url "$url" --rate 1k --connections 4 --duration 1s --warmup 0 --json "$json"
	[ "$status" -eq 1 ]
	expect '.errors_by_kind.closed == 20 and .errors == 20 and .requests == 980 and .reconnects == 20'
	fake_end
}

@test "no answer is a timeout, and the run ends in bounded time" {
	fake silent
	SECONDS=0
	run timeout 30 "$load" --url "$url" --rate 200 --connections 4 --duration 1s --warmup 0 --timeout 300ms --json "$json"
	[ "$status" -eq 1 ]
	[ "$SECONDS" -le 10 ]
	expect '.errors_by_kind.timeout == 200 and .errors == 200 and .requests == 0 and .answered_total == 0'
}

@test "a connection that the service ends politely is opened anew without an error" {
	fake polite
	run timeout 30 "$load" --url "$url" --rate 1k --connections 4 --duration 1s --warmup 0 --json "$json"
	[ "$status" -eq 0 ]
	expect '.errors == 0 and .requests == 1000 and .reconnects == 40'
}

@test "chunked, open-ended and large bodies are followed to their end" {
	for mode in chunked open_end large; do
		fake $mode
		run timeout 30 "$load" --url "$url" --rate 200 --connections 8 --duration 1s --warmup 0 --json "$json"
		[ "$status" -eq 0 ]
		expect '.errors == 0 and .requests == 200'
		fake_end; rm "$BATS_TEST_TMPDIR/port"
	done
}

@test "pipelined requests are answered in order and counted once" {
	fake ok
	run timeout 30 "$load" --url "$url" --rate 2k --connections 1 --pipeline 16 --duration 1s --warmup 0 --edges "$BATS_TEST_TMPDIR/edges.csv" --json "$json"
	[ "$status" -eq 0 ]
	fake_end
	expect '.errors == 0 and .requests == 2000 and .load.pipeline == 16'
	[ "$(jq .lookups "$log")" -eq 2000 ]
	tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | awk -F, '$2 != NR - 1 || $3 <= last { bad = 1 } { last = $3 } END { exit bad }'
}

@test "an answer that nobody asked for is not taken for the next one" {
	fake twice
	run timeout 30 "$load" --url "$url" --rate 1k --connections 4 --duration 1s --warmup 0 --json "$json"
	[ "$status" -eq 1 ]
	expect '.errors_by_kind.parse == 20 and .errors == 20 and .requests == 1000'
}

@test "a target that is not memlab-svc is told, and can still be driven" {
	fake stranger
	run timeout 30 "$load" --url "$url" --rate 1k --duration 100ms --warmup 0
	[ "$status" -eq 4 ]
	[[ $output == memlab-load:*"is it memlab-svc?"* ]]
	timeout 30 "$load" --url "$url" --rate 1k --duration 100ms --warmup 0 --keys 10 --json "$json"
	expect '.errors == 0 and .requests == 100 and .load.seed == 42 and .run.records == 10 and .control_requests == 1'
	fake_end; rm "$BATS_TEST_TMPDIR/port"
	fake babel
	run timeout 30 "$load" --url "$url" --rate 1k --duration 100ms --warmup 0
	[ "$status" -eq 4 ]
	run timeout 30 "$load" --url "$url" --rate 1k --duration 100ms --warmup 0 --keys 10 --json "$json"
	[ "$status" -eq 1 ]
	expect '.errors_by_kind.parse == .errors and .errors >= 100 and .requests == 0'
}

@test "a second Ctrl-C exits at once" {
	fake silent
	"$load" --url "$url" --rate 100 --connections 4 --duration 20s --warmup 0 >/dev/null 2>&1 3>&- &
	pid=$!
	sleep 1
	SECONDS=0
	# A background job of a script ignores SIGINT until the program asks for it: it does.
	kill -INT $pid
	sleep 0.6
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 130 ]
	[ "$SECONDS" -le 5 ]
}

@test "requests that a full socket takes in parts arrive whole and once" {
	[ "$(id -u)" = 0 ] || skip "a network namespace of its own, for small socket buffers, needs root"
	path=/$(printf 'p%.0s' $(seq 480))
	cat >"$BATS_TEST_TMPDIR/inside" <<-'END'
		ip link set lo up
		echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_wmem
		python3 "$1/fake_service.py" reluctant "$2/port" "$2/service.json" &
		until [ -s "$2/port" ]; do sleep 0.05; done
		timeout 60 "$3" --url "http://127.0.0.1:$(cat "$2/port")$4" --rate 2k --connections 2 --pipeline 128 --duration 1s --warmup 0 --stamp --json "$2/load.json"
		status=$?
		kill -TERM $!
		wait $!
		exit $status
	END
	run unshare -n bash "$BATS_TEST_TMPDIR/inside" "$here" "$BATS_TEST_TMPDIR" "$load" "$path"
	echo "$output"
	[ "$status" -eq 0 ]
	expect '.errors == 0 and .requests == 2000'
	jq -e ".keys == {\"$path\": 2000} and (.stamps | length) == 2000" "$log"
}

@test "a wrong body is found by --check and by nothing else" {
	fake ok
	timeout 30 "$load" --url "$url" --rate 500 --duration 200ms --warmup 0
	run timeout 30 "$load" --url "$url" --rate 500 --duration 200ms --warmup 0 --check --json "$json"
	[ "$status" -eq 1 ]
	expect '.errors_by_kind.check == 100 and .errors == 100'
}

@test "steps have their own rates and numbers" {
	fake ok
	run timeout 30 "$load" --url "$url" --rate 200,1k,400 --connections 4 --duration 500ms --warmup 100ms --json "$json"
	[ "$status" -eq 0 ]
	expect '[.steps[].requests] == [100, 500, 200] and .requests == 800 and .answered_total == 960'
	expect '[.steps[].asked_rate] == [200, 1000, 400] and [.steps[].response_ns.count] == [100, 500, 200]'
	expect '.response_ns.count == 800 and ([.histogram[].count] | add) == 800'
	[ "$(grep -c ' asked ' <<<"$output")" -eq 3 ]
}

@test "Ctrl-C drains, prints what there is and exits 0" {
	fake ok
	timeout 30 "$load" --url "$url" --rate 1k --connections 4 --duration 20s --warmup 0 --json "$json" >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	sleep 1.5
	SECONDS=0
	kill -INT $pid
	wait $pid
	[ "$SECONDS" -le 5 ]
	[ -s "$json" ]
	fake_end
	grep -q 'warning: interrupted' "$BATS_TEST_TMPDIR/out"
	grep -q 'p99.99' "$BATS_TEST_TMPDIR/out"
	expect '.interrupted and .errors == 0 and .requests > 300 and .requests < 10000 and .sent_total == .answered_total and .duration_s < 15'
	[ "$(jq .lookups "$log")" -eq "$(jq .sent_total "$json")" ]
}

@test "a service that dies ends the run with status 5 and a report" {
	fake ok
	timeout 30 "$load" --url "$url" --rate 500 --connections 4 --duration 20s --warmup 0 --json "$json" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	sleep 1
	kill -9 "$service"
	status=0
	wait $pid || status=$?
	[ "$status" -eq 5 ]
	grep -q 'went away' "$BATS_TEST_TMPDIR/err"
	expect '.target_gone and .errors_by_kind.connect > 0 and .requests > 100 and .requests < 10000'
}

@test "interrupted before the window: a report without numbers, not a crash" {
	fake ok
	timeout -s INT 1 "$load" --url "$url" --rate 100 --connections 2 --duration 5s --warmup 20s --json "$json" >"$BATS_TEST_TMPDIR/out" || [ $? -eq 124 ]
	expect '.interrupted and .requests == 0 and .errors == 0 and .duration_s == 0 and .achieved_rate == 0 and .answered_total > 10'
	grep -q 'warning: interrupted' "$BATS_TEST_TMPDIR/out"
}

@test "a terminal gets a live line, a file does not" {
	fake ok
	timeout 30 script -qefc "$load --url $url --rate 500 --connections 2 --duration 2500ms --warmup 0" "$BATS_TEST_TMPDIR/tty" >/dev/null
	grep -aEq ' 2 s +[0-9]+/s  p99 .*outstanding .*errors 0' "$BATS_TEST_TMPDIR/tty"
	timeout 30 "$load" --url "$url" --rate 500 --connections 2 --duration 1500ms --warmup 0 >"$BATS_TEST_TMPDIR/out" 2>&1
	run grep -c outstanding "$BATS_TEST_TMPDIR/out"
	[ "$output" = 0 ]
}

@test "mistakes: one line, the cause, the next step, the right status" {
	refused() { # status words arguments...
		local wanted=$1 words=$2
		shift 2
		run timeout 30 "$load" "$@"
		[ "$status" -eq "$wanted" ] || { echo "status $status: $output"; return 1; }
		[ "${#lines[@]}" -eq 1 ]
		[[ ${lines[0]} == memlab-load:*"$words"*\;* ]] || { echo "$output"; return 1; }
	}
	refused 2 'unknown option --bogus' --bogus
	refused 2 "--rate 'x'" --rate x
	refused 2 'missing value' --json
	refused 4 'cannot connect' --url http://127.0.0.1:1
	refused 4 'cannot find host' --url http://no-such-host.invalid
	refused 1 'cannot write' --json /nonexistent/file
	fake ok
	ulimit -n 200
	refused 1 'open files' --url "$url" --connections 300
	run "$load" --version
	[ "$status" -eq 0 ]
	[[ $output == "memlab-load "* ]]
	run "$load" --help
	[ "$status" -eq 0 ]
	[[ $output == *--edges* ]]
}

@test "an output that cannot be written in full is told" {
	fake ok
	run timeout 30 "$load" --url "$url" --rate 100 --duration 100ms --warmup 0 --json /dev/full
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write /dev/full"* ]]
}

@test "the text goes to standard error when another output takes standard output" {
	fake ok
	timeout 30 "$load" --url "$url" --rate 500 --duration 200ms --warmup 0 --json - 2>"$BATS_TEST_TMPDIR/err" | jq -e '.requests == 100'
	grep -q p99.99 "$BATS_TEST_TMPDIR/err"
	timeout 30 "$load" --url "$url" --rate 500 --duration 200ms --warmup 0 --hgrm "$BATS_TEST_TMPDIR/hgrm"
	grep -q '^#\[Max' "$BATS_TEST_TMPDIR/hgrm"
	grep -Eq ' 1\.000000000000 +100$' "$BATS_TEST_TMPDIR/hgrm"
}

# --------------------------------------------------------------- against nginx

# web: starts nginx with one worker; $url is its address, $worker the process that answers.
web() {
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	cat >"$BATS_TEST_TMPDIR/nginx.conf" <<-END
		worker_processes 1;
		worker_rlimit_nofile 16384;
		pid $BATS_TEST_TMPDIR/nginx.pid;
		error_log $BATS_TEST_TMPDIR/nginx.err;
		daemon off;
		events { worker_connections 12000; }
		http {
			access_log off;
			keepalive_requests 1000000000;
			server { listen 127.0.0.1:$port backlog=4096; location / { return 200 "$(printf 'x%.0s' $(seq 200))"; } }
		}
	END
	nginx -c "$BATS_TEST_TMPDIR/nginx.conf" 2>/dev/null 3>&- &
	service=$!
	url=http://127.0.0.1:$port/
	for _ in $(seq 100); do
		curl -so /dev/null "$url" && break
		sleep 0.05
	done
	worker=$(pgrep -P "$service")
	url=${url}page
}

web_end() {
	kill -CONT "$worker" 2>/dev/null || true
	kill -QUIT "$service" 2>/dev/null || true
	wait "$service" 2>/dev/null || true
	service=
}

# Stops the worker for 500 ms, $1 seconds from now.
stop_later() {
	(sleep "$1"; kill -STOP "$worker"; sleep 0.5; kill -CONT "$worker") 3>&- &
}

@test "a server stopped for 500 ms: the response time shows it, the uncorrected one and a closed loop hide it" {
	web
	stop_later 5
	timeout 60 "$load" --url "$url" --rate 20k --connections 64 --duration 9s --warmup 1s --json "$json" || true
	wait $!
	expect '.errors == 0 and .requests == 180000'
	# 5.5 % of the starts fell into the stop or its backlog; only 64 requests were on the wire in it.
	expect '.response_ns.p99 > 300e6 and .response_ns.max > 450e6'
	expect '.uncorrected_ns.p99 < .response_ns.p99 / 4'
	port=${url##*:}
	read -r requests p99 max < <(python3 "$here/closed_loop.py" "${port%/*}" /page 64 1 13000 "$worker")
	web_end
	echo "closed loop: $requests requests, p99 $p99 ms, max $max ms"
	# Each of the 64 connections met the stop once: less than half a percent of the requests.
	awk "BEGIN { exit !($requests >= 13000 && $max > 450 && $p99 < $max / 2) }"
}

@test "one connection and ten thousand" {
	web
	timeout 60 "$load" --url "$url" --rate 500 --connections 1 --duration 1s --warmup 0 --json "$json"
	expect '.errors == 0 and .requests == 500'
	timeout 60 "$load" --url "$url" --rate 10k --connections 10000 --duration 2s --warmup 0 --edges "$BATS_TEST_TMPDIR/edges.csv" --json "$json"
	web_end
	expect '.errors == 0 and .requests == 20000'
	# First in, first out: every connection was used, evenly.
	tail -n +2 "$BATS_TEST_TMPDIR/edges.csv" | cut -d, -f1 | sort | uniq -c |
		awk '{ n++; if ($1 > most) most = $1 } END { print n, most; exit !(n == 10000 && most <= 4) }'
}

@test "--spin sends on time and says what it cost" {
	web
	timeout 60 "$load" --url "$url" --rate 1k --connections 8 --duration 1s --warmup 0 --json "$json"
	sleeping=$(jq .generator.cpu_percent "$json")
	timeout 60 "$load" --url "$url" --rate 1k --connections 8 --duration 1s --warmup 0 --spin --json "$json"
	web_end
	# It takes what CPU it can get, and several times what it takes when it sleeps.
	expect '.errors == 0 and .load.spin and .generator.cpu_percent + .generator.runqueue_percent > 30'
	expect ".generator.cpu_percent > 3 * $sleeping"
}
