/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layout of the index must be able to do. A layout keeps its collected memory behind `root`, one reference
 * that the store registers as a global root, and everything else behind `state`.
 */
#ifndef MEMLAB_SVC_LAYOUT_H
#define MEMLAB_SVC_LAYOUT_H

#include "intern.h"
#include "store.h"

struct store {
	struct gc_heap *heap;
	const struct layout *layout;
	const struct record_form *form;
	void *root;  /* written with gc_store while building, constant after */
	void *state; /* the layout's own, not collected */
	uint64_t count;
	uint64_t capacity; /* slots of the hash table */
};

/* What is needed while building only. */
struct loading {
	const struct store_config *config;
	struct gc_mutator *m;
	struct intern *intern; /* NULL: every string is stored where it occurs */
};

struct layout {
	/* [safepoint] Room for all records. On error the store destroys what is there. */
	int (*open)(struct store *store, const struct loading *loading);
	/* [safepoint] The records one by one. */
	void (*add)(struct store *store, const struct loading *loading, const struct record_view *record);
	bool (*find)(const struct store *store, uint64_t id, struct record_view *view);
	void (*destroy)(struct store *store); /* may be NULL */
};

extern const struct layout layout_map, layout_flat, layout_offheap;

/* ----------------------------------------- the hash table all layouts use */

/* Three quarters full, linear probing. Ids are dense; a multiplication scatters them, its high half is the slot. */
static inline uint64_t layout_capacity(uint64_t count)
{
	return count + count / 3 + 1;
}

static inline uint64_t layout_home(const struct store *store, uint64_t id)
{
	uint64_t hash = (id ^ (id >> 32)) * 0x9e3779b97f4a7c15u;
	return (uint64_t)(((unsigned __int128)hash * store->capacity) >> 64);
}

static inline uint64_t layout_next(const struct store *store, uint64_t slot)
{
	return slot + 1 < store->capacity ? slot + 1 : 0;
}

#endif
