/* SPDX-License-Identifier: Apache-2.0 */
/* The index: chooses the layout, feeds it, owns the global root. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

#include "layout.h"

#define PROGRESS_STEP 0x1fff

const char *const layout_names[LAYOUT_COUNT] = {"map", "flat", "offheap"};
static const struct layout *const layouts[LAYOUT_COUNT] = {&layout_map, &layout_flat, &layout_offheap};

static void report(const struct store_config *config, uint64_t done, uint64_t count)
{
	if (config->progress && ((done & PROGRESS_STEP) == 0 || done == count))
		config->progress(config->context, done, count);
}

static int load_all(struct store *store, const struct loading *loading)
{
	const struct store_config *config = loading->config;
	struct dataset_record record;
	struct record_view view;
	int status = store->layout->open(store, loading);
	if (status)
		return status;
	for (uint64_t done = 0; (status = dataset_source_next(config->source, &record)) > 0;) {
		record_view_of(&record, &view);
		store->layout->add(store, loading, &view);
		report(config, ++done, store->count);
	}
	return status;
}

static int load(struct store *store, struct gc_mutator *m, const struct store_config *config)
{
	struct loading loading = {.config = config, .m = m};
	if (config->intern) {
		loading.intern = intern_create();
		if (!loading.intern)
			return -ENOMEM;
	}
	int error = load_all(store, &loading);
	intern_destroy(loading.intern);
	return error;
}

int store_create(struct gc_heap *heap, struct gc_mutator *m, const struct store_config *config, struct store **result)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->heap = heap;
	store->layout = layouts[config->layout];
	store->form = &record_forms[config->form];
	store->count = dataset_source_count(config->source);
	store->capacity = layout_capacity(store->count);
	int error = gc_root_add(heap, &store->root, 1);
	if (error) {
		free(store);
		return error;
	}
	error = load(store, m, config);
	if (error) {
		store_destroy(store);
		return error;
	}
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
