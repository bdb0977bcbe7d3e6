/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of a thread: the kernel's count, and the same from its timeline, as a check of the one by the other.
 *
 * The kernel's count is exact when a thread has gone to sleep and is behind by up to a tick while it runs. When a wakeup
 * preempts a thread (or the idle loop), the kernel reads its clock at the wakeup and not again at the switch: the
 * microseconds in between are charged to the thread that comes. So only stretches that end with sleep are compared, and
 * those that begin with such a wakeup are counted from it; where it is not known, and after a doubt, counting begins
 * anew. Pure.
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

enum cputime_reading {
	CPUTIME_COARSE,   /* the thread may be running */
	CPUTIME_BOUNDARY, /* off its CPU; the stretch that ends here is not exact */
	CPUTIME_EXACT     /* it has just gone to sleep */
};

/* A reading. on_cpu_ns is the timeline's count at the same time (any value if COARSE). */
static inline void cputime_read(struct cputime *cputime, uint64_t exec_ns, uint64_t on_cpu_ns, enum cputime_reading reading)
{
	if (!cputime->seen)
		cputime->first_exec_ns = exec_ns;
	cputime->seen = 1;
	if (exec_ns > cputime->last_exec_ns)
		cputime->last_exec_ns = exec_ns;
	if (reading == CPUTIME_COARSE)
		return;
	if (reading == CPUTIME_EXACT && cputime->marked && exec_ns >= cputime->mark_exec_ns && on_cpu_ns >= cputime->mark_on_cpu_ns) {
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

/* Longer between wakeup and switch, and the kernel will have read its clock again. */
#define CPUTIME_OPENED_NS 200000u

/* The thread comes in place of one that did not want to leave; called_ns: its own wakeup, 0: it was none. */
static inline void cputime_opened(struct cputime *cputime, uint64_t called_ns, uint64_t time_ns)
{
	uint64_t early_ns = time_ns - called_ns;

	if (called_ns && early_ns <= CPUTIME_OPENED_NS && cputime->mark_on_cpu_ns >= early_ns)
		cputime->mark_on_cpu_ns -= early_ns;
	else
		cputime->marked = 0;
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
