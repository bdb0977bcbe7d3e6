/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distribution of times: the shared histogram (bpf/hist.h) with count, sum and exact maximum.
 * Percentiles are the upper end of their bucket (at most 0.8 % above the value), never above the maximum.
 */
#ifndef MEMLAB_LOAD_LATENCY_H
#define MEMLAB_LOAD_LATENCY_H

#include "../../bpf/hist.h"

struct latency {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint64_t buckets[HIST_BUCKETS];
};

static inline void latency_add(struct latency *latency, uint64_t ns)
{
	latency->count++;
	latency->sum_ns += ns;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	latency->buckets[hist_bucket(ns)]++;
}

uint64_t latency_percentile_ns(const struct latency *latency, double percent);
double latency_mean_ns(const struct latency *latency);
double latency_deviation_ns(const struct latency *latency); /* from the middles of the buckets */
void latency_merge(struct latency *into, const struct latency *from);

#endif
