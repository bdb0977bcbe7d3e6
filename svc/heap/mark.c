/* SPDX-License-Identifier: Apache-2.0 */
/* mark: see mark.h. */
#include "mark.h"

#include <string.h>

#include "mutator.h"

#ifdef GC_TORTURE
#define PREFETCH_AHEAD 2u
#define SLICE_SCAN_BYTES 64u
#else
#define PREFETCH_AHEAD 16u
#define SLICE_SCAN_BYTES 16384u
#endif
#define CHUNKS_MAX (1u << 22) /* 16 GiB of address space */
#define LARGE_TAG 1ull
#define CLOCK_EVERY 64u /* objects between looks at the clock */
#define SHARE_MIN 16u   /* entries worth sharing with an idle marker */

/* ----------------------------------------------------------------- chunks */

static uint32_t *chunk_next(struct gc_heap *heap, uint32_t number)
{
	return &heap->chunks[number].next;
}

static uint32_t chunk_number(const struct gc_heap *heap, const struct gc_chunk *chunk)
{
	return (uint32_t)(chunk - heap->chunks);
}

static struct gc_chunk *chunk_new(struct gc_heap *heap)
{
	uint32_t number = gc_stack_pop(&heap->chunks_free, chunk_next, heap);

	if (!number) {
		number = gc_add(&heap->chunk_top, 1);
		if (number >= heap->chunks_max)
			gc_fatal("the mark queue is full (%u chunks)", heap->chunks_max);
	}
	heap->chunks[number].count = 0;
	return &heap->chunks[number];
}

static void chunk_free(struct gc_heap *heap, struct gc_chunk *chunk)
{
	gc_stack_push(&heap->chunks_free, chunk_number(heap, chunk), &chunk->next);
}

static void workers_wake(struct gc_heap *heap)
{
	if (__atomic_load_n(&heap->work_waiters, __ATOMIC_SEQ_CST) == 0)
		return;
	gc_add(&heap->work_seq, 1);
	gc_os_wake(&heap->work_seq, GC_WORKERS_MAX);
}

static void chunk_publish(struct gc_heap *heap, struct gc_chunk *chunk)
{
	__atomic_fetch_add(&heap->outstanding, 1, __ATOMIC_SEQ_CST);
	gc_stack_push(&heap->chunks_full, chunk_number(heap, chunk), &chunk->next);
	workers_wake(heap);
}

