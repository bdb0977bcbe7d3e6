/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Prometheus scrapes from a tracer: the metrics of metrics.def, counted from every request.
 *
 * Histograms have the edges 2^k and 1.5 * 2^k ns from 1.024 us to 17 s, a subset of hist.h's, so that the
 * histograms of many tracers add up. memlab_request_cause_seconds_total is keyed by the upper edge of the bucket its
 * requests fell into: the causes of all requests above a fleet's percentile are then one query. That label is called
 * `bucket`, because promtool wants `le` on histograms alone. One thread at a time.
 */
#ifndef MEMLAB_TRACE_EXPORT_METRICS_H
#define MEMLAB_TRACE_EXPORT_METRICS_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"

#define METRICS_EDGES 49 /* and one more bucket, +Inf */

/* The upper edge of a bucket; 0 for +Inf. */
uint64_t metrics_edge_ns(unsigned bucket);
/* The bucket of a length of time: the first whose edge is not below it; METRICS_EDGES: +Inf. */
unsigned metrics_bucket(uint64_t ns);

struct metrics;

struct metrics *metrics_new(void); /* NULL on lack of memory */
void metrics_free(struct metrics *metrics);

/* To be called for each request that attribution yields. `wall_ns`: real time of its end, for the exemplar; 0: none. */
void metrics_request(struct metrics *metrics, const struct request *request, uint64_t wall_ns);

enum metrics_format { METRICS_CLASSIC, METRICS_OPENMETRICS };

/* What a scraper asks for; `accept` may be NULL. */
enum metrics_format metrics_negotiate(const char *accept);
const char *metrics_content_type(enum metrics_format format);

/* The counters beside the requests come from the summary; `tracer_cpu_ns` is our own CPU time. 0 or -EIO. */
int metrics_write(FILE *file, const struct metrics *metrics, enum metrics_format format, const struct trace_info *info,
		  const struct summary *summary, uint64_t tracer_cpu_ns);

#endif
