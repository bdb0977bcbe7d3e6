/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roots: global roots and handles.
 *
 * A global root is written with gc_store, whose deletion part protects what a mutator loaded from it. Removing one
 * is a deletion without a mutator: its values become *orphans*, which the running or next cycle scans. A root added
 * while marking is scanned before marking can end (roots_version).
 *
 * A handle needs no barrier when it is freed, by whatever thread: gc_handle_get shades what it returns while marking,
 * so a value somebody took out of a handle does not depend on the handle any more.
 * Handles lie in blocks that are never unmapped while the heap lives; a free slot holds NULL.
 */
#ifndef MEMLAB_HEAP_ROOTS_H
#define MEMLAB_HEAP_ROOTS_H

#include "heap.h"

#define GC_HANDLES_PER_BLOCK 255

struct gc_handle_block {
	struct gc_handle_block *next;
	struct gc_handle handles[GC_HANDLES_PER_BLOCK];
};

typedef void gc_root_visitor(void *argument, void *reference);

/* Every value of a global root, orphan or handle. Takes roots_lock. */
void gc_roots_visit(struct gc_heap *heap, gc_root_visitor *visitor, void *argument);
/* Grey everything of the above; the version scanned. */
uint32_t gc_roots_scan(struct gc_heap *heap);
uint32_t gc_roots_version(struct gc_heap *heap);
/* The cycle is over: orphans have had their time. */
void gc_orphans_drop(struct gc_heap *heap, uint32_t version);
void gc_roots_destroy(struct gc_heap *heap);

#endif
