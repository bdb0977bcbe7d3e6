/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span: a run of pages cut into slots of one span class, or holding one large object.
 *
 *            birth (owner)                       sweep (whoever claims)
 *   FREE ------------------> CACHED g     IDLE g-1 ---CAS---> SWEEPING g --> IDLE g, CACHED g or FREE
 *                              |   ^                                            |
 *                     give back|   +--------------- CAS (partial list) ---------+
 *                              v
 *                            IDLE g
 *
 * Only the one who moved a span to CACHED or SWEEPING touches its cursor, `used` and allocation bits.
 */
#ifndef MEMLAB_HEAP_SPAN_H
#define MEMLAB_HEAP_SPAN_H

#include "heap.h"

static inline uint32_t gc_span_state(uint32_t gen, enum gc_span_status status)
{
	return gen << 2 | status;
}

/* Words of its bit tables. */
static inline unsigned gc_span_words(const struct gc_span *span)
{
	return span->object_bytes ? 1 : gc_classes[span->class].words;
}

/* While marking, after ROOTS: free slots of a word are handed out. Owner only. */
static inline void gc_span_born(struct gc_span *span, uint32_t word, uint64_t slots)
{
	if (span->born_word != GC_BORN_NONE)
		return;
	span->born_word = word;
	span->born_mask = slots;
}

/* A cached span of a small class, all slots free, for allocation in `gen`. 0: no memory. */
uint32_t gc_span_new(struct gc_heap *heap, unsigned class, uint32_t gen);
/* A span for one large object. `zero` as in gc_pages_take. */
uint32_t gc_span_new_large(struct gc_heap *heap, unsigned class, size_t bytes, uint32_t gen, bool *zero);
/* Hand the pages of a span nobody else can see back. */
void gc_span_free(struct gc_heap *heap, uint32_t page);

/* Claim an unswept span. */
bool gc_span_claim(struct gc_heap *heap, uint32_t page, uint32_t gen);
/* Sweep a claimed span; the number of bytes freed. Leaves it SWEEPING, with cursor 0 and `used` the live objects. */
uint64_t gc_span_sweep(struct gc_heap *heap, uint32_t page, uint32_t gen);

/* Fails with a message where a span's fields contradict each other. Debug builds call it at every transition. */
void gc_span_check(struct gc_heap *heap, uint32_t page);
/* The same for a span that holds only old objects: both bit tables say what `used` says. */
#ifdef GC_DEBUG
void gc_span_check_sticky(struct gc_heap *heap, uint32_t page);
#else
static inline void gc_span_check_sticky(struct gc_heap *heap, uint32_t page)
{
	(void)heap, (void)page;
}
#endif

#endif
