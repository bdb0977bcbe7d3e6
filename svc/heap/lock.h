/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock: the heap's few mutexes, their order, and what happens when an invariant is broken.
 *
 * Locks are taken in ascending rank; debug builds check it. No lock is ever taken by a mark worker (a polite thread must not
 * hold what a mutator can want): workers use CAS only.
 */
#ifndef MEMLAB_HEAP_LOCK_H
#define MEMLAB_HEAP_LOCK_H

#include <pthread.h>
#include <stdbool.h>

enum gc_lock_rank {
	GC_RANK_HANDSHAKE, /* one handshake or stopped world at a time */
	GC_RANK_ROOTS,     /* global roots and handle chunks */
	GC_RANK_MUTATORS,  /* list of mutators; posting of requests */
	GC_RANK_PAGES,     /* free page map; growth */
	GC_RANK_POOL,      /* a pool's ring of what was put back (debug mode) */
	GC_RANK_COUNT
};

struct gc_lock {
	pthread_mutex_t mutex;
	enum gc_lock_rank rank;
};

void gc_lock_init(struct gc_lock *lock, enum gc_lock_rank rank);
void gc_lock(struct gc_lock *lock);
void gc_unlock(struct gc_lock *lock);

/* One line on stderr, then abort: the heap is in a state it cannot go on from. */
void gc_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * Mutants: a build with -DGC_MUTANTS leaves out the part of the protocol whose number stands in the environment's GC_BREAK when a
 * heap is made (0: none), to prove that the tests notice (tests/heap/mutants.bats). Ordinary builds cannot.
 */
enum gc_break {
	GC_BREAK_DELETION = 1, /* the barrier's deletion part */
	GC_BREAK_INSERTION,    /* the barrier's insertion part */
	GC_BREAK_ROUNDS,       /* no flush rounds */
	GC_BREAK_AGAIN,        /* one flush round and no look at what it brought */
	GC_BREAK_CLAIM,        /* unpark does not wait for the claim */
	GC_BREAK_BLACK,        /* new objects are white */
	GC_BREAK_INJECTED,     /* a round does not see what is flushed while it begins */
	GC_BREAK_ATTACH,       /* who attaches before roots are asked for starts black */
	GC_BREAK_ALL_ON,       /* roots are asked for while a store from before mark-on may be half done */
	GC_BREAK_EARLY,        /* new objects are black before everybody's barrier is on */
	GC_BREAK_CARDS,        /* minor cycles do not look at cards */
	GC_BREAK_OPEN,         /* markers mark before everybody's barrier is on */
	GC_BREAK_COPY,         /* gc_copy makes no card dirty */
	GC_BREAK_CHANGE,       /* a mutator does not change over to the other card table */
	GC_BREAK_CLEAR,        /* a full cycle begins with the marks of the last one */
	GC_BREAK_AGE           /* minor cycles age pools too */
};

#ifdef GC_MUTANTS
extern unsigned gc_break; /* set before any thread of a heap runs */
#define GC_BROKEN(part) (gc_break == (part))
#else
#define GC_BROKEN(part) false
#endif

/*
 * Points: in debug builds a test may stand between two steps of the protocol (tests/heap/test_steps.c): gc_point_call is called there.
 */
enum gc_point {
	GC_POINT_FLUSH, /* grey work is announced, not published yet */
	GC_POINT_CLAIM, /* a parked mutator is claimed, not answered for yet */
	GC_POINT_SLICE  /* a marker has taken work */
};

#ifdef GC_DEBUG
extern void (*gc_point_call)(enum gc_point point); /* atomic */
void gc_point(enum gc_point point);
#define GC_POINT(point) gc_point(point)
#else
#define GC_POINT(point) ((void)0)
#endif

#ifdef GC_DEBUG
#define GC_ASSERT(condition)                                                                                           \
	((condition) ? (void)0 : gc_fatal("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition))
#else
#define GC_ASSERT(condition) ((void)0)
#endif

#endif
