/* SPDX-License-Identifier: Apache-2.0 */
/* mutator: see mutator.h. */
#include "mutator.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "barrier.h"
#include "cycle.h"
#include "handshake.h"
#include "mark.h"
#include "pool.h"

#define ROOTS_MAX (1u << 20)

/* -------------------------------------------------------- answering requests */

static void pooled_record(void *m, void *p)
{
	gc_barrier_record(m, p);
}

static void roots_scan(struct gc_mutator_full *m)
{
	for (void **slot = m->roots; slot < m->pub.root_top; slot++)
		gc_barrier_record(m, *slot);
	gc_pools_visit(m, pooled_record, m);
}

static void births_blacken(struct gc_mutator_full *m)
{
	if (m->births_black)
		return;
	m->births_black = true;
	gc_caches_blacken(m);
	/* Slots in caches were counted as heap, but are not objects yet. */
	gc_sub(&m->heap->begin_bytes, m->black_bytes);
}

/* The card table in use: Note [sticky]. */
static void cards_take(struct gc_mutator_full *m)
{
	m->pub.cards = m->heap->sticky ? m->heap->cards : &m->no_card;
}

/* From here on all mutators have changed over to the new card table, and what is allocated is a birth. */
static void births_begin(struct gc_mutator_full *m)
{
	uint64_t unused = gc_caches_born(m);

	m->births = true;
	gc_add(&m->heap->kept_bytes, m->black_bytes - unused);
}

static void mark_on(struct gc_mutator_full *m)
{
	m->pub.marking = GC_MARKING_GREY;
	if (!GC_BROKEN(GC_BREAK_CHANGE))
		cards_take(m);
	m->black_bytes = 0;
	m->debt_bytes = 0;
	m->unassisted_bytes = 0;
	/* Written before the request was made, and not again before this mutator has answered MARK_OFF. */
	if (!m->heap->minor || GC_BROKEN(GC_BREAK_AGE))
		gc_pools_age(m);
	if (GC_BROKEN(GC_BREAK_ALL_ON) || GC_BROKEN(GC_BREAK_EARLY))
		births_blacken(m);
}

static void mark_off(struct gc_mutator_full *m)
{
	gc_caches_release(m);
	m->barrier_count = 0;
	m->pub.marking = GC_MARKING_OFF;
	m->births_black = false;
	m->births = false;
	m->alloc_gen++;
	gc_add(&m->heap->marked_bytes, m->black_bytes);
	m->black_bytes = 0;
	m->debt_bytes = 0;
}

void gc_mutator_answer(struct gc_mutator_full *m, enum gc_request request)
{
	switch (request) {
	case GC_REQUEST_MARK_ON:
		mark_on(m);
		break;
	case GC_REQUEST_ROOTS:
		roots_scan(m);
		gc_barrier_flush(m);
		births_begin(m);
		m->pub.marking = GC_MARKING_BLACK;
		break;
	case GC_REQUEST_BLACK:
		births_blacken(m);
		break;
	case GC_REQUEST_FLUSH:
		gc_barrier_flush(m);
		break;
	case GC_REQUEST_MARK_OFF:
		mark_off(m);
		break;
	case GC_REQUEST_STOP:
	case GC_REQUEST_NONE:
		break;
	}
}

void gc_mutator_ack(struct gc_mutator_full *m)
{
	struct gc_heap *heap = m->heap;

	gc_set(&m->pub.request, GC_REQUEST_NONE);
	if (__atomic_sub_fetch(&heap->acks_pending, 1, __ATOMIC_ACQ_REL) == 0)
		gc_handshake_notify(heap);
}

/* Wait for the end of this stop; the next one may be on by then, and has to ask again. */
static void stop_wait(struct gc_heap *heap, uint32_t stop)
{
	uint64_t begin = gc_os_now_ns();

	PROBE_FIRE(gc_stop_begin, 0);
	while (gc_get(&heap->stopped) == stop)
		gc_os_wait(&heap->stopped, stop, 0);
	PROBE_FIRE(gc_stop_end, 0);
	gc_quantiles_add(&heap->counters.stop, gc_os_now_ns() - begin);
}

