/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map: from a 64-bit number (thread id, socket) to a pointer. Open addressing with
 * linear probing, at most half full; removal moves the followers back, so that there
 * are no tombstones. It does not own what it points to. One thread at a time.
 */
#ifndef MEMLAB_ATTRIBUTION_MAP_H
#define MEMLAB_ATTRIBUTION_MAP_H

#include <stdint.h>

struct map_slot {
	uint64_t key;
	void *value; /* NULL: free */
};

struct map {
	struct map_slot *slots;
	uint32_t capacity; /* a power of two, or 0 */
	uint32_t count;
};

void *map_get(const struct map *map, uint64_t key);
/* 0 or -ENOMEM; replaces what was there. `value` is not NULL. */
int map_put(struct map *map, uint64_t key, void *value);
void map_remove(struct map *map, uint64_t key);
void map_free(struct map *map);

/* Walks slots 0 to map->capacity - 1; NULL where the slot is free. Nothing may be put or removed meanwhile. */
static inline void *map_at(const struct map *map, uint32_t slot)
{
	return map->slots[slot].value;
}

#endif
