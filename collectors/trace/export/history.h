/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last two minutes, second by second: how many requests fell into which bucket of server time, and what
 * their time went to. The heatmap and the stacked causes are drawn from it. Fed with every request, in any order;
 * what is older than the newest second by more than HISTORY_SECONDS is left out. One thread at a time.
 */
#ifndef MEMLAB_TRACE_EXPORT_HISTORY_H
#define MEMLAB_TRACE_EXPORT_HISTORY_H

#include "../attribution/result.h"
#include "cycles.h"
#include "metrics.h"

#define HISTORY_SECONDS 120

struct history_second {
	uint64_t second; /* of CLOCK_MONOTONIC; 0: nothing yet */
	uint64_t requests;
	uint32_t counts[METRICS_EDGES + 1];  /* by bucket of server time (metrics.h) */
	uint64_t cause_ns[CAUSE_COUNT];      /* queue and service, all requests */
	uint64_t tail_cause_ns[CAUSE_COUNT]; /* of requests at or above the tail's floor as it was then */
};

struct history {
	uint64_t newest;        /* second */
	uint64_t tail_floor_ns; /* set by the owner from the summary's p99; 0: none yet */
	struct history_second ring[HISTORY_SECONDS];
	struct cycles cycles; /* fed by the owner, with records */
};

/* All 0 is an empty history. */
void history_add(struct history *history, const struct request *request);
/* `age` seconds before the newest; NULL: nothing happened in it. */
const struct history_second *history_at(const struct history *history, unsigned age);

#endif
