# SPDX-License-Identifier: Apache-2.0
# A small fleet for tests and pictures: three services under load, three tracers, one real Prometheus. Needs $bin and $dir, keeps what it
# started in `pids`.

free_ports() { # count
	python3 -c 'import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])' "$1"
}

wait_for() { # url
	for _ in $(seq 200); do curl -sf -o /dev/null "$1" && return; sleep 0.1; done
	echo "no answer from $1"
	return 1
}

fleet_prometheus() { # sets prometheus, svc_ports, trace_ports; scrapes what will be there
	local ports
	read -ra ports <<<"$(free_ports 7)"
	prometheus=${ports[0]} svc_ports=("${ports[@]:1:3}") trace_ports=("${ports[@]:4:3}")
	local svc trace
	svc=$(printf "'127.0.0.1:%s'," "${svc_ports[@]}") trace=$(printf "'127.0.0.1:%s'," "${trace_ports[@]}")
	cat >"$dir/prometheus.yml" <<Y
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$root/dashboards/prometheus/rules.yml]
scrape_configs:
  - {job_name: svc, static_configs: [{targets: [${svc%,}]}]}
  - {job_name: trace, static_configs: [{targets: [${trace%,}]}]}
Y
	prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" --web.listen-address="127.0.0.1:$prometheus" \
		--web.cors.origin='.*' >"$dir/prometheus.log" 2>&1 3>&- &
	pids+=($!)
	wait_for "http://127.0.0.1:$prometheus/-/ready"
}

fleet_start() { # path: a service of that path, a load and a tracer on each place; sets fleet
	local i service
	fleet=()
	for i in 0 1 2; do
		GOGC=20 "$bin/memlab-svc" --listen "127.0.0.1:${svc_ports[$i]}" --index-size 4MiB --path "$1" >"$dir/svc$i.log" 2>&1 3>&- &
		service=$!
		fleet+=("$service")
		wait_for "http://127.0.0.1:${svc_ports[$i]}/healthz" || return 1
		"$bin/memlab-load" --url "http://127.0.0.1:${svc_ports[$i]}" --rate 1000 --connections 8 --duration 300s --warmup 0s >"$dir/load$i.log" 2>&1 3>&- &
		fleet+=($!)
		"$bin/memlab-trace" -p "$service" --mode exact --listen "127.0.0.1:${trace_ports[$i]}" >"$dir/trace$i.log" 2>&1 3>&- &
		fleet+=($!)
	done
	pids+=("${fleet[@]}")
	for i in 0 1 2; do wait_for "http://127.0.0.1:${trace_ports[$i]}/metrics" || return 1; done
}

fleet_stop() { # its services, loads and tracers
	kill "${fleet[@]}" 2>/dev/null
	local pid
	for pid in "${fleet[@]}"; do wait "$pid" 2>/dev/null || true; done
}
