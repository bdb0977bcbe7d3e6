/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacer: when a cycle starts and how fast it marks. Pure arithmetic: numbers in, numbers out; no clock, no heap, so that
 * whole scenarios are simulated in tests (tests/heap/test_pacer.c).
 *
 *       live                trigger                     goal          ceiling
 *   ------|--------------------|--------------------------|---------------|----> bytes
 *         |<-- no collection ->|<------- runway --------->|
 *
 * goal = live + max(live, minimum) * percent / 100, as in Go, where live is what tracing found (objects born black
 * during the cycle are not counted as live: that keeps a long, thin cycle from raising its own goal).
 * The trigger leaves a runway in which marking takes no more than a small share of a CPU, but at most half of the
 * room between live and goal, since everything born on the runway survives until the next cycle.
 *
 * With sticky mark bits minor cycles (Note [sticky] in card.h) come between: each time a nursery's worth has been allocated,
 * as long as that ends before a full cycle's trigger. Where much of what is young survives, they are not worth their
 * handshakes: then only full cycles follow for a while, a longer while each time.
 *
 * A memory limit lowers the goal. When live memory comes near it, cycles follow each other ever faster. Once marking has taken more than
 * half of all CPUs' time the limiter keeps the goal at least so far above the floor that allocating takes as long as marking with all
 * CPUs: half the time is the collector's, and the limit gives.
 *
 * Note [tight]. Let the room R between live and limit be allocated in the time R/a, a full marking take T of one CPU, and b be what is
 * born while it is on. What is born then is not found before the next cycle, so R - b are allocated per cycle, in R/a - 1.5 b/a + T/2 on two
 * CPUs (mutators wait and mark when the room is used up). That grows with b if R/a > T: then marking goes on beside the mutators, with the
 * usual runway. Otherwise b = 0 is best: the cycle begins when the room is used up, and everybody marks.
 */
#ifndef MEMLAB_HEAP_PACER_H
#define MEMLAB_HEAP_PACER_H

#include <stdbool.h>
#include <stdint.h>

#define GC_HEAP_MIN_BYTES (4ull << 20) /* goal at GOGC=100 is never below */

struct gc_pacer {
	double mark_ns_per_byte;  /* thread CPU time, smoothed */
	double alloc_bytes_per_ns; /* wall time less marking, smoothed: what it would be without a collector */
	double survival;           /* part of the young bytes that minor cycles find live, smoothed */
	double mark_share;         /* of all CPUs' time that marking took, smoothed */
	bool limiting;             /* the limiter is at work: it took more than half, and has not come down to a quarter since */
	uint32_t full_only;        /* full cycles to come before minor ones are tried again */
	uint32_t full_only_last;
};

/* What one finished cycle measured. */
struct gc_pacer_cycle {
	uint64_t traced_bytes;    /* found live by tracing */
	uint64_t mark_cpu_ns;
	uint64_t alloc_bytes;     /* since the end of the cycle before */
	uint64_t wall_ns;         /* the same interval */
	unsigned cpus;            /* that marked; 0: one */
	bool minor;
	uint64_t young_bytes;     /* minor: among which it traced */
};

struct gc_pacer_plan {
	uint64_t goal_bytes, trigger_bytes;
	uint64_t pace_bytes; /* heap size at which marking should be done: the goal; nearer for a minor cycle */
	bool minor;          /* the trigger is a minor cycle's */
};

void gc_pacer_learn(struct gc_pacer *pacer, const struct gc_pacer_cycle *cycle);
/* What a plan is made from. */
struct gc_pacer_room {
	uint64_t live_bytes;  /* traced by the last cycle */
	uint64_t floor_bytes; /* in the heap now: live plus born since the cycle began */
	int percent;          /* GOGC; negative: off */
	uint64_t limit_bytes; /* the heap may occupy; UINT64_MAX: no limit */
	unsigned cpus;        /* that can mark when memory was refused; 0: one */
	bool limiter;         /* cap the collector at half the CPU time, even if the limit is passed */
	bool sticky;          /* minor cycles are possible */
	uint64_t old_bytes;   /* with sticky: what only a full cycle can free */
	uint64_t nursery_bytes; /* to allocate between minor cycles; 0: chosen */
};

struct gc_pacer_plan gc_pacer_plan(const struct gc_pacer *pacer, const struct gc_pacer_room *room);

/* What a minor cycle will find live among so many young bytes, as far as is known. */
uint64_t gc_pacer_survivors(const struct gc_pacer *pacer, uint64_t young_bytes);

/* Where a cycle stands. */
struct gc_pacer_state {
	uint64_t begin_bytes;    /* heap when it began */
	uint64_t heap_bytes;     /* heap now */
	uint64_t goal_bytes;
	uint64_t expected_bytes; /* to trace in all */
	uint64_t traced_bytes;   /* traced so far */
};

/* Bytes to trace in all: what the last cycle found, or everything when that turns out too little. */
uint64_t gc_pacer_expected(uint64_t traced_last, uint64_t traced_now, uint64_t begin_bytes);
/* Bytes to trace now to be where an even spread over the runway would be; 0: ahead of it. */
uint64_t gc_pacer_behind_bytes(const struct gc_pacer_state *state);
/* Bytes an allocating mutator owes per `bytes` allocated. */
uint64_t gc_pacer_assist_bytes(const struct gc_pacer_state *state, uint64_t bytes);
/* Up to here assists stay bounded; beyond, who allocates waits for the cycle. */
uint64_t gc_pacer_ceiling_bytes(uint64_t goal_bytes);

#endif
