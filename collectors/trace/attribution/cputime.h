/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of a thread: the kernel's count, and the same from its timeline, as a check of the one by the other.
 *
 * Compared is one *stretch* on a CPU after the other, from switch to switch; while a thread runs the kernel's count is behind by
 * up to a tick. Three things make the two differ though both are right:
 *
 * - When a wakeup preempts a thread (or the idle loop), the kernel reads its clock at the wakeup and not again at the
 *   switch, and charges the time in between to the thread that comes. So a stretch that begins with such a wakeup
 *   agrees if the kernel's count lies between that from the switch and that from the wakeup.
 * - The kernel leaves out what the hypervisor took (steal); it is added back.
 * - The record is taken inside the switch, some microseconds after the kernel read its clock. A stretch that differs by no
 *   more than CPUTIME_SWITCH_NS agrees; its difference goes into the mean cost of a switch, which is shown.
 *
 * A stretch that differs by more is an error, without regard to its sign. Nothing is compared across a stretch in which the
 * thread was doubted. Pure.
 */
#ifndef MEMLAB_ATTRIBUTION_CPUTIME_H
#define MEMLAB_ATTRIBUTION_CPUTIME_H

#include <stdint.h>

#define CPUTIME_SWITCH_NS 10000u

/* Longer between wakeup and switch, and the kernel will have read its clock again. */
#define CPUTIME_CALLED_NS 200000u

struct cputime {
	uint64_t first_exec_ns, last_exec_ns; /* the kernel's count, first and last reading */
	uint64_t mark_exec_ns, mark_on_cpu_ns; /* at the end of the last stretch */
	uint64_t called_ns; /* this stretch began with a wakeup so long before the switch; 0: with none */
	uint64_t exec_ns;  /* of the stretches compared */
	uint64_t error_ns; /* of those that disagree */
	uint64_t switch_ns, switches; /* of those that agree */
	uint64_t steal_ns;
	uint8_t seen, marked;
};

/* How far `value` lies from [low, high]. */
static inline uint64_t cputime_distance(uint64_t value, uint64_t low, uint64_t high)
{
	if (value < low)
		return low - value;
	return value > high ? value - high : 0;
}

static inline void cputime_compare(struct cputime *cputime, uint64_t exec_ns, uint64_t on_cpu_ns, uint64_t steal_ns)
{
	uint64_t differ_ns = cputime_distance(exec_ns + steal_ns, on_cpu_ns, on_cpu_ns + cputime->called_ns);

	cputime->exec_ns += exec_ns;
	cputime->steal_ns += steal_ns;
	if (differ_ns > CPUTIME_SWITCH_NS) {
		cputime->error_ns += differ_ns;
		return;
	}
	cputime->switch_ns += differ_ns;
	cputime->switches++;
}

/* A reading of the kernel's count, of whatever precision. */
static inline void cputime_read(struct cputime *cputime, uint64_t exec_ns)
{
	if (!cputime->seen)
		cputime->first_exec_ns = exec_ns;
	cputime->seen = 1;
	if (exec_ns > cputime->last_exec_ns)
		cputime->last_exec_ns = exec_ns;
}

/* The thread comes onto a CPU; called_ns: so long after its wakeup, which preempted another; 0: otherwise. */
static inline void cputime_come(struct cputime *cputime, uint64_t called_ns)
{
	cputime->called_ns = called_ns <= CPUTIME_CALLED_NS ? called_ns : 0;
}

/* The thread leaves its CPU; on_cpu_ns: the timeline's count at the same time; steal_ns: taken since it came. */
static inline void cputime_leave(struct cputime *cputime, uint64_t exec_ns, uint64_t on_cpu_ns, uint64_t steal_ns)
{
	cputime_read(cputime, exec_ns);
	if (cputime->marked && exec_ns >= cputime->mark_exec_ns && on_cpu_ns >= cputime->mark_on_cpu_ns)
		cputime_compare(cputime, exec_ns - cputime->mark_exec_ns, on_cpu_ns - cputime->mark_on_cpu_ns, steal_ns);
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
