/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: the whole-heap check behind gc_verify, and the check at the end of marking in debug builds: everything a
 * traversal with the world stopped reaches is marked.
 * It works in a stopped world, with bitmaps and a stack of its own.
 */
#ifndef MEMLAB_HEAP_VERIFY_H
#define MEMLAB_HEAP_VERIFY_H

#include "heap.h"

/*
 * Stops the world and checks as gc_verify does; references that roots and reachable objects hold into [p, p + bytes), which
 * lies outside the heap, are complained of too. The number of complaints.
 */
unsigned gc_references_into(struct gc_heap *heap, struct gc_mutator *m, const void *p, size_t bytes, FILE *out);

/* Debug builds, coordinator, marking complete: stops the world; ends the process if something reachable is white. */
#ifdef GC_DEBUG
void gc_verify_marked(struct gc_heap *heap);
#else
static inline void gc_verify_marked(struct gc_heap *heap)
{
	(void)heap;
}
#endif

#endif
