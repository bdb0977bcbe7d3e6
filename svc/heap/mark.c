/* SPDX-License-Identifier: Apache-2.0 */
/* mark: see mark.h. */
#include "mark.h"

#include <string.h>

#include "cycle.h"
#include "mutator.h"

#ifdef GC_TORTURE
#define PREFETCH_AHEAD 2u
#define SLICE_SCAN_BYTES 64u
#else
#define PREFETCH_AHEAD 32u
#define SLICE_SCAN_BYTES 16384u
#endif
#define CHUNKS_MAX (1u << 22) /* 16 GiB of address space */
#define LARGE_TAG 1ull
#define INLINE static inline __attribute__((always_inline))
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

uint32_t gc_work_await_begin(struct gc_heap *heap)
{
	uint32_t seq = gc_get(&heap->work_seq);

	__atomic_fetch_add(&heap->work_waiters, 1, __ATOMIC_SEQ_CST);
	return seq;
}

void gc_work_await_end(struct gc_heap *heap)
{
	__atomic_fetch_sub(&heap->work_waiters, 1, __ATOMIC_SEQ_CST);
}

void gc_work_wake(struct gc_heap *heap)
{
	__atomic_fetch_add(&heap->work_seq, 1, __ATOMIC_SEQ_CST);
	gc_os_wake(&heap->work_seq, GC_MUTATORS_MAX);
}

static void work_notify(struct gc_heap *heap)
{
	if (__atomic_load_n(&heap->work_waiters, __ATOMIC_SEQ_CST))
		gc_work_wake(heap);
}

static void chunk_publish(struct gc_heap *heap, struct gc_chunk *chunk)
{
	__atomic_fetch_add(&heap->outstanding, 1, __ATOMIC_SEQ_CST);
	gc_stack_push(&heap->chunks_full, chunk_number(heap, chunk), &chunk->next);
	work_notify(heap);
}

void gc_coordinator_look(struct gc_heap *heap)
{
	gc_add(&heap->drained_seq, 1);
	gc_os_wake(&heap->drained_seq, 1);
}

static void outstanding_drop(struct gc_heap *heap)
{
	if (__atomic_sub_fetch(&heap->outstanding, 1, __ATOMIC_SEQ_CST) == 0)
		gc_coordinator_look(heap);
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
		/* Before and after the work can be seen: Note [rounds]. */
		__atomic_store_n(&heap->injected, 1, __ATOMIC_SEQ_CST);
		GC_POINT(GC_POINT_FLUSH);
		chunk_publish(heap, chunk);
		if (!GC_BROKEN(GC_BREAK_INJECTED))
			__atomic_store_n(&heap->injected, 1, __ATOMIC_SEQ_CST);
		references += n;
		count -= n;
	}
}

/* ---------------------------------------------------------- a marker's own */

/* The local chunk is full: publish it, go on with an empty one. */
static __attribute__((noinline)) struct gc_chunk *local_overflow(struct gc_marker *k)
{
	k->local->count = GC_CHUNK_ENTRIES;
	chunk_publish(k->heap, k->local);
	return k->local = chunk_new(k->heap);
}

/* Replace the empty local chunk by a shared one. */
static __attribute__((noinline)) bool local_refill(struct gc_marker *k)
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
static __attribute__((noinline)) void local_share(struct gc_marker *k)
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

/*
 * What the inner loop works with, all in registers: the functions below are inlined into drain, and nothing out of
 * line sees this struct. `entries` and `count` are the local chunk's; they go back to it around calls out of line.
 */
struct scan {
	uintptr_t base;
	uint64_t area_bytes;
	const struct gc_page *pages;
	uint64_t *bits;
	uint64_t *entries;
	uint32_t count;
	uint64_t marked_bytes;
	uint64_t *word; /* mark word with bits not written yet */
	uint64_t mask;  /* these bits */
};

/* A reference on its way: its mark word and object are being fetched while others are looked at. */
struct ahead {
	uint64_t entry; /* with LARGE_TAG: nothing else is set */
	uint64_t *word;
	uint64_t bit;
	const struct gc_page *page;
};

INLINE void push(struct scan *s, struct gc_marker *k, uint64_t entry)
{
	if (__builtin_expect(s->count == GC_CHUNK_ENTRIES, 0)) {
		s->entries = local_overflow(k)->entries;
		s->count = 0;
	}
	s->entries[s->count++] = entry;
}