void gc_poll_slow(struct gc_mutator *pub)
{
	struct gc_mutator_full *m = gc_full(pub);
	struct gc_heap *heap = m->heap;
	enum gc_request request = (enum gc_request)gc_get(&m->pub.request);
	uint64_t cycle, begin, cpu;
	uint32_t stop;

	if (request == GC_REQUEST_NONE)
		return;
	cycle = gc_get_relaxed(&heap->cycle);
	cpu = gc_os_thread_cpu_ns();
	begin = gc_os_now_ns();
	PROBE_FIRE(gc_handshake_begin, cycle, request);
	gc_mutator_answer(m, request);
	PROBE_FIRE(gc_handshake_end, cycle, request);
	gc_quantiles_add(&heap->counters.handshake, gc_os_now_ns() - begin);
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_quantiles_add(&heap->counters.handshake_cpu, cpu);
	gc_add(&heap->counters.handshake_cpu_ns, cpu);
	stop = gc_get(&heap->stopped);
	gc_mutator_ack(m);
	if (request == GC_REQUEST_STOP)
		stop_wait(heap, stop);
}

/* ----------------------------------------------------------- park, unpark */

void gc_park(struct gc_mutator *pub)
{
	struct gc_mutator_full *m = gc_full(pub);

	gc_poll(pub);
	if (m->barrier_count)
		gc_barrier_flush(m);
	__atomic_store_n(&m->status, GC_PARKED, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&m->pub.request, __ATOMIC_SEQ_CST) != GC_REQUEST_NONE)
		gc_handshake_notify(m->heap);
}

/* The collector holds the claim: wait until it lets go. */
static void unpark_wait(struct gc_mutator_full *m)
{
	uint64_t begin = gc_os_now_ns();

	PROBE_FIRE(gc_stop_begin, 1);
	do {
		gc_cas(&m->status, GC_SCANNING, GC_SCANNING_WAITED);
		gc_os_wait(&m->status, GC_SCANNING_WAITED, 0);
	} while (!gc_cas(&m->status, GC_PARKED, GC_RUNNING));
	PROBE_FIRE(gc_stop_end, 1);
	gc_quantiles_add(&m->heap->counters.stop, gc_os_now_ns() - begin);
}

void gc_unpark(struct gc_mutator *pub)
{
	struct gc_mutator_full *m = gc_full(pub);

	if (GC_BROKEN(GC_BREAK_CLAIM))
		gc_set(&m->status, GC_RUNNING);
	else if (!gc_cas(&m->status, GC_PARKED, GC_RUNNING))
		unpark_wait(m);
	gc_poll(pub);
}

/* --------------------------------------------------------- attach, detach */

static size_t mutator_bytes(void)
{
	return (sizeof(struct gc_mutator_full) + GC_OS_PAGE_BYTES - 1) & ~(size_t)(GC_OS_PAGE_BYTES - 1);
}

static struct gc_mutator_full *mutator_new(struct gc_heap *heap, uint32_t index)
{
	struct gc_mutator_full *m = gc_os_reserve(mutator_bytes(), true);
	size_t site_bytes = heap->site_count * sizeof(struct gc_site_count);

	if (!m)
		return NULL;
	m->heap = heap;
	m->index = index;
	m->marker.heap = heap;
	m->pub.card_mask = heap->sticky ? heap->card_mask : 0;
	m->roots = gc_os_reserve(ROOTS_MAX * sizeof(void *), true);
	m->pub.sites = gc_os_reserve(site_bytes, true);
	if (!m->roots || !m->pub.sites) {
		gc_os_release(m->roots, ROOTS_MAX * sizeof(void *));
		gc_os_release(m, mutator_bytes());
		return NULL;
	}
	m->pub.root_top = m->roots;
	m->pub.root_limit = m->roots + ROOTS_MAX;
	return m;
}

void gc_mutator_release(struct gc_mutator_full *m)
{
	gc_pools_release(m);
	gc_os_release(m->roots, ROOTS_MAX * sizeof(void *));
	gc_os_release(m->pub.sites, m->heap->site_count * sizeof(struct gc_site_count));
	gc_os_release(m, mutator_bytes());
}

