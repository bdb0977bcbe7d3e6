/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region: memory of one request, freed all at once: an arena that is reset, and a debug mode for what outlives the reset.
 *
 * Note [outlive]. Nothing in a region is collected, and nothing in it keeps a collected object alive. What can go wrong is a reference
 * into it that is still there after the reset. In debug mode a reset therefore stops the world and walks everything that is reachable
 * (roots, handles, pools, objects): whoever refers into the region is named, with the place of the reset, and the process ends. What
 * the heap cannot see (C stacks, registers, malloc) is caught when it is used: the old addresses are closed, and the region goes
 * on elsewhere. They are kept closed until as many resets have followed as GC_REGION_CLOSED.
 */
#ifndef MEMLAB_HEAP_REGION_H
#define MEMLAB_HEAP_REGION_H

#include "arena.h"
#include "heap.h"

#define GC_REGION_CLOSED 8u

struct gc_region {
	struct gc_heap *heap;
	struct gc_region_config config;
	struct gc_arena arena;
	struct gc_arena closed[GC_REGION_CLOSED]; /* debug: the last ones, without access */
	unsigned resets;
};

#endif
