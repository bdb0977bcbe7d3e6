/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One next step that fits the greatest cause of the slowest 1 %, and the order of causes that decides it.
 * Pure: the same summary gives the same sentence.
 */
#ifndef MEMLAB_TRACE_EXPORT_ADVICE_H
#define MEMLAB_TRACE_EXPORT_ADVICE_H

#include "../attribution/result.h"
#include "../core/info.h"

#define ADVICE_BYTES 320

/* One sentence or two, without control characters. Returns `out`. */
const char *advice_text(char out[ADVICE_BYTES], const struct trace_info *info, const struct summary *summary);

/* Fills `order` with all causes, the greatest share of the cohort first; returns how many are not 0. */
unsigned advice_order(enum cause order[CAUSE_COUNT], const struct cohort *cohort);

/*
 * Who took the CPU for longest while requests were in `cause` (runq or gc_cpu); NULL: nobody known. Threads of one name
 * count together; the one returned is the greatest of them, and *threads (NULL allowed) tells how many there are.
 */
const struct culprit *advice_culprit(const struct summary *summary, enum cause cause, unsigned *threads);

/* Why no request was seen. */
const char *advice_no_requests(char out[ADVICE_BYTES], const struct trace_info *info, const struct summary *summary);

#endif
