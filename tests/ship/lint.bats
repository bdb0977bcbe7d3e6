#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What make lint checks, a test each; and each checker is shown a defect that it must find.

root="$BATS_TEST_DIRNAME/../.."

lint() {
	run "$root/tests/lint" "${BUILD#"$(cd "$root" && pwd)"/}" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "shellcheck finds nothing in any script or bats file" { lint shell; }
@test "cppcheck finds nothing" { lint cppcheck; }
@test "clang-tidy finds nothing" { lint tidy; }
@test "Prometheus accepts the rules and the configuration" { lint prometheus; }
@test "mandoc finds nothing" { lint manual; }

@test "the checkers look: a planted defect is found by each" {
	local tree="$BATS_TEST_TMPDIR/tree"
	mkdir -p "$tree"/{tests,svc,dashboards/prometheus,docker,docs/man}
	cp "$root/tests/lint" "$tree/tests/"
	cp "$root/.clang-tidy" "$tree/"
	git init -q "$tree"
	printf '#!/bin/sh\nrm -rf $1/x\n' >"$tree/tests/bad"
	printf '#include <string.h>\nint f(char *p);\nint f(char *p)\n{\n\tint *q = 0;\n\tmemset(p, sizeof(*p), 0);\n\treturn *q;\n}\n' >"$tree/svc/bad.c"
	printf 'groups: 3\n' >"$tree/dashboards/prometheus/rules.yml"
	printf 'scrape_configs: []\n' >"$tree/docker/prometheus.yml"
	printf '.Dd Nov\n.Sh NAME\n' >"$tree/docs/man/bad.1"
	git -C "$tree" add -A
	for part in shell cppcheck tidy prometheus manual; do
		run "$tree/tests/lint" build "$part"
		echo "$part: $status $output"
		[ "$status" -eq 1 ]
	done
}
