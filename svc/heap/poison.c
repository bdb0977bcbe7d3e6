/* SPDX-License-Identifier: Apache-2.0 */
/* poison: see poison.h. */
#include "poison.h"

#if defined(GC_TORTURE) || defined(__SANITIZE_ADDRESS__)

#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

void gc_poison(void *p, size_t bytes)
{
	ASAN_POISON_MEMORY_REGION(p, bytes);
}

void gc_unpoison(void *p, size_t bytes)
{
	ASAN_UNPOISON_MEMORY_REGION(p, bytes);
}

#else

void gc_poison(void *p, size_t bytes)
{
	memset(p, GC_POISON_BYTE, bytes);
}

void gc_unpoison(void *p, size_t bytes)
{
	(void)p, (void)bytes;
}

#endif

void gc_poison_span(struct gc_heap *heap, uint32_t page)
{
	gc_poison(gc_page_address(heap, page), GC_PAGE_BYTES);
}

void gc_poison_pages(struct gc_heap *heap, uint32_t page, uint32_t count)
{
	const struct gc_span *span = &heap->spans[page];

	gc_poison(gc_page_address(heap, page), span->object_bytes ? span->object_bytes : (uint64_t)count << GC_PAGE_SHIFT);
}

void gc_poison_dead(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	const struct gc_class *class = &gc_classes[heap->spans[page].class];
	const uint64_t *bits = gc_page_bits(heap, gen, page);

	for (uint32_t slot = 0; slot < class->slots; slot++)
		if (!(gc_get_relaxed(&bits[slot / 64]) >> (slot % 64) & 1))
			gc_poison(gc_page_address(heap, page) + (uint64_t)slot * class->slot_bytes, class->slot_bytes);
}

void gc_unpoison_slots(const struct gc_cache *cache, uint64_t slots)
{
	for (uint64_t left = slots; left; left &= left - 1)
		gc_unpoison(cache->base + (size_t)__builtin_ctzll(left) * cache->slot_bytes, cache->slot_bytes);
}

void gc_poison_unused(struct gc_heap *heap, const struct gc_cache *cache)
{
	(void)heap;
	for (uint64_t left = cache->free | cache->pending; left; left &= left - 1)
		gc_poison(cache->base + (size_t)__builtin_ctzll(left) * cache->slot_bytes, cache->slot_bytes);
}

#endif
