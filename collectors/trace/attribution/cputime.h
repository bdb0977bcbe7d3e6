/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of a thread: the kernel's count, and the same from its timeline, as a check of the one by the other.
 *
 * The kernel's count is exact when a thread has just left its CPU and is behind by up to a tick while it runs, so
 * only readings at a switch are compared. Nothing is compared across a stretch in which the thread was doubted. Pure.
 */
#ifndef MEMLAB_ATTRIBUTION_CPUTIME_H
#define MEMLAB_ATTRIBUTION_CPUTIME_H

#include <stdint.h>

struct cputime {
	uint64_t first_exec_ns, last_exec_ns; /* the kernel's count, first and last reading */
	uint64_t mark_exec_ns, mark_on_cpu_ns;
	uint64_t exec_ns, on_cpu_ns; /* over the stretches compared */
	uint64_t steal_ns;           /* of stretches where the timeline had clearly more */
	uint8_t seen, marked;
};

/* Less than this between two switches is noise of the clocks, not steal. */
#define CPUTIME_STEAL_NS 100000u

/* A reading; `exact` when the thread is off its CPU. on_cpu_ns is the timeline's count at the same time. */
static inline void cputime_read(struct cputime *cputime, uint64_t exec_ns, uint64_t on_cpu_ns, int exact)
{
	if (!cputime->seen)
		cputime->first_exec_ns = exec_ns;
	cputime->seen = 1;
	if (exec_ns > cputime->last_exec_ns)
		cputime->last_exec_ns = exec_ns;
	if (!exact)
		return;
	if (cputime->marked && exec_ns >= cputime->mark_exec_ns && on_cpu_ns >= cputime->mark_on_cpu_ns) {
		uint64_t exec = exec_ns - cputime->mark_exec_ns, on_cpu = on_cpu_ns - cputime->mark_on_cpu_ns;
		cputime->exec_ns += exec;
		cputime->on_cpu_ns += on_cpu;
		if (on_cpu > exec + CPUTIME_STEAL_NS)
			cputime->steal_ns += on_cpu - exec;
	}
	cputime->marked = 1;
	cputime->mark_exec_ns = exec_ns;
	cputime->mark_on_cpu_ns = on_cpu_ns;
}

/* The next stretch cannot be compared. */
static inline void cputime_doubt(struct cputime *cputime)
{
	cputime->marked = 0;
}

/* CPU time used while watched. */
static inline uint64_t cputime_used_ns(const struct cputime *cputime)
{
	return cputime->last_exec_ns - cputime->first_exec_ns;
}

#endif
