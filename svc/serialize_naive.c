/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive path: what convenience costs, on purpose. A record becomes a tree of boxed values (grow_tree), a generic
 * encoder walks the tree and knows nothing of records (render_json, render_bin), the mutable buffer is
 * copied into an immutable string, and a log line is concatenated that nobody reads.
 *
 * Every collected object is pushed on the root stack as soon as it exists; the caller's scope drops them. With a fix
 * the same code runs on memory of the stack or of the loop instead.
 */
#include "serialize.h"

#include <string.h>

#include "encode.h"
#include "site.h"

const char *const fix_names[FIX_COUNT] = {"buffer", "boxing", "strings", "header", "log"};

void fix_list_text(unsigned fixes, char *text, size_t text_bytes)
{
	size_t length = 0;
	text[0] = '\0';
	for (unsigned i = 0; i < FIX_COUNT && length < text_bytes; i++)
		if (fixes & (1u << i))
			length += (size_t)snprintf(text + length, text_bytes - length, "%s%s", length ? "," : "",
						   fix_names[i]);
}

#define BUFFER_BYTES_FIRST 192
#define MEMBERS 9

static const char *const member_names[MEMBERS] = {"id",      "created_s", "balance_cents", "visits", "name",
						  "country", "city",      "plan",          "payload"};

enum box_type { BOX_U64, BOX_I64, BOX_U32, BOX_TEXT, BOX_BYTES };

/* What every boxed value begins with. */
struct box {
	uint32_t type;
	uint32_t length; /* of a text or bytes */
};

struct box_number {
	struct box box;
	uint64_t number;
};
GC_KIND_PLAIN(box_number_kind, struct box_number);

struct box_text {
	struct box box;
	const char *bytes; /* in the copy, or in the store, which outlives us */
	struct text *copy; /* NULL with FIX_STRINGS */
};
GC_KIND(box_text_kind, struct box_text, copy);

/* Values that live on the stack with FIX_BOXING. */
union box_place {
	struct box_number number;
	struct box_text text;
};

struct tree {
	struct box **members;
	struct box *stack_members[MEMBERS];
	union box_place places[MEMBERS];
};

/* The mutable buffer object. */
struct text_buffer {
	uint64_t length, capacity;
	char *bytes;
};
GC_KIND(text_buffer_kind, struct text_buffer, bytes);

static bool fixed(const struct naive *naive, enum fix fix)
{
	return naive->fixes & fix;
}

/* --------------------------------------------------------------- boxing */

static struct box *box_number(const struct naive *naive, union box_place *place, enum box_type type, uint64_t number)
{
	struct box_number *box = &place->number;
	if (!fixed(naive, FIX_BOXING))
		box = gc_push(naive->m, SITE_ALLOC(naive->m, &box_number_kind, box_number));
	box->box = (struct box){type, 0};
	box->number = number;
	return &box->box;
}

static struct text *text_copy(const struct naive *naive, struct slice from)
{
	struct text *text = SITE_ALLOC_BYTES(naive->m, sizeof(*text) + from.length, copy_text);
	text->length = from.length;
	memcpy(text->bytes, from.bytes, from.length);
	return gc_push(naive->m, text);
}

static struct text *text_base64(const struct naive *naive, struct slice from)
{
	uint32_t length = (uint32_t)ENCODE_BASE64_BYTES(from.length);
	struct text *text = SITE_ALLOC_BYTES(naive->m, sizeof(*text) + length, base64_text);
	text->length = length;
	put_base64(text->bytes, from.bytes, from.length);
	return gc_push(naive->m, text);
}

static struct box *box_slice(const struct naive *naive, union box_place *place, enum box_type type, struct slice slice,
			     struct text *copy)
{
	struct box_text *box = &place->text;
	if (fixed(naive, FIX_BOXING)) {
		box->copy = copy;
	} else {
		box = gc_push(naive->m, SITE_ALLOC(naive->m, &box_text_kind, box_text));
		gc_store(naive->m, &box->copy, copy);
	}
	box->box = (struct box){type, copy ? copy->length : slice.length};
	box->bytes = copy ? copy->bytes : slice.bytes;
	return &box->box;
}

static struct box *box_text(const struct naive *naive, union box_place *place, struct slice slice)
{
	struct text *copy = fixed(naive, FIX_STRINGS) ? NULL : text_copy(naive, slice);
	return box_slice(naive, place, BOX_TEXT, slice, copy);
}

static struct box *box_payload(const struct naive *naive, union box_place *place, struct slice slice,
			       enum format format)
{
	if (fixed(naive, FIX_STRINGS))
		return box_slice(naive, place, BOX_BYTES, slice, NULL);
	if (format == FORMAT_JSON)
		return box_slice(naive, place, BOX_TEXT, slice, text_base64(naive, slice));
	return box_slice(naive, place, BOX_BYTES, slice, text_copy(naive, slice));
}

static void set_member(const struct naive *naive, struct tree *tree, unsigned at, struct box *box)
{
	if (fixed(naive, FIX_BOXING))
		tree->members[at] = box;
	else
		gc_store(naive->m, &tree->members[at], box);
}

