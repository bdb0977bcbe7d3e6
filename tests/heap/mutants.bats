#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each mutant (enum gc_break in svc/heap/lock.h) leaves out one part of the protocol, and a test must notice: where one thread can
# walk the interleaving step by step, test_steps or test_pool does, and no luck is needed; the fuzzer with gc_verify, within some
# seeds. Neither may complain about the whole protocol in the same setting. One build serves all: GC_BREAK says which part is missing.

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	mutants_build "$BATS_FILE_TMPDIR"
}

mutants_build() { # mutants_build DIR: the tests in DIR
	local flags=(-std=gnu11 -O1 -w -D_GNU_SOURCE -fno-strict-aliasing -DGC_DEBUG=1 -DGC_MUTANTS=1 '-DMEMLAB_VERSION="test"')

	mkdir "$1/obj"
	# shellcheck disable=SC2016
	printf '%s\n' svc/heap/*.c svc/probes/probes.c tests/heap/test_{steps,pool,fuzz}.c |
		xargs -P "$(nproc)" -I{} sh -c 'out=$1; shift; exec gcc "$@" -c {} -o "$out/$(basename {} .c).o"' sh "$1/obj" "${flags[@]}"
	mkdir "$1/tests"
	mv "$1"/obj/test_*.o "$1/tests"
	for test in test_steps test_pool test_fuzz; do
		gcc "$1/tests/$test.o" "$1"/obj/*.o -o "$1/$test" -lcmocka -lpthread -lm || return 1
	done
}

caught() { # caught NUMBER PROGRAM TEST WHAT: does this test fail, and say that no longer WHAT?
	GC_BREAK=$1 run timeout 30 "$BATS_FILE_TMPDIR/$2" "$3"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"[  FAILED  ] $3"* ]]
	[[ $output == *"$4"* ]]
}

steps_caught() { # steps_caught NUMBER TEST [WHAT]
	caught "$1" test_steps "$2" "${3:-lives}"
}

fuzz_caught() { # fuzz_caught NUMBER: does gc_verify or the model of the fuzzer complain with one of the seeds?
	local seed

	# Most fall to the first seeds; on a busy machine the rarest interleaving takes more.
	for seed in $(seq 40); do
		GC_BREAK=$1 GC_FUZZ_SEED=$seed GC_FUZZ_SECONDS=2 GC_MARK_DELAY_US=100 run timeout 30 "$BATS_FILE_TMPDIR/test_fuzz"
		[[ $output == *"gc_verify: "* || $output == *"fuzz: thread "* ]] && return 0
	done
	return 1
}

@test "the whole protocol passes, step by step and with marking stretched" {
	timeout 60 "$BATS_FILE_TMPDIR/test_steps"
	timeout 60 "$BATS_FILE_TMPDIR/test_pool"
	GC_FUZZ_SEED=7 GC_FUZZ_SECONDS=2 GC_MARK_DELAY_US=100 timeout 60 "$BATS_FILE_TMPDIR/test_fuzz"
}

@test "mutant 1, no deletion barrier, is caught" { steps_caught 1 test_what_is_cut_is_kept; }
@test "mutant 2, no insertion barrier, is caught" { steps_caught 2 test_what_a_grey_stack_gives_away_is_kept; }
@test "mutant 3, no flush rounds, is caught" { steps_caught 3 test_what_is_cut_is_kept; }
@test "mutant 4, one flush round only, is caught" { steps_caught 4 test_a_round_that_brought_something; }
@test "mutant 5, unparking without the claim, is caught" { steps_caught 5 test_unparking_waits_for_the_claim released; }
@test "mutant 6, white births, is caught" { steps_caught 6 test_what_is_born_is_kept; }
@test "mutant 7, a flush forgotten while a round begins, is caught" { steps_caught 7 test_a_flush_while_a_round_begins; }
@test "mutant 8, guests start black, is caught" { steps_caught 8 test_an_early_guest_is_grey; }
@test "mutant 9, roots during stores from before mark-on, is caught" { steps_caught 9 test_a_store_from_before_mark_on; }
@test "mutant 10, black births before all barriers are on, is caught" { steps_caught 10 test_births_before_all_barriers_are_on; }
@test "mutant 11, minor cycles do not look at cards, is caught" { steps_caught 11 test_old_objects_keep_young_ones; }
@test "mutant 11 is caught by the fuzzer too" { fuzz_caught 11; }
@test "mutant 12, marking before all barriers are on, is caught" { steps_caught 12 test_marking_before_all_barriers_are_on; }
@test "mutant 13, gc_copy makes no card dirty, is caught" { steps_caught 13 test_a_copy_is_noted; }
@test "mutant 14, no change of card tables, is caught" { steps_caught 14 test_old_objects_keep_young_ones; }
@test "mutant 15, a full cycle keeps the marks of the last, is caught" { steps_caught 15 test_old_objects_keep_young_ones; }
@test "mutant 16, minor cycles age pools, is caught" { caught 16 test_pool test_minor_cycles_leave_a_pool "!= "; }
