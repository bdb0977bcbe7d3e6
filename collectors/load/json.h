/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON to a stream: indented objects, one member a line. Commas and indentation are kept here, so that
 * callers only say what there is. Not thread-safe; errors stay in the stream (ferror).
 */
#ifndef MEMLAB_LOAD_JSON_H
#define MEMLAB_LOAD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *file;
	int depth;
	bool empty; /* nothing written yet at this depth */
};

/* `name` is NULL inside arrays and for the outermost value. */
void json_object_begin(struct json *json, const char *name);
void json_object_end(struct json *json);
void json_array_begin(struct json *json, const char *name);
void json_array_end(struct json *json);
void json_u64(struct json *json, const char *name, uint64_t value);
void json_real(struct json *json, const char *name, double value, int decimals);
void json_bool(struct json *json, const char *name, bool value);
void json_string(struct json *json, const char *name, const char *value);
/* JSON text from elsewhere, as it is. */
void json_raw(struct json *json, const char *name, const char *text, size_t length);

#endif
