/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutator: threads that touch collected memory, and the mutator's side of handshakes.
 *
 * Note [park]. status is RUNNING, PARKED, or SCANNING while the collector holds a parked mutator.
 *
 *   mutator                                 collector (coordinator or whoever stops the world)
 *   -------                                 ---------
 *   park:   flush; status = PARKED          request = R
 *           fence                           fence
 *           request != 0? bump ack_seq      status == PARKED? CAS -> SCANNING, answer R, status = PARKED
 *   unpark: CAS PARKED -> RUNNING           else wait for ack_seq
 *           else wait while SCANNING
 *           request != 0? answer it
 *
 * Both sides store first and look second (seq_cst), so either the parker sees the request and wakes the collector,
 * or the collector sees PARKED. The CAS gives the one who wins every field of the mutator: an acquire that pairs
 * with the release of the other's last status change. A parked thread is therefore never waited for, and
 * a thread that unparks waits only for the time its roots take to scan.
 *
 * Note [attach]. Who attaches between the requests MARK_ON and ROOTS starts grey and is asked for its roots like the others.
 * Its empty stack would be black, but not everybody's barrier is on yet:
 *
 *   new mutator N (if black)             mutator M, still without barrier
 *   ------------------------             --------------------------------
 *   X = load(slot)                       store(slot, NULL): X is not recorded
 *   B = alloc (black); store(B, X): the old value is NULL, nothing is recorded; X leaves the stack
 *   asked for roots: B is black, X is lost
 *
 * After ROOTS was asked for, all barriers are on, and an empty stack is black.
 */
#ifndef MEMLAB_HEAP_MUTATOR_H
#define MEMLAB_HEAP_MUTATOR_H

#include "heap.h"

/* What a mutator can be asked for. */
enum gc_request {
	GC_REQUEST_NONE,
	GC_REQUEST_MARK_ON,  /* barrier */
	GC_REQUEST_ROOTS,    /* scan the root stack */
	GC_REQUEST_FLUSH,    /* hand over what the barrier recorded */
	GC_REQUEST_MARK_OFF, /* give caches back, barrier off */
	GC_REQUEST_STOP,     /* wait until the world starts again */
	GC_REQUEST_BLACK     /* new objects are black; after MARK_ON, before ROOTS */
};

/* Do what is asked, on the owner's thread or with the claim. Does not acknowledge. */
void gc_mutator_answer(struct gc_mutator_full *m, enum gc_request request);
/* Unmap a mutator that was never attached again. */
void gc_mutator_release(struct gc_mutator_full *m);
/* The request is done: the last one wakes who asked. */
void gc_mutator_ack(struct gc_mutator_full *m);
/* Bytes were taken for allocation: heap size, trigger, assist debt. */
void gc_heap_account(struct gc_mutator_full *m, uint64_t bytes);

static inline void gc_safepoint(struct gc_mutator_full *m)
{
	gc_poll(&m->pub);
}

/* Torture builds: collect, now and then, where an allocation may. */
#ifdef GC_TORTURE
void gc_torture(struct gc_mutator_full *m);
#else
static inline void gc_torture(struct gc_mutator_full *m)
{
	(void)m;
}
#endif

#endif
