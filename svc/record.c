/* SPDX-License-Identifier: Apache-2.0 */
/* Records: built from the dataset, read as views. */
#include "record.h"

#include <string.h>

#include "site.h"

GC_KIND(record_kind, struct record, name, country, city, plan, payload);

static struct text *text_new(struct gc_mutator *m, const void *bytes, uint32_t length, enum site_id site)
{
	struct text *text = SITE_ALLOC_BYTES_FOR(m, sizeof(*text) + length, site);
	text->length = length;
	memcpy(text->bytes, bytes, length);
	return text;
}

static struct text *word_new(struct gc_mutator *m, const struct dataset_word *word)
{
	return text_new(m, word->text, word->length, SITE_NAMED(load_text));
}

struct record *record_new(struct gc_mutator *m, const struct dataset_record *from)
{
	GC_SCOPE(m);
	struct record *record = gc_push(m, SITE_ALLOC(m, &record_kind, load_record));
	record->id = from->id;
	record->created_s = from->created_s;
	record->balance_cents = from->balance_cents;
	record->visits = from->visits;
	gc_store(m, &record->name, text_new(m, from->name, from->name_length, SITE_NAMED(load_text)));
	gc_store(m, &record->country, word_new(m, &from->country));
	gc_store(m, &record->city, word_new(m, &from->city));
	gc_store(m, &record->plan, word_new(m, &from->plan));
	gc_store(m, &record->payload, text_new(m, from->payload, from->payload_length, SITE_NAMED(load_payload)));
	return record;
}

static struct slice slice_of(struct text *const *slot)
{
	const struct text *text = gc_load(slot);
	return (struct slice){text->bytes, text->length};
}

void record_read(const struct record *record, struct record_view *view)
{
	view->id = record->id;
	view->created_s = record->created_s;
	view->balance_cents = record->balance_cents;
	view->visits = record->visits;
	view->name = slice_of(&record->name);
	view->country = slice_of(&record->country);
	view->city = slice_of(&record->city);
	view->plan = slice_of(&record->plan);
	view->payload = slice_of(&record->payload);
}
