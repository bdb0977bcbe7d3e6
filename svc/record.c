/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms. The same members, the same code; only their order differs, and with it the size. */
#include "record.h"

#define STRING_MEMBERS name, country, city, plan, payload

/* By falling alignment: 72 bytes, 7 of them lost at the end. */
struct record_packed {
	uint64_t id;
	char *name, *country, *city, *plan, *payload;
	uint32_t created_s;
	int32_t balance_cents;
	uint32_t visits;
	uint8_t name_length, country_length, city_length, plan_length, payload_length;
};

/* As they come to mind, each length before its string: 104 bytes. */
struct record_mispacked {
	uint32_t created_s;
	uint64_t id;
	uint8_t name_length;
	char *name;
	uint8_t country_length;
	char *country;
	uint8_t city_length;
	char *city;
	int32_t balance_cents;
	char *plan;
	uint8_t plan_length;
	uint32_t visits;
	uint8_t payload_length;
	char *payload;
};

_Static_assert(sizeof(struct record_packed) == 72, "packed records have no avoidable holes");
_Static_assert(sizeof(struct record_mispacked) == 104, "mispacked records have the usual holes");

GC_KIND(packed_kind, struct record_packed, STRING_MEMBERS);
GC_KIND(mispacked_kind, struct record_mispacked, STRING_MEMBERS);

static void put_string(struct gc_mutator *m, char **slot, uint8_t *length, struct slice from)
{
	char *bytes = (char *)(uintptr_t)from.bytes;
	if (m)
		gc_store(m, slot, bytes);
	else
		*slot = bytes;
	*length = (uint8_t)from.length;
}

static inline struct slice get_string(char *const *slot, uint8_t length, uintptr_t text)
{
	return (struct slice){(const char *)((uintptr_t)gc_load(slot) + text), length};
}

/* The functions of one form. */
#define FORM(form)                                                                               \
	static void form##_write(struct gc_mutator *m, void *to, const struct record_view *view) \
	{                                                                                        \
		struct record_##form *record = to;                                               \
		record->id = view->id;                                                           \
		record->created_s = (uint32_t)view->created_s;                                   \
		record->balance_cents = (int32_t)view->balance_cents;                            \
		record->visits = view->visits;                                                   \
		put_string(m, &record->name, &record->name_length, view->name);                  \
		put_string(m, &record->country, &record->country_length, view->country);         \
		put_string(m, &record->city, &record->city_length, view->city);                  \
		put_string(m, &record->plan, &record->plan_length, view->plan);                  \
		put_string(m, &record->payload, &record->payload_length, view->payload);         \
	}                                                                                        \
	static void form##_read(const void *from, uintptr_t text, struct record_view *view)      \
	{                                                                                        \
		const struct record_##form *record = from;                                       \
		view->id = record->id;                                                           \
		view->created_s = record->created_s;                                             \
		view->balance_cents = record->balance_cents;                                     \
		view->visits = record->visits;                                                   \
		view->name = get_string(&record->name, record->name_length, text);               \
		view->country = get_string(&record->country, record->country_length, text);      \
		view->city = get_string(&record->city, record->city_length, text);               \
		view->plan = get_string(&record->plan, record->plan_length, text);               \
		view->payload = get_string(&record->payload, record->payload_length, text);      \
	}
FORM(packed)
FORM(mispacked)

const struct record_form record_forms[RECORD_FORM_COUNT] = {
	[RECORD_PACKED] = {"packed", sizeof(struct record_packed), &packed_kind, packed_write, packed_read},
	[RECORD_MISPACKED] = {"mispacked", sizeof(struct record_mispacked), &mispacked_kind, mispacked_write,
			      mispacked_read},
};
const char *const record_form_names[RECORD_FORM_COUNT] = {"packed", "mispacked"};

static struct slice slice_of_word(const struct dataset_word *word)
{
	return (struct slice){word->text, word->length};
}

void record_view_of(const struct dataset_record *from, struct record_view *view)
{
	*view = (struct record_view){.id = from->id,
				     .created_s = from->created_s,
				     .balance_cents = from->balance_cents,
				     .visits = from->visits,
				     .name = {from->name, from->name_length},
				     .country = slice_of_word(&from->country),
				     .city = slice_of_word(&from->city),
				     .plan = slice_of_word(&from->plan),
				     .payload = {(const char *)from->payload, from->payload_length}};
}