static void outstanding_drop(struct gc_heap *heap)
{
	if (__atomic_sub_fetch(&heap->outstanding, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	gc_add(&heap->drained_seq, 1);
	gc_os_wake(&heap->drained_seq, 1);
}

int gc_mark_init(struct gc_heap *heap)
{
	heap->chunks_max = CHUNKS_MAX;
	while (!(heap->chunks = gc_os_reserve((size_t)heap->chunks_max * sizeof(struct gc_chunk), true))) {
		heap->chunks_max /= 2;
		if (heap->chunks_max < 1024)
			return -1;
	}
	heap->chunk_top = 1;
	return 0;
}

void gc_mark_destroy(struct gc_heap *heap)
{
	gc_os_release(heap->chunks, (size_t)heap->chunks_max * sizeof(struct gc_chunk));
}

void gc_grey_push(struct gc_heap *heap, void *const *references, unsigned count)
{
	while (count) {
		struct gc_chunk *chunk = chunk_new(heap);
		unsigned n = count < GC_CHUNK_ENTRIES ? count : GC_CHUNK_ENTRIES;

		memcpy(chunk->entries, references, n * sizeof(void *));
		chunk->count = n;
		__atomic_store_n(&heap->injected, 1, __ATOMIC_SEQ_CST);
		chunk_publish(heap, chunk);
		references += n;
		count -= n;
	}
}

/* ---------------------------------------------------------- a marker's own */

static void local_push(struct gc_marker *k, uint64_t entry)
{
	if (k->local->count == GC_CHUNK_ENTRIES) {
		chunk_publish(k->heap, k->local);
		k->local = chunk_new(k->heap);
	}
	k->local->entries[k->local->count++] = entry;
}

/* Replace the empty local chunk by a shared one. */
static bool local_refill(struct gc_marker *k)
{
	uint32_t number = gc_stack_pop(&k->heap->chunks_full, chunk_next, k->heap);

	if (!number)
		return false;
	if (k->counted)
		outstanding_drop(k->heap);
	k->counted = true;
	chunk_free(k->heap, k->local);
	k->local = &k->heap->chunks[number];
	return true;
}

/* Give the older half to the others. */
static void local_share(struct gc_marker *k)
{
	struct gc_chunk *chunk = chunk_new(k->heap);
	uint32_t n = k->local->count / 2;

	memcpy(chunk->entries, k->local->entries, n * sizeof(uint64_t));
	chunk->count = n;
	k->local->count -= n;
	memmove(k->local->entries, k->local->entries + n, k->local->count * sizeof(uint64_t));
	chunk_publish(k->heap, chunk);
}

/* ------------------------------------------------------------------- scan */

static inline void discover(struct gc_marker *k, void **slot)
{
	void *p = gc_get(slot);

	if (gc_in_area(k->heap, p))
		local_push(k, gc_grey_entry(p));
}

static void scan_refs(struct gc_marker *k, void **slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		discover(k, &slots[i]);
}

static void scan_struct(struct gc_marker *k, void **object, const struct gc_class *class)
{
	for (unsigned i = 0; i < class->ref_count; i++)
		discover(k, object + class->ref_words[i]);
}

static void scan_array(struct gc_marker *k, void **object, const struct gc_class *class, size_t bytes)
{
	size_t elem_bytes = (size_t)class->elem_words * 8;

	for (size_t i = 0; i < bytes / elem_bytes; i++)
		scan_struct(k, object + i * class->elem_words, class);
}

static void scan_part(struct gc_marker *k, void *object, const struct gc_class *class, size_t bytes)
{
	switch ((enum gc_layout)class->layout) {
	case GC_LAYOUT_NONE:
		break;
	case GC_LAYOUT_REFS:
		scan_refs(k, object, bytes / 8);
		break;
	case GC_LAYOUT_STRUCT:
		scan_struct(k, object, class);
		break;
	case GC_LAYOUT_ARRAY:
		scan_array(k, object, class, bytes);
		break;
	}
}

/* Whole elements per slice, at least one. */
static uint64_t slice_bytes(const struct gc_class *class)
{
	uint64_t elem_bytes = class->layout == GC_LAYOUT_ARRAY ? (uint64_t)class->elem_words * 8 : 8;
	uint64_t elems = SLICE_SCAN_BYTES / elem_bytes;

	return elem_bytes * (elems ? elems : 1);
}

/* One slice of a large marked object; the rest goes back first, so that others can take it. */
static void scan_large(struct gc_marker *k, uint64_t entry)
{
	char *object = (char *)(entry & ~LARGE_TAG);
	struct gc_span *span = &k->heap->spans[gc_page_of(k->heap, object)];
	const struct gc_class *class = &gc_classes[span->class];
	uint64_t step = slice_bytes(class);
	uint64_t from = gc_add(&span->scan_next, step);
	uint64_t left;

	if (from >= span->object_bytes)
		return;
	left = span->object_bytes - from;
	if (left > step)
		local_push(k, entry);
	scan_part(k, object + from, class, left < step ? left : step);
	k->scanned_bytes += left < step ? left : step;
}

static void visit(struct gc_marker *k, uint64_t entry)
{
	struct gc_heap *heap = k->heap;
	struct gc_slot slot;
	uint64_t *word, bit;
	const struct gc_class *class;

	if (entry & LARGE_TAG) {
		scan_large(k, entry);
		return;
	}
	slot = gc_slot_of(heap, (void *)entry);
	word = gc_page_bits(heap, k->mark_gen, slot.first) + slot.index / 64;
	bit = 1ull << (slot.index % 64);
	if (gc_get_relaxed(word) & bit || __atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit)
		return;
	class = &gc_classes[slot.page->class];
	k->marked_objects++;
	if (slot.page->slot_bytes == 0) {
		k->marked_bytes += heap->spans[slot.first].object_bytes;
		if (class->layout != GC_LAYOUT_NONE)
			local_push(k, (uint64_t)gc_page_address(heap, slot.first) | LARGE_TAG);
		return;
	}
	k->marked_bytes += slot.page->slot_bytes;
	scan_part(k, gc_slot_address(heap, slot), class, slot.page->slot_bytes);
}

/* ------------------------------------------------------------------ slices */

static void prefetch(const struct gc_marker *k, uint64_t entry)
{
	const struct gc_heap *heap = k->heap;
	struct gc_slot slot;

	if (entry & LARGE_TAG)
		return;
	slot = gc_slot_of(heap, (void *)entry);
	__builtin_prefetch(gc_page_bits(heap, k->mark_gen, slot.first) + slot.index / 64, 1);
	__builtin_prefetch((void *)entry, 0);
}

#ifdef GC_DEBUG
/* GC_MARK_DELAY_US stretches marking, so that mutators do a lot while it is on: rest after each few objects. */
static bool mark_delay(struct gc_heap *heap)
{
	if (heap->mark_delay_ns)
		gc_os_sleep_ns(heap->mark_delay_ns);
	return heap->mark_delay_ns != 0;
}
#else
static bool mark_delay(struct gc_heap *heap)
{
	(void)heap;
	return false;
}
#endif

static void drain(struct gc_marker *k, uint64_t deadline_ns)
{
	uint64_t ahead[PREFETCH_AHEAD];
	unsigned head = 0, count = 0, visited = 0;

	for (;;) {
		while (count < PREFETCH_AHEAD && (k->local->count || local_refill(k))) {
			uint64_t entry = k->local->entries[--k->local->count];

			prefetch(k, entry);
			ahead[(head + count++) % PREFETCH_AHEAD] = entry;
		}
		if (count == 0)
			return;
		visit(k, ahead[head++ % PREFETCH_AHEAD]);
		count--;
		if (++visited % CLOCK_EVERY)
			continue;
		if (gc_get_relaxed(&k->heap->work_waiters) && k->local->count >= SHARE_MIN)
			local_share(k);
		if (mark_delay(k->heap) || gc_os_now_ns() >= deadline_ns)
			break;
	}
	while (count--)
		local_push(k, ahead[head++ % PREFETCH_AHEAD]);
}

/* What was marked goes to the heap's counters; the bytes traced. */
static uint64_t marker_fold(struct gc_marker *k)
{
	uint64_t bytes = k->marked_bytes;

	gc_add(&k->heap->traced_bytes, bytes);
	gc_add(&k->heap->marked_bytes, bytes);
	k->marked_bytes = k->marked_objects = k->scanned_bytes = 0;
	return bytes;
}

bool gc_mark_work(struct gc_heap *heap)
{
	return (uint32_t)gc_get(&heap->chunks_full.head) != 0;
}

uint64_t gc_mark_slice(struct gc_marker *k, uint64_t budget_ns)
{
	struct gc_heap *heap = k->heap;
	uint64_t work = 0;

	if (!gc_mark_work(heap) || !gc_marker_enter(heap))
		return 0;
	k->mark_gen = gc_get(&heap->gen) + 1;
	k->local = chunk_new(heap);
	k->counted = false;
	if (local_refill(k)) {
		drain(k, gc_os_now_ns() + budget_ns);
		work = marker_fold(k) + 1;
	}
	if (k->local->count)
		chunk_publish(heap, k->local);
	else
		chunk_free(heap, k->local);
	k->local = NULL;
	if (k->counted)
		outstanding_drop(heap);
	gc_marker_leave(heap);
	return work;
}

/* -------------------------------------------------------------------- pause */

bool gc_marker_enter(struct gc_heap *heap)
{
	__atomic_fetch_add(&heap->markers, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&heap->marker_pause, __ATOMIC_SEQ_CST) == 0)
		return true;
	gc_marker_leave(heap);
	return false;
}

void gc_marker_leave(struct gc_heap *heap)
{
	if (__atomic_sub_fetch(&heap->markers, 1, __ATOMIC_SEQ_CST) == 0 &&
	    __atomic_load_n(&heap->marker_pause, __ATOMIC_SEQ_CST))
		gc_os_wake(&heap->markers, 1);
}

void gc_markers_pause(struct gc_heap *heap)
{
	uint32_t markers;

	__atomic_store_n(&heap->marker_pause, 1, __ATOMIC_SEQ_CST);
	while ((markers = __atomic_load_n(&heap->markers, __ATOMIC_SEQ_CST)))
		gc_os_wait(&heap->markers, markers, 0);
}

void gc_markers_resume(struct gc_heap *heap)
{
	__atomic_store_n(&heap->marker_pause, 0, __ATOMIC_SEQ_CST);
	gc_os_wake(&heap->marker_pause, GC_WORKERS_MAX);
}

bool gc_mutators_running(struct gc_heap *heap)
{
	uint32_t top = gc_get(&heap->mutators_top);

	for (uint32_t i = 0; i < top; i++)
		if (gc_get_relaxed(&gc_get(&heap->mutators[i])->status) == GC_RUNNING)
			return true;
	return false;
}

/* ------------------------------------------------------------------- assist */

void gc_pacer_state_read(struct gc_heap *heap, struct gc_pacer_state *state)
{
	uint64_t traced = gc_get_relaxed(&heap->traced_bytes);

	state->begin_bytes = gc_get_relaxed(&heap->begin_bytes);
	state->heap_bytes = gc_get_relaxed(&heap->live_bytes);
	state->goal_bytes = gc_get_relaxed(&heap->goal_bytes);
	state->traced_bytes = traced;
	state->expected_bytes = gc_pacer_expected(gc_get_relaxed(&heap->traced_last), traced, state->begin_bytes);
}

#define ASSIST_LOOK_BYTES (32u << 10)
#define ASSIST_DEBT_BYTES (64 << 10)

static void assist_pay(struct gc_mutator_full *m)
{
	uint64_t cycle = gc_get_relaxed(&m->heap->cycle), done;
	uint64_t cpu = gc_os_thread_cpu_ns();

	PROBE_FIRE(gc_assist_begin, cycle, (uint64_t)m->debt_bytes);
	done = gc_mark_slice(&m->marker, GC_ASSIST_SLICE_NS);
	PROBE_FIRE(gc_assist_end, cycle, done);
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_add(&m->heap->counters.assist_cpu_ns, cpu);
	gc_add(&m->heap->mark_cpu_ns, cpu);
	/* Nothing to mark: others hold the work, nothing is owed. */
	m->debt_bytes = done ? m->debt_bytes - (int64_t)done : 0;
	(void)cycle;
}

void gc_assist(struct gc_mutator_full *m)
{
	struct gc_pacer_state state;

	if (!m->pub.marking || m->unassisted_bytes < ASSIST_LOOK_BYTES || !gc_marking(m->heap))
		return;
	gc_pacer_state_read(m->heap, &state);
	if (gc_pacer_behind_bytes(&state))
		m->debt_bytes += (int64_t)gc_pacer_assist_bytes(&state, m->unassisted_bytes);
	m->unassisted_bytes = 0;
	if (m->debt_bytes > ASSIST_DEBT_BYTES)
		assist_pay(m);
	if (gc_pacer_over_ceiling(&state)) {
		gc_set(&m->heap->urgent, true);
		gc_add(&m->heap->drained_seq, 1);
		gc_os_wake(&m->heap->drained_seq, 1);
	}
}

bool gc_idle(struct gc_mutator *pub)
{
	struct gc_mutator_full *m = gc_full(pub);
	struct gc_heap *heap = m->heap;
	uint64_t cycle, cpu, done;

	if (!gc_marking(heap) || !gc_mark_work(heap))
		return false;
	cycle = gc_get_relaxed(&heap->cycle);
	cpu = gc_os_thread_cpu_ns();
	PROBE_FIRE(gc_mark_begin, cycle, 4);
	done = gc_mark_slice(&m->marker, GC_IDLE_SLICE_NS);
	PROBE_FIRE(gc_mark_end, cycle, done);
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_add(&heap->counters.idle_cpu_ns, cpu);
	gc_add(&heap->mark_cpu_ns, cpu);
	(void)cycle;
	return done != 0;
}

/* ------------------------------------------------------------------ workers */

/* How long a polite worker rests after a slice: not at all when nobody runs or somebody waits for the cycle. */
static uint64_t rest_ns(struct gc_heap *heap)
{
	struct gc_pacer_state state;

	if (gc_get(&heap->urgent) || !gc_mutators_running(heap))
		return 0;
	gc_pacer_state_read(heap, &state);
	return gc_pacer_behind_bytes(&state) ? 0 : 500000;
}

static void work_wait(struct gc_heap *heap)
{
	uint32_t seq = gc_get(&heap->work_seq);

	__atomic_fetch_add(&heap->work_waiters, 1, __ATOMIC_SEQ_CST);
	if (!gc_get(&heap->ending) && !(gc_marking(heap) && gc_mark_work(heap)))
		gc_os_wait(&heap->work_seq, seq, 0);
	__atomic_fetch_sub(&heap->work_waiters, 1, __ATOMIC_SEQ_CST);
	while (gc_get(&heap->marker_pause))
		gc_os_wait(&heap->marker_pause, 1, 0);
}

static uint64_t worker_slice(struct gc_worker *w)
{
	struct gc_heap *heap = w->heap;
	uint64_t cycle = gc_get_relaxed(&heap->cycle), cpu = gc_os_thread_cpu_ns(), done;

	if (w->cycle != cycle) {
		PROBE_FIRE(gc_worker, cycle, 1);
		w->cycle = cycle;
	}
	PROBE_FIRE(gc_mark_begin, cycle, 1);
	done = gc_mark_slice(&w->marker, GC_SLICE_NS);
	PROBE_FIRE(gc_mark_end, cycle, done);
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_add(&heap->counters.worker_cpu_ns, cpu);
	gc_add(&heap->mark_cpu_ns, cpu);
	return done;
}

void *gc_worker_main(void *argument)
{
	struct gc_worker *w = argument;
	uint64_t rest;

	gc_os_thread_polite();
	while (!gc_get(&w->heap->ending)) {
		if (!gc_marking(w->heap) || !gc_mark_work(w->heap) || !worker_slice(w)) {
			work_wait(w->heap);
			continue;
		}
		rest = rest_ns(w->heap);
		if (rest)
			gc_os_sleep_ns(rest);
	}
	return NULL;
}
