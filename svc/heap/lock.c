/* SPDX-License-Identifier: Apache-2.0 */
/* lock: see lock.h. */
#include "lock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef GC_MUTANTS
unsigned gc_break;
#endif

#ifdef GC_DEBUG
void (*gc_point_call)(enum gc_point point);

void gc_point(enum gc_point point)
{
	void (*call)(enum gc_point point) = __atomic_load_n(&gc_point_call, __ATOMIC_ACQUIRE);

	if (call)
		call(point);
}

/* How many locks of each rank this thread holds. */
static __thread unsigned char held[GC_RANK_COUNT];

static void rank_enter(enum gc_lock_rank rank)
{
	for (int i = rank; i < GC_RANK_COUNT; i++)
		if (held[i])
			gc_fatal("lock rank %d taken while %d is held", (int)rank, i);
	held[rank]++;
}

static void rank_leave(enum gc_lock_rank rank)
{
	held[rank]--;
}
#else
static void rank_enter(enum gc_lock_rank rank)
{
	(void)rank;
}

static void rank_leave(enum gc_lock_rank rank)
{
	(void)rank;
}
#endif

void gc_lock_init(struct gc_lock *lock, enum gc_lock_rank rank)
{
	pthread_mutex_init(&lock->mutex, NULL);
	lock->rank = rank;
}

void gc_lock(struct gc_lock *lock)
{
	rank_enter(lock->rank);
	pthread_mutex_lock(&lock->mutex);
}

void gc_unlock(struct gc_lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
	rank_leave(lock->rank);
}

void gc_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("gc: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}
