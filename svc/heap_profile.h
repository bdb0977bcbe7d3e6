/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap profile: a sample of the objects allocated, one about every `rate` bytes (exponentially distributed, as Go
 * does), each followed until a cycle finds it dead. Every site that allocates asks heap_profile_due: a comparison.
 *
 * Any mutator takes samples; the collector's coordinator judges them, without a lock that both could want: fresh and
 * dead samples go through stacks that are taken as a whole. Readers and the coordinator share a lock.
 */
#ifndef MEMLAB_SVC_HEAP_PROFILE_H
#define MEMLAB_SVC_HEAP_PROFILE_H

#include "heap/gc.h"

#define HEAP_PROFILE_RATE_DEFAULT (UINT64_C(512) << 10)

/* The mutator's allocated bytes at which this thread takes its next sample. */
extern __thread uint64_t heap_profile_next;

static inline bool heap_profile_due(const struct gc_mutator *m)
{
	return __builtin_expect(gc_mutator_alloc_bytes(m) >= heap_profile_next, 0);
}

/* Once, before the first allocation. Rate in bytes: 1 takes every object, 0 none. */
void heap_profile_init(struct gc_heap *heap, uint64_t rate);
/* From now on (a thread that took none looks again after 64 MiB). Any thread. */
void heap_profile_set_rate(uint64_t rate);
uint64_t heap_profile_rate(void);
/* `p` was just allocated by this thread's mutator. */
void heap_profile_take(struct gc_mutator *m, const void *p, uint32_t site);

/* Estimates for everything, from the samples. In use: as of the last cycle; before the first, all. */
struct heap_profile_count {
	uint64_t alloc_objects, alloc_bytes, inuse_objects, inuse_bytes;
};
void heap_profile_read(struct heap_profile_count *counts, unsigned count);
/* A thread that allocated ends: what it keeps for its next samples goes back. */
void heap_profile_thread_end(void);
/* Frees all samples, when the heap is gone. */
void heap_profile_end(void);

#endif
