#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docker/deps on systems that are not this one: stand-ins for dpkg-query and apt say what they have.

setup() {
	PATH="$BATS_TEST_TMPDIR:$PATH"
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/dpkg-query"
	printf '#!/bin/sh\necho "$@" >>%s\n' "$BATS_TEST_TMPDIR/asked" >"$BATS_TEST_TMPDIR/apt-get"
	printf '#!/bin/sh\necho "  Candidate: $(cat %s)"\n' "$BATS_TEST_TMPDIR/libbpf" >"$BATS_TEST_TMPDIR/apt-cache"
	printf '#!/bin/sh\necho 0\n' >"$BATS_TEST_TMPDIR/id"
	chmod +x "$BATS_TEST_TMPDIR"/{dpkg-query,apt-get,apt-cache,id}
}

deps() { # version of libbpf-dev that apt offers
	echo "$1" >"$BATS_TEST_TMPDIR/libbpf"
	run "$BATS_TEST_DIRNAME/../../docker/deps" install
	echo "$output"
}

@test "an older Debian, or one without libbpf, is told at once what is needed; nothing is installed" {
	for version in 1:0.3-2 "(none)" ""; do
		deps "$version"
		[ "$status" -ne 0 ]
		[[ $output == *"Debian 12 (bookworm) or newer is needed"*"docker build"* ]]
	done
	run grep install "$BATS_TEST_TMPDIR/asked"
	[ "$status" -ne 0 ]
}

@test "Debian 12 and 13 are new enough: what is missing is installed" {
	for version in 1:1.1.2-0+deb12u1 1:1.5.0-3; do
		rm -f "$BATS_TEST_TMPDIR/asked"
		deps "$version"
		[ "$status" -eq 0 ]
		grep -q 'install.*libbpf-dev' "$BATS_TEST_TMPDIR/asked"
	done
}
