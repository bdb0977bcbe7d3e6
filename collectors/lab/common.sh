#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make demo` and `make up` share: start a service, a tracer, a load, and leave nothing running.
# Sourced; expects $bin (the programs' folder) and $out (where logs go).
: "${bin:?}" "${out:?}"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf 'memlab: %s\n' "$*" >&2; exit 1; }

# With two CPUs or more the service has the first one and everything else the others, so that the load
# does not take the service's CPU by accident. Any CPUs allowed to us will do.
pin_plan() {
	local cpus
	mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
		while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done)
	service_cpu=${cpus[0]}
	if [ ${#cpus[@]} -ge 2 ]; then
		other_cpus=$(IFS=,; echo "${cpus[*]:1}")
	else
		other_cpus=$service_cpu
	fi
}

children=()
stop_children() {
	local pid
	for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null; done
	for _ in $(seq 50); do
		local left=0
		for pid in "${children[@]}"; do kill -0 "$pid" 2>/dev/null && left=1; done
		[ $left = 0 ] && break
		sleep 0.1
	done
	for pid in "${children[@]}"; do kill -9 "$pid" 2>/dev/null; done
	wait 2>/dev/null
}

# Wait until `pattern` stands in `file`, or the process ends.
await() { # file pattern pid seconds
	for _ in $(seq $(($4 * 20))); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		kill -0 "$3" 2>/dev/null || break
		sleep 0.05
	done
	grep -q "$2" "$1" 2>/dev/null && return 0
	cat "$1" >&2
	return 1
}

start_service() { # name args... ; sets service_pid, url
	local log=$out/$1.service.log
	shift
	taskset -c "$service_cpu" "$bin/memlab-svc" --listen 127.0.0.1:0 "$@" >"$log" 2>&1 &
	service_pid=$!
	children+=("$service_pid")
	await "$log" 'listening on' $service_pid 60 || die "the service did not start; see above"
	url=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$log" | head -1)
}

# The load asks for its key range itself unless told; we ask before the tracer looks, so that the tracer sees
# the load's requests and nothing else.
ask_service() { curl -s --max-time 10 "$url/debug/allocs"; }

start_tracer() { # name args... ; sets tracer_pid; returns when it watches
	local log=$out/$1.trace.log
	shift
	taskset -c "$other_cpus" "$bin/memlab-trace" -p "$service_pid" "$@" 2>"$log" &
	tracer_pid=$!
	children+=("$tracer_pid")
	await "$log" 'watching' $tracer_pid 60 || die "the tracer could not attach; see above"
}

run_load() { # rate seconds json
	local allocs
	allocs=${4:-$(ask_service)}
	taskset -c "$other_cpus" "$bin/memlab-load" --url "$url" --rate "$1" --duration "$2s" --warmup 0s \
		--connections 64 --keys "$(jq .records <<<"$allocs")" --seed "$(jq .seed <<<"$allocs")" --json "$3"
}
