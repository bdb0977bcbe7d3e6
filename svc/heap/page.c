/* SPDX-License-Identifier: Apache-2.0 */
/* page: see page.h. */
#include "page.h"

#include <errno.h>
#include <string.h>

#include "limit.h"
#include "prefault.h"

#define GROW_PAGES 64u /* 4 MiB at a time */
#define HUGE_MIN_BYTES (256ull << 20)

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define AREA_BYTES (64ull << 30)
#else
#define AREA_BYTES (256ull << 30)
#endif
#define AREA_BYTES_MIN (64ull << 20)

void gc_stack_push(struct gc_stack *stack, uint32_t number, uint32_t *next)
{
	uint64_t head = gc_get_relaxed(&stack->head), new;

	do {
		gc_set_relaxed(next, (uint32_t)head);
		new = ((head >> 32) + 1) << 32 | number;
	} while (!__atomic_compare_exchange_n(&stack->head, &head, new, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

uint32_t gc_stack_pop(struct gc_stack *stack, uint32_t *(*next_of)(struct gc_heap *, uint32_t), struct gc_heap *heap)
{
	uint64_t head = gc_get(&stack->head), new;

	do {
		if ((uint32_t)head == 0)
			return 0;
		new = ((head >> 32) + 1) << 32 | gc_get_relaxed(next_of(heap, (uint32_t)head));
	} while (!__atomic_compare_exchange_n(&stack->head, &head, new, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	return (uint32_t)head;
}

static uint32_t *returned_next(struct gc_heap *heap, uint32_t page)
{
	return &heap->spans[page].partial_next;
}

static uint64_t table_bytes(uint64_t count, uint64_t each)
{
	return (count * each + GC_OS_PAGE_BYTES - 1) & ~(uint64_t)(GC_OS_PAGE_BYTES - 1);
}

static bool tables_reserve(struct gc_heap *heap)
{
	uint64_t n = heap->pages_max;

	heap->pages = gc_os_reserve(table_bytes(n, sizeof(struct gc_page)), true);
	heap->spans = gc_os_reserve(table_bytes(n, sizeof(struct gc_span)), true);
	heap->bits[0] = gc_os_reserve(table_bytes(n, GC_PAGE_BIT_WORDS * 8), true);
	heap->bits[1] = gc_os_reserve(table_bytes(n, GC_PAGE_BIT_WORDS * 8), true);
	heap->free_map = gc_os_reserve(table_bytes(n / 64 + 1, 8), true);
	heap->released = gc_os_reserve(table_bytes(n / GC_CHUNK_PAGES / 64 + 1, 8), true);
	return heap->released && heap->pages && heap->spans && heap->bits[0] && heap->bits[1] && heap->free_map;
}

int gc_pages_init(struct gc_heap *heap)
{
	char *area = NULL;
	uint64_t bytes;

	for (bytes = AREA_BYTES; bytes >= AREA_BYTES_MIN && !area; bytes /= 2) {
		/* Room to align the area to huge pages. */
		area = gc_os_reserve(bytes + GC_OS_HUGE_BYTES, false);
		if (area)
			break;
	}
	if (!area)
		return -ENOMEM;
	heap->area_mapping = area;
	heap->area_mapping_bytes = bytes + GC_OS_HUGE_BYTES;
	heap->base = ((uintptr_t)area + GC_OS_HUGE_BYTES - 1) & ~(uintptr_t)(GC_OS_HUGE_BYTES - 1);
	heap->area_bytes = bytes;
	heap->pages_max = (uint32_t)(bytes >> GC_PAGE_SHIFT);
	heap->pages_top = 1;
	heap->free_hint = 1;
	gc_lock_init(&heap->pages_lock, GC_RANK_PAGES);
	return tables_reserve(heap) ? 0 : -ENOMEM;
}

void gc_pages_destroy(struct gc_heap *heap)
{
	uint64_t n = heap->pages_max;

	gc_os_release(heap->pages, table_bytes(n, sizeof(struct gc_page)));
	gc_os_release(heap->spans, table_bytes(n, sizeof(struct gc_span)));
	gc_os_release(heap->bits[0], table_bytes(n, GC_PAGE_BIT_WORDS * 8));
	gc_os_release(heap->bits[1], table_bytes(n, GC_PAGE_BIT_WORDS * 8));
	gc_os_release(heap->free_map, table_bytes(n / 64 + 1, 8));
	gc_os_release(heap->released, table_bytes(n / GC_CHUNK_PAGES / 64 + 1, 8));
	gc_os_release(heap->area_mapping, heap->area_mapping_bytes);
}

/* ------------------------------------------------------------ the bitmap; under pages_lock */

static bool page_free(const struct gc_heap *heap, uint32_t page)
{
	return heap->free_map[page / 64] >> (page % 64) & 1;
}

static void run_mark(struct gc_heap *heap, uint32_t first, uint32_t count, bool free)
{
	for (uint32_t page = first; page < first + count; page++) {
		uint64_t bit = 1ull << (page % 64);

		heap->free_map[page / 64] = free ? heap->free_map[page / 64] | bit : heap->free_map[page / 64] & ~bit;
	}
	if (free) {
		heap->free_pages += count;
		if (first < heap->free_hint)
			heap->free_hint = first;
	} else {
		heap->free_pages -= count;
	}
}

/* A chunk somebody takes pages from gets its memory back, at the first touch. */
static void run_unrelease(struct gc_heap *heap, uint32_t first, uint32_t count)
{
	for (uint32_t chunk = first / GC_CHUNK_PAGES; chunk <= (first + count - 1) / GC_CHUNK_PAGES; chunk++) {
		uint64_t bit = 1ull << (chunk % 64);

		if (heap->released[chunk / 64] & bit) {
			heap->released[chunk / 64] &= ~bit;
			heap->released_chunks--;
		}
	}
}

/* First free page at or after `page`, pages_top if none. */
static uint32_t next_free(const struct gc_heap *heap, uint32_t page)
{
	while (page < heap->pages_top) {
		uint64_t word = heap->free_map[page / 64] >> (page % 64);

		if (word) {
			page += (uint32_t)__builtin_ctzll(word);
			return page < heap->pages_top ? page : heap->pages_top;
		}
		page = (page / 64 + 1) * 64;
	}
	return heap->pages_top;
}

/* Lowest run of `count` free pages, 0 if none. `tail` gets the length of the free run that ends at the top. */
static uint32_t run_find(struct gc_heap *heap, uint32_t count, uint32_t *tail)
{
	uint32_t page = next_free(heap, heap->free_hint);

	heap->free_hint = page;
	*tail = 0;
	while (page < heap->pages_top) {
		uint32_t end = page + 1;

		while (end < heap->pages_top && end - page < count && page_free(heap, end))
			end++;
		if (end - page == count)
			return page;
		if (end == heap->pages_top) {
			*tail = end - page;
			return 0;
		}
		page = next_free(heap, end);
	}
	return 0;
}

static void returned_fold(struct gc_heap *heap)
{
	uint32_t page;

	while ((page = gc_stack_pop(&heap->returned, returned_next, heap)))
		run_mark(heap, page, 1, true);
	while ((page = gc_stack_pop(&heap->returned_runs, returned_next, heap)))
		run_mark(heap, page, heap->spans[page].page_count, true);
}

/*
 * From HUGE_MIN_BYTES on marking is bound by address translation, and huge pages halve its time; below, the first touch
 * of a huge page costs a request more than translation ever does.
 */
static void huge_advise(struct gc_heap *heap, uint32_t top, uint32_t step)
{
	uint64_t before = (uint64_t)top << GC_PAGE_SHIFT, after = (uint64_t)(top + step) << GC_PAGE_SHIFT;
	uint64_t from = before < HUGE_MIN_BYTES ? 0 : before;

	if (after < HUGE_MIN_BYTES)
		return;
	gc_os_huge((char *)heap->base + from, after - from, true);
	if (from)
		return;
	gc_os_huge(heap->bits[0], table_bytes(heap->pages_max, GC_PAGE_BIT_WORDS * 8), true);
	gc_os_huge(heap->bits[1], table_bytes(heap->pages_max, GC_PAGE_BIT_WORDS * 8), true);
}

/* Commit enough above the top for a run of `count`, of which `tail` pages are there. */
static bool grow(struct gc_heap *heap, uint32_t count, uint32_t tail)
{
	uint32_t more = count - tail;
	uint32_t top = heap->pages_top;
	uint32_t step = more > GROW_PAGES ? more : GROW_PAGES;

	if (top + (uint64_t)step > heap->pages_max)
		step = more;
	if (top + (uint64_t)step > heap->pages_max)
		return false;
	if (gc_os_commit(gc_page_address(heap, top), (uint64_t)step << GC_PAGE_SHIFT) < 0)
		return false;
	huge_advise(heap, top, step);
	gc_set(&heap->pages_top, top + step);
	run_mark(heap, top, step, true);
	PROBE_FIRE(gc_grow, (uint64_t)step << GC_PAGE_SHIFT, (uint64_t)(top + step) << GC_PAGE_SHIFT);
	return true;
}

uint32_t gc_pages_ahead(struct gc_heap *heap, uint32_t first, uint32_t count)
{
	if (first + count > heap->pages_top)
		grow(heap, first + count - heap->pages_top, 0);
	if (first >= heap->pages_top)
		return 0;
	return first + count < heap->pages_top ? count : heap->pages_top - first;
}

/* Would the run take memory from the system? */
static bool needs_memory(const struct gc_heap *heap, uint32_t page, uint32_t count)
{
	uint32_t chunk = page / GC_CHUNK_PAGES;

	return page + count > heap->pages_touched || heap->released[chunk / 64] >> (chunk % 64) & 1;
}

uint32_t gc_pages_take(struct gc_heap *heap, uint32_t count, bool *zero)
{
	uint32_t page = count == 1 ? gc_stack_pop(&heap->returned, returned_next, heap) : 0;
	uint32_t tail;

	*zero = false;
	if (page)
		return page;
	gc_lock(&heap->pages_lock);
	returned_fold(heap);
	page = run_find(heap, count, &tail);
	if (!page && grow(heap, count, tail))
		page = run_find(heap, count, &tail);
	if (page && needs_memory(heap, page, count) && !gc_limit_allows(heap, count))
		page = 0;
	if (page) {
		run_mark(heap, page, count, false);
		if (heap->released_chunks)
			run_unrelease(heap, page, count);
		*zero = page >= heap->pages_touched;
		if (page + count > heap->pages_touched) {
			uint32_t from = *zero ? page : heap->pages_touched;

			heap->pages_touched = page + count;
			gc_prefault_used(heap, from, page + count - from);
		}
	}
	gc_unlock(&heap->pages_lock);
	return page;
}

void gc_pages_give(struct gc_heap *heap, uint32_t first, uint32_t count)
{
	gc_stack_push(count == 1 ? &heap->returned : &heap->returned_runs, first, returned_next(heap, first));
}

/* ----------------------------------------------------------------- chunks */

static bool chunk_free_with_memory(const struct gc_heap *heap, uint32_t chunk)
{
	uint32_t first = chunk * GC_CHUNK_PAGES;
	uint64_t mask = (1ull << GC_CHUNK_PAGES) - 1;

	if (heap->released[chunk / 64] >> (chunk % 64) & 1)
		return false;
	return (heap->free_map[first / 64] >> (first % 64) & mask) == mask;
}

uint32_t gc_pages_borrow_chunk(struct gc_heap *heap, uint32_t keep_pages)
{
	uint32_t first = 0;

	gc_lock(&heap->pages_lock);
	returned_fold(heap);
	/* From the top down: allocation takes the lowest pages first. */
	for (uint32_t chunk = heap->pages_touched / GC_CHUNK_PAGES; chunk-- > 0 && !first;) {
		if (heap->free_pages - heap->released_chunks * GC_CHUNK_PAGES <= keep_pages + GC_CHUNK_PAGES)
			break;
		if (chunk_free_with_memory(heap, chunk))
			first = chunk * GC_CHUNK_PAGES;
	}
	if (first)
		run_mark(heap, first, GC_CHUNK_PAGES, false);
	gc_unlock(&heap->pages_lock);
	return first;
}

void gc_pages_return_chunk(struct gc_heap *heap, uint32_t first)
{
	uint32_t chunk = first / GC_CHUNK_PAGES;

	gc_lock(&heap->pages_lock);
	heap->released[chunk / 64] |= 1ull << (chunk % 64);
	heap->released_chunks++;
	run_mark(heap, first, GC_CHUNK_PAGES, true);
	gc_unlock(&heap->pages_lock);
}
