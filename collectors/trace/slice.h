/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices: a tracer that shares a CPU makes others wait while it works, and a drain in one piece is a millisecond and more. So
 * it offers the CPU to whoever waits for it every tenth of a millisecond; if nobody does, that costs a system call.
 *
 *   slices_begin(&slices, polite_ns);
 *   ... slices_step(&slices) with each piece of work ...
 *   slices_end(&slices);
 *
 * Somebody who never sleeps takes a whole turn of the scheduler's each time, so it is done for polite_ns and not
 * for longer: what is not read in time is lost. One thread. All 0 offers nothing.
 */
#ifndef MEMLAB_TRACE_SLICE_H
#define MEMLAB_TRACE_SLICE_H

#include <stdint.h>

#define SLICE_NS 100000u

struct slices {
	uint64_t polite_until_ns; /* CLOCK_MONOTONIC; 0: no more */
	uint64_t due_ns;          /* the end of this slice */
	uint32_t steps;
};

void slices_begin(struct slices *slices, uint64_t polite_ns);
void slices_end(struct slices *slices);

#define SLICE_STEPS 16u /* between two looks at the clock */
void slices_look(struct slices *slices);

static inline void slices_step(struct slices *slices)
{
	if (slices->polite_until_ns && ++slices->steps % SLICE_STEPS == 0)
		slices_look(slices);
}

#endif
