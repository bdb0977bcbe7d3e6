/* SPDX-License-Identifier: Apache-2.0 */
/* The index: chooses the layout, owns the global root. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

#include "layout.h"

const char *const layout_names[LAYOUT_COUNT] = {[LAYOUT_MAP] = "map"};
static const struct layout *const layouts[LAYOUT_COUNT] = {[LAYOUT_MAP] = &layout_map};

int store_create(struct gc_heap *heap, struct gc_mutator *m, const struct store_config *config, struct store **result)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->heap = heap;
	store->layout = layouts[config->layout];
	store->count = config->count;
	int error = gc_root_add(heap, &store->root, 1);
	if (error) {
		free(store);
		return error;
	}
	error = store->layout->build(store, m, config);
	if (error) {
		store_destroy(store);
		return error;
	}
	if (config->progress)
		config->progress(config->context, store->count, store->count);
	*result = store;
	return 0;
}

void store_destroy(struct store *store)
{
	if (!store)
		return;
	if (store->layout->destroy)
		store->layout->destroy(store);
	gc_root_remove(store->heap, &store->root);
	free(store);
}

bool store_find(const struct store *store, uint64_t id, struct record_view *view)
{
	return id < store->count && store->layout->find(store, id, view);
}

uint64_t store_count(const struct store *store)
{
	return store->count;
}
