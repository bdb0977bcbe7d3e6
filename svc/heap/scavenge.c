/* SPDX-License-Identifier: Apache-2.0 */
/* scavenge: see scavenge.h. */
#include "scavenge.h"

#include "page.h"

bool gc_scavenge_step(struct gc_heap *heap, uint64_t keep_bytes)
{
	uint32_t first = gc_pages_borrow_chunk(heap, (uint32_t)(keep_bytes >> GC_PAGE_SHIFT));
	/* Under a limit what counts is resident memory: it has to go at once. */
	bool lazy = heap->lazy_return && gc_get_relaxed(&heap->memory_limit) == GC_LIMIT_OFF;

	if (!first)
		return false;
	gc_os_discard(gc_page_address(heap, first), (uint64_t)GC_CHUNK_PAGES << GC_PAGE_SHIFT, lazy);
	gc_pages_return_chunk(heap, first);
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
