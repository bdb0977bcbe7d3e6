/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flat and offheap layouts: all records in one array, all strings in one text area, and a table of positions. No
 * references: strings are offsets. The three areas are three collected objects without references (flat: the
 * collector counts them and never looks inside), or memory that it does not know at all (offheap).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "layout.h"
#include "site.h"

enum area_id { AREA_RECORDS, AREA_TEXT, AREA_INDEX, AREA_COUNT };

struct area {
	char *bytes;
	uint64_t length;
};

/* Set while building, constant after. */
struct flat {
	struct area areas[AREA_COUNT];
	uint64_t records, text_used;
};

static struct flat *flat_of(const struct store *store)
{
	return store->state;
}

static uint32_t *positions(const struct flat *flat)
{
	return (uint32_t *)(void *)flat->areas[AREA_INDEX].bytes;
}

static int measure(struct store *store, const struct loading *loading)
{
	struct flat *flat = store->state = calloc(1, sizeof(*flat));
	if (!flat)
		return -ENOMEM;
	if (store->count >= UINT32_MAX)
		return -EFBIG;
	flat->areas[AREA_RECORDS].length = store->count * store->form->bytes;
	flat->areas[AREA_TEXT].length = dataset_source_text_bytes(loading->config->source);
	flat->areas[AREA_INDEX].length = store->capacity * sizeof(uint32_t);
	return 0;
}

static int flat_open(struct store *store, const struct loading *loading)
{
	struct gc_mutator *m = loading->m;
	int error = measure(store, loading);
	if (error)
		return error;
	struct area *areas = flat_of(store)->areas;
	gc_store(m, (char ***)&store->root, SITE_ALLOC_ARRAY(m, &gc_kind_refs, AREA_COUNT, load_areas));
	for (unsigned i = 0; i < AREA_COUNT; i++) {
		areas[i].bytes = SITE_ALLOC_BYTES(m, areas[i].length, load_area);
		gc_store(m, gc_load((char ***)&store->root) + i, areas[i].bytes);
	}
	memset(areas[AREA_INDEX].bytes, 0, areas[AREA_INDEX].length);
	return 0;
}

static int offheap_open(struct store *store, const struct loading *loading)
{
	int error = measure(store, loading);
	for (unsigned i = 0; i < AREA_COUNT && !error; i++) {
		struct area *area = &flat_of(store)->areas[i];
		void *bytes = mmap(NULL, area->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (bytes == MAP_FAILED)
			error = -errno;
		else
			area->bytes = bytes;
	}
	return error;
}

/* The offset of a copy, in the place of a pointer. */
static struct slice keep(struct flat *flat, struct intern *intern, struct slice from, bool repeats)
{
	char *text = flat->areas[AREA_TEXT].bytes;
	const char *known = intern && repeats ? intern_find(intern, from) : NULL;
	if (!known) {
		known = memcpy(text + flat->text_used, from.bytes, from.length);
		flat->text_used += from.length;
		if (intern && repeats)
			intern_add(intern, (struct slice){known, from.length});
	}
	return (struct slice){(const char *)(uintptr_t)(known - text), from.length};
}

static char *record_at(const struct store *store, uint64_t position)
{
	return flat_of(store)->areas[AREA_RECORDS].bytes + position * store->form->bytes;
}

static void flat_add(struct store *store, const struct loading *loading, const struct record_view *from)
{
	struct flat *flat = flat_of(store);
	struct record_view view = *from;
	view.name = keep(flat, loading->intern, from->name, true);
	view.country = keep(flat, loading->intern, from->country, true);
	view.city = keep(flat, loading->intern, from->city, true);
	view.plan = keep(flat, loading->intern, from->plan, true);
	view.payload = keep(flat, loading->intern, from->payload, false);
	store->form->write(NULL, record_at(store, flat->records), &view);
	uint64_t slot = layout_home(store, view.id);
	while (positions(flat)[slot])
		slot = layout_next(store, slot);
	positions(flat)[slot] = (uint32_t)++flat->records; /* 0 means empty */
}

static bool flat_find(const struct store *store, uint64_t id, struct record_view *view)
{
	const struct flat *flat = flat_of(store);
	uintptr_t text = (uintptr_t)flat->areas[AREA_TEXT].bytes;
	for (uint64_t slot = layout_home(store, id);; slot = layout_next(store, slot)) {
		uint32_t position = positions(flat)[slot];
		if (position == 0)
			return false;
		store->form->read(record_at(store, position - 1), text, view);
		if (view->id == id)
			return true;
	}
}

static void flat_destroy(struct store *store)
{
	free(store->state);
}

static void offheap_destroy(struct store *store)
{
	for (unsigned i = 0; store->state && i < AREA_COUNT; i++)
		if (flat_of(store)->areas[i].bytes)
			munmap(flat_of(store)->areas[i].bytes, flat_of(store)->areas[i].length);
	free(store->state);
}

const struct layout layout_flat = {flat_open, flat_add, flat_find, flat_destroy};
const struct layout layout_offheap = {offheap_open, flat_add, flat_find, offheap_destroy};
