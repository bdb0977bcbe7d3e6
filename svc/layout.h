/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layout of the index must be able to do. A layout keeps its collected memory behind `root`, one reference
 * that the store registers as a global root, and everything else behind `state`.
 */
#ifndef MEMLAB_SVC_LAYOUT_H
#define MEMLAB_SVC_LAYOUT_H

#include "store.h"

struct store {
	struct gc_heap *heap;
	const struct layout *layout;
	void *root;  /* written with gc_store while building, constant after */
	void *state; /* the layout's own, not collected */
	uint64_t count, capacity;
};

struct layout {
	/* [safepoint] Build everything; on error the store destroys what is there. */
	int (*build)(struct store *store, struct gc_mutator *m, const struct store_config *config);
	bool (*find)(const struct store *store, uint64_t id, struct record_view *view);
	void (*destroy)(struct store *store); /* may be NULL */
};

extern const struct layout layout_map;

#endif
