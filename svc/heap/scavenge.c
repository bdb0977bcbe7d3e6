/* SPDX-License-Identifier: Apache-2.0 */
/* scavenge: see scavenge.h. */
#include "scavenge.h"

#include "limit.h"
#include "page.h"

#define REST_FACTOR 100         /* a step rests so many times what it took: 1 % of a CPU */
#define REST_MIN_NS 10000000u
#define PEAK_DECAY 4            /* part of the way from the peak to what is used now, per full cycle */
#define KEEP_EXTRA 10           /* a tenth more than was used */
#define LIMIT_GAP 64            /* part of the limit below it, down to which memory is returned at once */

/* Return one chunk if more than keep_bytes are free; false if there is nothing to return. */
static bool step(struct gc_heap *heap, uint64_t keep)
{
	uint64_t cpu = gc_os_thread_cpu_ns();
	uint32_t first = gc_pages_borrow_chunk(heap, (uint32_t)(keep >> GC_PAGE_SHIFT));
	/* Under a limit what counts is resident memory: it has to go at once. */
	bool lazy = heap->lazy_return && gc_get_relaxed(&heap->memory_limit) == GC_LIMIT_OFF;

	if (!first)
		return false;
	gc_os_discard(gc_page_address(heap, first), (uint64_t)GC_CHUNK_PAGES << GC_PAGE_SHIFT, lazy);
	gc_pages_return_chunk(heap, first);
	gc_add(&heap->counters.scavenge_cpu_ns, gc_os_thread_cpu_ns() - cpu);
	PROBE_FIRE(gc_scavenge, (uint64_t)GC_CHUNK_PAGES << GC_PAGE_SHIFT, gc_get_relaxed(&heap->live_bytes));
	return true;
}

uint64_t gc_resident_bytes(struct gc_heap *heap)
{
	uint64_t pages;

	gc_lock(&heap->pages_lock);
	pages = heap->pages_touched - (uint64_t)heap->released_chunks * GC_CHUNK_PAGES;
	gc_unlock(&heap->pages_lock);
	return pages * (GC_PAGE_BYTES + sizeof(struct gc_page) + sizeof(struct gc_span) + 2 * GC_PAGE_BIT_WORDS * 8);
}

/* Free memory that the next cycles use again, as far as the last ones tell. */
static uint64_t keep_bytes(struct gc_heap *heap)
{
	uint64_t goal = gc_get_relaxed(&heap->goal_bytes), live = gc_get_relaxed(&heap->live_bytes);
	uint64_t most = heap->peak_bytes;

	if (goal == UINT64_MAX)
		return UINT64_MAX;
	most = goal > most ? goal : most;
	most += most / KEEP_EXTRA;
	return most > live ? most - live : 0;
}

static bool over_limit(struct gc_heap *heap, uint64_t gap)
{
	uint64_t limit = gc_get_relaxed(&heap->memory_limit);

	return limit != GC_LIMIT_OFF && gc_resident_bytes(heap) + gc_get_relaxed(&heap->other_bytes) > limit - gap;
}

void gc_scavenge_after_cycle(struct gc_heap *heap, uint64_t used_bytes)
{
	uint64_t limit = gc_get_relaxed(&heap->memory_limit), gap = limit / LIMIT_GAP;

	if (used_bytes > heap->peak_bytes)
		heap->peak_bytes = used_bytes;
	else if (!heap->minor)
		heap->peak_bytes -= (heap->peak_bytes - used_bytes) / PEAK_DECAY;
	if (!over_limit(heap, 0))
		return;
	while (over_limit(heap, gap) && !gc_get(&heap->ending))
		if (!step(heap, 0))
			break;
}

uint64_t gc_scavenge_background(struct gc_heap *heap)
{
	uint64_t begin = gc_os_now_ns(), keep = keep_bytes(heap), rest;

	if (begin < heap->scavenge_ns)
		return heap->scavenge_ns - begin;
	if (keep == UINT64_MAX || !step(heap, keep))
		return 0;
	rest = (gc_os_now_ns() - begin) * REST_FACTOR;
	rest = rest > REST_MIN_NS ? rest : REST_MIN_NS;
	heap->scavenge_ns = begin + rest;
	return rest;
}
