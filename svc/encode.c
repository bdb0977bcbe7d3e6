/* SPDX-License-Identifier: Apache-2.0 */
/* The longer encoders. */
#include "encode.h"

#include <stdbool.h>

static bool plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

uint32_t plain_length(const char *bytes, uint32_t length)
{
	uint32_t i = 0;
	while (i < length && plain((unsigned char)bytes[i]))
		i++;
	return i;
}

static char *put_escape(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	*to++ = '\\';
	if (c >= 0x20) {
		*to++ = (char)c;
		return to;
	}
	to = PUT_CONSTANT(to, "u00");
	*to++ = hex[c >> 4];
	*to++ = hex[c & 15];
	return to;
}

char *put_escaped(char *to, const char *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (plain(c))
			*to++ = (char)c;
		else
			to = put_escape(to, c);
	}
	return to;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_base64_group(char *to, uint32_t group)
{
	*to++ = base64_digits[group >> 18];
	*to++ = base64_digits[(group >> 12) & 63];
	*to++ = base64_digits[(group >> 6) & 63];
	*to++ = base64_digits[group & 63];
	return to;
}

char *put_base64(char *to, const char *bytes, uint32_t length)
{
	const unsigned char *from = (const unsigned char *)bytes;
	uint32_t whole = length / 3 * 3;
	for (uint32_t i = 0; i < whole; i += 3)
		to = put_base64_group(to, (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2]);
	uint32_t left = length - whole;
	if (left == 0)
		return to;
	uint32_t second = left == 2 ? from[whole + 1] : 0;
	to = put_base64_group(to, (uint32_t)from[whole] << 16 | second << 8);
	to[-1] = '=';
	if (left == 1)
		to[-2] = '=';
	return to;
}
