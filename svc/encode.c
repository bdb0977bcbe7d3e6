/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The longer encoders. Both work on as many bytes at once as the CPU takes: strings eight at a time in a plain
 * register, base64 twelve at a time in a vector register where the CPU has pshufb (asked once per call), else three.
 */
#include "encode.h"

#include <stdbool.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define PAIRS(d) #d "0" #d "1" #d "2" #d "3" #d "4" #d "5" #d "6" #d "7" #d "8" #d "9"
const char encode_digit_pairs[200] __attribute__((nonstring)) =
	PAIRS(0) PAIRS(1) PAIRS(2) PAIRS(3) PAIRS(4) PAIRS(5) PAIRS(6) PAIRS(7) PAIRS(8) PAIRS(9);
/* The first is 1, not 0: digit_count asks for it with values below 8 only, and then counts one digit. */
const uint64_t encode_powers_of_ten[20] = {1,
					   10,
					   100,
					   1000,
					   10000,
					   100000,
					   1000000,
					   10000000,
					   100000000,
					   1000000000,
					   10000000000,
					   100000000000,
					   1000000000000,
					   10000000000000,
					   100000000000000,
					   1000000000000000,
					   10000000000000000,
					   100000000000000000,
					   1000000000000000000,
					   10000000000000000000u};

/* ---------------------------------------------------------------- strings */

#define EACH_BYTE(value) ((value)*0x0101010101010101u)

/* Not zero if one of eight bytes is a control character, " or \. (Never wrong about that; the place may be.) */
static uint64_t any_special(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');
	uint64_t control = (word - EACH_BYTE(0x20)) & ~word;
	quote = (quote - EACH_BYTE(1)) & ~quote;
	backslash = (backslash - EACH_BYTE(1)) & ~backslash;
	return (control | quote | backslash) & EACH_BYTE(0x80);
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static uint64_t load_u64(const char *from)
{
	uint64_t word;
	memcpy(&word, from, 8);
	return word;
}

/* One to seven bytes as a word, the rest spaces. */
static uint64_t load_few(const char *from, uint32_t length)
{
	uint64_t word = EACH_BYTE(' ');
	put_bytes((char *)&word, from, length & 7);
	return word;
}

uint32_t plain_length(const char *bytes, uint32_t length)
{
	uint32_t i = 0;
	while (length - i >= 8 && !any_special(load_u64(bytes + i)))
		i += 8;
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

static char *put_escaped_slow(char *to, const char *bytes, uint32_t length)
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

char *put_escaped(char *to, const char *bytes, uint32_t length)
{
	for (; length >= 8; bytes += 8, length -= 8) {
		uint64_t word = load_u64(bytes);
		to = any_special(word) ? put_escaped_slow(to, bytes, 8) : (char *)memcpy(to, &word, 8) + 8;
	}
	if (length == 0)
		return to;
	if (any_special(load_few(bytes, length)))
		return put_escaped_slow(to, bytes, length);
	return put_bytes(to, bytes, length);
}

/* ----------------------------------------------------------------- base64 */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_base64_group(char *to, uint32_t group)
{
	*to++ = base64_digits[group >> 18];
	*to++ = base64_digits[(group >> 12) & 63];
	*to++ = base64_digits[(group >> 6) & 63];
	*to++ = base64_digits[group & 63];
	return to;
}

/* What is left, of any length. */
static char *put_base64_rest(char *to, const unsigned char *from, uint32_t length)
{
	for (; length >= 3; from += 3, length -= 3)
		to = put_base64_group(to, (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2]);
	if (length == 0)
		return to;
	to = put_base64_group(to, (uint32_t)from[0] << 16 | (length == 2 ? (uint32_t)from[1] << 8 : 0));
	to[-1] = '=';
	if (length == 1)
		to[-2] = '=';
	return to;
}

#ifdef __x86_64__

/*
 * Twelve bytes to sixteen digits. Each three bytes b0 b1 b2 become the 32-bit word b1 b0 b2 b1 (low to high), in which
 * each six-bit field lies inside a 16-bit half, so that two multiplications move two fields each to their
 * bytes: one keeps the high half of the product (a shift right), one the low half (a shift left).
 */
__attribute__((target("ssse3"))) static __m128i six_bit_fields(__m128i bytes)
{
	const __m128i spread = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	__m128i words = _mm_shuffle_epi8(bytes, spread);
	__m128i odd = _mm_and_si128(words, _mm_set1_epi32(0x0fc0fc00));  /* fields 0 and 2 */
	__m128i even = _mm_and_si128(words, _mm_set1_epi32(0x003f03f0)); /* fields 1 and 3 */
	odd = _mm_mulhi_epu16(odd, _mm_set1_epi32(0x04000040));
	even = _mm_mullo_epi16(even, _mm_set1_epi32(0x01000010));
	return _mm_or_si128(odd, even);
}

/*
 * A digit is its field plus a distance that depends on the field's range: 0-25 letters, 26-51 small letters, 52-61
 * figures, 62, 63. The saturating subtraction leaves 0 for both kinds of letters and 1 to 12 above; the comparison
 * tells the letters apart by making the large ones 13; the shuffle is the table of distances.
 */
__attribute__((target("ssse3"))) static __m128i digits_of(__m128i fields)
{
	const __m128i distances = _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
						'0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
	__m128i range = _mm_subs_epu8(fields, _mm_set1_epi8(51));
	__m128i large = _mm_cmpgt_epi8(_mm_set1_epi8(26), fields);
	range = _mm_or_si128(range, _mm_and_si128(large, _mm_set1_epi8(13)));
	return _mm_add_epi8(fields, _mm_shuffle_epi8(distances, range));
}

/* Reads sixteen bytes to use twelve, so it stops while sixteen are left. Returns how many it used. */
__attribute__((target("ssse3"))) static uint32_t put_base64_vector(char *to, const unsigned char *from, uint32_t length)
{
	uint32_t done = 0;
	for (; length - done >= 16; done += 12, to += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + done));
		_mm_storeu_si128((__m128i *)(void *)to, digits_of(six_bit_fields(bytes)));
	}
	return done;
}

#endif

char *put_base64(char *to, const char *bytes, uint32_t length)
{
	const unsigned char *from = (const unsigned char *)bytes;
	uint32_t done = 0;
#ifdef __x86_64__
	if (__builtin_cpu_supports("ssse3"))
		done = put_base64_vector(to, from, length);
#endif
	return put_base64_rest(to + done / 3 * 4, from + done, length - done);
}