/* A detached slot, or a new one. Under mutators_lock. */
static struct gc_mutator_full *mutator_slot(struct gc_heap *heap)
{
	uint32_t top = heap->mutators_top;
	struct gc_mutator_full *m = heap->mutators_free;

	if (m) {
		heap->mutators_free = m->free_next;
		return m;
	}
	if (top == GC_MUTATORS_MAX)
		return NULL;
	m = mutator_new(heap, top);
	if (!m)
		return NULL;
	gc_set(&heap->mutators[top], m);
	gc_set(&heap->mutators_top, top + 1);
	return m;
}

struct gc_mutator *gc_attach(struct gc_heap *heap)
{
	struct gc_mutator_full *m;
	uint32_t stop;

	gc_lock(&heap->mutators_lock);
	while ((stop = gc_get(&heap->stopped)) & 1) {
		gc_unlock(&heap->mutators_lock);
		gc_os_wait(&heap->stopped, stop, 0);
		gc_lock(&heap->mutators_lock);
	}
	m = mutator_slot(heap);
	if (m) {
		/* Note [attach]. */
		m->pub.marking = heap->mark_mode;
		m->births_black = heap->births_black;
		m->births = heap->mode_births;
		cards_take(m);
		m->alloc_gen = heap->mode_gen;
		m->listed = true;
		heap->mutator_count++;
		__atomic_store_n(&m->status, GC_RUNNING, __ATOMIC_SEQ_CST);
	}
	gc_unlock(&heap->mutators_lock);
	return m ? &m->pub : NULL;
}

/* What the mutator counted moves to the heap. Under mutators_lock. */
static void counters_fold(struct gc_mutator_full *m)
{
	struct gc_heap *heap = m->heap;

	heap->detached.objects += m->pub.allocs;
	heap->detached.bytes += m->pub.alloc_bytes;
	gc_set_relaxed(&m->pub.allocs, 0);
	gc_set_relaxed(&m->pub.alloc_bytes, 0);
	for (unsigned i = 0; i < heap->site_count; i++) {
		heap->detached_sites[i].objects += m->pub.sites[i].objects;
		heap->detached_sites[i].bytes += m->pub.sites[i].bytes;
		gc_set_relaxed(&m->pub.sites[i].objects, 0);
		gc_set_relaxed(&m->pub.sites[i].bytes, 0);
	}
}

void gc_detach(struct gc_mutator *pub)
{
	struct gc_mutator_full *m = gc_full(pub);
	struct gc_heap *heap = m->heap;
	uint32_t request;

	GC_ASSERT(m->pub.root_top == m->roots);
	gc_poll(pub);
	gc_barrier_flush(m);
	gc_lock(&heap->mutators_lock);
	request = gc_get(&m->pub.request);
	if (request)
		gc_mutator_answer(m, (enum gc_request)request);
	gc_barrier_flush(m);
	gc_caches_release(m);
	gc_add(&heap->marked_bytes, m->black_bytes);
	m->black_bytes = 0;
	counters_fold(m);
	gc_pools_drop(m);
	__atomic_store_n(&m->status, GC_DETACHED, __ATOMIC_SEQ_CST);
	m->listed = false;
	heap->mutator_count--;
	m->free_next = heap->mutators_free;
	heap->mutators_free = m;
	if (request)
		gc_mutator_ack(m);
	gc_unlock(&heap->mutators_lock);
}

void gc_push_slow(struct gc_mutator *m)
{
	gc_fatal("a root stack overflows: more than %u roots in one thread%s", ROOTS_MAX,
		 m->root_top > m->root_limit ? " (corrupted)" : "");
}

#ifdef GC_TORTURE
void gc_torture(struct gc_mutator_full *m)
{
	static uint32_t ticks;
	uint32_t period = m->heap->torture_period, tick;

	if (period == 0 || (tick = gc_add(&ticks, 1)) % period != 0)
		sched_yield();
	else if (tick / period % 2)
		gc_collect(&m->pub);
	else
		gc_collect_young(&m->pub);
}
#endif
