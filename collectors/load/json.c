/* SPDX-License-Identifier: Apache-2.0 */
/* See json.h. */
#include <inttypes.h>

#include "json.h"

static void string_write(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20)
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void line_begin(struct json *json)
{
	fputc('\n', json->file);
	for (int i = 0; i < json->depth; i++)
		fputs("  ", json->file);
}

/* Everything that stands before a value. */
static void member_begin(struct json *json, const char *name)
{
	if (!json->empty && json->depth)
		fputc(',', json->file);
	if (json->depth)
		line_begin(json);
	json->empty = false;
	if (!name)
		return;
	string_write(json->file, name);
	fputs(": ", json->file);
}

static void open_level(struct json *json, const char *name, char bracket)
{
	member_begin(json, name);
	fputc(bracket, json->file);
	json->depth++;
	json->empty = true;
}

static void close_level(struct json *json, char bracket)
{
	json->depth--;
	if (!json->empty)
		line_begin(json);
	fputc(bracket, json->file);
	json->empty = false;
	if (json->depth == 0)
		fputc('\n', json->file);
}

void json_object_begin(struct json *json, const char *name)
{
	open_level(json, name, '{');
}

void json_object_end(struct json *json)
{
	close_level(json, '}');
}

void json_array_begin(struct json *json, const char *name)
{
	open_level(json, name, '[');
}

void json_array_end(struct json *json)
{
	close_level(json, ']');
}

void json_u64(struct json *json, const char *name, uint64_t value)
{
	member_begin(json, name);
	fprintf(json->file, "%" PRIu64, value);
}

void json_real(struct json *json, const char *name, double value, int decimals)
{
	member_begin(json, name);
	fprintf(json->file, "%.*f", decimals, value);
}

void json_bool(struct json *json, const char *name, bool value)
{
	member_begin(json, name);
	fputs(value ? "true" : "false", json->file);
}

void json_string(struct json *json, const char *name, const char *value)
{
	member_begin(json, name);
	string_write(json->file, value);
}

void json_raw(struct json *json, const char *name, const char *text, size_t length)
{
	member_begin(json, name);
	fwrite(text, 1, length, json->file);
}
