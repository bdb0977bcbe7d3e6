/* SPDX-License-Identifier: Apache-2.0 */
/* alloc: see alloc.h. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#include "assist.h"
#include "cycle.h"
#include "mutator.h"
#include "poison.h"
#include "span.h"
#include "sweep.h"

/* How much one refill clears: fits the first-level cache beside what the program uses. */
#define REFILL_BYTES 4096u

#ifdef GC_TORTURE
#define REFILL_SLOTS 2u
#else
#define REFILL_SLOTS 64u
#endif

/* Spans one refill may sweep before it takes fresh pages. */
#define SWEEP_ON_DEMAND_SPANS 16

/* ---------------------------------------------------------- black in advance: Note [free] */

static uint64_t *mark_word(struct gc_mutator_full *m, const struct gc_cache *cache)
{
	uint32_t word = m->heap->spans[cache->page].cursor - 1;

	return gc_page_bits(m->heap, m->alloc_gen + 1, cache->page) + word;
}

static void word_blacken(struct gc_mutator_full *m, const struct gc_cache *cache, uint64_t slots)
{
	struct gc_span *span = &m->heap->spans[cache->page];

	if (!GC_BROKEN(GC_BREAK_BLACK))
		__atomic_fetch_or(mark_word(m, cache), slots, __ATOMIC_RELAXED);
	if (m->births)
		gc_span_born(span, span->cursor - 1, slots);
	m->black_bytes += (uint64_t)__builtin_popcountll(slots) * cache->slot_bytes;
}

static void word_unblacken(struct gc_mutator_full *m, const struct gc_cache *cache, uint64_t slots)
{
	__atomic_fetch_and(mark_word(m, cache), ~slots, __ATOMIC_RELAXED);
	m->black_bytes -= (uint64_t)__builtin_popcountll(slots) * cache->slot_bytes;
}

void gc_caches_blacken(struct gc_mutator_full *m)
{
	for (unsigned i = 0; i < m->active_count; i++) {
		struct gc_cache *cache = &m->pub.cache[m->active[i]];

		if (cache->free | cache->pending)
			word_blacken(m, cache, cache->free | cache->pending);
	}
}

uint64_t gc_caches_born(struct gc_mutator_full *m)
{
	uint64_t unused_bytes = 0;

	for (unsigned i = 0; i < m->active_count; i++) {
		struct gc_cache *cache = &m->pub.cache[m->active[i]];
		struct gc_span *span = &m->heap->spans[cache->page];
		uint64_t slots = cache->free | cache->pending;

		if (!slots)
			continue;
		gc_span_born(span, span->cursor - 1, slots);
		unused_bytes += (uint64_t)__builtin_popcountll(slots) * cache->slot_bytes;
	}
	return unused_bytes;
}

/* ----------------------------------------------------------------- caches */

static void cache_release(struct gc_mutator_full *m, struct gc_cache *cache)
{
	uint64_t unused = cache->free | cache->pending;
	struct gc_span *span = &m->heap->spans[cache->page];

	if (unused) {
		uint64_t bytes = (uint64_t)__builtin_popcountll(unused) * cache->slot_bytes;

		if (m->births_black)
			word_unblacken(m, cache, unused);
		gc_poison_unused(m->heap, cache);
		gc_set_relaxed(&span->used, span->used - (uint32_t)__builtin_popcountll(unused));
		/* The word stays behind the cursor: what is unused in it is found again by the next sweep. */
		gc_sub(&m->heap->live_bytes, bytes);
	}
	gc_set(&span->state, gc_span_state(m->alloc_gen, GC_SPAN_IDLE));
	*cache = (struct gc_cache){0};
}

void gc_caches_release(struct gc_mutator_full *m)
{
	for (unsigned i = 0; i < m->active_count; i++)
		cache_release(m, &m->pub.cache[m->active[i]]);
	m->active_count = 0;
}

static void cache_set(struct gc_mutator_full *m, unsigned class, uint32_t page)
{
	struct gc_cache *cache = &m->pub.cache[class];

	if (cache->page == 0)
		m->active[m->active_count++] = (uint16_t)class;
	*cache = (struct gc_cache){.slot_bytes = gc_classes[class].slot_bytes, .page = page};
}

