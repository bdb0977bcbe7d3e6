#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Dashboards, rules and alerts, without any server.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit 1
}

@test "the dashboards are what build.py writes" {
	run python3 dashboards/build.py --check
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the dashboards keep the linter's rules and use only published names" {
	run python3 dashboards/lint.py dashboards/grafana/*.json
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the linter sees what it must see" {
	dir=$(mktemp -d)
	break_it() { # jq-program expected
		jq "$1" dashboards/grafana/fleet.json >"$dir/broken.json"
		run python3 dashboards/lint.py "$dir/broken.json"
		[ "$status" -eq 1 ] || { echo "not seen: $1"; return 1; }
		[[ "$output" == *"$2"* ]] || { echo "$1: $output"; return 1; }
	}
	break_it '.editable = true' 'must not be editable'
	break_it '.panels[0].description = ""' 'needs a title and a description'
	break_it '.panels[0].targets[0].expr |= gsub("\\$__rate_interval"; "5m")' 'a fixed range'
	break_it '.panels[0].targets[0].expr |= gsub("memlab_request_server"; "memlab_reqest_server")' 'stands in no metrics.def'
	break_it '.panels[0].targets[0].expr |= gsub("job=~\"\\$job\", "; "")' 'not selected by job and instance'
	break_it '.panels[0].targets[0].expr = "sum(memlab_trace_gc_cycles_total{job=~\"$job\", instance=~\"$instance\"})"' 'counter outside of rate'
	break_it '.panels[1].gridPos.x = 0' 'overlaps'
	break_it '.templating.list[1].allValue = null' 'variable job'
	rm -rf "$dir"
}

@test "promtool accepts the rules and their unit tests pass" {
	command -v promtool >/dev/null || skip "promtool is not installed (apt-get install prometheus)"
	cd dashboards/prometheus
	run promtool check rules rules.yml
	echo "$output"
	[ "$status" -eq 0 ]
	run promtool test rules rules_test.yml
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "rules use only published or recorded names, and every alert has its runbook" {
	python3 - <<'P'
import re, sys
sys.path.insert(0, "dashboards")
import lint
text = open("dashboards/prometheus/rules.yml").read()
names = set(lint.published()) | set(re.findall(r"record: (\S+)", text))
used = set(re.findall(r"\bmemlab[_:][\w:]+", text)) - {"memlab"}
assert used <= names, used - names
books = {re.sub(r"\W", "", title).lower() for title in re.findall(r"^## (.*)", open("dashboards/RUNBOOKS.md").read(), re.M)}
alerts = re.findall(r"alert: (\w+)", text)
anchors = re.findall(r"RUNBOOKS.md#(\w+)", text)
assert len(alerts) == len(anchors) and {a.lower() for a in alerts} == set(anchors) == books, (alerts, anchors, books)
P
}
