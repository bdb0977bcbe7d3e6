/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison: makes the use of freed memory fail at once. Torture builds fill what is freed with a pattern;
 * AddressSanitizer builds tell the sanitizer what is not an object. Nothing in release builds.
 * Called by the owner of a span, on slots nobody can see.
 */
#ifndef MEMLAB_HEAP_POISON_H
#define MEMLAB_HEAP_POISON_H

#include "heap.h"

#define GC_POISON_BYTE 0xdb
#define GC_POISON_WORD 0xdbdbdbdbdbdbdbdbull

#if defined(GC_TORTURE) || defined(__SANITIZE_ADDRESS__)

void gc_poison(void *p, size_t bytes);
void gc_unpoison(void *p, size_t bytes);
void gc_poison_span(struct gc_heap *heap, uint32_t page);
void gc_poison_pages(struct gc_heap *heap, uint32_t page, uint32_t count);
/* The slots whose allocation bit of `gen` is 0. */
void gc_poison_dead(struct gc_heap *heap, uint32_t page, uint32_t gen);

void gc_unpoison_slots(const struct gc_cache *cache, uint64_t slots);
/* The slots a cache did not use. */
void gc_poison_unused(struct gc_heap *heap, const struct gc_cache *cache);

#else

static inline void gc_unpoison_slots(const struct gc_cache *cache, uint64_t slots)
{
	(void)cache, (void)slots;
}

static inline void gc_poison_unused(struct gc_heap *heap, const struct gc_cache *cache)
{
	(void)heap, (void)cache;
}

static inline void gc_poison(void *p, size_t bytes)
{
	(void)p, (void)bytes;
}

static inline void gc_unpoison(void *p, size_t bytes)
{
	(void)p, (void)bytes;
}

static inline void gc_poison_span(struct gc_heap *heap, uint32_t page)
{
	(void)heap, (void)page;
}

static inline void gc_poison_pages(struct gc_heap *heap, uint32_t page, uint32_t count)
{
	(void)heap, (void)page, (void)count;
}

static inline void gc_poison_dead(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	(void)heap, (void)page, (void)gen;
}

#endif
#endif
