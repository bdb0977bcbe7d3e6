/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes: the capacity doubles. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void grow(struct buffer *buffer, size_t least)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	while (capacity < least)
		capacity *= 2;
	char *bytes = realloc(buffer->bytes, capacity);
	if (!bytes)
		abort();
	buffer->bytes = bytes;
	buffer->capacity = capacity;
}

char *buffer_room_slow(struct buffer *buffer, size_t more)
{
	grow(buffer, buffer->length + more);
	return buffer->bytes + buffer->length;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	memcpy(buffer_room(buffer, length), bytes, length);
	buffer->length += length;
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_add_format(struct buffer *buffer, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	if (length > 0) {
		vsnprintf(buffer_room(buffer, (size_t)length + 1), (size_t)length + 1, format, again);
		buffer->length += (size_t)length;
	}
	va_end(again);
	va_end(arguments);
}

static void add_json_byte(struct buffer *buffer, unsigned char c)
{
	if (c < 0x20) {
		buffer_add_format(buffer, "\\u%04x", c);
		return;
	}
	if (c == '"' || c == '\\')
		buffer_add(buffer, "\\", 1);
	buffer_add(buffer, &c, 1);
}

void buffer_add_json_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, "\"", 1);
	for (const char *c = text; *c; c++)
		add_json_byte(buffer, (unsigned char)*c);
	buffer_add(buffer, "\"", 1);
}
