/* SPDX-License-Identifier: Apache-2.0 */
/* The header X-Memlab-Times: what is read, and what is no such thing. */
#include "unit.h"

#include "../../svc/client_times.h"

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t intended_ns, send_ns;
	} good[] = {
		{"1 2", 1, 2},
		{"0 1", 0, 1},
		{"7 7", 7, 7},
		{"007 0000000000000000000000000000000000000000008", 7, 8},
		{"18446744073709551614 18446744073709551615", UINT64_MAX - 1, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		uint64_t intended = 0, send = 0;
		assert_true(client_times_parse(good[i].text, &intended, &send));
		assert_int_equal(intended, good[i].intended_ns);
		assert_int_equal(send, good[i].send_ns);
	}
}

static void test_no_times(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",     " ",    "1",	"1 ",  " 1 2", "1  2", "1 2 ", "1 2 3", "1,2", "1\t2", "+1 2", "1 -2",
		"2 1",  "0 0",  "1 2x", "a b", "0x1 2", "1 18446744073709551616", "1 99999999999999999999999999999999",
		"18446744073709551616 18446744073709551617",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t intended = 5, send = 6;
		assert_false(client_times_parse(bad[i], &intended, &send));
		assert_int_equal(intended, 5);
		assert_int_equal(send, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
