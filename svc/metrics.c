/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the loops' counters. */
#include "metrics.h"

static void add(uint64_t *total, const uint64_t *one)
{
	*total += __atomic_load_n(one, __ATOMIC_RELAXED);
}

void metrics_sum(struct metrics *total, const struct metrics *one)
{
	add(&total->requests, &one->requests);
	for (unsigned i = 0; i < 6; i++)
		add(&total->status[i], &one->status[i]);
	add(&total->lookups, &one->lookups);
	add(&total->lookup_allocs, &one->lookup_allocs);
	add(&total->lookup_alloc_bytes, &one->lookup_alloc_bytes);
}
