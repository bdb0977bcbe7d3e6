/* SPDX-License-Identifier: Apache-2.0 */
/* Culprits: see culprit.h. */
#include "culprit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int culprits_init(struct culprits *culprits)
{
	*culprits = (struct culprits){.count = 2};
	culprits->entries = calloc(CULPRIT_LIMIT, sizeof(*culprits->entries));
	return culprits->entries ? 0 : -ENOMEM;
}

void culprits_free(struct culprits *culprits)
{
	free(culprits->entries);
	map_free(&culprits->by_tid);
	*culprits = (struct culprits){0};
}

uint32_t culprit_number(struct culprits *culprits, uint32_t tid)
{
	if (tid == 0)
		return CULPRIT_IDLE;
	struct culprit_entry *entry = map_get(&culprits->by_tid, tid);
	if (entry)
		return (uint32_t)(entry - culprits->entries);
	if (culprits->count == CULPRIT_LIMIT)
		return CULPRIT_NOBODY;
	entry = &culprits->entries[culprits->count];
	if (map_put(&culprits->by_tid, tid, entry) < 0)
		return CULPRIT_NOBODY;
	entry->culprit.tid = tid;
	entry->culprit.comm[0] = '?';
	return culprits->count++;
}

uint32_t culprit_named(struct culprits *culprits, uint32_t tid, const char comm[16])
{
	uint32_t number = culprit_number(culprits, tid);

	if (number > CULPRIT_IDLE && comm[0]) {
		memcpy(culprits->entries[number].culprit.comm, comm, 16);
		culprits->entries[number].culprit.comm[15] = 0;
	}
	return number;
}

uint32_t culprits_greatest(const struct culprits *culprits, struct culprit out[CULPRIT_COUNT])
{
	uint32_t count = 0;

	for (uint32_t i = CULPRIT_IDLE + 1; i < culprits->count; i++) {
		const struct culprit *culprit = &culprits->entries[i].culprit;
		uint32_t at = count;
		if (culprit->ns == 0)
			continue;
		for (; at > 0 && out[at - 1].ns < culprit->ns; at--)
			if (at < CULPRIT_COUNT)
				out[at] = out[at - 1];
		if (at < CULPRIT_COUNT) {
			out[at] = *culprit;
			count += count < CULPRIT_COUNT;
		}
	}
	return count;
}
