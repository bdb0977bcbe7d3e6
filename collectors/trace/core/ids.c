/* SPDX-License-Identifier: Apache-2.0 */
#include "ids.h"

#include <stdlib.h>

static size_t ids_slot(const struct ids *ids, uint64_t key)
{
	size_t slot = (size_t)(key * 0x9e3779b97f4a7c15u >> 24) & (ids->room - 1);
	while (ids->values[slot] && ids->keys[slot] != key)
		slot = (slot + 1) & (ids->room - 1);
	return slot;
}

static int ids_double(struct ids *ids)
{
	struct ids grown = {.room = ids->room ? 2 * ids->room : 256, .count = ids->count};
	grown.keys = calloc(grown.room, sizeof(*grown.keys));
	grown.values = calloc(grown.room, sizeof(*grown.values));
	if (!grown.keys || !grown.values) {
		free(grown.keys);
		free(grown.values);
		return -1;
	}
	for (size_t i = 0; i < ids->room; i++) {
		if (!ids->values[i])
			continue;
		size_t slot = ids_slot(&grown, ids->keys[i]);
		grown.keys[slot] = ids->keys[i];
		grown.values[slot] = ids->values[i];
	}
	free(ids->keys);
	free(ids->values);
	*ids = grown;
	return 0;
}

uint32_t ids_get(struct ids *ids, uint64_t key, int *is_new)
{
	*is_new = 0;
	if (2 * (size_t)(ids->count + 1) > ids->room && ids_double(ids))
		return 0;
	size_t slot = ids_slot(ids, key);
	if (!ids->values[slot]) {
		ids->keys[slot] = key;
		ids->values[slot] = ++ids->count;
		*is_new = 1;
	}
	return ids->values[slot];
}

void ids_free(struct ids *ids)
{
	free(ids->keys);
	free(ids->values);
	*ids = (struct ids){0};
}
