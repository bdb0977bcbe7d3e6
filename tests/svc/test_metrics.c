/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets against their definition, and sums of loops. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../bpf/hist.h"
#include "../../svc/metrics.h"

/* The first edge that is not below, by looking at all. */
static unsigned bucket_by_search(uint64_t ns)
{
	unsigned bucket = 0;
	while (bucket < METRICS_EDGES && ns > metrics_edge_ns(bucket))
		bucket++;
	return bucket;
}

static void test_buckets(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < 100000; ns++)
		assert_int_equal(metrics_bucket(ns), bucket_by_search(ns));
	for (unsigned i = 0; i < METRICS_EDGES; i++)
		for (uint64_t ns = metrics_edge_ns(i) - 1; ns <= metrics_edge_ns(i) + 1; ns++)
			assert_int_equal(metrics_bucket(ns), bucket_by_search(ns));
	assert_int_equal(metrics_bucket(UINT64_MAX), METRICS_EDGES);
}

static void test_edges(void **state)
{
	(void)state;
	assert_int_equal(metrics_edge_ns(0), 1024);
	assert_int_equal(metrics_edge_ns(METRICS_EDGES - 1), 1ull << 34);
	for (unsigned i = 0; i < METRICS_EDGES; i++)
		assert_int_equal(hist_floor(hist_bucket(metrics_edge_ns(i))), metrics_edge_ns(i));
}

static void test_sums(void **state)
{
	(void)state;
	struct metrics *loops = aligned_alloc(_Alignof(struct metrics), 3 * sizeof(*loops));
	memset(loops, 0, 3 * sizeof(*loops));
	const uint64_t keys[] = {7, 8, 9};
	metrics_duration(&loops[0], &keys[0], 5000, 100);
	metrics_duration(&loops[1], &keys[1], 5001, 200);
	metrics_duration(&loops[1], &keys[2], 1u << 31, 300);
	metrics_duration(&loops[1], NULL, 5002, 400);
	metrics_add(&loops[0].status[404], 2);
	metrics_add(&loops[1].status[404], 3);
	metrics_sum(&loops[2], &loops[0]);
	metrics_sum(&loops[2], &loops[1]);
	unsigned bucket = metrics_bucket(5000);
	assert_int_equal(loops[2].status[404], 5);
	assert_int_equal(loops[2].duration[bucket], 3);
	assert_int_equal(loops[2].exemplars[bucket].key, 8);
	assert_int_equal(loops[2].exemplars[metrics_bucket(1u << 31)].key, 9);
	assert_int_equal(loops[2].duration_sum_ns, 15003 + (1ull << 31));
	free(loops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_buckets), cmocka_unit_test(test_edges),
					   cmocka_unit_test(test_sums)};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