INLINE void discover(struct scan *s, struct gc_marker *k, void **slot)
{
	void *p = gc_get(slot);

	if ((uintptr_t)p - s->base < s->area_bytes)
		push(s, k, gc_grey_entry(p));
}

INLINE void scan_refs(struct scan *s, struct gc_marker *k, void **slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		discover(s, k, &slots[i]);
}

INLINE void scan_struct(struct scan *s, struct gc_marker *k, void **object, const struct gc_class *class)
{
	const uint16_t *words = class->ref_words;

	for (unsigned i = 0, n = class->ref_count; i < n; i++)
		discover(s, k, object + words[i]);
}

INLINE void scan_array(struct scan *s, struct gc_marker *k, void **object, const struct gc_class *class, size_t bytes)
{
	size_t elem_bytes = (size_t)class->elem_words * 8;

	for (size_t i = 0, n = bytes / elem_bytes; i < n; i++)
		scan_struct(s, k, object + i * class->elem_words, class);
}

INLINE void scan_part(struct scan *s, struct gc_marker *k, void *object, const struct gc_class *class, size_t bytes)
{
	switch ((enum gc_layout)class->layout) {
	case GC_LAYOUT_NONE:
		break;
	case GC_LAYOUT_REFS:
		scan_refs(s, k, object, bytes / 8);
		break;
	case GC_LAYOUT_STRUCT:
		scan_struct(s, k, object, class);
		break;
	case GC_LAYOUT_ARRAY:
		scan_array(s, k, object, class, bytes);
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
INLINE void scan_large(struct scan *s, struct gc_marker *k, uint64_t entry)
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
		push(s, k, entry);
	scan_part(s, k, object + from, class, left < step ? left : step);
}

static void prefetch_large(const char *object, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes && i < 512; i += 64)
		__builtin_prefetch(object + i, 0);
}

/* Start the fetches for an entry. */
INLINE struct ahead look_ahead(const struct scan *s, uint64_t entry)
{
	struct ahead a = {.entry = entry};
	uint64_t offset;
	uint32_t index;

	if (entry & LARGE_TAG)
		return a;
	a.page = &s->pages[(entry - s->base) >> GC_PAGE_SHIFT];
	offset = entry - s->base - ((uint64_t)a.page->first << GC_PAGE_SHIFT);
	index = (uint32_t)(offset * a.page->magic >> 32);
	a.word = s->bits + (uint64_t)a.page->first * GC_PAGE_BIT_WORDS + index / 64;
	a.bit = 1ull << (index % 64);
	a.entry = s->base + ((uint64_t)a.page->first << GC_PAGE_SHIFT) + (uint64_t)index * a.page->slot_bytes;
	__builtin_prefetch(a.word, 1);
	if (a.page->class > GC_CLASS_REFS) {
		__builtin_prefetch((void *)a.entry, 0);
		if (a.page->slot_bytes > 64)
			__builtin_prefetch((char *)a.entry + 64, 0);
	}
	return a;
}

INLINE void visit_large(struct scan *s, struct gc_marker *k, const struct ahead *a, const struct gc_class *class)
{
	s->marked_bytes += k->heap->spans[a->page->first].object_bytes;
	if (class->layout == GC_LAYOUT_NONE)
		return;
	prefetch_large((char *)a->entry, SLICE_SCAN_BYTES);
	push(s, k, a->entry | LARGE_TAG);
}

/*
 * Bits of one mark word are gathered and written by one atomic operation: neighbours are often marked one after the other.
 * Until then another marker may visit the same object; it is scanned twice, which does no harm.
 */
INLINE void marks_write(struct scan *s)
{
	if (s->mask)
		__atomic_fetch_or(s->word, s->mask, __ATOMIC_RELAXED);
	s->mask = 0;
}

/* True if it was white as far as this marker knows. */
INLINE bool mark(struct scan *s, uint64_t *word, uint64_t bit)
{
	if (word != s->word) {
		marks_write(s);
		s->word = word;
	}
	if ((gc_get_relaxed(word) | s->mask) & bit)
		return false;
	s->mask |= bit;
	return true;
}

INLINE void visit(struct scan *s, struct gc_marker *k, const struct ahead *a)
{
	const struct gc_class *class;

	if (a->entry & LARGE_TAG) {
		scan_large(s, k, a->entry);
		return;
	}
	if (!mark(s, a->word, a->bit))
		return;
	class = &gc_classes[a->page->class];
	if (__builtin_expect(a->page->slot_bytes == 0, 0)) {
		visit_large(s, k, a, class);
		return;
	}
	s->marked_bytes += a->page->slot_bytes;
	scan_part(s, k, (void *)a->entry, class, a->page->slot_bytes);
}

