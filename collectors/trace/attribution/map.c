/* SPDX-License-Identifier: Apache-2.0 */
/* Map: see map.h. */
#include "map.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t map_home(const struct map *map, uint64_t key)
{
	/* Fibonacci hashing: kernel addresses differ in their middle bits. */
	return (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (map->capacity - 1);
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t map_find(const struct map *map, uint64_t key)
{
	uint32_t slot = map_home(map, key);

	while (map->slots[slot].value && map->slots[slot].key != key)
		slot = (slot + 1) & (map->capacity - 1);
	return slot;
}

void *map_get(const struct map *map, uint64_t key)
{
	return map->capacity ? map->slots[map_find(map, key)].value : NULL;
}

static int map_grow(struct map *map)
{
	uint32_t capacity = map->capacity ? 2 * map->capacity : 64;
	struct map bigger = {.slots = calloc(capacity, sizeof(*bigger.slots)), .capacity = capacity};

	if (!bigger.slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < map->capacity; i++)
		if (map->slots[i].value)
			bigger.slots[map_find(&bigger, map->slots[i].key)] = map->slots[i];
	bigger.count = map->count;
	free(map->slots);
	*map = bigger;
	return 0;
}

int map_put(struct map *map, uint64_t key, void *value)
{
	if (2 * (map->count + 1) > map->capacity && map_grow(map) < 0)
		return -ENOMEM;
	struct map_slot *slot = &map->slots[map_find(map, key)];
	map->count += !slot->value;
	*slot = (struct map_slot){key, value};
	return 0;
}

void map_remove(struct map *map, uint64_t key)
{
	if (!map_get(map, key))
		return;
	uint32_t mask = map->capacity - 1, hole = map_find(map, key);
	for (uint32_t next = (hole + 1) & mask; map->slots[next].value; next = (next + 1) & mask) {
		/* A follower may fill the hole if its home does not lie between the two. */
		if (((next - map_home(map, map->slots[next].key)) & mask) < ((next - hole) & mask))
			continue;
		map->slots[hole] = map->slots[next];
		hole = next;
	}
	map->slots[hole].value = NULL;
	map->count--;
}

void map_free(struct map *map)
{
	free(map->slots);
	*map = (struct map){0};
}