/* No memory for the next span: the cache holds none. */
static void cache_forget(struct gc_mutator_full *m, unsigned class)
{
	struct gc_cache *cache = &m->pub.cache[class];
	unsigned i = 0;

	if (cache->page == 0)
		return;
	while (m->active[i] != class)
		i++;
	m->active[i] = m->active[--m->active_count];
	*cache = (struct gc_cache){0};
}

/* ----------------------------------------------------------------- refill */

static uint64_t word_slots_mask(const struct gc_class *class, unsigned word)
{
	unsigned left = class->slots - word * 64u;

	return left >= 64 ? ~0ull : (1ull << left) - 1;
}

/* Take the cached span's next word that has free slots into cache.pending. */
static bool refill_from_span(struct gc_mutator_full *m, struct gc_cache *cache, const struct gc_class *class)
{
	struct gc_span *span = &m->heap->spans[cache->page];
	const uint64_t *taken = gc_page_bits(m->heap, m->alloc_gen, cache->page);

	while (span->cursor < class->words) {
		unsigned word = span->cursor++;
		uint64_t free = ~gc_get_relaxed(&taken[word]) & word_slots_mask(class, word);

		if (!free)
			continue;
		cache->base = gc_page_address(m->heap, cache->page) + (uint64_t)word * 64 * class->slot_bytes;
		cache->pending = free;
		gc_set_relaxed(&span->used, span->used + (uint32_t)__builtin_popcountll(free));
		if (m->births_black)
			word_blacken(m, cache, free);
		gc_heap_account(m, (uint64_t)__builtin_popcountll(free) * class->slot_bytes);
		return true;
	}
	return false;
}

static uint32_t *partial_next(struct gc_heap *heap, uint32_t page)
{
	return &heap->spans[page].partial_next;
}

static uint32_t span_from_partial(struct gc_heap *heap, unsigned class, uint32_t gen)
{
	uint32_t page;

	while ((page = gc_stack_pop(&heap->lists[class].partial, partial_next, heap)))
		if (gc_cas(&heap->spans[page].state, gc_span_state(gen, GC_SPAN_IDLE), gc_span_state(gen, GC_SPAN_CACHED)))
			return page;
	return 0;
}

static uint32_t span_next(struct gc_mutator_full *m, unsigned class)
{
	struct gc_heap *heap = m->heap;
	uint32_t gen = m->alloc_gen, page = 0;

	/* Between this mutator's mark-off and the flip, what the lists hold is not swept for its gen yet. */
	if (gen == gc_get(&heap->gen)) {
		page = span_from_partial(heap, class, gen);
		if (!page)
			page = gc_sweep_on_demand(heap, class, gen, SWEEP_ON_DEMAND_SPANS);
	}
	if (!page)
		page = gc_span_new(heap, class, gen);
	/* Refused: what the others have not swept yet may have room. */
	if (!page && gen == gc_get(&heap->gen))
		page = gc_sweep_on_demand(heap, class, gen, UINT32_MAX);
	return page;
}

static bool cache_fill_pending(struct gc_mutator_full *m, unsigned class)
{
	struct gc_cache *cache = &m->pub.cache[class];

	for (;;) {
		uint32_t page;

		if (cache->page) {
			if (refill_from_span(m, cache, &gc_classes[class]))
				return true;
			gc_set(&m->heap->spans[cache->page].state, gc_span_state(m->alloc_gen, GC_SPAN_IDLE));
		}
		page = span_next(m, class);
		if (!page) {
			cache_forget(m, class);
			return false;
		}
		cache_set(m, class, page);
	}
}

/* The lowest `most` bits of a word. */
static uint64_t lowest_bits(uint64_t word, unsigned most)
{
	uint64_t rest = word;

	while (most-- && rest)
		rest &= rest - 1;
	return word & ~rest;
}

