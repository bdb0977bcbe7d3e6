/* SPDX-License-Identifier: Apache-2.0 */
/* The append-style encoders against the C library and against an independent base64, at every length. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../svc/buffer.h"
#include "../../svc/encode.h"

static void check_u64(uint64_t value)
{
	char expected[24], got[24];
	int length = snprintf(expected, sizeof(expected), "%" PRIu64, value);
	assert_int_equal(put_u64(got, value) - got, length);
	assert_memory_equal(got, expected, (size_t)length);
	length = snprintf(expected, sizeof(expected), "%" PRId64, (int64_t)value);
	assert_int_equal(put_i64(got, (int64_t)value) - got, length);
	assert_memory_equal(got, expected, (size_t)length);
}

static void test_numbers(void **state)
{
	(void)state;
	uint64_t power = 1;
	for (unsigned digits = 0; digits < 20; digits++, power *= 10) {
		check_u64(power - 1);
		check_u64(power);
		check_u64(0 - power);
		check_u64(power * 7 + digits);
	}
	check_u64(0);
	check_u64(UINT64_MAX);
	check_u64((uint64_t)INT64_MIN);
}

static int digit_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	return (int)(strchr(digits, c) - digits);
}

/* Decode bit by bit. */
static size_t decode(const char *text, size_t length, uint8_t *bytes)
{
	size_t bits = 0;
	memset(bytes, 0, length);
	for (size_t i = 0; i < length && text[i] != '='; i++)
		for (int bit = 5; bit >= 0; bit--, bits++)
			bytes[bits / 8] |= (uint8_t)(((digit_value(text[i]) >> bit) & 1) << (7 - bits % 8));
	return bits / 8;
}

static void test_base64(void **state)
{
	(void)state;
	for (uint32_t length = 0; length <= 130; length++) {
		char bytes[130], text[200];
		uint8_t back[200];
		for (uint32_t i = 0; i < length; i++)
			bytes[i] = (char)(i * 89 + length * 7);
		char *end = put_base64(text, bytes, length);
		assert_int_equal(end - text, ENCODE_BASE64_BYTES(length));
		assert_int_equal(decode(text, (size_t)(end - text), back), length);
		assert_memory_equal(back, bytes, length);
	}
}

static void check_escape(const char *text, uint32_t length, const char *expected)
{
	char got[64];
	char *end = put_escaped(got, text, length);
	assert_int_equal(end - got, strlen(expected));
	assert_memory_equal(got, expected, strlen(expected));
}

static void test_escapes(void **state)
{
	(void)state;
	check_escape("", 0, "");
	check_escape("plain", 5, "plain");
	check_escape("\"", 1, "\\\"");
	check_escape("a\\b", 3, "a\\\\b");
	check_escape("a\0b", 3, "a\\u0000b");
	check_escape("\x1f", 1, "\\u001f");
	check_escape("\x7f é", 4, "\x7f é");
	check_escape("eight...\"eight...", 17, "eight...\\\"eight...");
}

/* Each byte value at each place of a word: where the fast scan could go wrong. */
static void test_every_byte(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++)
		for (uint32_t at = 0; at < 20; at++) {
			char text[20], got[40];
			bool special = value < 0x20 || value == '"' || value == '\\';
			memset(text, 'x', sizeof(text));
			text[at] = (char)value;
			assert_int_equal(plain_length(text, 20), special ? at : 20);
			char *end = put_escaped(got, text, 20);
			assert_int_equal(end - got, !special ? 20 : value < 0x20 ? 25 : 21);
			assert_memory_equal(got, text, at);
			assert_memory_equal(end - (19 - at), text + at + 1, 19 - at);
		}
}

static void test_buffer(void **state)
{
	(void)state;
	struct buffer buffer = {0};
	for (unsigned i = 0; i < 1000; i++)
		buffer_add_format(&buffer, "%03u,", i % 1000);
	buffer_add_json_text(&buffer, "q\"\n");
	assert_int_equal(buffer.length, 4000 + 11);
	assert_memory_equal(buffer.bytes + 3996, "999,\"q\\\"\\u000a\"", 15);
	buffer_free(&buffer);
	assert_null(buffer.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),    cmocka_unit_test(test_base64), cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_buffer),
	};
	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
