/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map layout: a hash map of references to records, as a program would write it first. Open
 * addressing with linear probing at three quarters full; the slot holds the id, so that a probe that misses
 * does not touch a record. For the collector: one large object of references, and six objects per record.
 */
#include <errno.h>

#include "layout.h"
#include "site.h"

struct map_slot {
	uint64_t id;
	struct record *record; /* NULL: empty */
};
GC_KIND(map_slot_kind, struct map_slot, record);

/* Ids are dense; a multiplication by an odd constant scatters them, its high half chooses the slot. */
static uint64_t home(const struct store *store, uint64_t id)
{
	uint64_t hash = (id ^ (id >> 32)) * 0x9e3779b97f4a7c15u;
	return (uint64_t)(((unsigned __int128)hash * store->capacity) >> 64);
}

static uint64_t next(const struct store *store, uint64_t slot)
{
	return slot + 1 < store->capacity ? slot + 1 : 0;
}

static struct map_slot **table_slot(struct store *store)
{
	return (struct map_slot **)&store->root;
}

static void insert(struct store *store, struct gc_mutator *m, struct record *record)
{
	struct map_slot *table = gc_load(table_slot(store));
	uint64_t slot = home(store, record->id);
	while (gc_load(&table[slot].record))
		slot = next(store, slot);
	table[slot].id = record->id;
	gc_store(m, &table[slot].record, record);
}

static int map_build(struct store *store, struct gc_mutator *m, const struct store_config *config)
{
	store->capacity = store->count + store->count / 3 + 1;
	gc_store(m, table_slot(store), SITE_ALLOC_ARRAY(m, &map_slot_kind, store->capacity, load_table));
	for (uint64_t id = 0; id < store->count; id++) {
		struct dataset_record from;
		dataset_record(config->seed, id, &from);
		insert(store, m, record_new(m, &from));
		if (config->progress && (id & 0xfff) == 0)
			config->progress(config->context, id, store->count);
	}
	return 0;
}

static bool map_find(const struct store *store, uint64_t id, struct record_view *view)
{
	const struct map_slot *table = gc_load((struct map_slot *const *)&store->root);
	uint64_t slot = home(store, id);
	for (;;) {
		const struct record *record = gc_load(&table[slot].record);
		if (!record)
			return false;
		if (table[slot].id == id) {
			record_read(record, view);
			return true;
		}
		slot = next(store, slot);
	}
}

const struct layout layout_map = {.build = map_build, .find = map_find};
