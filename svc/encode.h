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

/* The first `part` bytes and the last, which may overlap: all of them, if there are from `part` to twice as many. */
static inline __attribute__((always_inline)) void put_both_ends(char *to, const char *from, size_t length, size_t part)
{
	memcpy(to, from, part);
	memcpy(to + length - part, from + length - part, part);
}

/*
 * Short copies without a call and, up to 128 bytes, without a loop, whose end the CPU would have to guess: reads and writes
 * exactly `length` bytes. The shortest first: most strings of a record are.
 */
static inline __attribute__((always_inline)) char *put_bytes(char *to, const void *bytes, size_t length)
{
	const char *from = bytes;
	if (length < 4)
		for (size_t i = 0; i < length; i++)
			to[i] = from[i];
	else if (length <= 8)
		put_both_ends(to, from, length, 4);
	else if (length <= 16)
		put_both_ends(to, from, length, 8);
	else if (length <= 32)
		put_both_ends(to, from, length, 16);
	else if (length <= 64)
		put_both_ends(to, from, length, 32);
	else {
		for (; length > 128; from += 64, to += 64, length -= 64)
			memcpy(to, from, 64);
		put_both_ends(to, from, length, 64);
	}
	return to + length;
}

static inline char *put_u64_le(char *to, uint64_t value)
{
	value = htole64(value);
	return (char *)memcpy(to, &value, 8) + 8;
}

static inline char *put_u32_le(char *to, uint32_t value)
{
	value = htole32(value);
	return (char *)memcpy(to, &value, 4) + 4;
}

extern const char encode_digit_pairs[200]; /* "00" "01" .. "99" */
extern const uint64_t encode_powers_of_ten[20];

/* Digits of a number: from its bits (1233 / 4096 is a little more than log10 of 2), corrected by one comparison. */
static inline unsigned digit_count(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	unsigned count = bits * 1233 >> 12;
	return count + (value >= encode_powers_of_ten[count]) + (value == 0);
}

/* Decimal digits, two at a time from the right, written where they belong. */
static inline char *put_u64(char *to, uint64_t value)
{
	char *end = to + digit_count(value), *at = end;
	while (value >= 100) {
		at -= 2;
		memcpy(at, encode_digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(at - 2, encode_digit_pairs + value * 2, 2);
	else
		at[-1] = (char)('0' + value);
	return end;
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
