/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Append-style encoders: each writes at `to` and returns the end. The caller has made room: at most 20 bytes for a
 * number, ENCODE_ESCAPED_BYTES_MAX for a string, ENCODE_BASE64_BYTES for bytes.
 */
#ifndef MEMLAB_SVC_ENCODE_H
#define MEMLAB_SVC_ENCODE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define ENCODE_ESCAPED_BYTES_MAX(length) (6 * (size_t)(length))
#define ENCODE_BASE64_BYTES(length) (((size_t)(length) + 2) / 3 * 4)

/* A string constant without its NUL. */
#define PUT_CONSTANT(to, text) ((char *)memcpy((to), (text), sizeof(text) - 1) + sizeof(text) - 1)

static inline char *put_bytes(char *to, const void *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

static inline char *put_u64_le(char *to, uint64_t value)
{
	value = htole64(value);
	return put_bytes(to, &value, 8);
}

static inline char *put_u32_le(char *to, uint32_t value)
{
	value = htole32(value);
	return put_bytes(to, &value, 4);
}

/* Decimal digits, two at a time from the right, then moved into place. */
static inline char *put_u64(char *to, uint64_t value)
{
	char digits[20];
	unsigned at = sizeof(digits);
	while (value >= 100) {
		unsigned pair = (unsigned)(value % 100);
		value /= 100;
		digits[--at] = (char)('0' + pair % 10);
		digits[--at] = (char)('0' + pair / 10);
	}
	if (value >= 10) {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	}
	digits[--at] = (char)('0' + value);
	return put_bytes(to, digits + at, sizeof(digits) - at);
}

static inline char *put_i64(char *to, int64_t value)
{
	if (value < 0)
		*to++ = '-';
	return put_u64(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* How many bytes from the start need no escape in a JSON string. */
uint32_t plain_length(const char *bytes, uint32_t length);
/* The bytes of a JSON string, without the quotes around it. */
char *put_escaped(char *to, const char *bytes, uint32_t length);
char *put_base64(char *to, const char *bytes, uint32_t length);

#endif
