#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What README and docs/ refer to is there: links, anchors, paths, make's targets, options.
# shellcheck disable=SC2016 # backticks are the documents' own

@test "links, paths, targets and options in the documents exist" {
	run python3 "$BATS_TEST_DIRNAME/docs.py" "$BATS_TEST_DIRNAME/../.." "$BUILD/bin"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "docs/outputs.md names every key of the JSON and every column of the CSV" {
	cd "$BATS_TEST_DIRNAME/../.."
	local missing=() name
	for name in $(jq -r '[paths | .[] | strings] | unique[]' tests/golden/trace-client.json | grep -vE '^(own|assist|stop|gc_cpu|runq|wake|blocked|fault|unattributed|gogc|index_bytes|layout|seed)$') \
		$(sed -n '/^static void requests_header/,/^}/s/.*fputs("\(.*\)".*/\1/p' collectors/trace/outputs.c | sed 's/\\n//' | tr ',' ' '); do
		grep -q -- "\`$name\`" docs/outputs.md || missing+=("$name")
	done
	[ "${#missing[@]}" -eq 0 ] || { echo "not in docs/outputs.md: ${missing[*]}"; false; }
	[[ $(sed -n '/^static void requests_header/,/^}/p' collectors/trace/outputs.c) == *arrival_ns*steal_ns* ]] # they are where they are looked for
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
