/* SPDX-License-Identifier: Apache-2.0 */
/* handshake: see handshake.h, and Note [park] in mutator.h. */
#include "handshake.h"

#include "card.h"
#include "mark.h"

void gc_handshake_notify(struct gc_heap *heap)
{
	__atomic_fetch_add(&heap->ack_seq, 1, __ATOMIC_SEQ_CST);
	gc_os_wake(&heap->ack_seq, 1);
}

/* What an attaching mutator starts with from now on. Under mutators_lock. */
static void mode_set(struct gc_heap *heap, enum gc_request request)
{
	if (request == GC_REQUEST_MARK_ON) {
		heap->mark_mode = GC_BROKEN(GC_BREAK_ATTACH) ? GC_MARKING_BLACK : GC_MARKING_GREY;
		gc_cards_change(heap);
	}
	if (request == GC_REQUEST_BLACK || GC_BROKEN(GC_BREAK_ATTACH))
		heap->births_black = true;
	if (request == GC_REQUEST_ROOTS) {
		heap->mark_mode = GC_MARKING_BLACK;
		heap->mode_births = true;
	}
	if (request == GC_REQUEST_MARK_OFF) {
		heap->mark_mode = GC_MARKING_OFF;
		heap->births_black = heap->mode_births = false;
		heap->mode_gen++;
	}
}

static struct gc_mutator_full *listed(struct gc_heap *heap, uint32_t i)
{
	struct gc_mutator_full *m = heap->mutators[i];

	return m->listed ? m : NULL;
}

static uint32_t post(struct gc_heap *heap, enum gc_request request, const struct gc_mutator_full *self)
{
	uint32_t count = 0;

	gc_lock(&heap->mutators_lock);
	mode_set(heap, request);
	for (uint32_t i = 0; i < heap->mutators_top; i++)
		count += listed(heap, i) && heap->mutators[i] != self;
	__atomic_store_n(&heap->acks_pending, count, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < heap->mutators_top; i++)
		if (listed(heap, i) && heap->mutators[i] != self)
			__atomic_store_n(&heap->mutators[i]->pub.request, request, __ATOMIC_SEQ_CST);
	gc_unlock(&heap->mutators_lock);
	return count;
}

static void claim_release(struct gc_mutator_full *m)
{
	if (__atomic_exchange_n(&m->status, GC_PARKED, __ATOMIC_SEQ_CST) == GC_SCANNING_WAITED)
		gc_os_wake(&m->status, 1);
}

/* Answer for the parked. With `hold` the claims are kept. */
static void answer_parked(struct gc_heap *heap, enum gc_request request, bool hold)
{
	gc_lock(&heap->mutators_lock);
	for (uint32_t i = 0; i < heap->mutators_top; i++) {
		struct gc_mutator_full *m = listed(heap, i);

		if (!m || gc_get(&m->pub.request) == GC_REQUEST_NONE || !gc_cas(&m->status, GC_PARKED, GC_SCANNING))
			continue;
		GC_POINT(GC_POINT_CLAIM);
		m->held = hold;
		gc_mutator_answer(m, request);
		gc_mutator_ack(m);
		if (!hold)
			claim_release(m);
	}
	gc_unlock(&heap->mutators_lock);
}

static void acks_wait(struct gc_heap *heap, enum gc_request request, bool hold)
{
	for (;;) {
		uint32_t seq = __atomic_load_n(&heap->ack_seq, __ATOMIC_SEQ_CST);

		answer_parked(heap, request, hold);
		if (gc_get(&heap->acks_pending) == 0)
			return;
		gc_os_wait(&heap->ack_seq, seq, 0);
	}
}

void gc_handshake(struct gc_heap *heap, enum gc_request request)
{
	uint64_t cycle = gc_get_relaxed(&heap->cycle);
	uint64_t begin = gc_os_now_ns();
	uint32_t count;

	gc_lock(&heap->handshake_lock);
	count = post(heap, request, NULL);
	PROBE_FIRE(gc_acks_begin, cycle, request, count);
	acks_wait(heap, request, false);
	PROBE_FIRE(gc_acks_end, cycle, request);
	gc_unlock(&heap->handshake_lock);
	gc_quantiles_add(&heap->counters.acks, gc_os_now_ns() - begin);
	(void)count;
}

/* ------------------------------------------------------- the stopped world */

void gc_world_lock(struct gc_heap *heap, struct gc_mutator_full *self)
{
	if (self)
		gc_park(&self->pub);
	gc_lock(&heap->handshake_lock);
}

void gc_world_unlock(struct gc_heap *heap, struct gc_mutator_full *self)
{
	gc_unlock(&heap->handshake_lock);
	if (self)
		gc_unpark(&self->pub);
}

void gc_world_stop(struct gc_heap *heap, struct gc_mutator_full *self)
{
	__atomic_fetch_add(&heap->stopped, 1, __ATOMIC_SEQ_CST);
	gc_markers_pause(heap);
	post(heap, GC_REQUEST_STOP, self);
	acks_wait(heap, GC_REQUEST_STOP, true);
}

void gc_world_start(struct gc_heap *heap, struct gc_mutator_full *self)
{
	(void)self;
	gc_lock(&heap->mutators_lock);
	__atomic_fetch_add(&heap->stopped, 1, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < heap->mutators_top; i++) {
		struct gc_mutator_full *m = listed(heap, i);

		if (m && m->held) {
			m->held = false;
			claim_release(m);
		}
	}
	gc_unlock(&heap->mutators_lock);
	gc_os_wake(&heap->stopped, GC_MUTATORS_MAX);
	gc_markers_resume(heap);
}

void gc_stop_world_for(struct gc_heap *heap, struct gc_mutator *pub, uint64_t ns)
{
	struct gc_mutator_full *self = pub ? gc_full(pub) : NULL;

	gc_world_lock(heap, self);
	gc_world_stop(heap, self);
	gc_os_sleep_ns(ns);
	gc_world_start(heap, self);
	gc_world_unlock(heap, self);
}
