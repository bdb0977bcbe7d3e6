/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure parts of memlab-trace's command line: lengths of time and --fail-if rules. What ends the process
 * is tested from outside (tests/e2e/errors.bats).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../../collectors/trace/options.h"

static void times_have_units(void **state)
{
	(void)state;
	static const struct { const char *text; uint64_t ns; } good[] = {
		{"10", 10000000000u}, {"1.5s", 1500000000u}, {"200ms", 200000000u}, {"7us", 7000u}, {"5ns", 5}, {"2m", 120000000000u}, {"0", 0}};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t ns = 1;
		assert_true(trace_parse_time(good[i].text, &ns));
		assert_int_equal(ns, good[i].ns);
	}
	static const char *const bad[] = {"", "s", "-1", "1h", "1 s", "nan", "1e99", "inf", "5mss"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t ns;
		assert_false(trace_parse_time(bad[i], &ns));
	}
}

static void rules_name_a_quantile(void **state)
{
	(void)state;
	struct fail_rule rule;
	assert_true(trace_parse_fail_rule("p99>5ms", &rule));
	assert_true(rule.above);
	assert_true(rule.percent == 99);
	assert_int_equal(rule.limit_ns, 5000000);
	assert_true(trace_parse_fail_rule("p99.9 < 200us", &rule));
	assert_false(rule.above);
	assert_true(rule.percent == 99.9);
	assert_int_equal(rule.limit_ns, 200000);
	assert_true(trace_parse_fail_rule("max>1s", &rule));
	assert_true(rule.percent == 100);
	static const char *const bad[] = {"", "p99", "p98>1ms", "p99>", "p99=5ms", "p99>-5ms", "p99>>5ms", ">5ms", "p99>5parsecs"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(trace_parse_fail_rule(bad[i], &rule));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_have_units),
		cmocka_unit_test(rules_name_a_quantile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
