/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run says: distributions, times for people, warnings, the percentile table, and the choice of connections.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../collectors/load/check.h"
#include "../../../collectors/load/clock.h"
#include "../../../collectors/load/duration.h"
#include "../../../collectors/load/hgrm.h"
#include "../../../collectors/load/json.h"
#include "../../../collectors/load/ready.h"
#include "../../../collectors/load/report.h"
#include "../../../collectors/load/warning.h"
#include "../../../svc/dataset/dataset.h"
#include "cmocka_all.h"

static void percentiles_never_flatter(void **state)
{
	static struct latency latency;

	(void)state;
	memset(&latency, 0, sizeof(latency));
	assert_int_equal(latency_percentile_ns(&latency, 99), 0);
	for (uint64_t us = 1; us <= 10000; us++)
		latency_add(&latency, us * NS_PER_US);
	assert_int_equal(latency.max_ns, 10000 * NS_PER_US);
	assert_in_range(latency_percentile_ns(&latency, 50), 5000 * NS_PER_US, 5040 * NS_PER_US);
	assert_in_range(latency_percentile_ns(&latency, 99), 9900 * NS_PER_US, 9980 * NS_PER_US);
	/* Never above what was measured. */
	assert_int_equal(latency_percentile_ns(&latency, 100), latency.max_ns);
	assert_true(latency_mean_ns(&latency) == 5000.5 * 1000);
	assert_true(latency_deviation_ns(&latency) > 2880000 && latency_deviation_ns(&latency) < 2895000);
}

static void merged_is_the_same_as_together(void **state)
{
	struct latency *one = calloc(3, sizeof(*one)), *two = one + 1, *all = one + 2;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		latency_add(i % 3 ? one : two, i * i * 1000);
		latency_add(all, i * i * 1000);
	}
	latency_merge(one, two);
	assert_memory_equal(one, all, sizeof(*all));
	free(one);
}

static void times_are_readable(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} right[] = {{0, "0 ns"},          {999, "999 ns"},      {1000, "1.00 us"},       {31234, "31.2 us"},
		     {312345, "312 us"},   {999499, "999 us"},   {999500, "1.00 ms"},     {4150000, "4.15 ms"},
		     {9994999, "9.99 ms"}, {9996000, "10.0 ms"}, {123456789012, "123 s"}, {9999999999999, "10000 s"}};
	char text[DURATION_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(right); i++)
		assert_string_equal(duration_text(text, right[i].ns), right[i].text);
}

/* ------------------------------------------------------------- percentile table */

static char *hgrm_text(const struct latency *latency)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	hgrm_write(latency, file);
	fclose(file);
	return text;
}

