/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The truth of injected delays, for those who judge a tracer: intervals of one thread's time and what they were, found
 * by looking at the clock and not by asking the kernel's tracing. A line for each in the file that the environment variable
 * MEMLAB_INJECT_TRUTH names: kind,begin_ns,end_ns (CLOCK_MONOTONIC).
 *
 * A thread that spins sees by the gaps in its own clock readings when it was off its CPU. Such a gap counts as waiting for
 * the CPU as far as the kernel's account of the thread's waits has grown; the rest was an interrupt, the hypervisor, or the thread
 * itself, which told of the gap before.
 */
#ifndef MEMLAB_TESTS_TRUTH_H
#define MEMLAB_TESTS_TRUTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

uint64_t truth_now_ns(void);

/* Any thread; does nothing when nobody asked for the truth. */
void truth_tell(const char *kind, uint64_t begin_ns, uint64_t end_ns);

/* CPU time and run-queue wait of the calling thread so far, by the kernel's account. */
struct truth_account {
	uint64_t cpu_ns, wait_ns;
};
struct truth_account truth_account(void);

/*
 * Spins until `cpu_ns` of CPU time were used, `wait_ns` were spent waiting for the CPU, or `*until` is set; 0 and NULL ask for
 * nothing. Tells the stretches on the CPU as `running` and the gaps as `waiting`; either may be NULL.
 */
struct truth_spin {
	uint64_t cpu_ns, wait_ns;
	const atomic_bool *until;
	const char *running, *waiting;
};
void truth_spin(const struct truth_spin *spin);

#endif
