/* SPDX-License-Identifier: Apache-2.0 */
/* roots: see roots.h. */
#include "roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "mark.h"

/* Room for one more element in a vector. Under roots_lock, by the embedder's thread only. */
static bool vector_room(void **vector, unsigned count, unsigned *room, size_t size)
{
	unsigned more = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return true;
	grown = realloc(*vector, more * size);
	if (!grown)
		return false;
	*vector = grown;
	*room = more;
	return true;
}

int gc_root_add(struct gc_heap *heap, void *slots, size_t count)
{
	int error = 0;

	gc_lock(&heap->roots_lock);
	if (vector_room((void **)&heap->roots, heap->root_count, &heap->root_room, sizeof(struct gc_root))) {
		heap->roots[heap->root_count++] = (struct gc_root){.slots = slots, .count = count};
		heap->roots_version++;
	} else {
		error = -ENOMEM;
	}
	gc_unlock(&heap->roots_lock);
	return error;
}

static void orphan_add(struct gc_heap *heap, void *value)
{
	if (!gc_in_area(heap, value))
		return;
	if (!vector_room((void **)&heap->orphans, heap->orphan_count, &heap->orphan_room, sizeof(void *)))
		gc_fatal("out of memory while a root was removed");
	heap->orphans[heap->orphan_count++] = value;
	heap->roots_version++;
}

static void root_orphan(struct gc_heap *heap, unsigned i)
{
	for (size_t n = 0; n < heap->roots[i].count; n++)
		orphan_add(heap, gc_get(&heap->roots[i].slots[n]));
	heap->roots[i] = heap->roots[--heap->root_count];
}

void gc_root_remove(struct gc_heap *heap, void *slots)
{
	gc_lock(&heap->roots_lock);
	for (unsigned i = 0; i < heap->root_count; i++)
		if (heap->roots[i].slots == slots) {
			root_orphan(heap, i);
			break;
		}
	gc_unlock(&heap->roots_lock);
}

/* ----------------------------------------------------------------- handles */

static bool block_add(struct gc_heap *heap)
{
	struct gc_handle_block *block = calloc(1, sizeof(*block));

	if (!block)
		return false;
	block->next = heap->handle_blocks;
	heap->handle_blocks = block;
	for (unsigned i = 0; i < GC_HANDLES_PER_BLOCK; i++) {
		block->handles[i].next_free = heap->handles_free;
		heap->handles_free = &block->handles[i];
	}
	return true;
}

struct gc_handle *gc_handle_new(struct gc_mutator *m, void *p)
{
	struct gc_heap *heap = gc_full(m)->heap;
	struct gc_handle *handle = NULL;

	if (m->marking)
		gc_barrier_record(gc_full(m), p);
	gc_lock(&heap->roots_lock);
	if (heap->handles_free || block_add(heap)) {
		handle = heap->handles_free;
		heap->handles_free = handle->next_free;
		gc_set(&handle->value, p);
	}
	gc_unlock(&heap->roots_lock);
	return handle;
}

void *gc_handle_get(struct gc_mutator *m, const struct gc_handle *handle)
{
	void *p = gc_get(&handle->value);

	if (__builtin_expect(m->marking, 0))
		gc_barrier_record(gc_full(m), p);
	return p;
}

void gc_handle_free(struct gc_heap *heap, struct gc_handle *handle)
{
	if (!handle)
		return;
	gc_lock(&heap->roots_lock);
	gc_set(&handle->value, NULL);
	handle->next_free = heap->handles_free;
	heap->handles_free = handle;
	gc_unlock(&heap->roots_lock);
}

/* -------------------------------------------------------------------- scan */

void gc_roots_visit(struct gc_heap *heap, gc_root_visitor *visitor, void *argument)
{
	gc_lock(&heap->roots_lock);
	for (unsigned i = 0; i < heap->root_count; i++)
		for (size_t n = 0; n < heap->roots[i].count; n++)
			visitor(argument, gc_get(&heap->roots[i].slots[n]));
	for (unsigned i = 0; i < heap->orphan_count; i++)
		visitor(argument, heap->orphans[i]);
	for (struct gc_handle_block *block = heap->handle_blocks; block; block = block->next)
		for (unsigned i = 0; i < GC_HANDLES_PER_BLOCK; i++)
			visitor(argument, gc_get(&block->handles[i].value));
	gc_unlock(&heap->roots_lock);
}

struct batch {
	struct gc_heap *heap;
	unsigned count;
	void *entries[64];
};

static void batch_flush(struct batch *batch)
{
	if (batch->count)
		gc_grey_push(batch->heap, batch->entries, batch->count);
	batch->count = 0;
}

static void batch_add(void *argument, void *p)
{
	struct batch *batch = argument;

	if (!gc_in_area(batch->heap, p) || gc_marked(batch->heap, p, gc_get(&batch->heap->gen) + 1))
		return;
	if (batch->count == 64)
		batch_flush(batch);
	batch->entries[batch->count++] = (void *)gc_grey_entry(p);
}

uint32_t gc_roots_scan(struct gc_heap *heap)
{
	struct batch batch = {.heap = heap};
	uint32_t version = gc_roots_version(heap);

	gc_roots_visit(heap, batch_add, &batch);
	batch_flush(&batch);
	return version;
}

uint32_t gc_roots_version(struct gc_heap *heap)
{
	uint32_t version;

	gc_lock(&heap->roots_lock);
	version = heap->roots_version;
	gc_unlock(&heap->roots_lock);
	return version;
}

void gc_orphans_drop(struct gc_heap *heap, uint32_t version)
{
	gc_lock(&heap->roots_lock);
	if (heap->roots_version == version)
		heap->orphan_count = 0;
	gc_unlock(&heap->roots_lock);
}

void gc_roots_destroy(struct gc_heap *heap)
{
	struct gc_handle_block *block;

	while ((block = heap->handle_blocks)) {
		heap->handle_blocks = block->next;
		free(block);
	}
	free(heap->roots);
	free(heap->orphans);
}
