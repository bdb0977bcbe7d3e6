#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /metrics as promtool and a real Prometheus read it. The bodies are those of test_export_metrics.

setup() {
	dir=$(mktemp -d)
	METRICS_DUMP=$dir "${BUILD:?}/tests/collectors/trace/test_export_metrics" >/dev/null 2>&1
}

teardown() {
	rm -rf "$dir"
}

@test "promtool finds nothing to say about the classic text" {
	command -v promtool >/dev/null || skip "promtool is not installed (apt-get install prometheus)"
	run promtool check metrics <"$dir/classic"
	echo "$output" | head -20
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "both formats carry the same samples" {
	diff <(grep -v '^#' "$dir/classic") <(grep -v '^#' "$dir/open" | sed 's/ # {.*//')
}

@test "OpenMetrics: families without _total, units, one end" {
	[ "$(tail -1 "$dir/open")" = '# EOF' ]
	[ "$(grep -c '# EOF' "$dir/open")" -eq 1 ]
	run grep -E '^# TYPE .*_total ' "$dir/open"
	[ "$status" -eq 1 ]
	while read -r _ _ family unit; do
		[[ "$family" == *_"$unit" ]] || { echo "$family does not end in _$unit"; false; }
	done < <(grep '^# UNIT' "$dir/open")
}
