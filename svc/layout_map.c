/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map layout: a hash map of references to records, as a program would write it first. The slot
 * holds the id, so that a probe that misses does not touch a record. For the collector: one large object of
 * references, and six objects per record.
 */
#include <string.h>

#include "layout.h"
#include "site.h"

struct map_slot {
	uint64_t id;
	void *record; /* NULL: empty */
};
GC_KIND(map_slot_kind, struct map_slot, record);

static struct map_slot **table_slot(struct store *store)
{
	return (struct map_slot **)&store->root;
}

static int map_open(struct store *store, const struct loading *loading)
{
	struct gc_mutator *m = loading->m;
	gc_store(m, table_slot(store), SITE_ALLOC_ARRAY(m, &map_slot_kind, store->capacity, load_table));
	return 0;
}

/* A string object, old or new; rooted in the caller's scope until a record holds it. */
static struct slice keep(const struct loading *loading, struct slice from, enum site_id site)
{
	struct intern *intern = site == SITE_load_text ? loading->intern : NULL;
	const char *known = intern ? intern_find(intern, from) : NULL;
	if (known)
		return (struct slice){known, from.length};
	char *bytes = gc_push(loading->m, SITE_ALLOC_BYTES_FOR(loading->m, from.length ? from.length : 1, site));
	memcpy(bytes, from.bytes, from.length);
	struct slice kept = {bytes, from.length};
	if (intern)
		intern_add(intern, kept);
	return kept;
}

static void insert(struct store *store, struct gc_mutator *m, uint64_t id, void *record)
{
	struct map_slot *table = gc_load(table_slot(store));
	uint64_t slot = layout_home(store, id);
	while (gc_load((char **)&table[slot].record))
		slot = layout_next(store, slot);
	table[slot].id = id;
	gc_store(m, (char **)&table[slot].record, record);
}

static void map_add(struct store *store, const struct loading *loading, const struct record_view *from)
{
	struct gc_mutator *m = loading->m;
	GC_SCOPE(m);
	struct record_view view = *from;
	view.name = keep(loading, from->name, SITE_NAMED(load_text));
	view.country = keep(loading, from->country, SITE_NAMED(load_text));
	view.city = keep(loading, from->city, SITE_NAMED(load_text));
	view.plan = keep(loading, from->plan, SITE_NAMED(load_text));
	view.payload = keep(loading, from->payload, SITE_NAMED(load_payload));
	void *record = gc_push(m, SITE_ALLOC(m, store->form->kind, load_record));
	store->form->write(m, record, &view);
	insert(store, m, view.id, record);
}

static bool map_find(const struct store *store, uint64_t id, struct record_view *view)
{
	const struct map_slot *table = gc_load((struct map_slot *const *)&store->root);
	uint64_t slot = layout_home(store, id);
	for (;;) {
		const void *record = gc_load((char *const *)&table[slot].record);
		if (!record)
			return false;
		if (table[slot].id == id) {
			store->form->read(record, 0, view);
			return true;
		}
		slot = layout_next(store, slot);
	}
}

const struct layout layout_map = {.open = map_open, .add = map_add, .find = map_find};
