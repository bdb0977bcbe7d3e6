/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record to the body of an answer, two ways. Both produce exactly what dataset.h documents.
 *
 *  - opt: appends to memory of the caller's; nothing is allocated.
 *  - naive: as a convenient program would: a tree of boxed values, copies of strings, a mutable buffer that grows and
 * is copied into an immutable string, a concatenated header, a log line built before its level is looked at. Each habit
 * is a fix that can be switched on by itself; all five leave no allocation.
 *
 * Called by an unparked mutator.
 */
#ifndef MEMLAB_SVC_SERIALIZE_H
#define MEMLAB_SVC_SERIALIZE_H

#include <stddef.h>
#include <stdio.h>

#include "buffer.h"
#include "encode.h"
#include "record.h"

enum format { FORMAT_JSON, FORMAT_BIN };

static inline const char *format_content_type(enum format format)
{
	return format == FORMAT_JSON ? "application/json" : "application/octet-stream";
}

/* ------------------------------------------------------------------ opt */

/* Room that no body with so many bytes of strings and payload exceeds; and that of any record: their lengths are bytes. */
#define SERIALIZE_ROOM(strings, payload) (256 + ENCODE_ESCAPED_BYTES_MAX(strings) + ENCODE_BASE64_BYTES(payload))
#define SERIALIZE_ROOM_MAX SERIALIZE_ROOM(4 * UINT8_MAX, UINT8_MAX)

/* Room that the body of this record cannot exceed. */
static inline size_t serialize_room(const struct record_view *view)
{
	size_t strings = (size_t)view->name.length + view->country.length + view->city.length + view->plan.length;
	return SERIALIZE_ROOM(strings, view->payload.length);
}

/* Writes the body; returns its length. `to` has serialize_room bytes. */
size_t serialize_opt(const struct record_view *view, enum format format, char *to);

/* ---------------------------------------------------------------- naive */

/* An immutable string: a collected object without references. */
struct text {
	uint32_t length;
	char bytes[];
};

enum fix {
	FIX_BUFFER = 1,  /* a buffer that is used again, and no copy of the finished answer */
	FIX_BOXING = 2,  /* values on the stack */
	FIX_STRINGS = 4, /* no copies of strings, base64 straight into the answer */
	FIX_HEADER = 8,  /* a constant content type */
	FIX_LOG = 16,    /* look at the level first */
	FIX_ALL = 31
};
#define FIX_COUNT 5
extern const char *const fix_names[FIX_COUNT];
/* As --fix takes them: "buffer,log". */
void fix_list_text(unsigned fixes, char *text, size_t text_bytes);

struct naive {
	struct gc_mutator *m;
	unsigned fixes;        /* enum fix */
	struct buffer *buffer; /* used with FIX_BUFFER */
	FILE *log;             /* where log lines go; NULL: the level is below, they are built for nothing */
};

/* [safepoint] The body as a collected string that the caller roots, or NULL: it is in naive->buffer (FIX_BUFFER). */
struct text *serialize_naive(const struct naive *naive, const struct record_view *view, enum format format);
/* [safepoint] The content type, ended by NUL, as a collected string that the caller roots, or NULL (FIX_HEADER). */
struct text *serialize_naive_type(const struct naive *naive, enum format format);
/* [safepoint] The request's log line. */
void serialize_naive_log(const struct naive *naive, uint64_t key, size_t body_bytes);

#endif
