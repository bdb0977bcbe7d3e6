/* SPDX-License-Identifier: Apache-2.0 */
/* See jsonscan.h. */
#include <errno.h>
#include <string.h>

#include "jsonscan.h"
#include "quantity.h"

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

/* From an opening quote to after the closing one, or the end. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at < end ? at + 1 : end;
}

/* From a value's first character to after it. */
static const char *skip_value(const char *at, const char *end)
{
	int depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			if (depth == 0)
				return at;
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		if (*at == '}' || *at == ']') {
			if (depth == 0)
				return at;
			if (--depth == 0)
				return at + 1;
		}
		if (depth == 0 && (*at == ',' || *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
			return at;
		at++;
	}
	return end;
}

const char *jsonscan_member(const char *text, size_t length, const char *name, size_t *value_length)
{
	const char *end = text + length;
	size_t name_length = strlen(name);

	for (const char *at = text; at < end;) {
		if (*at != '"') {
			at++;
			continue;
		}
		const char *string = at + 1;

		at = skip_string(at, end);
		size_t string_length = (size_t)(at - string);
		const char *colon = skip_space(at, end);

		if (colon == end || *colon != ':' || string_length != name_length + 1 ||
		    memcmp(string, name, name_length))
			continue;
		const char *value = skip_space(colon + 1, end);

		*value_length = (size_t)(skip_value(value, end) - value);
		return value;
	}
	return NULL;
}

int jsonscan_u64(const char *text, size_t length, const char *name, uint64_t *value)
{
	char digits[24];
	size_t value_length;
	const char *raw = jsonscan_member(text, length, name, &value_length);

	if (!raw)
		return -ENOENT;
	if (value_length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, raw, value_length);
	digits[value_length] = '\0';
	return quantity_u64(digits, value);
}
