/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: the CPU is offered once in each slice of work while there is time, and not beyond. The offers themselves are counted. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../collectors/trace/core/clock.h"
#include "../../../collectors/trace/slice.h"

#define WORK_SLICES 40

static unsigned offers;

/* In the place of the C library's. */
int sched_yield(void)
{
	offers++;
	return 0;
}

/* Works for WORK_SLICES of time; how often the CPU was offered meanwhile. */
static unsigned work(struct slices *slices)
{
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)WORK_SLICES * SLICE_NS;
	offers = 0;
	while (clock_ns(CLOCK_MONOTONIC) < end_ns)
		slices_step(slices);
	return offers;
}

static void the_cpu_is_offered_each_slice(void **state)
{
	(void)state;
	struct slices slices = {0};
	slices_begin(&slices, UINT32_MAX);
	unsigned offered = work(&slices);
	/* Who is kept from the CPU has fewer slices in that time, never more. */
	assert_in_range(offered, 1, WORK_SLICES);
	slices_end(&slices);
	assert_int_equal(work(&slices), 0);
}

static void who_is_behind_offers_nothing(void **state)
{
	(void)state;
	struct slices slices = {0}, never = {0};
	slices_begin(&slices, 10 * SLICE_NS);
	assert_in_range(work(&slices), 0, 10);
	assert_true(slices.polite_until_ns == 0);
	assert_int_equal(work(&never), 0);
	assert_true(never.steps == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cpu_is_offered_each_slice),
		cmocka_unit_test(who_is_behind_offers_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
