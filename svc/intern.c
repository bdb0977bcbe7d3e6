/* SPDX-License-Identifier: Apache-2.0 */
/* An open-addressed set of fixed size. */
#include "intern.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 65536u
#define STRINGS_MAX (SLOTS / 4 * 3)

struct intern {
	uint32_t count;
	struct slice slots[SLOTS]; /* bytes NULL: free */
};

struct intern *intern_create(void)
{
	return calloc(1, sizeof(struct intern));
}

void intern_destroy(struct intern *intern)
{
	free(intern);
}

/* FNV-1a. */
static uint32_t hash(struct slice string)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (uint32_t i = 0; i < string.length; i++)
		hash = (hash ^ (unsigned char)string.bytes[i]) * 0x100000001b3u;
	return (uint32_t)(hash >> 32) % SLOTS;
}

/* The string's slot, or the free one where it belongs. */
static uint32_t find_slot(const struct intern *intern, struct slice string)
{
	uint32_t slot = hash(string);
	for (;; slot = (slot + 1) % SLOTS) {
		const struct slice *there = &intern->slots[slot];
		if (!there->bytes)
			return slot;
		if (there->length == string.length && !memcmp(there->bytes, string.bytes, string.length))
			return slot;
	}
}

const char *intern_find(const struct intern *intern, struct slice string)
{
	return intern->slots[find_slot(intern, string)].bytes;
}

void intern_add(struct intern *intern, struct slice string)
{
	struct slice *slot = &intern->slots[find_slot(intern, string)];
	if (slot->bytes || intern->count == STRINGS_MAX)
		return;
	*slot = string;
	intern->count++;
}
