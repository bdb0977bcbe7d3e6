# SPDX-License-Identifier: Apache-2.0
# For the end-to-end tests: start programs on free ports, wait for what they say, stop everything.

bin=$BUILD/bin

setup() {
	dir=$(mktemp -d)
	pids=()
}

teardown() {
	local pid
	for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$dir"
}

need_root() { [ "$(id -u)" = 0 ] || skip "BPF needs root"; }

await() { # file pattern pid
	for _ in $(seq 400); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		kill -0 "$3" 2>/dev/null || break
		sleep 0.05
	done
	grep -q "$2" "$1" && return 0
	cat "$1"
	return 1
}

# The service on one CPU and the others elsewhere, where there are two: what is measured is then not the struggle for one.
pin() { # pid service|other
	local cpus
	mapfile -t cpus < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
	[ ${#cpus[@]} -ge 2 ] || return 0
	[ "$2" = service ] && taskset -acp "${cpus[0]}" "$1" >/dev/null || taskset -acp "${cpus[1]}" "$1" >/dev/null
}

start_service() { # program args... ; sets service_pid, url, port
	local program=$1
	shift
	"$program" --listen 127.0.0.1:0 "$@" >"$dir/service.log" 2>&1 3>&- &
	service_pid=$!
	pids+=($service_pid)
	await "$dir/service.log" 'listening on' $service_pid
	url=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$dir/service.log" | head -1)
	port=${url##*:}
	ask >"$dir/allocs.before.json"
	records=$(jq .records "$dir/allocs.before.json")
	seed=$(jq .seed "$dir/allocs.before.json")
}

ask() { curl -s --max-time 10 "$url/debug/allocs"; }

start_tracer() { # pid args... ; sets tracer_pid; returns when it watches. recording=FILE: and records
	"$bin/memlab-trace" ${recording:+record -o "$recording"} -p "$@" >"$dir/screen" 2>"$dir/trace.log" 3>&- &
	tracer_pid=$!
	pids+=($tracer_pid)
	await "$dir/trace.log" 'watching' $tracer_pid
}

stop_tracer() { # waits for its report
	kill -INT $tracer_pid
	wait $tracer_pid
}

start_load() { # rate duration args... ; sets load_pid
	local rate=$1 duration=$2
	shift 2
	"$bin/memlab-load" --url "$url" --rate "$rate" --duration "$duration" --warmup 0s --connections 16 \
		--keys "$records" --seed "$seed" --json "$dir/load.json" "$@" >"$dir/load.log" 2>&1 3>&- &
	load_pid=$!
	pids+=($load_pid)
}

wait_load() { wait $load_pid || { cat "$dir/load.log"; return 1; }; }

run_load() { # rate duration args...
	start_load "$@"
	wait_load
}

# Answered by the service while the load ran: the load's requests, and its own question for the service's run{}.
answered() { jq '.answered_total + .control_requests' "$dir/load.json"; }

# check FILE 'jq condition': fails and shows the values when it does not hold.
check() {
	jq -e "$2" "$1" >/dev/null || { echo "does not hold: $2"; jq -c 'del(.worst,.series,.run)' "$1"; return 1; }
}
