/* SPDX-License-Identifier: Apache-2.0 */
/* region: see region.h. */
#include "region.h"

#include <stdlib.h>

#include "verify.h"

#define BYTES_MAX_DEFAULT (64ull << 20)

struct gc_region *gc_region_new(struct gc_heap *heap, const struct gc_region_config *config)
{
	struct gc_region *region = calloc(1, sizeof(*region));

	if (!region)
		return NULL;
	region->heap = heap;
	region->config = *config;
	region->config.debug |= heap->region_debug;
	if (!region->config.bytes_max)
		region->config.bytes_max = BYTES_MAX_DEFAULT;
	if (gc_arena_open(&region->arena, region->config.bytes_max))
		return region;
	free(region);
	return NULL;
}

void *gc_region_alloc(struct gc_region *region, size_t bytes)
{
	return gc_arena_alloc(&region->arena, bytes);
}

size_t gc_region_used_bytes(const struct gc_region *region)
{
	return region->arena.used_bytes;
}

/* The region's memory is closed, and the oldest that is closed is let go. */
static void region_move(struct gc_region *region)
{
	struct gc_arena *oldest = &region->closed[region->resets++ % GC_REGION_CLOSED];

	gc_arena_close(oldest);
	gc_os_close(region->arena.base, region->arena.bytes_max);
	*oldest = region->arena;
	if (!gc_arena_open(&region->arena, region->config.bytes_max))
		gc_fatal("region \"%s\": no address space for debug mode", region->config.name);
}

static void reset_debug(struct gc_region *region, struct gc_mutator *m, const char *place)
{
	char *base = region->arena.base;
	unsigned found;

	if (!region->arena.used_bytes)
		return;
	found = gc_references_into(region->heap, m, base, region->arena.used_bytes, stderr);
	if (found)
		gc_fatal("region \"%s\": %u references into it outlive its reset at %s", region->config.name, found, place);
	region_move(region);
}

void gc_region_reset_at(struct gc_mutator *m, struct gc_region *region, const char *place)
{
	if (__builtin_expect(region->config.debug, 0))
		reset_debug(region, m, place);
	else
		gc_arena_reset(&region->arena, region->config.keep_bytes ? region->config.keep_bytes : SIZE_MAX);
}

void gc_region_free(struct gc_region *region)
{
	if (!region)
		return;
	for (unsigned i = 0; i < GC_REGION_CLOSED; i++)
		gc_arena_close(&region->closed[i]);
	gc_arena_close(&region->arena);
	free(region);
}
