/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: the owner of the area's pages. Runs of free pages are found in a bitmap, lowest first, under pages_lock, which mutators
 * and the coordinator take. Whoever sweeps gives pages back without a lock (stacks of numbers), so a polite
 * thread never stands in a mutator's way; the stacks are folded into the bitmap by the next one who looks for room.
 */
#ifndef MEMLAB_HEAP_PAGE_H
#define MEMLAB_HEAP_PAGE_H

#include "heap.h"

int gc_pages_init(struct gc_heap *heap);
void gc_pages_destroy(struct gc_heap *heap);
/* First page of a run, 0 if there is no memory. `zero`: never used before, so it reads as zero. */
uint32_t gc_pages_take(struct gc_heap *heap, uint32_t count, bool *zero);
/* The span's page entries must be cleared already. */
void gc_pages_give(struct gc_heap *heap, uint32_t first, uint32_t count);

/* For prefault: up to `count` pages from `first` on that are committed, after an attempt to commit them. Under pages_lock. */
uint32_t gc_pages_ahead(struct gc_heap *heap, uint32_t first, uint32_t count);

/* 2 MiB, aligned. */
#define GC_CHUNK_PAGES (GC_OS_HUGE_BYTES / GC_PAGE_BYTES)
/* Take a free chunk that has memory, if more than keep_pages are free; 0 if none. For the scavenger. */
uint32_t gc_pages_borrow_chunk(struct gc_heap *heap, uint32_t keep_pages);
/* It has no memory any more. */
void gc_pages_return_chunk(struct gc_heap *heap, uint32_t first);

#endif
