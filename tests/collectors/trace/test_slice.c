/* SPDX-License-Identifier: Apache-2.0 */
/* Slices beside somebody who never sleeps, on one CPU: the CPU is offered while there is time, and not beyond. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../../collectors/trace/core/clock.h"
#include "../../../collectors/trace/slice.h"

#define WORK_SLICES 40
#define OFFERS_MIN 8

static pid_t spinner;

/* Both on the first CPU that we may use. */
static int begin(void **state)
{
	cpu_set_t set, one;
	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &set))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	spinner = fork();
	assert_true(spinner >= 0);
	for (volatile int spinning = 1; spinner == 0 && spinning;)
		;
	return 0;
}

static int end(void **state)
{
	(void)state;
	kill(spinner, SIGKILL);
	waitpid(spinner, NULL, 0);
	return 0;
}

static long taken_from_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

/* Works for WORK_SLICES of CPU time; how often somebody else got the CPU meanwhile. */
static long work(struct slices *slices)
{
	long before = taken_from_us();
	uint64_t end_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + (uint64_t)WORK_SLICES * SLICE_NS;
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
		slices_step(slices);
	return taken_from_us() - before;
}

static void the_cpu_is_offered_each_slice(void **state)
{
	(void)state;
	struct slices slices = {0};
	slices_begin(&slices, UINT64_MAX);
	long offered = work(&slices);
	slices_end(&slices);
	/* Not each offer is taken: who has had more than a fair share waits. Without offers a turn of the scheduler's is as long as the work. */
	assert_true(offered >= OFFERS_MIN);
	assert_true(work(&slices) < OFFERS_MIN);
}

static void who_is_behind_offers_nothing(void **state)
{
	(void)state;
	struct slices slices = {0}, never = {0};
	slices_begin(&slices, clock_ns(CLOCK_MONOTONIC) - 1);
	assert_true(work(&slices) < OFFERS_MIN);
	assert_true(slices.polite_until_ns == 0);
	assert_true(work(&never) < OFFERS_MIN);
	assert_true(never.steps == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_cpu_is_offered_each_slice, begin, end),
		cmocka_unit_test_setup_teardown(who_is_behind_offers_nothing, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
