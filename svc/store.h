/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: every record by its id, built once at start and read-only after. How it lies in memory is a layout
 * (layout.h): the same question, different cost for the collector.
 *
 * Built by one mutator; store_find may be called by any unparked mutator, without locks.
 */
#ifndef MEMLAB_SVC_STORE_H
#define MEMLAB_SVC_STORE_H

#include <stdbool.h>

#include "dataset/source.h"
#include "record.h"

struct store;

enum layout_id { LAYOUT_MAP, LAYOUT_FLAT, LAYOUT_OFFHEAP, LAYOUT_COUNT };
extern const char *const layout_names[LAYOUT_COUNT];

struct store_config {
	struct dataset_source *source; /* read to its end; not needed after */
	enum layout_id layout;
	enum record_form_id form;
	bool intern; /* one copy per distinct string */
	/* Called now and then while loading; may be NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t count);
	void *context;
};

/* [safepoint] -ENOMEM, -EBADMSG (see dataset_source_error). The store holds a global root until store_destroy. */
int store_create(struct gc_heap *heap, struct gc_mutator *m, const struct store_config *config, struct store **store);
void store_destroy(struct store *store);

/* False: no such record. */
bool store_find(const struct store *store, uint64_t id, struct record_view *view);

uint64_t store_count(const struct store *store);

#endif