/* Clear slots, neighbours together. */
static void slots_clear(const struct gc_cache *cache, uint64_t slots)
{
	while (slots) {
		unsigned from = (unsigned)__builtin_ctzll(slots);
		uint64_t above = ~(slots >> from);
		unsigned count = above ? (unsigned)__builtin_ctzll(above) : 64;

		memset(cache->base + (size_t)from * cache->slot_bytes, 0, (size_t)count * cache->slot_bytes);
		slots = from + count < 64 ? slots >> (from + count) << (from + count) : 0;
	}
}

/* Move slots from pending to free, cleared where their kind has references. */
static void cache_refill(struct gc_cache *cache, const struct gc_class *class)
{
	unsigned most = PROBE_WATCHED(gc_alloc) ? 1 : REFILL_SLOTS;
	bool clear = gc_class_has_refs(class);
	uint64_t slots;

	if (clear && most > REFILL_BYTES / class->slot_bytes)
		most = REFILL_BYTES / class->slot_bytes ? REFILL_BYTES / class->slot_bytes : 1;
	slots = most >= 64 ? cache->pending : lowest_bits(cache->pending, most);
	gc_unpoison_slots(cache, slots);
	if (clear)
		slots_clear(cache, slots);
	cache->pending &= ~slots;
	cache->free = slots;
}

/* ------------------------------------------------------------ the slow path */

static void *out_of_memory(size_t bytes)
{
	gc_fatal("out of memory: %zu bytes asked for; raise the limit or let go of objects", bytes);
}

static void *small_take(struct gc_mutator_full *m, unsigned class, uint32_t site)
{
	struct gc_cache *cache = &m->pub.cache[class];
	void *p;

	cache_refill(cache, &gc_classes[class]);
	p = gc_take_(&m->pub, cache, cache->free, site);
	PROBE_FIRE(gc_alloc, gc_classes[class].slot_bytes, site, class);
	return p;
}

static void *alloc_small(struct gc_mutator_full *m, unsigned class, uint32_t site)
{
	uint32_t bytes = gc_classes[class].slot_bytes;
	struct gc_cache *cache = &m->pub.cache[class];
	bool filled = true;

	gc_safepoint(m);
	if (cache->free)
		return gc_take_(&m->pub, cache, cache->free, site);
	if (cache->pending)
		return small_take(m, class, site);
	PROBE_FIRE(gc_alloc_slow_begin, bytes, site);
	gc_assist(m);
	filled = cache_fill_pending(m, class);
	PROBE_FIRE(gc_alloc_slow_end, bytes, site);
	return filled ? small_take(m, class, site) : NULL;
}

static void large_clear(struct gc_heap *heap, uint32_t page, unsigned class, bool zero)
{
	if (gc_class_has_refs(&gc_classes[class]) && !zero)
		memset(gc_page_address(heap, page), 0, heap->spans[page].object_bytes);
}

static void *large_make(struct gc_mutator_full *m, unsigned class, size_t bytes)
{
	struct gc_heap *heap = m->heap;
	bool zero = false;
	uint32_t page = gc_span_new_large(heap, class, bytes, m->alloc_gen, &zero);
	struct gc_span *span = &heap->spans[page];

	if (!page)
		return NULL;
	large_clear(heap, page, class, zero);
	gc_set_relaxed(&span->used, 1);
	span->cursor = 1;
	if (m->births_black) {
		__atomic_fetch_or(gc_page_bits(heap, m->alloc_gen + 1, page), 1, __ATOMIC_RELAXED);
		m->black_bytes += span->object_bytes;
		if (m->births)
			gc_span_born(span, 0, 1);
	}
	gc_heap_account(m, span->object_bytes);
	gc_set(&span->state, gc_span_state(m->alloc_gen, GC_SPAN_IDLE));
	return gc_page_address(heap, page);
}

static void *alloc_large(struct gc_mutator_full *m, unsigned class, size_t bytes, uint32_t site)
{
	uint64_t usable;
	void *p;

	gc_safepoint(m);
	PROBE_FIRE(gc_alloc_slow_begin, bytes, site);
	gc_assist(m);
	p = large_make(m, class, bytes);
	PROBE_FIRE(gc_alloc_slow_end, bytes, site);
	if (!p)
		return NULL;
	usable = m->heap->spans[gc_page_of(m->heap, p)].object_bytes;
	gc_count_(&m->pub.allocs, 1);
	gc_count_(&m->pub.alloc_bytes, usable);
	gc_count_(&m->pub.sites[site].objects, 1);
	gc_count_(&m->pub.sites[site].bytes, usable);
	PROBE_FIRE(gc_alloc, usable, site, class);
	return p;
}

