/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interval: how far the percentiles and the causes' shares of a run may be from those of a longer one: 95 % intervals.
 *
 * Requests are no independent draws: one collection or one backlog makes hundreds slow at once. So the run is dealt out in
 * pieces of 100 ms to 16 groups in turn, and how much the groups differ tells the error (of a ratio of sums over clusters);
 * never less than what independent requests would have. Where less than half of the groups have a request, where fewer than
 * ten are in a cohort, or where the upper bound of a percentile would lie beyond all requests, nothing is known: too few.
 */
#ifndef MEMLAB_ATTRIBUTION_INTERVAL_H
#define MEMLAB_ATTRIBUTION_INTERVAL_H

#include "../../../bpf/hist.h"
#include "result.h"

#define INTERVAL_GROUPS 16

struct intervals {
	/* By server time. The group first: what 100 ms of requests touch lies close together. Most pages are never touched. */
	uint32_t counts[INTERVAL_GROUPS][HIST_BUCKETS];
	uint64_t cause_ns[INTERVAL_GROUPS][HIST_BUCKETS][CAUSE_COUNT]; /* queue and service */
};

void intervals_add(struct intervals *intervals, const struct request *request, uint32_t bucket);

/* Of the percentile of all requests; .high_ns 0: too few. `counts` are all groups together. */
struct interval interval_percentile(const struct intervals *intervals, const uint64_t counts[HIST_BUCKETS], double percent);

/* Fills cohort->share_error for the requests in buckets from `low` to `high`. */
void interval_cohort(const struct intervals *intervals, uint32_t low, uint32_t high, struct cohort *cohort);

#endif
