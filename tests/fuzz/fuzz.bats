#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hostile input, a short run: other seeds each day, and the same for all who test on that day.
# A round that hangs ends the program itself.

hostile() { # kind rounds [file]
	local kind=$1 rounds=$2
	shift 2
	run "$BUILD/tests/fuzz/hostile" "$kind" "$(date -u +%Y%m%d)0000000" "$rounds" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
	# Neither all refused nor all taken: the changes reach what they should.
	accepted=$(grep -oE '[0-9]+ accepted' <<<"$output" | cut -d' ' -f1)
	[ "$accepted" -gt 0 ]
	[ "$accepted" -lt "$rounds" ]
}

@test "a hostile ELF file neither crashes nor hangs the tracer's reader" { hostile elf 3000 "$BUILD/bin/memlab-svc"; }
@test "nor do hostile notes in a small program" { hostile elf 3000 "$BUILD/tests/bpf/targets/echo"; }
@test "a damaged recording neither crashes nor hangs it" { hostile recording 2000; }
@test "a hostile flight ring neither crashes nor hangs it" { hostile flight 2000; }
@test "machine code of foreign functions neither" { hostile code 20000 "$BUILD/bin/memlab-svc"; }

@test "a damaged recording of a real run gets a report or a reason, never a crash" {
	[ "$(id -u)" = 0 ] || skip "BPF needs root"
	"$BUILD/tests/bpf/targets/echo" >"$BATS_TEST_TMPDIR/echo" 2>&1 3>&- &
	echo=$!
	"$BUILD/bin/memlab-trace" record -o "$BATS_TEST_TMPDIR/run.mlrec" -p $echo -d 300ms --sample >/dev/null 2>&1 || true
	kill -9 $echo
	[ -s "$BATS_TEST_TMPDIR/run.mlrec" ]
	hostile report 200 "$BATS_TEST_TMPDIR/run.mlrec"
}
