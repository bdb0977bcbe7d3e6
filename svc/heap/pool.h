/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: objects used again instead of allocated again, dropped across cycles.
 *
 * Each mutator has its own slots per pool, in two generations: what was put since the last cycle began, and the *victims*: what
 * had been there before. When a mutator switches marking on for a full cycle it drops the victims and the rest become victims. So an
 * object that nobody asks for is let go by the second full cycle, and a pool in steady use survives every cycle. Minor cycles come
 * many times as often, and could not free what is let go: most of it is old (Note [sticky] in card.h).
 *
 * Note [pool]. Slots belong to the mutator like its root stack: written by the owner or under the claim, scanned with the
 * roots. So a put needs no barrier: what a mutator with a black stack puts is protected like anything it keeps in a root.
 *
 * In debug mode an object that is put is not handed out again. Its content moves to a *twin*, which is; the original is filled
 * with a pattern and kept in a ring (a global root) together with the place of the put, and looked at by every later
 * get and put. A write after the put breaks the pattern, a read finds the pattern, a second put finds the ring's entry.
 */
#ifndef MEMLAB_HEAP_POOL_H
#define MEMLAB_HEAP_POOL_H

#include "heap.h"

#define GC_POOL_RING 32u

struct gc_pool_slots {
	struct gc_pool_stats stats; /* atomic; owner writes */
	unsigned count, victim_count;
	void **items, **victims; /* pool->slots each */
};

/* Debug: what was put back, and where. */
struct gc_pool_ring {
	void *objects[GC_POOL_RING]; /* a global root */
	const char *places[GC_POOL_RING];
	uint64_t cycles[GC_POOL_RING];
	unsigned next;
};

struct gc_pool {
	struct gc_heap *heap;
	struct gc_pool_config config;
	unsigned id, slots;
	unsigned class;
	struct gc_pool_stats detached; /* under mutators_lock */
	struct gc_lock lock;           /* of the ring */
	struct gc_pool_ring *ring;     /* NULL without debug mode */
};

/* Mark-on of a full cycle: one generation older. Owner or under the claim. */
void gc_pools_age(struct gc_mutator_full *m);
/* Every object in the mutator's slots. Owner, under the claim, or in a stopped world. */
void gc_pools_visit(struct gc_mutator_full *m, void (*visitor)(void *argument, void *reference), void *argument);
/* Detach: the slots are emptied, their counts kept. Under mutators_lock. */
void gc_pools_drop(struct gc_mutator_full *m);
/* Unmapped mutators' slots; the heap's pools. */
void gc_pools_release(struct gc_mutator_full *m);
void gc_pools_destroy(struct gc_heap *heap);

#endif
