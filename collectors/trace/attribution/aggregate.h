/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregate: from requests to distributions, in bounded memory.
 *
 * Everything is kept by bucket of server time (bpf/hist.h): how many requests, their least server time, the sums of each cause. So
 * percentiles, cohorts and the fleet's metrics rest on the same whole buckets and agree with one another:
 *
 *   percentile p   the ceiling of the first bucket at which the running count reaches ceil(p % of all), at most the maximum
 *   cohort p99     all requests in that bucket of p99 or a higher one; p99.9 likewise: at least 1 % and 0.1 % of all
 *   cohort p50     all requests in the buckets from that of p49 to that of p51
 *
 * A cohort's floor_ns is the least server time in it, exactly. One thread at a time.
 */
#ifndef MEMLAB_ATTRIBUTION_AGGREGATE_H
#define MEMLAB_ATTRIBUTION_AGGREGATE_H

#include "../../../bpf/hist.h"
#include "collector.h"
#include "interval.h"
#include "result.h"

struct bucket {
	uint64_t count, least_ns, sum_ns;
	uint64_t queue_ns[CAUSE_COUNT], service_ns[CAUSE_COUNT];
	uint64_t net_ns;
	uint64_t steal_ns;
};

struct second {
	uint64_t number; /* time / 1 s; 0: unused */
	uint64_t requests;
	uint32_t cycles;
	uint32_t counts[HIST_BUCKETS];
};

struct aggregate {
	uint64_t first_ns, last_ns;
	uint64_t requests;
	struct duration server, queue, service, without_gc, client_wait, response;
	struct bucket buckets[HIST_BUCKETS]; /* by server time */
	struct intervals intervals;
	uint64_t counted, allocs, alloc_bytes;
	struct request worst[WORST_COUNT]; /* slowest first, without losses */
	uint32_t worst_count;
	uint64_t sum_error_ns_max;
	uint64_t without_arrival, lossy;
	struct second seconds[SERIES_SECONDS]; /* by number modulo SERIES_SECONDS */
	uint64_t last_second;
};

/* True: it is among the worst so far. */
int aggregate_add(struct aggregate *aggregate, const struct request *request, uint64_t without_gc_ns);
void aggregate_cycle(struct aggregate *aggregate, uint64_t time_ns); /* a collection ended */

/* Fills what requests tell. */
void aggregate_summary(const struct aggregate *aggregate, struct summary *summary);

#endif
