/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record on the collected heap: fixed fields and five references to strings. Written once while the index is
 * built, never changed after. What handlers see is a record_view, which is the same for every layout.
 */
#ifndef MEMLAB_SVC_RECORD_H
#define MEMLAB_SVC_RECORD_H

#include "dataset/dataset.h"
#include "heap/gc.h"

/* An immutable string or byte array: a collected object without references. */
struct text {
	uint32_t length;
	char bytes[];
};

/* Members by falling alignment: no padding but the last 4 bytes. */
struct record {
	uint64_t id;
	uint64_t created_s;
	int64_t balance_cents;
	struct text *name, *country, *city, *plan;
	struct text *payload;
	uint32_t visits;
};

/* A part of somebody's memory, valid as long as that is. */
struct slice {
	const char *bytes;
	uint32_t length;
};

/*
 * One record as the encoders read it. The slices point into the store, which never changes and never
 * moves while the service runs, so they need no root.
 */
struct record_view {
	uint64_t id;
	uint64_t created_s;
	int64_t balance_cents;
	uint32_t visits;
	struct slice name, country, city, plan, payload;
};

/* [safepoint] A record with strings of its own; the caller roots the result. */
struct record *record_new(struct gc_mutator *m, const struct dataset_record *from);
void record_read(const struct record *record, struct record_view *view);

#endif
