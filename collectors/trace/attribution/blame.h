/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blame: a request's spans cut along its thread's timeline.
 *
 * The queue is blamed on whatever the thread did meanwhile: serving others, waiting for the CPU, standing still for
 * the collector. A thread asleep and serving nobody while a request had already arrived is not explained by any record
 * (unattributed); asleep inside the request itself it is blocked. Pure.
 */
#ifndef MEMLAB_ATTRIBUTION_BLAME_H
#define MEMLAB_ATTRIBUTION_BLAME_H

#include "culprit.h"
#include "timeline.h"

/*
 * From the arrival the kernel takes about a microsecond to its wakeup call: part of waking the thread. A thread that
 * sleeps for longer although it has a request is not explained by that.
 */
#define BLAME_DELIVERY_NS 5000u

/* Fills queue, service, collector_ns, sweep_ns, cycle, culprit from the times that are set; counts the culprits. */
void blame_request(struct request *request, const struct timeline *timeline, struct culprits *culprits);

/*
 * The thread slept from asleep_ns to awake_ns, waiting for work, and its timeline does not tell: what it has for its own
 * between the arrival and awake_ns was waking up.
 */
void blame_waking(struct request *request, const struct timeline *timeline, uint64_t asleep_ns, uint64_t awake_ns);

/* The collector's time in [from, to): stop + assist + gc_cpu + sweep inside alloc. */
uint64_t blame_collector_ns(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns);

#endif
