/* SPDX-License-Identifier: Apache-2.0 */
/* Arrivals joined with requests, and the budget that decides for tail mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../../collectors/trace/budget.h"
#include "../../../collectors/trace/source/arrivals.h"
#include "../../../svc/probes/probes.h"

static void add(struct arrivals *arrivals, uint64_t sock, uint16_t port, uint64_t time_ns)
{
	struct record_arrival record = {.h.time_ns = time_ns, .sock = sock, .local_port = 80, .peer_port = port};
	arrivals_add(arrivals, &record);
}

static struct record_request join(struct arrivals *arrivals, uint16_t port, uint64_t begin_ns)
{
	struct record_request request = {.peer_port = port, .begin_ns = begin_ns};
	arrivals_join(arrivals, &request);
	return request;
}

static void expect(struct record_request request, uint64_t arrival_ns, uint32_t flags)
{
	assert_int_equal(request.arrival_ns, arrival_ns);
	assert_int_equal(request.flags, flags);
}

static void each_request_has_its_own(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	for (uint64_t i = 1; i <= 100; i++) {
		add(arrivals, 7, 1000, i * 100);
		add(arrivals, 8, 1001, i * 100 + 1);
		expect(join(arrivals, 1000, i * 100 + 50), i * 100, 0);
		expect(join(arrivals, 1001, i * 100 + 60), i * 100 + 1, 0);
	}
	assert_int_equal(join(arrivals, 1000, 99999).sock, 7);
	assert_int_equal(join(arrivals, 1000, 99999).local_port, 80);
	arrivals_free(arrivals);
}

/* The last byte's counts; the next request may have come before this one ended, not before it began. */
static void the_last_before_the_begin(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	add(arrivals, 7, 1000, 10);
	add(arrivals, 7, 1000, 20);
	add(arrivals, 7, 1000, 40);
	expect(join(arrivals, 1000, 30), 20, 0);
	expect(join(arrivals, 1000, 50), 40, 0);
	arrivals_free(arrivals);
}

static void pipelined_requests_share(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	add(arrivals, 7, 1000, 10);
	expect(join(arrivals, 1000, 30), 10, 0);
	expect(join(arrivals, 1000, 40), 10, RECORD_REQUEST_SHARED);
	arrivals_free(arrivals);
}

static void what_came_before_us_is_unknown(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	expect(join(arrivals, 1000, 30), 0, 0);
	arrivals_free(arrivals);
}

/* After a loss an old arrival is not given to a request that lacks its own. */
static void lost_arrivals_are_not_invented(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	add(arrivals, 7, 1000, 10);
	expect(join(arrivals, 1000, 30), 10, 0);
	arrivals_lost(arrivals);
	expect(join(arrivals, 1000, 130), 0, RECORD_REQUEST_LOST);
	add(arrivals, 7, 1000, 200);
	expect(join(arrivals, 1000, 230), 200, 0);
	expect(join(arrivals, 1000, 240), 200, RECORD_REQUEST_SHARED);
	arrivals_free(arrivals);
}

static void a_port_used_again(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	add(arrivals, 7, 1000, 10);
	add(arrivals, 9, 1000, 20);
	struct record_request request = join(arrivals, 1000, 30);
	expect(request, 20, 0);
	assert_int_equal(request.sock, 9);
	arrivals_free(arrivals);
}

static void many_segments(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	for (uint64_t i = 1; i <= 2 * ARRIVALS_WAITING; i++)
		add(arrivals, 7, 1000, i);
	expect(join(arrivals, 1000, 2 * ARRIVALS_WAITING), 2 * ARRIVALS_WAITING, 0);
	arrivals_free(arrivals);
}

/* All arrivals of a turn come before all requests of it. */
static void many_requests_in_a_turn(void **state)
{
	(void)state;
	struct arrivals *arrivals = arrivals_new();
	for (uint64_t turn = 0; turn < 10; turn++) {
		for (uint64_t i = 1; i <= 3000; i++)
			for (uint16_t port = 1; port <= 3; port++)
				add(arrivals, port, (uint16_t)(port + turn % 2), 10 * (3000 * turn + i));
		for (uint64_t i = 1; i <= 3000; i++)
			for (uint16_t port = 1; port <= 3; port++)
				expect(join(arrivals, (uint16_t)(port + turn % 2), 10 * (3000 * turn + i) + 5),
				       10 * (3000 * turn + i), 0);
	}
	arrivals_free(arrivals);
}

#define MS 1000000ull

static struct source_counts counts_of(uint64_t requests, uint64_t traps)
{
	struct source_counts counts = {.traps = traps};
	counts.event_hits[EVENT_request_end] = requests;
	return counts;
}

static void the_budget_is_looked_at_by_stretch(void **state)
{
	(void)state;
	struct budget budget = {.percent = 2, .cpus = 2, .trap_ns = 1000};
	struct source_counts counts = counts_of(0, 0);
	assert_false(budget_exceeded(&budget, 1000 * MS, &counts, 0));
	counts = counts_of(100000, 100000); /* 50 % of 2 CPUs, but it is not time yet */
	assert_false(budget_exceeded(&budget, 1100 * MS, &counts, 0));
	counts = counts_of(1000, 1000); /* in 0.2 s: 0.25 % */
	assert_false(budget_exceeded(&budget, 1200 * MS, &counts, 0));
	assert_int_equal((int)budget.requests_per_s, 5000);
	/* A second of 30,000 requests/s: 1.5 %; the tracer's own 2 % of one CPU make it 2.5 %. */
	counts = counts_of(31000, 31000);
	assert_false(budget_exceeded(&budget, 2200 * MS, &counts, 0));
	counts = counts_of(61000, 61000);
	assert_true(budget_exceeded(&budget, 3200 * MS, &counts, 0.02));
	assert_int_equal((int)(10 * budget.used_percent + 0.5), 25);
}

static void silence_exceeds_no_budget(void **state)
{
	(void)state;
	struct budget budget = {.percent = 2, .cpus = 1, .trap_ns = 1000};
	struct source_counts counts = counts_of(0, 0);
	assert_false(budget_exceeded(&budget, 1000 * MS, &counts, 0));
	assert_false(budget_exceeded(&budget, 2000 * MS, &counts, 0.1)); /* ours, but nothing to save by tail mode */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_has_its_own),
		cmocka_unit_test(the_last_before_the_begin),
		cmocka_unit_test(pipelined_requests_share),
		cmocka_unit_test(what_came_before_us_is_unknown),
		cmocka_unit_test(lost_arrivals_are_not_invented),
		cmocka_unit_test(a_port_used_again),
		cmocka_unit_test(many_segments),
		cmocka_unit_test(many_requests_in_a_turn),
		cmocka_unit_test(the_budget_is_looked_at_by_stretch),
		cmocka_unit_test(silence_exceeds_no_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