static void grow_tree(const struct naive *naive, struct tree *tree, const struct record_view *view, enum format format)
{
	union box_place *places = tree->places;
	tree->members = tree->stack_members;
	if (!fixed(naive, FIX_BOXING))
		tree->members = gc_push(naive->m, SITE_ALLOC_ARRAY(naive->m, &gc_kind_refs, MEMBERS, tree_members));
	set_member(naive, tree, 0, box_number(naive, &places[0], BOX_U64, view->id));
	set_member(naive, tree, 1, box_number(naive, &places[1], BOX_U64, view->created_s));
	set_member(naive, tree, 2, box_number(naive, &places[2], BOX_I64, (uint64_t)view->balance_cents));
	set_member(naive, tree, 3, box_number(naive, &places[3], BOX_U32, view->visits));
	set_member(naive, tree, 4, box_text(naive, &places[4], view->name));
	set_member(naive, tree, 5, box_text(naive, &places[5], view->country));
	set_member(naive, tree, 6, box_text(naive, &places[6], view->city));
	set_member(naive, tree, 7, box_text(naive, &places[7], view->plan));
	set_member(naive, tree, 8, box_payload(naive, &places[8], view->payload, format));
}

/* ------------------------------------------------------ the mutable buffer */

/* Where rendered bytes go: a collected buffer object, or the loop's own buffer with FIX_BUFFER. */
struct sink {
	const struct naive *naive;
	struct text_buffer *collected;
};

static char *buffer_bytes_new(const struct naive *naive, uint64_t capacity)
{
	return SITE_ALLOC_BYTES(naive->m, capacity, buffer_bytes);
}

static struct sink sink_open(const struct naive *naive)
{
	if (fixed(naive, FIX_BUFFER)) {
		naive->buffer->length = 0;
		return (struct sink){naive, NULL};
	}
	struct text_buffer *buffer = gc_push(naive->m, SITE_ALLOC(naive->m, &text_buffer_kind, buffer_object));
	gc_store(naive->m, &buffer->bytes, buffer_bytes_new(naive, BUFFER_BYTES_FIRST));
	buffer->capacity = BUFFER_BYTES_FIRST;
	return (struct sink){naive, buffer};
}

static void text_buffer_grow(const struct naive *naive, struct text_buffer *buffer, uint64_t least)
{
	uint64_t capacity = buffer->capacity;
	while (capacity < least)
		capacity *= 2;
	char *bytes = buffer_bytes_new(naive, capacity);
	memcpy(bytes, gc_load(&buffer->bytes), buffer->length);
	gc_store(naive->m, &buffer->bytes, bytes);
	buffer->capacity = capacity;
}

/* Room for `length` bytes, counted as written. */
static char *sink_room(const struct sink *sink, size_t length)
{
	if (!sink->collected) {
		char *room = buffer_room(sink->naive->buffer, length);
		sink->naive->buffer->length += length;
		return room;
	}
	struct text_buffer *buffer = sink->collected;
	if (buffer->length + length > buffer->capacity)
		text_buffer_grow(sink->naive, buffer, buffer->length + length);
	buffer->length += length;
	return gc_load(&buffer->bytes) + buffer->length - length;
}

static void sink_add(const struct sink *sink, const char *bytes, size_t length)
{
	put_bytes(sink_room(sink, length), bytes, length);
}

static void sink_add_text(const struct sink *sink, const char *text)
{
	sink_add(sink, text, strlen(text));
}

/* The immutable string that is answered, or NULL with FIX_BUFFER. */
static struct text *sink_close(const struct sink *sink)
{
	const struct text_buffer *buffer = sink->collected;
	if (!buffer)
		return NULL;
	struct text *text = SITE_ALLOC_BYTES(sink->naive->m, sizeof(*text) + buffer->length, buffer_text);
	text->length = (uint32_t)buffer->length;
	memcpy(text->bytes, gc_load(&buffer->bytes), buffer->length);
	return text;
}

/* -------------------------------------------------- the generic encoders */

static uint64_t number_of(const struct box *box)
{
	return ((const struct box_number *)box)->number;
}

static const char *bytes_of(const struct box *box)
{
	return ((const struct box_text *)box)->bytes;
}

static void render_number(const struct sink *sink, const struct box *box)
{
	char text[24];
	uint64_t number = number_of(box);
	char *end = box->type == BOX_I64 ? put_i64(text, (int64_t)number) : put_u64(text, number);
	sink_add(sink, text, (size_t)(end - text));
}

/* Runs without anything to escape, and what is between them byte by byte. */
static void render_text(const struct sink *sink, const struct box *box)
{
	const char *at = bytes_of(box), *end = at + box->length;
	while (at < end) {
		uint32_t run = plain_length(at, (uint32_t)(end - at));
		sink_add(sink, at, run);
		at += run;
		if (at == end)
			break;
		char escaped[6];
		sink_add(sink, escaped, (size_t)(put_escaped(escaped, at++, 1) - escaped));
	}
}

