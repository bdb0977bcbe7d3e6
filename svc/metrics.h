/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service counts. Every event loop has counters of its own, which it alone writes (relaxed stores) and
 * anybody may read; sums are taken when somebody asks.
 *
 * Histograms have the edges 2^k and 1.5 * 2^k ns from 1.024 us to 17 s: a subset of bpf/hist.h's, and the same as
 * memlab-trace publishes, so that they can be laid side by side.
 */
#ifndef MEMLAB_SVC_METRICS_H
#define MEMLAB_SVC_METRICS_H

#include <stdint.h>

#define METRICS_STATUS_MAX 600
#define METRICS_EDGES 49 /* and one more bucket, +Inf */
#define METRICS_EDGE_FIRST_LOG2 10

/* A request that fell into a bucket: the last one. */
struct metrics_exemplar {
	uint64_t version; /* odd while it is written */
	uint64_t key, duration_ns;
	uint64_t end_ns; /* CLOCK_MONOTONIC */
};

struct metrics {
	uint64_t requests; /* answered, whatever the status */
	uint64_t status[METRICS_STATUS_MAX];
	uint64_t lookups; /* answered /lookup with status 200 */
	uint64_t lookup_allocs, lookup_alloc_bytes;
	uint64_t replies_reused, replies_created; /* response objects */
	uint64_t malloc_bytes; /* ever allocated with malloc by the loop's thread; 0 without jemalloc */
	uint64_t duration_sum_ns;
	uint64_t duration[METRICS_EDGES + 1];
	struct metrics_exemplar exemplars[METRICS_EDGES + 1];
} __attribute__((aligned(64)));

/* Owner thread only; readers see each counter whole. */
static inline void metrics_add(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, *counter + value, __ATOMIC_RELAXED);
}

/* The upper edge of a bucket. */
static inline uint64_t metrics_edge_ns(unsigned bucket)
{
	uint64_t power = 1ull << (METRICS_EDGE_FIRST_LOG2 + bucket / 2);
	return bucket % 2 ? power + power / 2 : power;
}

/* The first bucket whose edge is not below the time; METRICS_EDGES: +Inf. */
unsigned metrics_bucket(uint64_t ns);

/* Owner thread only. Counts a duration; `key`, if not NULL, makes it its bucket's exemplar. */
void metrics_duration(struct metrics *metrics, const uint64_t *key, uint64_t duration_ns, uint64_t end_ns);

/* total += one loop's counters; of two exemplars the later stays. Any thread. */
void metrics_sum(struct metrics *total, const struct metrics *one);

#endif
