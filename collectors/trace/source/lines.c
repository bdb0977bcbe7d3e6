/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct lines *lines, const char *bytes, size_t size)
{
	char *text = lines->failed ? NULL : realloc(lines->text, lines->size + size);
	if (!text) {
		lines->failed = true;
		return;
	}
	memcpy(text + lines->size, bytes, size);
	lines->text = text;
	lines->size += size;
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '%';
}

static void append_escaped(struct lines *lines, const char *value)
{
	for (; *value; value++) {
		char escaped[8];
		if (is_plain(*value)) {
			append(lines, value, 1);
			continue;
		}
		snprintf(escaped, sizeof(escaped), "%%%02X", (unsigned char)*value);
		append(lines, escaped, 3);
	}
}

void lines_add_text(struct lines *lines, const char *key, const char *value)
{
	append(lines, key, strlen(key));
	append(lines, "=", 1);
	append_escaped(lines, value);
	append(lines, "\n", 1);
}

void lines_add(struct lines *lines, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	lines_add_text(lines, key, text);
}

void lines_add_nth(struct lines *lines, const char *key, uint32_t n, uint64_t value)
{
	char name[64];
	snprintf(name, sizeof(name), "%s.%u", key, n);
	lines_add(lines, name, value);
}

void lines_free(struct lines *lines)
{
	free(lines->text);
	*lines = (struct lines){0};
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character, escaped or not; *at moves behind it. */
static char unescape(const char **at, const char *end)
{
	const char *c = *at;
	*at = c + 1;
	if (*c != '%' || end - c < 3 || hex(c[1]) < 0 || hex(c[2]) < 0)
		return *c;
	*at = c + 3;
	return (char)(hex(c[1]) * 16 + hex(c[2]));
}

bool lines_next(const char **text, char *key, size_t key_size, char *value, size_t value_size)
{
	const char *line = *text, *end = line + strcspn(line, "\n");
	if (*line == 0)
		return false;
	const char *equals = memchr(line, '=', (size_t)(end - line));
	const char *at = equals ? equals + 1 : end;
	snprintf(key, key_size, "%.*s", (int)((equals ? equals : end) - line), line);
	size_t length = 0;
	while (at < end && length + 1 < value_size)
		value[length++] = unescape(&at, end);
	value[length] = 0;
	*text = *end ? end + 1 : end;
	return true;
}
