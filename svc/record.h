/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record in memory: 8 fields and a payload, in one of two forms. `packed` orders its members so that nothing is
 * lost to alignment, `mispacked` is what one gets by writing them down as they come to mind. Strings lie outside,
 * behind references (layout map) or offsets into a text area (flat, offheap): both are one word.
 *
 * Records are written once while the index is built and never changed. Handlers see a record_view, which is the same
 * for all forms and layouts.
 */
#ifndef MEMLAB_SVC_RECORD_H
#define MEMLAB_SVC_RECORD_H

#include "dataset/dataset.h"
#include "heap/gc.h"

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

enum record_form_id { RECORD_PACKED, RECORD_MISPACKED, RECORD_FORM_COUNT };

struct record_form {
	const char *name;
	uint32_t bytes;
	struct gc_kind *kind; /* its strings as references */
	/* The view's strings are references into collected objects (stored with the barrier), or offsets if m is NULL.
	 */
	void (*write)(struct gc_mutator *m, void *record, const struct record_view *view);
	/* `text` is added to every string: 0 for references, the text area's address for offsets. */
	void (*read)(const void *record, uintptr_t text, struct record_view *view);
};

extern const struct record_form record_forms[RECORD_FORM_COUNT];
extern const char *const record_form_names[RECORD_FORM_COUNT];

/* The view of a record of the dataset, whose memory it points into. */
void record_view_of(const struct dataset_record *from, struct record_view *view);

#endif
