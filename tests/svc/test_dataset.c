/* SPDX-License-Identifier: Apache-2.0 */
/* The records are a contract: golden values, ranges, and a skew like that of real data. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "../../svc/dataset/dataset.h"

#define MANY 20000

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

/* If this fails, DATASET_VERSION must change: recorded runs and data files no longer match. */
static void test_golden(void **state)
{
	(void)state;
	struct dataset_record record;
	uint64_t hash = 0xcbf29ce484222325u;
	for (uint64_t id = 0; id < MANY; id++) {
		char body[DATASET_BODY_BYTES_MAX];
		dataset_record(42, id, &record);
		hash = hash_bytes(hash, body, dataset_json(&record, body));
	}
	dataset_record(42, 7, &record);
	assert_memory_equal(record.name, "Wei Ali", 7);
	assert_int_equal(record.created_s, 1275530944);
	assert_int_equal(record.balance_cents, 1537088);
	assert_string_equal(record.city.text, "Madrid");
	assert_int_equal(DATASET_VERSION, 1);
	assert_int_equal(hash, 0xd4537e0fbae83870u);
}

static void test_ranges(void **state)
{
	(void)state;
	uint32_t shortest = UINT32_MAX, longest = 0;
	for (uint64_t id = 0; id < MANY; id++) {
		struct dataset_record record;
		dataset_record(1, id, &record);
		assert_int_equal(record.id, id);
		assert_in_range(record.created_s, 1262304000, 1767225599);
		assert_true(record.balance_cents >= -250000 && record.balance_cents < 1750000);
		assert_in_range(record.name_length, 3, DATASET_NAME_BYTES_MAX);
		assert_in_range(record.city.length, 1, DATASET_WORD_BYTES_MAX);
		assert_int_equal(record.country.length, strlen(record.country.text));
		shortest = record.payload_length < shortest ? record.payload_length : shortest;
		longest = record.payload_length > longest ? record.payload_length : longest;
	}
	assert_int_equal(shortest, DATASET_PAYLOAD_BYTES_MIN);
	assert_int_equal(longest, DATASET_PAYLOAD_BYTES_MAX);
}

/* Of 63 words, drawn by octave: the first has a share of 1/6, the last of 1/192. */
static void test_skew(void **state)
{
	(void)state;
	unsigned first = 0, last = 0;
	for (uint64_t id = 0; id < MANY; id++) {
		struct dataset_record record;
		dataset_record(9, id, &record);
		first += !strcmp(record.city.text, "São Paulo");
		last += !strcmp(record.city.text, "Reykjavík");
	}
	assert_in_range(first, MANY / 6 * 9 / 10, MANY / 6 * 11 / 10);
	assert_in_range(last, MANY / 192 / 2, MANY / 192 * 2);
}

static void test_seeds_differ(void **state)
{
	(void)state;
	struct dataset_record a, b, again;
	dataset_record(1, 5, &a);
	dataset_record(2, 5, &b);
	dataset_record(1, 5, &again);
	assert_memory_not_equal(a.payload, b.payload, DATASET_PAYLOAD_BYTES_MIN);
	assert_int_equal(a.payload_length, again.payload_length);
	assert_memory_equal(a.payload, again.payload, a.payload_length);
}

static void test_count(void **state)
{
	(void)state;
	assert_true(dataset_count(64u << 20) >= 220000);
	assert_int_equal(dataset_count(0), 0);
	assert_int_equal(dataset_count(DATASET_RECORD_BYTES), 1);
}

static void test_escapes(void **state)
{
	(void)state;
	struct dataset_record record;
	char body[DATASET_BODY_BYTES_MAX];
	dataset_record(42, 0, &record);
	record.name_length = 5;
	memcpy(record.name, "a\"\\\nb", 5);
	size_t length = dataset_json(&record, body);
	assert_non_null(memmem(body, length, "\"name\":\"a\\\"\\\\\\u000ab\"", 21));
}

/* The header's fields stand where dataset.h says. */
static void test_bin_layout(void **state)
{
	(void)state;
	struct dataset_record record;
	uint8_t body[DATASET_BODY_BYTES_MAX];
	dataset_record(42, 513, &record);
	size_t length = dataset_bin(&record, body);
	assert_int_equal(body[0], 1);
	assert_int_equal(body[1], 2);
	assert_int_equal(body[28], record.name_length);
	assert_int_equal(body[31], record.plan.length);
	assert_int_equal(body[32], record.payload_length);
	assert_memory_equal(body + DATASET_BIN_HEADER_BYTES, record.name, record.name_length);
	assert_memory_equal(body + length - record.payload_length, record.payload, record.payload_length);
	assert_int_equal(length, DATASET_BIN_HEADER_BYTES + record.name_length + record.country.length +
					 record.city.length + record.plan.length + record.payload_length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),       cmocka_unit_test(test_ranges), cmocka_unit_test(test_skew),
		cmocka_unit_test(test_seeds_differ), cmocka_unit_test(test_count),  cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_bin_layout),
	};
	return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
