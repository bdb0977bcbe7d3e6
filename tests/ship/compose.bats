#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The compose file and what it configures, without an engine; make container-test has one.

root="$BATS_TEST_DIRNAME/../.."

@test "mounts, options, ports, rights and scrape targets of the compose file fit together" {
	run python3 "$BATS_TEST_DIRNAME/compose.py" "$root" "$BUILD/bin"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the check sees a wrong option, an open port and a missing file" {
	cp -r "$root/docker" "$root/dashboards" "$BATS_TEST_TMPDIR"
	sed -i -e 's/"--connections"/"--connexions"/' -e 's/127.0.0.1:9090:9090/9090:9090/' -e 's|\./prometheus.yml:|./nowhere.yml:|' \
		"$BATS_TEST_TMPDIR/docker/compose.yml"
	run python3 "$BATS_TEST_DIRNAME/compose.py" "$BATS_TEST_TMPDIR" "$BUILD/bin"
	echo "$output"
	[ "$status" -eq 1 ]
	[ "$(grep -c . <<<"$output")" -eq 3 ]
}

@test "Prometheus accepts its configuration with the rules where the container has them" {
	cp "$root/dashboards/prometheus/rules.yml" "$BATS_TEST_TMPDIR/memlab-rules.yml"
	sed "s|/etc/prometheus/|$BATS_TEST_TMPDIR/|" "$root/docker/prometheus.yml" >"$BATS_TEST_TMPDIR/prometheus.yml"
	promtool check config "$BATS_TEST_TMPDIR/prometheus.yml"
}

@test "the documents' YAML is YAML" {
	python3 - "$root/docs/operations.md" <<-'END'
		import re, sys, yaml
		blocks = re.findall(r"```yaml\n(.*?)```", open(sys.argv[1]).read(), re.S)
		kinds = [d["kind"] for b in blocks for d in yaml.safe_load_all(b)]
		assert kinds == ["DaemonSet", "NetworkPolicy"], kinds
	END
}
