/* SPDX-License-Identifier: Apache-2.0 */
/* prefault: see prefault.h. */
#include "prefault.h"

#include "page.h"

#define AHEAD_PART 4 /* of what was ever used */

/* How far the memory should be there when so many pages are in use. */
static uint32_t ahead_of(uint32_t touched)
{
	uint32_t ahead = touched / AHEAD_PART;

	if (touched < GC_PREFAULT_MIN_PAGES)
		return 0;
	return touched + (ahead < GC_PREFAULT_MOST_PAGES ? ahead : GC_PREFAULT_MOST_PAGES);
}

void gc_prefault_wake(struct gc_heap *heap)
{
	gc_add(&heap->prefault_seq, 1);
	gc_os_wake(&heap->prefault_seq, 1);
}

void gc_prefault_used(struct gc_heap *heap, uint32_t first, uint32_t count)
{
	uint32_t ready = gc_get_relaxed(&heap->pages_ready), end = first + count;

	gc_add(&heap->counters.grown_pages, count);
	if (end > ready)
		gc_add(&heap->counters.grown_cold_pages, end - (first > ready ? first : ready));
	/* Half of what is ahead is gone. */
	if (heap->prefault && gc_get_relaxed(&heap->prefault_waits) && ahead_of(end) > ready &&
	    ahead_of(end) - ready > (ahead_of(end) - end) / 2)
		gc_prefault_wake(heap);
}

/* The next piece to touch; 0: none now. */
static uint32_t piece_next(struct gc_heap *heap, uint32_t *first)
{
	uint32_t count = 0, touched, want;

	if (gc_get_relaxed(&heap->memory_limit) != GC_LIMIT_OFF)
		return 0;
	gc_lock(&heap->pages_lock);
	touched = heap->pages_touched;
	want = ahead_of(touched);
	*first = gc_get_relaxed(&heap->pages_ready) > touched ? gc_get_relaxed(&heap->pages_ready) : touched;
	if (*first < want)
		count = gc_pages_ahead(heap, *first, want - *first < GC_CHUNK_PAGES ? want - *first : GC_CHUNK_PAGES);
	gc_unlock(&heap->pages_lock);
	return count;
}

void *gc_prefault_main(void *argument)
{
	struct gc_heap *heap = argument;

	while (!gc_get(&heap->ending)) {
		uint32_t seq = gc_get(&heap->prefault_seq), first, count = piece_next(heap, &first);

		if (!count) {
			gc_set(&heap->prefault_waits, 1);
			if (!gc_get(&heap->ending))
				gc_os_wait(&heap->prefault_seq, seq, 0);
			gc_set(&heap->prefault_waits, 0);
			continue;
		}
		PROBE_FIRE(gc_worker, gc_get_relaxed(&heap->cycle), 4);
		/* An old kernel, or no memory: mutators will see. */
		if (gc_os_touch(gc_page_address(heap, first), (uint64_t)count << GC_PAGE_SHIFT) < 0)
			break;
		gc_set_relaxed(&heap->pages_ready, first + count);
	}
	return NULL;
}
