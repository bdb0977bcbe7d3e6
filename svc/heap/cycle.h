/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle: the coordinator, one thread of normal class, which alone changes the phase. One cycle:
 *
 *   1. all spans are swept                     the other bit table is all clear: Note [gen] in heap.h
 *   2. phase mark; handshake MARK_ON           barrier
 *      handshake BLACK                         new objects are black and markers may mark, now that all barriers are on:
 *                                           Note [on] in barrier.h
 *   3. handshake ROOTS; global roots, handles  only now: every mutator's barrier is on
 *   4. mark until no grey work is left         workers, idle loops, assists; the coordinator itself if urgent
 *   5. handshake FLUSH, again from 4           until a whole round brought nothing: Note [rounds]
 *   6. phase mark_termination; handshake MARK_OFF, flip gen
 *   7. phase sweep; sweep; phase off
 *
 * Note [rounds]. Grey objects live in shared chunks, in markers' hands (both counted in `outstanding`) and in
 * mutators' buffers. Suppose outstanding is 0 when a round begins, and no mutator brings a white object during the round
 * (`injected` stays 0). Buffers only grow between flushes, so each buffer that was found empty of white objects at its flush was so
 * when the round began. So at that instant there was no grey object anywhere, all roots were black, and by
 * the deletion barrier no white object was reachable; none can become so. Marking is complete, although the
 * mutators never stopped together.
 *
 * The round must begin with nothing outstanding and injected 0, at one instant. A mutator that flushes meanwhile:
 *
 *   mutator                       coordinator
 *   -------                       -----------
 *   injected = 1                  outstanding == 0?
 *   publish (outstanding > 0)     injected = 0
 *   injected = 1
 *                                 outstanding == 0? else drain again
 *                                 handshake FLUSH; injected?
 *
 * If what it published is not seen by the second look, injected = 1 comes after injected = 0, and before its answer to
 * the handshake, so the round sees it. Who attached after the handshake was asked for is not asked: its first injected = 1 comes
 * after injected = 0. With `injected` set first, or without the second look, the flush is forgotten, and with
 * it what other mutators load from the object on its way.
 */
#ifndef MEMLAB_HEAP_CYCLE_H
#define MEMLAB_HEAP_CYCLE_H

#include "heap.h"

void *gc_coordinator_main(void *heap);
/* Something for the coordinator to look at. */
void gc_coordinator_wake(struct gc_heap *heap);
/* The caller is parked: mark, or sleep, until a cycle has brought the heap under its ceiling, or has failed to. */
void gc_ceiling_await(struct gc_heap *heap, struct gc_mutator *m);
/* As gc_collect, but the cycle is a minor one if it may be. */
void gc_collect_young(struct gc_mutator *m);
/*
 * [safepoint] Memory was refused: wait for what may make room. Called again after each attempt that failed: the marking of the cycle
 * that is on, its sweep, then the same for a cycle of its own, a full one. False: nothing is left to wait for.
 */
struct gc_room_wait { unsigned step; uint64_t number; };
bool gc_room_await(struct gc_mutator *m, struct gc_room_wait *wait);
/* From now on the running cycle is marked by threads of normal class, as far as CPUs are left: Note [room] in mark.h. */
void gc_cycle_urge(struct gc_heap *heap);
/* Where the running cycle stands. */
void gc_pacer_state_read(struct gc_heap *heap, struct gc_pacer_state *state);
/* Goal and trigger anew, from the last cycle and the knobs. */
void gc_plan(struct gc_heap *heap);

#endif
