/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory outside the heap, from mmap. A reserved range of addresses with a mark up to which it is used; the kernel backs what is
 * touched. The collector does not know it: a reference that lies here keeps nothing alive.
 * Owner thread only.
 */
#ifndef MEMLAB_HEAP_ARENA_H
#define MEMLAB_HEAP_ARENA_H

#include "gc.h"

#define GC_ARENA_ALIGN 16u

struct gc_arena {
	char *base;
	size_t bytes_max; /* whole pages */
	size_t used_bytes;
	size_t touched_bytes; /* used at most since memory was last given back */
};

/* As gc_arena_new, in place. False: no address space. */
bool gc_arena_open(struct gc_arena *arena, size_t bytes_max);
void gc_arena_close(struct gc_arena *arena);

#endif
