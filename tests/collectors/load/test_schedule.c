/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedule: constant starts exact to a nanosecond without drift, Poisson gaps exponential and independent,
 * steps and their windows, and stopping early.
 */
#include <math.h>
#include <string.h>

#include "../../../collectors/load/clock.h"
#include "../../../collectors/load/schedule.h"
#include "cmocka_all.h"

#define BEGIN UINT64_C(5000000000123)

static struct schedule schedule;

static void start(enum arrivals arrivals, double rate, uint64_t warmup_ns, uint64_t measured_ns)
{
	schedule_init(&schedule, arrivals, &rate, 1, warmup_ns, measured_ns, 42, BEGIN);
}

static void constant_starts_do_not_drift(void **state)
{
	uint64_t count = 0;

	(void)state;
	start(ARRIVALS_CONSTANT, 60000, NS_PER_S, 29 * NS_PER_S);
	for (; schedule.next_ns != SCHEDULE_OVER; schedule_advance(&schedule), count++) {
		/* floor(count / 60000 s), in whole numbers */
		uint64_t exact = BEGIN + count * NS_PER_S / 60000;

		assert_in_range(schedule.next_ns, exact - 1, exact + 1);
	}
	assert_int_equal(count, 30 * 60000);
}

static void window_begins_after_the_warmup(void **state)
{
	uint64_t measured = 0, all = 0;

	(void)state;
	start(ARRIVALS_CONSTANT, 1000, 2 * NS_PER_S, 3 * NS_PER_S);
	for (; schedule.next_ns != SCHEDULE_OVER; schedule_advance(&schedule), all++)
		measured += schedule_measured(&schedule, schedule.step, schedule.next_ns);
	assert_int_equal(all, 5000);
	assert_int_equal(measured, 3000);
	assert_int_equal(schedule_end_ns(&schedule), BEGIN + 5 * NS_PER_S);
}

/* Gaps: mean and deviation both 1 / rate, a share of e^-1 above the mean, neighbours uncorrelated. */
static void poisson_gaps_are_exponential(void **state)
{
	double sum = 0, squares = 0, products = 0, previous = 0, mean = 1e9 / 50000;
	uint64_t count = 0, above = 0, last = BEGIN;

	(void)state;
	start(ARRIVALS_POISSON, 50000, 0, 20 * NS_PER_S);
	for (; schedule.next_ns != SCHEDULE_OVER; schedule_advance(&schedule), count++) {
		assert_true(schedule.next_ns >= last);
		double gap = (double)(schedule.next_ns - last);

		sum += gap;
		squares += gap * gap;
		products += (gap - mean) * (previous - mean);
		above += gap > mean;
		previous = gap;
		last = schedule.next_ns;
	}
	double n = (double)count;

	assert_in_range(count, 1000000 - 4000, 1000000 + 4000);
	assert_true(fabs(sum / n - mean) < 0.005 * mean);
	assert_true(fabs(sqrt(squares / n - sum / n * sum / n) - mean) < 0.01 * mean);
	assert_true(fabs((double)above / n - exp(-1)) < 0.003);
	assert_true(fabs(products / n) < 0.005 * mean * mean);
}

static void poisson_repeats_for_a_seed(void **state)
{
	static struct schedule other;
	double rate = 1000;

	(void)state;
	start(ARRIVALS_POISSON, rate, 0, NS_PER_S);
	schedule_init(&other, ARRIVALS_POISSON, &rate, 1, 0, NS_PER_S, 43, BEGIN);
	uint64_t first = schedule.next_ns;

	assert_int_not_equal(first, other.next_ns);
	start(ARRIVALS_POISSON, rate, 0, NS_PER_S);
	assert_int_equal(first, schedule.next_ns);
}

static void steps_follow_each_other(void **state)
{
	static const double rates[] = {1000, 0.1, 4000};
	uint64_t counts[3] = {0}, last = BEGIN;

	(void)state;
	schedule_init(&schedule, ARRIVALS_CONSTANT, rates, 3, NS_PER_S, 2 * NS_PER_S, 42, BEGIN);
	for (; schedule.next_ns != SCHEDULE_OVER; schedule_advance(&schedule)) {
		const struct schedule_step *step = &schedule.steps[schedule.step];

		assert_true(schedule.next_ns >= last && schedule.next_ns >= step->begin_ns &&
			    schedule.next_ns < step->end_ns);
		last = schedule.next_ns;
		counts[schedule.step]++;
	}
	assert_int_equal(counts[0], 3000);
	assert_int_equal(counts[1], 1);
	assert_int_equal(counts[2], 12000);
}

static void a_poisson_step_may_be_empty(void **state)
{
	static const double rates[] = {0.0001, 1000};

	(void)state;
	schedule_init(&schedule, ARRIVALS_POISSON, rates, 2, 0, NS_PER_MS * 10, 42, BEGIN);
	assert_int_equal(schedule.step, 1);
	assert_true(schedule.next_ns >= BEGIN + NS_PER_MS * 10);
}

/* What is due when the run is stopped stays on the schedule; what is not, goes. */
static void stop_keeps_what_is_due(void **state)
{
	uint64_t now = BEGIN + 1500 * NS_PER_MS, count = 0;

	(void)state;
	start(ARRIVALS_CONSTANT, 1000, NS_PER_S, 9 * NS_PER_S);
	schedule_stop(&schedule, now);
	for (; schedule.next_ns != SCHEDULE_OVER; schedule_advance(&schedule), count++)
		assert_true(schedule.next_ns < now);
	assert_int_equal(count, 1500);
	assert_int_equal(schedule_end_ns(&schedule), now);
}

static void stop_drops_later_steps(void **state)
{
	static const double rates[] = {1000, 2000, 3000};

	(void)state;
	schedule_init(&schedule, ARRIVALS_CONSTANT, rates, 3, 0, NS_PER_S, 42, BEGIN);
	schedule_stop(&schedule, BEGIN + 1500 * NS_PER_MS);
	assert_int_equal(schedule.step_count, 2);
	while (schedule.next_ns != SCHEDULE_OVER)
		schedule_advance(&schedule);
	assert_int_equal(schedule.step, 1);
}

static void stop_before_the_first_start(void **state)
{
	(void)state;
	start(ARRIVALS_CONSTANT, 10, 0, NS_PER_S);
	schedule_stop(&schedule, BEGIN - 5);
	assert_true(schedule.next_ns == SCHEDULE_OVER);
	assert_int_equal(schedule_end_ns(&schedule), BEGIN);
	schedule_advance(&schedule);
	assert_true(schedule.next_ns == SCHEDULE_OVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_starts_do_not_drift), cmocka_unit_test(window_begins_after_the_warmup),
		cmocka_unit_test(poisson_gaps_are_exponential), cmocka_unit_test(poisson_repeats_for_a_seed),
		cmocka_unit_test(steps_follow_each_other),      cmocka_unit_test(a_poisson_step_may_be_empty),
		cmocka_unit_test(stop_keeps_what_is_due),       cmocka_unit_test(stop_drops_later_steps),
		cmocka_unit_test(stop_before_the_first_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
