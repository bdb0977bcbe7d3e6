# SPDX-License-Identifier: Apache-2.0
# Helpers for bats files that talk to a running memlab-svc. Every service gets a free port and is killed at the end.

# start_service [PROGRAM] -- ARGUMENTS: sets `url`, `port` and `pid` when it listens.
start_service() {
	local program=memlab-svc out
	[ "$1" = -- ] || { program=$1; shift; }
	shift
	out=$(mktemp -p "$BATS_TEST_TMPDIR")
	"$program" --listen 127.0.0.1:0 "$@" >"$out" 2>"$out.err" 3>&- &
	pid=$!
	started_services="$started_services $pid"
	for _ in $(seq 300); do
		url=$(grep -o 'http://[0-9.:]*' "$out") && break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	[ -n "$url" ] || { cat "$out" "$out.err"; return 1; }
	port=${url##*:}
}

# SIGTERM; the exit status is the function's.
stop_service() {
	kill -TERM "$pid"
	wait "$pid"
}

teardown() {
	local p
	for p in $started_services; do kill -9 "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
	return 0
}

status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
allocs() { curl -s "$url/debug/allocs" | jq -r "$1"; }

# client.py TEST PORT [ARGUMENT...]: raw sockets.
client() { timeout 120 python3 "$BATS_TEST_DIRNAME/client.py" "$@"; }
