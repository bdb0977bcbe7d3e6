/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals against simulated runs of known truth: they hold it as often as they promise, also where requests come in bursts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../../collectors/trace/attribution/aggregate.h"

static uint64_t seed = 88172645463325252;

static double uniform(void)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* One request of `server_ns`, all of it in the queue: of three in ten stop, of the others runq. */
static void add(struct aggregate *aggregate, uint64_t end_ns, uint64_t server_ns, int stopped)
{
	struct request request = {.arrival_ns = end_ns - server_ns, .begin_ns = end_ns, .end_ns = end_ns};
	request.queue.ns[stopped ? CAUSE_STOP : CAUSE_RUNQ] = server_ns;
	aggregate_add(aggregate, &request, server_ns);
}

/*
 * `requests` over 6.4 s. In a burst, which one 100 ms in `calm` is, everything takes 1 to 2 ms, else 10 to 20 us; evenly spread
 * in both. With `calm` 0 each request is slow by itself with 2 %.
 */
static struct summary *simulate(struct aggregate *aggregate, unsigned requests, unsigned calm)
{
	struct summary *summary = calloc(1, sizeof(*summary));
	memset(aggregate, 0, sizeof(*aggregate));
	int slow = 0, stopped = 0;
	for (unsigned i = 0, piece = UINT32_MAX; i < requests; i++) {
		uint64_t end_ns = 1000000000000 + (uint64_t)(6.4e9 * i / requests);
		if (calm && end_ns / 100000000 != piece) {
			piece = (unsigned)(end_ns / 100000000);
			slow = uniform() * calm < 1;
			stopped = uniform() < 0.3;
		} else if (!calm) {
			slow = uniform() < 0.02;
			stopped = uniform() < 0.3;
		}
		add(aggregate, end_ns, (uint64_t)((slow ? 1000000 : 10000) * (1 + uniform())), stopped);
	}
	aggregate_summary(aggregate, summary);
	return summary;
}

/* How many of 100 intervals hold the truth, and how many are known. */
static void coverage(unsigned requests, unsigned calm, int percentile, uint64_t truth_ns, unsigned *known, unsigned *held)
{
	struct aggregate *aggregate = malloc(sizeof(*aggregate));
	*known = *held = 0;
	for (unsigned run = 0; run < 100; run++) {
		struct summary *summary = simulate(aggregate, requests, calm);
		const struct interval *interval = &summary->server_interval[percentile];
		*known += interval->high_ns != 0;
		*held += interval->high_ns && interval->low_ns <= truth_ns && truth_ns <= interval->high_ns;
		free(summary);
	}
	free(aggregate);
}

static void independent_requests(void **state)
{
	(void)state;
	unsigned known, held;
	coverage(20000, 0, 0, 15102, &known, &held); /* p50: of the fast 98 %, the 51st */
	assert_int_equal(known, 100);
	assert_in_range(held, 90, 100);
	coverage(20000, 0, 2, 1500000, &known, &held); /* p99: the middle of the slow 2 % */
	assert_int_equal(known, 100);
	assert_in_range(held, 90, 100);
}

/* Bursts of one piece in ten: p90 lies at their edge, p99 within them. Intervals for independent requests would hold it rarely. */
static void bursts(void **state)
{
	(void)state;
	unsigned known, held;
	coverage(20000, 10, 2, 1900000, &known, &held);
	assert_in_range(known, 60, 100);
	assert_true(held * 100 >= known * 85);
}

static void too_few(void **state)
{
	(void)state;
	struct aggregate *aggregate = malloc(sizeof(*aggregate));
	struct summary *summary = simulate(aggregate, 300, 0);
	assert_int_not_equal(summary->server_interval[0].high_ns, 0); /* p50 is known of 300 */
	assert_int_equal(summary->server_interval[2].high_ns, 0);     /* p99 is not */
	assert_int_equal(summary->server_interval[4].high_ns, 0);
	assert_true(summary->cohort[COHORT_P99].share_error[CAUSE_STOP] < 0);
	free(summary);
	memset(aggregate, 0, sizeof(*aggregate));
	for (unsigned i = 0; i < 5000; i++) /* many, but all in one piece */
		add(aggregate, 1000000000000 + i, 10000 + i, 0);
	summary = calloc(1, sizeof(*summary));
	aggregate_summary(aggregate, summary);
	assert_int_equal(summary->server_interval[0].high_ns, 0);
	free(summary);
	free(aggregate);
}

/* Three in ten of the slow requests' time is stop: each by itself, or burst by burst. */
static void shares(void **state)
{
	(void)state;
	struct aggregate *aggregate = malloc(sizeof(*aggregate));
	for (unsigned calm = 0; calm <= 3; calm += 3) {
		unsigned held = 0;
		double widest = 0;
		for (unsigned run = 0; run < 100; run++) {
			struct summary *summary = simulate(aggregate, 20000, calm);
			const struct cohort *cohort = &summary->cohort[COHORT_P99];
			double error = cohort->share_error[CAUSE_STOP], share = cohort->queue_ns[CAUSE_STOP] / cohort->server_ns;
			held += error >= 0 && share - error <= 0.3 && 0.3 <= share + error;
			widest = error > widest ? error : widest;
			free(summary);
		}
		if (held < 85 || widest > 0.9 || (calm == 0 && widest > 0.25))
			fail_msg("bursts %u: %u of 100 intervals hold the truth, the widest is %.2f", calm, held, widest);
	}
	free(aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(independent_requests),
		cmocka_unit_test(bursts),
		cmocka_unit_test(too_few),
		cmocka_unit_test(shares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
