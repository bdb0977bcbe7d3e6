/* SPDX-License-Identifier: Apache-2.0 */
/* arena: see arena.h. */
#include "arena.h"

#include <stdlib.h>

#include "os.h"

bool gc_arena_open(struct gc_arena *arena, size_t bytes_max)
{
	size_t bytes;

	*arena = (struct gc_arena){0};
	if (__builtin_add_overflow(bytes_max, GC_OS_PAGE_BYTES - 1, &bytes) || !bytes_max)
		return false;
	arena->bytes_max = bytes & ~(size_t)(GC_OS_PAGE_BYTES - 1);
	arena->base = gc_os_reserve(arena->bytes_max, true);
	return arena->base != NULL;
}

void gc_arena_close(struct gc_arena *arena)
{
	gc_os_release(arena->base, arena->bytes_max);
}

struct gc_arena *gc_arena_new(size_t bytes_max)
{
	struct gc_arena *arena = malloc(sizeof(*arena));

	if (arena && gc_arena_open(arena, bytes_max))
		return arena;
	free(arena);
	return NULL;
}

void *gc_arena_alloc(struct gc_arena *arena, size_t bytes)
{
	size_t from = (arena->used_bytes + GC_ARENA_ALIGN - 1) & ~(size_t)(GC_ARENA_ALIGN - 1);

	if (from > arena->bytes_max || bytes > arena->bytes_max - from)
		return NULL;
	arena->used_bytes = from + bytes;
	if (arena->used_bytes > arena->touched_bytes)
		arena->touched_bytes = arena->used_bytes;
	return arena->base + from;
}

size_t gc_arena_used_bytes(const struct gc_arena *arena)
{
	return arena->used_bytes;
}

void gc_arena_reset(struct gc_arena *arena, size_t keep_bytes)
{
	size_t keep = keep_bytes > arena->bytes_max ? arena->bytes_max
						    : (keep_bytes + GC_OS_PAGE_BYTES - 1) & ~(size_t)(GC_OS_PAGE_BYTES - 1);

	if (arena->touched_bytes > keep) {
		gc_os_discard(arena->base + keep, arena->touched_bytes - keep, false);
		arena->touched_bytes = keep;
	}
	arena->used_bytes = 0;
}

void gc_arena_free(struct gc_arena *arena)
{
	if (arena)
		gc_arena_close(arena);
	free(arena);
}
