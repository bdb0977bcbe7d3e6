/* SPDX-License-Identifier: Apache-2.0 */
/* See latency.h. */
#include <math.h>

#include "latency.h"

uint64_t latency_percentile_ns(const struct latency *latency, double percent)
{
	uint64_t ns = hist_percentile(latency->buckets, percent);

	return ns < latency->max_ns ? ns : latency->max_ns;
}

double latency_mean_ns(const struct latency *latency)
{
	return latency->count ? (double)latency->sum_ns / (double)latency->count : 0;
}

double latency_deviation_ns(const struct latency *latency)
{
	double mean = latency_mean_ns(latency), sum = 0;

	for (uint32_t b = 0; b < HIST_BUCKETS; b++) {
		double middle = ((double)hist_floor(b) + (double)hist_ceiling(b)) / 2;

		if (latency->buckets[b])
			sum += (double)latency->buckets[b] * (middle - mean) * (middle - mean);
	}
	return latency->count ? sqrt(sum / (double)latency->count) : 0;
}

void latency_merge(struct latency *into, const struct latency *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (uint32_t b = 0; b < HIST_BUCKETS; b++)
		into->buckets[b] += from->buckets[b];
}