/* Collections have not made room below the limit. True: try once more, above it. */
static bool limit_reached(struct gc_heap *heap, bool may_fail)
{
	if (gc_get_relaxed(&heap->memory_limit) == GC_LIMIT_OFF)
		return false;
	if (heap->limit_policy == GC_LIMIT_EXIT) {
		fprintf(stderr, "gc: the memory limit of %llu bytes is reached with %llu bytes live; raise GOMEMLIMIT or keep less\n",
			(unsigned long long)gc_get_relaxed(&heap->memory_limit),
			(unsigned long long)gc_get_relaxed(&heap->traced_last));
		exit(1);
	}
	if (heap->limit_policy == GC_LIMIT_SHED && may_fail)
		return false;
	if (!__atomic_exchange_n(&heap->limit_lifted, 1, __ATOMIC_RELAXED))
		gc_add(&heap->counters.limit_lifts, 1);
	return true;
}

static void *alloc_once(struct gc_mutator_full *m, unsigned class, size_t bytes, uint32_t site)
{
	return gc_classes[class].slot_bytes ? alloc_small(m, class, site) : alloc_large(m, class, bytes, site);
}

/* Attempts while there is something to wait for, then what the limit's policy says. NULL: there is no memory. */
static void *alloc_slow(struct gc_mutator *pub, unsigned class, size_t bytes, uint32_t site, bool may_fail)
{
	struct gc_mutator_full *m = gc_full(pub);
	struct gc_room_wait wait = {0};
	void *p;

	GC_ASSERT(site < m->heap->site_count);
	gc_torture(m);
	while (!(p = alloc_once(m, class, bytes, site)) && gc_room_await(pub, &wait))
		;
	if (!p && limit_reached(m->heap, may_fail))
		p = alloc_once(m, class, bytes, site);
	return p;
}

static void *array_alloc(struct gc_mutator *m, struct gc_kind *kind, size_t count, uint32_t site, bool may_fail)
{
	size_t bytes;
	unsigned class;

	if (__builtin_mul_overflow(count, kind->size_bytes, &bytes) || bytes > gc_full(m)->heap->area_bytes)
		return NULL;
	class = gc_class_of_array(kind, count, bytes);
	if (gc_classes[class].slot_bytes && m->cache[class].free)
		return gc_take_(m, &m->cache[class], m->cache[class].free, site);
	return alloc_slow(m, class, bytes, site, may_fail);
}

void *gc_alloc_slow(struct gc_mutator *m, struct gc_kind *kind, uint32_t site)
{
	void *p = alloc_slow(m, gc_class_of_kind(kind), kind->size_bytes, site, false);

	return p ? p : out_of_memory(kind->size_bytes);
}

void *gc_alloc_bytes_slow(struct gc_mutator *m, size_t bytes, uint32_t site)
{
	void *p = array_alloc(m, &gc_kind_bytes, bytes, site, false);

	return p ? p : out_of_memory(bytes);
}

void *gc_try_alloc(struct gc_mutator *m, struct gc_kind *kind, size_t count, uint32_t site)
{
	return array_alloc(m, kind, count, site, true);
}

void *gc_alloc_array(struct gc_mutator *m, struct gc_kind *kind, size_t count, uint32_t site)
{
	void *p = array_alloc(m, kind, count, site, false);
	size_t bytes;

	if (p)
		return p;
	return out_of_memory(__builtin_mul_overflow(count, kind->size_bytes, &bytes) ? SIZE_MAX : bytes);
}

size_t gc_usable_bytes(struct gc_heap *heap, const void *p)
{
	struct gc_slot slot = gc_slot_of(heap, p);

	return slot.page->slot_bytes ? slot.page->slot_bytes : heap->spans[slot.first].object_bytes;
}
