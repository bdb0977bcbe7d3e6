/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer: what is written is valid JSON as long as begins and ends pair up.
 *
 * Strings may be hostile: control characters are escaped, bytes that are not UTF-8 become U+FFFD.
 * Numbers are finite: NaN and infinities become null. The writer allocates nothing and
 * keeps no error: ask ferror() of the file. `key` is NULL inside arrays and at the top.
 */
#ifndef MEMLAB_TRACE_JSON_WRITER_H
#define MEMLAB_TRACE_JSON_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 32

struct json_writer {
	FILE *file;
	unsigned depth;
	uint8_t used[JSON_DEPTH_MAX]; /* 1: this level has an item, the next needs a comma */
};

void json_start(struct json_writer *writer, FILE *file);
void json_object_begin(struct json_writer *writer, const char *key);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer, const char *key);
void json_array_end(struct json_writer *writer);
void json_string(struct json_writer *writer, const char *key, const char *text); /* NULL text: null */
void json_string_bytes(struct json_writer *writer, const char *key, const char *text, size_t bytes);
void json_unsigned(struct json_writer *writer, const char *key, uint64_t value);
void json_signed(struct json_writer *writer, const char *key, int64_t value);
void json_number(struct json_writer *writer, const char *key, double value);
void json_boolean(struct json_writer *writer, const char *key, int value);
/* `text` must be one JSON value. */
void json_raw(struct json_writer *writer, const char *key, const char *text);
/* A stranger's object (json_is_object): put on one line, bytes that are not UTF-8 replaced. */
void json_object_text(struct json_writer *writer, const char *key, const char *text);

#endif
