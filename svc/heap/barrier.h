/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier: the hybrid write barrier (deletion + insertion), buffered per mutator.
 *
 * Note [barrier]. While marking, gc_store(slot, new) records the old value of the slot and the new one before it writes.
 *  - The old value (Yuasa): what was reachable when the roots were scanned stays protected: whoever cuts the
 *    last path to a white object shades it. So a mutator whose stack has been scanned may load any
 *    reference and keep it in a root without telling anybody.
 *  - The new value (Dijkstra): a mutator whose stack has *not* been scanned may hold the only reference to a white object,
 *    and put it into an object that is already black. Shading the new value covers it.
 *  - Both always, whichever stack has been scanned: two mutators that write one slot at the same time may both
 *    record the same old value; the value that was there in between was shaded by its insertion:
 *
 *        M1: old = A    M2: old = A    M1: slot = B (shaded B)    M2: slot = C (B overwritten, unseen, but shaded)
 *
 * "Recorded" means: in the mutator's buffer, which the next flush moves to the grey queue. Marking ends only after a
 * flush round in which no mutator had a white object in its buffer (cycle.c, Note [rounds]).
 * A buffer is touched by its owner, or by the holder of the claim.
 */
#ifndef MEMLAB_HEAP_BARRIER_H
#define MEMLAB_HEAP_BARRIER_H

#include "heap.h"

/* Shade p: NULL, foreign and marked ones are dropped. */
void gc_barrier_record(struct gc_mutator_full *m, void *p);
/* Move the buffer to the grey queue. */
void gc_barrier_flush(struct gc_mutator_full *m);

#endif
