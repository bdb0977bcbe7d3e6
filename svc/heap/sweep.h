/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep: finding out which slots are free. A sweep counts bits and clears the next marking's; it never touches an object.
 *
 * After the flip every span is unswept. gc_sweep_setup hands them to their classes' lists, where mutators
 * look for room (on demand), while the coordinator walks all pages in order. Both claim a span by CAS on its state; list
 * entries may be stale by then. Empty spans give their pages back. The next cycle starts only when all are swept.
 */
#ifndef MEMLAB_HEAP_SWEEP_H
#define MEMLAB_HEAP_SWEEP_H

#include "heap.h"

/* Coordinator, before the flip, when no mutator looks at the lists: what they hold is out of date. */
void gc_sweep_lists_reset(struct gc_heap *heap);
/* Coordinator, after the flip. */
void gc_sweep_setup(struct gc_heap *heap);
/* Sweep spans of a class, at most `most`, until one has room: its page, now cached; 0 if none. */
uint32_t gc_sweep_on_demand(struct gc_heap *heap, unsigned class, uint32_t gen, unsigned most);
/* Sweep in page order for about budget_ns. False: the walk is at its end. Coordinator only. */
bool gc_sweep_background(struct gc_heap *heap, uint64_t budget_ns);
/* Everything is swept (the walk and those who swept on demand). */
bool gc_swept(struct gc_heap *heap);

#endif