/* Values and counts rise, shares rise to 1, each share is honest for its count, the last line is the maximum. */
static void hgrm_is_a_percentile_table(void **state)
{
	static struct latency latency;
	double value, share, previous_value = 0, previous_share = -1;
	unsigned long count, previous_count = 0;
	int lines = 0;

	(void)state;
	memset(&latency, 0, sizeof(latency));
	for (uint64_t i = 0; i < 100000; i++)
		latency_add(&latency, 20000 + i * i / 100);
	char *text = hgrm_text(&latency), *place = NULL;

	assert_non_null(strstr(text, "Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
	for (char *line = strtok_r(text, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		if (sscanf(line, "%lf %lf %lu", &value, &share, &count) != 3)
			continue;
		assert_true(value >= previous_value && share > previous_share && count >= previous_count);
		assert_true((double)count / 100000 >= share - 1e-9);
		previous_value = value, previous_share = share, previous_count = count;
		lines++;
	}
	assert_true(lines > 50);
	assert_true(share == 1 && count == 100000);
	free(text);
}

static void hgrm_of_nothing(void **state)
{
	static struct latency latency;

	(void)state;
	memset(&latency, 0, sizeof(latency));
	char *text = hgrm_text(&latency);

	assert_non_null(strstr(text, "Total count    =            0]"));
	free(text);
}

/* -------------------------------------------------------------------- warnings */

static struct outcome outcome;
static struct load_options options;
static struct warnings warnings;

/* A second of 1000/s without blemish. */
static void outcome_clean(void)
{
	free(outcome.tallies);
	memset(&outcome, 0, sizeof(outcome));
	memset(&options, 0, sizeof(options));
	outcome.tallies = calloc(1, sizeof(*outcome.tallies));
	outcome.step_count = 1;
	outcome.end_ns = NS_PER_S;
	outcome.steps[0] = (struct schedule_step){.rate = 1000, .end_ns = NS_PER_S};
	outcome.tallies->answered = outcome.tallies->received_in_window = 1000;
	for (int i = 0; i < 1000; i++) {
		latency_add(&outcome.tallies->response_ns, 50 * NS_PER_US);
		latency_add(&outcome.tallies->send_lag_ns, 5 * NS_PER_US);
	}
}

static void expect_warning(const char *part)
{
	warnings_find(&options, &outcome, &warnings);
	if (!part) {
		assert_int_equal(warnings.count, 0);
		return;
	}
	assert_int_equal(warnings.count, 1);
	if (!strstr(warnings.lines[0], part))
		fail_msg("unexpected warning: %s", warnings.lines[0]);
}

static void a_clean_run_has_no_warning(void **state)
{
	(void)state;
	outcome_clean();
	expect_warning(NULL);
	options.spin = true;
	outcome.usage.cpu_ns = NS_PER_S;
	expect_warning(NULL);
}

static void a_late_generator_is_told(void **state)
{
	(void)state;
	outcome_clean();
	for (int i = 0; i < 2000; i++) {
		latency_add(&outcome.tallies->response_ns, 300 * NS_PER_US);
		latency_add(&outcome.tallies->send_lag_ns, 200 * NS_PER_US);
	}
	expect_warning("send lag p50");
	outcome_clean();
	for (int i = 0; i < 20; i++) {
		latency_add(&outcome.tallies->response_ns, 4 * NS_PER_MS);
		latency_add(&outcome.tallies->send_lag_ns, 3 * NS_PER_MS);
	}
	expect_warning("send lag p99");
}

/* A lag that is a small part of a slow answer is no news. */
static void a_lag_that_hardly_matters_is_not(void **state)
{
	(void)state;
	outcome_clean();
	for (int i = 0; i < 2000; i++) {
		latency_add(&outcome.tallies->response_ns, 300 * NS_PER_MS);
		latency_add(&outcome.tallies->send_lag_ns, 2 * NS_PER_MS);
	}
	expect_warning(NULL);
}

static void other_bottlenecks_are_told(void **state)
{
	(void)state;
	outcome_clean();
	outcome.usage.cpu_ns = 99 * NS_PER_S / 100;
	expect_warning("99 % of a CPU");
	outcome.polled_ns = NS_PER_S / 10; /* it would have had time for more */
	expect_warning(NULL);
	outcome_clean();
	outcome.usage.runqueue_ns = NS_PER_S / 5;
	expect_warning("waited 20 % of the time for a CPU");
	outcome_clean();
	outcome.tallies->waited = 500;
	expect_warning("50 % of the requests waited");
	outcome_clean();
	outcome.tallies->received_in_window = 900;
	expect_warning("achieved 900/s of 1000/s");
	outcome_clean();
	outcome.tallies->errors[ERROR_STATUS] = 3;
	expect_warning("3 errors");
	outcome_clean();
	outcome.interrupted = true;
	expect_warning("interrupted");
}

/* ------------------------------------------------------------------------ JSON */

static void json_is_escaped_and_separated(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	struct json json = {.file = file, .empty = true};

	(void)state;
	json_object_begin(&json, NULL);
	json_array_begin(&json, "empty");
	json_array_end(&json);
	json_string(&json, "a\"b", "\\\n");
	json_array_begin(&json, "list");
	json_u64(&json, NULL, 1);
	json_real(&json, NULL, 2.5, 2);
	json_array_end(&json);
	json_bool(&json, "yes", true);
	json_raw(&json, "raw", "{}!", 2);
	json_object_end(&json);
	fclose(file);
	assert_string_equal(
		text, "{\n  \"empty\": [],\n  \"a\\\"b\": \"\\\\\\u000a\",\n  \"list\": [\n    1,\n    2.50\n  ],\n"
		      "  \"yes\": true,\n  \"raw\": {}\n}\n");
	free(text);
}

/* -------------------------------------------------------------------- the rest */

static void the_longest_idle_connection_is_next(void **state)
{
	struct connection c[3] = {0};
	struct ready ready;

	(void)state;
	ready_init(&ready, 2);
	assert_null(ready_first(&ready));
	for (int i = 0; i < 3; i++)
		ready_add(&ready, &c[i]);
	assert_ptr_equal(ready_first(&ready), &c[0]);
	ready_remove(&ready, &c[0]);
	c[0].flight_count = 1;
	ready_add(&ready, &c[0]);
	/* Fewest outstanding first. */
	assert_ptr_equal(ready_first(&ready), &c[1]);
	ready_remove(&ready, &c[1]);
	ready_remove(&ready, &c[1]);
	assert_ptr_equal(ready_first(&ready), &c[2]);
	ready_remove(&ready, &c[2]);
	assert_ptr_equal(ready_first(&ready), &c[0]);
	ready_remove(&ready, &c[0]);
	assert_null(ready_first(&ready));
}

static void removal_from_the_middle(void **state)
{
	struct connection c[3] = {0};
	struct ready ready;

	(void)state;
	ready_init(&ready, 1);
	for (int i = 0; i < 3; i++)
		ready_add(&ready, &c[i]);
	ready_remove(&ready, &c[1]);
	ready_remove(&ready, &c[2]);
	ready_add(&ready, &c[1]);
	assert_ptr_equal(ready_first(&ready), &c[0]);
	ready_remove(&ready, &c[0]);
	assert_ptr_equal(ready_first(&ready), &c[1]);
	assert_null(c[1].next);
}

static void only_the_right_body_passes(void **state)
{
	char bytes[CHECK_BODY_BYTES];
	struct response_body body = {.bytes = bytes, .capacity = sizeof(bytes)};
	struct dataset_record record;

	(void)state;
	dataset_record(42, 17, &record);
	body.length = dataset_json(&record, bytes);
	assert_true(check_body(FORMAT_JSON, 42, 17, &body));
	assert_false(check_body(FORMAT_JSON, 42, 18, &body));
	assert_false(check_body(FORMAT_JSON, 43, 17, &body));
	assert_false(check_body(FORMAT_BIN, 42, 17, &body));
	body.length--;
	assert_false(check_body(FORMAT_JSON, 42, 17, &body));
	body.length += 2;
	assert_false(check_body(FORMAT_JSON, 42, 17, &body));
	body.length = sizeof(bytes) + 1;
	assert_false(check_body(FORMAT_JSON, 42, 17, &body));
	body.length = dataset_bin(&record, (uint8_t *)bytes);
	assert_true(check_body(FORMAT_BIN, 42, 17, &body));
	bytes[body.length / 2] ^= 1;
	assert_false(check_body(FORMAT_BIN, 42, 17, &body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_never_flatter),
		cmocka_unit_test(merged_is_the_same_as_together),
		cmocka_unit_test(times_are_readable),
		cmocka_unit_test(hgrm_is_a_percentile_table),
		cmocka_unit_test(hgrm_of_nothing),
		cmocka_unit_test(a_clean_run_has_no_warning),
		cmocka_unit_test(a_late_generator_is_told),
		cmocka_unit_test(a_lag_that_hardly_matters_is_not),
		cmocka_unit_test(other_bottlenecks_are_told),
		cmocka_unit_test(json_is_escaped_and_separated),
		cmocka_unit_test(the_longest_idle_connection_is_next),
		cmocka_unit_test(removal_from_the_middle),
		cmocka_unit_test(only_the_right_body_passes),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(outcome.tallies);
	return failed;
}
