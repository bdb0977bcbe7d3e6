/* SPDX-License-Identifier: Apache-2.0 */
#include "json_reader.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 16

static const char *skip_value(const char *at, unsigned depth);

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* All skip_ functions return what follows, or NULL when the text is not JSON. */
static const char *skip_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < 0x20)
			return NULL;
		if (*at != '\\')
			continue;
		at++;
		if (*at == 'u') {
			for (int i = 0; i < 4; i++)
				if (!isxdigit((unsigned char)*++at))
					return NULL;
		} else if (!*at || !strchr("\"\\/bfnrt", *at)) {
			return NULL;
		}
	}
	return at + 1;
}

static const char *skip_digits(const char *at)
{
	size_t digits = strspn(at, "0123456789");
	return digits ? at + digits : NULL;
}

static const char *skip_number(const char *at)
{
	if (*at == '-')
		at++;
	at = *at == '0' ? at + 1 : skip_digits(at);
	if (at && *at == '.')
		at = skip_digits(at + 1);
	if (at && (*at == 'e' || *at == 'E')) {
		at++;
		if (*at == '+' || *at == '-')
			at++;
		at = skip_digits(at);
	}
	return at;
}

static const char *skip_word(const char *at)
{
	static const char *const words[] = {"true", "false", "null"};
	for (unsigned i = 0; i < 3; i++)
		if (strncmp(at, words[i], strlen(words[i])) == 0)
			return at + strlen(words[i]);
	return NULL;
}

/* One `"key": value`; `value` is told where the value starts. */
static const char *skip_member(const char *at, unsigned depth, const char **value)
{
	at = skip_string(skip_space(at));
	if (!at)
		return NULL;
	at = skip_space(at);
	if (*at++ != ':')
		return NULL;
	*value = skip_space(at);
	return skip_value(*value, depth);
}

static const char *skip_container(const char *at, unsigned depth)
{
	int is_object = *at == '{';
	char close = is_object ? '}' : ']';
	const char *value;
	at = skip_space(at + 1);
	if (*at == close)
		return at + 1;
	for (;;) {
		at = is_object ? skip_member(at, depth, &value) : skip_value(skip_space(at), depth);
		if (!at)
			return NULL;
		at = skip_space(at);
		if (*at == close)
			return at + 1;
		if (*at++ != ',')
			return NULL;
	}
}

static const char *skip_value(const char *at, unsigned depth)
{
	if (depth >= DEPTH_MAX)
		return NULL;
	switch (*at) {
	case '{':
	case '[':
		return skip_container(at, depth + 1);
	case '"':
		return skip_string(at);
	case 't':
	case 'f':
	case 'n':
		return skip_word(at);
	default:
		return skip_number(at);
	}
}

int json_is_object(const char *text)
{
	text = skip_space(text);
	if (*text != '{')
		return 0;
	text = skip_value(text, 0);
	return text && *skip_space(text) == '\0';
}

static int copy_scalar(const char *value, const char *end, char *out, size_t size)
{
	if (*value == '{' || *value == '[')
		return -ENOENT;
	if (*value == '"') {
		value++;
		end--;
	}
	size_t length = (size_t)(end - value);
	if (length >= size)
		return -ENOSPC;
	memcpy(out, value, length);
	out[length] = '\0';
	return 0;
}

int json_member(const char *text, const char *key, char *out, size_t size)
{
	if (!json_is_object(text))
		return -EINVAL;
	const char *at = skip_space(skip_space(text) + 1);
	while (*at == '"') {
		const char *name = at + 1, *value;
		const char *name_end = skip_string(at) - 1;
		at = skip_member(at, 1, &value);
		if ((size_t)(name_end - name) == strlen(key) && strncmp(name, key, strlen(key)) == 0)
			return copy_scalar(value, at, out, size);
		at = skip_space(at);
		if (*at == ',')
			at = skip_space(at + 1);
	}
	return -ENOENT;
}
