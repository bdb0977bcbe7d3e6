/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service counts. Every event loop has counters of its own, which it alone writes (relaxed stores) and
 * anybody may read; sums are taken when somebody asks.
 */
#ifndef MEMLAB_SVC_METRICS_H
#define MEMLAB_SVC_METRICS_H

#include <stdint.h>

struct metrics {
	uint64_t requests;           /* answered, whatever the status */
	uint64_t status[6];          /* by hundreds: [2] is 2xx */
	uint64_t lookups;            /* answered /lookup with status 200 */
	uint64_t lookup_allocs, lookup_alloc_bytes;
} __attribute__((aligned(64)));

/* Owner thread only; readers see each counter whole. */
static inline void metrics_add(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, *counter + value, __ATOMIC_RELAXED);
}

/* total += one loop's counters. Any thread. */
void metrics_sum(struct metrics *total, const struct metrics *one);

#endif
