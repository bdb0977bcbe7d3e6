#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each mutant leaves out one part of the protocol; the fuzzer with gc_verify must notice within a few seeds,
# and must not complain about the whole protocol in the same setting.

build() { # build NUMBER: the fuzzer with -DGC_BREAK=NUMBER, 0 for none
	local out="$BATS_FILE_TMPDIR/fuzz$1"

	gcc -std=gnu11 -O1 -g -w -D_GNU_SOURCE -fno-strict-aliasing -DGC_DEBUG=1 -DGC_BREAK="$1" -DMEMLAB_VERSION='"test"' \
		svc/heap/*.c svc/probes/probes.c tests/heap/test_fuzz.c -o "$out" -lcmocka -lpthread -lm
	echo "$out"
}

caught() { # caught NUMBER: does one of the seeds fail?
	local program seed

	program=$(build "$1")
	# Most fall to the first seeds; on a busy machine the rarest interleaving takes more.
	for seed in $(seq 40); do
		GC_FUZZ_SEED=$seed GC_FUZZ_SECONDS=2 GC_MARK_DELAY_US=100 timeout 30 "$program" >/dev/null 2>&1 || return 0
	done
	return 1
}

setup() { cd "$BATS_TEST_DIRNAME/../.."; }

@test "the whole protocol passes with marking stretched" {
	program=$(build 0)
	GC_FUZZ_SEED=7 GC_FUZZ_SECONDS=2 GC_MARK_DELAY_US=100 timeout 60 "$program"
}

@test "mutant without the deletion barrier is caught" { caught 1; }
@test "mutant without the insertion barrier is caught" { caught 2; }
@test "mutant without flush rounds is caught" { caught 3; }
@test "mutant that unparks without the claim is caught" { caught 5; }
@test "mutant that allocates white is caught" { caught 6; }
@test "mutant whose minor cycles do not look at cards is caught" { caught 11; }
