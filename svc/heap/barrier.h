/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier: the hybrid write barrier (deletion, and insertion while the stack is grey), buffered per mutator.
 *
 * Note [barrier]. While marking, gc_store(slot, new) records the old value of the slot, and while the mutator's own root
 * stack has not been scanned also the new one, before it writes.
 *  - The old value (Yuasa): whoever cuts a path to a white object shades it. So what a mutator loads is
 *    protected either by the path it was loaded from or, once that is cut, by its colour; a mutator whose stack has been
 *    scanned may keep any reference in a root without telling anybody.
 *  - The new value (Dijkstra), while the stack is grey: it may hold the only reference to a white object, put it into an object
 *    that is already black, and drop the root before it is scanned. Shading the new value covers it.
 *  - Two mutators that write one slot at the same time may both record the same old value:
 *
 *        M1: old = A    M2: old = A    M1: slot = B    M2: slot = C    (nobody recorded B)
 *
 *    If M1's stack is grey, B was shaded by its insertion. If it is black, B is still protected by the path M1 got
 *    it from (or was born black): losing the slot loses nothing.
 *    If M1's barrier was still off at its store, B is protected by nobody. Note [on].
 *  - New objects are born black, so a store that initialises one (old value NULL, stack black) is free of charge.
 *
 * Note [on]. Mutators switch on one after the other, so a store of M2 may begin (record) before M1 switches on. Were roots
 * asked for at once, B could be lost:
 *
 *   M1 (off)                             M2 (on, its stack grey)
 *   --------                             -----------------------
 *                                        store(slot, NULL): old = A is recorded
 *   slot = B, not recorded
 *   MARK_ON; drops B; ROOTS: black
 *   B = load(slot)                       slot = NULL: B is on M1's black stack alone, white
 *
 * Nor may objects be born black yet: M1, still off, puts the only reference to X into a black object of M2, unrecorded, and X
 * leaves its stack before it is scanned. So between MARK_ON and ROOTS there is the handshake BLACK: new objects are black from
 * there on, when all barriers are on; and a mutator that answers is not inside a store, so every store under way when all have
 * answered began when all barriers were on. (Objects born white before are found like old ones.)
 *
 * Nor may anything be marked yet, although M2 may flush what it recorded (its buffer is full, it parks):
 *
 *   M1 (off)                             M2 (on)                              marker
 *   --------                             -------                              ------
 *   A = load(slot)
 *                                        store(slot, NULL): A recorded, flushed
 *                                                                             A is scanned and black
 *   A.next = X, not recorded; drops X; MARK_ON; ROOTS: A is black, X is lost
 *
 * So marking opens (heap.mark_open) after the handshake BLACK: no marker takes work before.
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
