/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for keys: the first key seen gets 1, the next new one 2, and so on. One thread at a time.
 */
#ifndef MEMLAB_TRACE_IDS_H
#define MEMLAB_TRACE_IDS_H

#include <stddef.h>
#include <stdint.h>

/* All 0 is an empty set. */
struct ids {
	uint64_t *keys;
	uint32_t *values; /* 0: the slot is free */
	size_t room;      /* power of two */
	uint32_t count;
};

/* The key's number; *is_new tells whether it was made just now. 0 on lack of memory. */
uint32_t ids_get(struct ids *ids, uint64_t key, int *is_new);
void ids_free(struct ids *ids);

#endif
