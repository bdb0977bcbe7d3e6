/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer in plain malloc memory, and the appenders that cold paths write JSON and text with.
 * It is not ended by NUL. Growing never fails: without memory the process ends (abort). One owner, no locks.
 */
#ifndef MEMLAB_SVC_BUFFER_H
#define MEMLAB_SVC_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
	char *bytes;
	size_t length, capacity;
};

/* Room for `more` bytes behind the length; returns where they go. The caller adds to `length` itself. */
char *buffer_room_slow(struct buffer *buffer, size_t more);
static inline char *buffer_room(struct buffer *buffer, size_t more)
{
	if (__builtin_expect(buffer->length + more > buffer->capacity, 0))
		return buffer_room_slow(buffer, more);
	return buffer->bytes + buffer->length;
}
void buffer_free(struct buffer *buffer);

void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_add_text(struct buffer *buffer, const char *text);
__attribute__((format(printf, 2, 3))) void buffer_add_format(struct buffer *buffer, const char *format, ...);
/* A JSON string with its quotes; control characters, " and \ escaped. */
void buffer_add_json_text(struct buffer *buffer, const char *text);

#endif
