/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assist: marking by mutators: who allocates pays its debt, who is idle or waits for a cycle marks meanwhile.
 *
 * An assist marks at most GC_ASSIST_SLICE_NS per slow path and carries the rest of its debt on. Beyond the ceiling there is no
 * bound: the mutator parks, and marks or sleeps until the cycle is over.
 * On the mutator's own thread.
 */
#ifndef MEMLAB_HEAP_ASSIST_H
#define MEMLAB_HEAP_ASSIST_H

#include "heap.h"

#define GC_IDLE_SLICE_NS 20000u
#define GC_ASSIST_SLICE_NS 50000u

/* Pay allocation debt, bounded. */
void gc_assist(struct gc_mutator_full *m);
/* A parked mutator that waits for a cycle marks meanwhile, if there is room. False: there is no work, or no room. */
bool gc_mark_waiting(struct gc_mutator *m);

#endif