static void render_value(const struct sink *sink, const struct box *box)
{
	if (box->type < BOX_TEXT) {
		render_number(sink, box);
		return;
	}
	sink_add(sink, "\"", 1);
	if (box->type == BOX_TEXT)
		render_text(sink, box);
	else
		put_base64(sink_room(sink, ENCODE_BASE64_BYTES(box->length)), bytes_of(box), box->length);
	sink_add(sink, "\"", 1);
}

static void render_json(const struct sink *sink, struct box *const *members)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		sink_add_text(sink, i == 0 ? "{\"" : ",\"");
		sink_add_text(sink, member_names[i]);
		sink_add_text(sink, "\":");
		render_value(sink, gc_load(&members[i]));
	}
	sink_add_text(sink, "}\n");
}

/* Numbers by their width, lengths: one byte for a text, four for bytes. */
static void render_bin_head(const struct sink *sink, const struct box *box)
{
	char bytes[8];
	if (box->type == BOX_TEXT)
		sink_add(sink, &(char){(char)box->length}, 1);
	else if (box->type == BOX_BYTES)
		sink_add(sink, bytes, (size_t)(put_u32_le(bytes, box->length) - bytes));
	else if (box->type == BOX_U32)
		sink_add(sink, bytes, (size_t)(put_u32_le(bytes, (uint32_t)number_of(box)) - bytes));
	else
		sink_add(sink, bytes, (size_t)(put_u64_le(bytes, number_of(box)) - bytes));
}

static void render_bin(const struct sink *sink, struct box *const *members)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		render_bin_head(sink, gc_load(&members[i]));
	for (unsigned i = 0; i < MEMBERS; i++) {
		const struct box *box = gc_load(&members[i]);
		if (box->type >= BOX_TEXT)
			sink_add(sink, bytes_of(box), box->length);
	}
}

struct text *serialize_naive(const struct naive *naive, const struct record_view *view, enum format format)
{
	GC_SCOPE(naive->m);
	struct tree tree;
	grow_tree(naive, &tree, view, format);
	struct sink sink = sink_open(naive);
	if (format == FORMAT_JSON)
		render_json(&sink, tree.members);
	else
		render_bin(&sink, tree.members);
	return sink_close(&sink);
}

/* ------------------------------------------------------- header and log */

/* A new string of two; not yet rooted. Ended by NUL, which is not counted. */
static struct text *text_concat(const struct naive *naive, const char *a, size_t a_length, const char *b,
				size_t b_length, enum site_id site)
{
	struct text *text = SITE_ALLOC_BYTES_FOR(naive->m, sizeof(*text) + a_length + b_length + 1, site);
	text->length = (uint32_t)(a_length + b_length);
	memcpy(text->bytes, a, a_length);
	memcpy(text->bytes + a_length, b, b_length);
	text->bytes[text->length] = '\0';
	return text;
}

struct text *serialize_naive_type(const struct naive *naive, enum format format)
{
	static const char family[] = "application/";
	if (fixed(naive, FIX_HEADER))
		return NULL;
	const char *subtype = format_content_type(format) + sizeof(family) - 1;
	return text_concat(naive, family, sizeof(family) - 1, subtype, strlen(subtype), SITE_NAMED(header_text));
}

static struct box_number *log_box(const struct naive *naive, uint64_t number)
{
	struct box_number *box = SITE_ALLOC(naive->m, &box_number_kind, log_number);
	box->box = (struct box){BOX_U64, 0};
	box->number = number;
	return box;
}

static struct text *log_number_text(const struct naive *naive, const struct box_number *box)
{
	char digits[24];
	size_t length = (size_t)(put_u64(digits, box->number) - digits);
	return gc_push(naive->m, text_concat(naive, digits, length, "", 0, SITE_NAMED(log_number_text)));
}

/* line + label + number */
static struct text *log_append(const struct naive *naive, struct text *line, const char *label,
			       const struct box_number *box)
{
	struct text *number = log_number_text(naive, box);
	line = gc_push(naive->m, text_concat(naive, line ? line->bytes : "", line ? line->length : 0, label,
					     strlen(label), SITE_NAMED(log_text)));
	return gc_push(naive->m, text_concat(naive, line->bytes, line->length, number->bytes, number->length,
					     SITE_NAMED(log_text)));
}

void serialize_naive_log(const struct naive *naive, uint64_t key, size_t body_bytes)
{
	struct gc_mutator *m = naive->m;
	if (fixed(naive, FIX_LOG) && !naive->log)
		return;
	GC_SCOPE(m);
	struct box_number **arguments = gc_push(m, SITE_ALLOC_ARRAY(m, &gc_kind_refs, 2, log_arguments));
	gc_store(m, &arguments[0], log_box(naive, key));
	gc_store(m, &arguments[1], log_box(naive, body_bytes));
	struct text *line = log_append(naive, NULL, "lookup key=", gc_load(&arguments[0]));
	line = log_append(naive, line, " bytes=", gc_load(&arguments[1]));
	if (naive->log)
		fprintf(naive->log, "%s\n", line->bytes);
}