/* ------------------------------------------------------------------ slices */

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

/* Between batches: share with the idle, look at the clock. True: the slice is over. */
static __attribute__((noinline)) bool slice_over(struct gc_marker *k, uint64_t deadline_ns)
{
	if (gc_get_relaxed(&k->heap->work_waiters) && k->local->count >= SHARE_MIN)
		local_share(k);
	return mark_delay(k->heap) || gc_os_now_ns() >= deadline_ns;
}

INLINE bool pop(struct scan *s, struct gc_marker *k, uint64_t *entry)
{
	if (__builtin_expect(s->count == 0, 0)) {
		k->local->count = 0;
		if (!local_refill(k))
			return false;
		s->entries = k->local->entries;
		s->count = k->local->count;
	}
	*entry = s->entries[--s->count];
	return true;
}

static void drain(struct gc_marker *k, uint64_t deadline_ns)
{
	struct gc_heap *heap = k->heap;
	struct scan s = {.base = heap->base, .area_bytes = heap->area_bytes, .pages = heap->pages};
	struct ahead ahead[PREFETCH_AHEAD];
	unsigned head = 0, count = 0, visited = 0;
	uint64_t entry;
	bool over = false;

	s.bits = heap->bits[k->mark_gen & 1];
	s.entries = k->local->entries;
	s.count = k->local->count;
	while (!over) {
		while (count < PREFETCH_AHEAD && pop(&s, k, &entry))
			ahead[(head + count++) % PREFETCH_AHEAD] = look_ahead(&s, entry);
		if (count == 0)
			break;
		visit(&s, k, &ahead[head++ % PREFETCH_AHEAD]);
		count--;
		if (++visited % CLOCK_EVERY)
			continue;
		k->local->count = s.count;
		over = slice_over(k, deadline_ns);
		s.count = k->local->count;
	}
	marks_write(&s);
	while (count--)
		push(&s, k, ahead[head++ % PREFETCH_AHEAD].entry);
	k->local->count = s.count;
	k->marked_bytes += s.marked_bytes;
}

/* What was marked goes to the heap's counters; the bytes traced. */
static uint64_t marker_fold(struct gc_marker *k)
{
	uint64_t bytes = k->marked_bytes;

	gc_add(&k->heap->traced_bytes, bytes);
	gc_add(&k->heap->marked_bytes, bytes);
	k->marked_bytes = 0;
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

	if (!gc_marking(heap) || !gc_mark_work(heap) || !gc_marker_enter(heap))
		return 0;
	/* Look again, inside: the coordinator closes marking first and then waits for who is inside. */
	if (!gc_marking(heap)) {
		gc_marker_leave(heap);
		return 0;
	}
	k->mark_gen = gc_get(&heap->gen) + 1;
	k->local = chunk_new(heap);
	k->counted = false;
	if (local_refill(k)) {
		GC_POINT(GC_POINT_SLICE);
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

void gc_grey_discard(struct gc_heap *heap)
{
	uint32_t number;

	while ((number = gc_stack_pop(&heap->chunks_full, chunk_next, heap))) {
		chunk_free(heap, &heap->chunks[number]);
		__atomic_fetch_sub(&heap->outstanding, 1, __ATOMIC_SEQ_CST);
	}
	GC_ASSERT(heap->outstanding == 0);
}

static unsigned running_count(struct gc_heap *heap, unsigned enough)
{
	uint32_t top = gc_get(&heap->mutators_top);
	unsigned count = 0;

	for (uint32_t i = 0; i < top && count < enough; i++)
		count += gc_get_relaxed(&gc_get(&heap->mutators[i])->status) == GC_RUNNING;
	return count;
}

bool gc_mutators_running(struct gc_heap *heap)
{
	return running_count(heap, 1) != 0;
}

bool gc_room_enter(struct gc_heap *heap)
{
	uint32_t markers = gc_add(&heap->urgent_markers, 1);

	if (markers < heap->cpus && markers + running_count(heap, heap->cpus) < heap->cpus)
		return true;
	gc_room_leave(heap);
	return false;
}

void gc_room_leave(struct gc_heap *heap)
{
	gc_sub(&heap->urgent_markers, 1);
}
