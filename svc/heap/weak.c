/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weak: embedders that keep addresses of objects without keeping the objects alive. They are asked once in each cycle, when
 * all marks are there (no mutator marks or is marked for any more) and none is used yet: after mark-off, before the flip.
 */
#include "mark.h"

void gc_on_marked(struct gc_heap *heap, void (*call)(struct gc_heap *heap, void *context), void *context)
{
	heap->on_marked_context = context;
	gc_set(&heap->on_marked, call);
}

void gc_weak_judge(struct gc_heap *heap)
{
	void (*call)(struct gc_heap *, void *) = gc_get(&heap->on_marked);

	if (call)
		call(heap, heap->on_marked_context);
}

bool gc_will_live(struct gc_heap *heap, const void *p)
{
	return gc_marked(heap, p, heap->gen + 1);
}

uint64_t gc_cycle_number(const struct gc_heap *heap)
{
	return gc_get(&heap->cycle);
}
