#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What README and docs/ refer to is there: links, anchors, paths, make's targets, options.
# shellcheck disable=SC2016 # backticks are the documents' own

@test "links, paths, targets and options in the documents exist" {
	run python3 "$BATS_TEST_DIRNAME/docs.py" "$BATS_TEST_DIRNAME/../.." "$BUILD/bin"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the checker of the documents looks: it names each of five planted defects" {
	local tree="$BATS_TEST_TMPDIR/tree"
	mkdir -p "$tree/docs"
	git init -q "$tree"
	printf 'all: ## everything\n' >"$tree/Makefile"
	printf '# Here\n[fine](docs/a.md#there) `docs/a.md` `make all` `memlab-trace --listen X`\n' >"$tree/README.md"
	printf '# There\n[one](gone.md) [two](../README.md#nowhere) `docs/three.c`\n```sh\nsudo make four  # text\nmemlab-trace -p 1 \\\n  --five\n```\n' >"$tree/docs/a.md"
	git -C "$tree" add -A
	run python3 "$BATS_TEST_DIRNAME/docs.py" "$tree" "$BUILD/bin"
	echo "$output"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 5 ]
	for defect in 'gone.md leads nowhere' '#nowhere names no heading' 'docs/three.c does not exist' 'no target four' 'no option --five'; do
		grep -q -- "$defect" <<<"$output"
	done
}
