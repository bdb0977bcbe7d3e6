/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefault: a thread that touches the memory into which the heap grows before an allocating thread does: a page fault costs a request
 * microseconds, a first huge page milliseconds. It stays ahead of what was ever used by a quarter of it, at most GC_PREFAULT_MOST_PAGES,
 * in calls of at most 2 MiB, and begins when a heap has GC_PREFAULT_MIN_PAGES: small ones have no use for it. Under a memory limit it
 * rests. Who is faster than the thread touches the memory himself, and is counted. Memory that was given back to
 * the system and is used again is not looked after.
 *
 * A thread of normal class: it takes pages_lock, which mutators want.
 */
#ifndef MEMLAB_HEAP_PREFAULT_H
#define MEMLAB_HEAP_PREFAULT_H

#include "heap.h"

#define GC_PREFAULT_MIN_PAGES 64u   /* 4 MiB */
#define GC_PREFAULT_MOST_PAGES 128u

void *gc_prefault_main(void *heap);
/* Pages [first, first + count) are used for the first time. Under pages_lock. */
void gc_prefault_used(struct gc_heap *heap, uint32_t first, uint32_t count);
/* The thread looks again: there is something to do, or the heap ends. */
void gc_prefault_wake(struct gc_heap *heap);

#endif
