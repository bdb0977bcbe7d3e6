/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collector: what the heap's own events (probes.def, heap section) say: which threads are the collector's, which
 * of the runtime's slow things each thread is inside of, how long mutators' handshakes and stops were,
 * how many cycles ended.
 */
#ifndef MEMLAB_ATTRIBUTION_COLLECTOR_H
#define MEMLAB_ATTRIBUTION_COLLECTOR_H

#include "../../../bpf/hist.h"
#include "../../../bpf/record.h"
#include "thread.h"

struct duration {
	uint64_t counts[HIST_BUCKETS];
	uint64_t count, sum_ns, max_ns;
};

struct collector {
	uint64_t cycles;
	struct duration handshake, stop; /* one mutator's own part */
};

/* The thread is the one that fired. */
void collector_event(struct collector *collector, struct threads *threads, struct thread *thread,
		     const struct record_event *record);

void duration_add(struct duration *duration, uint64_t ns);
void duration_quantiles(const struct duration *duration, struct quantiles *out);

#endif
