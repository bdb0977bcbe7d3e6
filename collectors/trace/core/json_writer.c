/* SPDX-License-Identifier: Apache-2.0 */
#include "json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "text.h"

static void write_quoted(FILE *file, const char *text, const char *end)
{
	fputc('"', file);
	while (text < end) {
		uint32_t point = text_decode(&text, end);
		char utf8[4];
		if (point == '"' || point == '\\')
			fprintf(file, "\\%c", (int)point);
		else if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029)
			fprintf(file, "\\u%04x", point);
		else
			fwrite(utf8, 1, text_encode(utf8, point), file);
	}
	fputc('"', file);
}

/* The comma before and the key of the next value. */
static void write_key(struct json_writer *writer, const char *key)
{
	if (writer->used[writer->depth])
		fputc(',', writer->file);
	writer->used[writer->depth] = 1;
	if (!key)
		return;
	write_quoted(writer->file, key, key + strlen(key));
	fputc(':', writer->file);
}

static void level_begin(struct json_writer *writer, const char *key, char bracket)
{
	write_key(writer, key);
	fputc(bracket, writer->file);
	if (writer->depth + 1 < JSON_DEPTH_MAX)
		writer->depth++;
	writer->used[writer->depth] = 0;
}

static void level_end(struct json_writer *writer, char bracket)
{
	fputc(bracket, writer->file);
	if (writer->depth)
		writer->depth--;
}

void json_start(struct json_writer *writer, FILE *file)
{
	memset(writer, 0, sizeof(*writer));
	writer->file = file;
}

void json_object_begin(struct json_writer *writer, const char *key)
{
	level_begin(writer, key, '{');
}

void json_object_end(struct json_writer *writer)
{
	level_end(writer, '}');
}

void json_array_begin(struct json_writer *writer, const char *key)
{
	level_begin(writer, key, '[');
}

void json_array_end(struct json_writer *writer)
{
	level_end(writer, ']');
}

void json_string_bytes(struct json_writer *writer, const char *key, const char *text, size_t bytes)
{
	write_key(writer, key);
	write_quoted(writer->file, text, text + bytes);
}

void json_string(struct json_writer *writer, const char *key, const char *text)
{
	if (text)
		json_string_bytes(writer, key, text, strlen(text));
	else
		json_raw(writer, key, "null");
}

void json_unsigned(struct json_writer *writer, const char *key, uint64_t value)
{
	write_key(writer, key);
	fprintf(writer->file, "%" PRIu64, value);
}

void json_signed(struct json_writer *writer, const char *key, int64_t value)
{
	write_key(writer, key);
	fprintf(writer->file, "%" PRId64, value);
}

void json_number(struct json_writer *writer, const char *key, double value)
{
	if (!isfinite(value)) {
		json_raw(writer, key, "null");
		return;
	}
	/* Programs leave LC_NUMERIC alone; still, a comma would not be JSON. */
	char text[40];
	snprintf(text, sizeof(text), "%.9g", value);
	char *comma = strchr(text, ',');
	if (comma)
		*comma = '.';
	json_raw(writer, key, text);
}

void json_boolean(struct json_writer *writer, const char *key, int value)
{
	json_raw(writer, key, value ? "true" : "false");
}

void json_raw(struct json_writer *writer, const char *key, const char *text)
{
	write_key(writer, key);
	fputs(text, writer->file);
}

void json_object_text(struct json_writer *writer, const char *key, const char *text)
{
	const char *end = text + strlen(text);
	write_key(writer, key);
	while (text < end) {
		uint32_t point = text_decode(&text, end);
		char utf8[4];
		/* Valid JSON has control characters only between its tokens. */
		fwrite(utf8, 1, text_encode(utf8, point < 0x20 ? ' ' : point), writer->file);
	}
}
