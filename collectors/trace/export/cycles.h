/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's last cycles: when each began and ended, how far the heap had grown, what mutators felt of it. The timelines of
 * the collector are drawn from it. Fed with every record, in any order that keeps each thread's own. One thread at a time.
 */
#ifndef MEMLAB_TRACE_EXPORT_CYCLES_H
#define MEMLAB_TRACE_EXPORT_CYCLES_H

#include <stdint.h>

#include "../../../bpf/record.h"

#define CYCLES_KEPT 64
#define CYCLES_OPEN 64 /* mutators inside a handshake, stop or assist at one time; beyond, their lengths are lost */

struct cycle {
	uint64_t number;    /* the heap's; 0: free */
	uint64_t begin_ns;  /* 0: before the tracer */
	uint64_t marked_ns; /* marking over, sweeping begins; 0: not yet */
	uint64_t end_ns;    /* swept; 0: not yet */
	uint64_t reason;    /* 0 trigger, 1 forced, 2 memory limit */
	uint64_t heap_bytes, goal_bytes; /* at its begin */
	uint64_t marked_bytes, mark_cpu_ns;
	uint64_t handshakes, handshake_ns_max; /* one mutator's own part */
	uint64_t assists, assist_ns, stops, stop_ns;
};

struct cycles {
	struct cycle ring[CYCLES_KEPT]; /* by number modulo CYCLES_KEPT */
	uint64_t newest;
	struct {
		uint32_t tid, event;
		uint64_t begin_ns;
	} open[CYCLES_OPEN];
};

/* All 0 is: none yet. */
void cycles_record(struct cycles *cycles, const struct record *record);

/* `back` cycles before the newest; NULL: not kept, or not seen. */
const struct cycle *cycles_at(const struct cycles *cycles, unsigned back);

const char *cycle_reason(const struct cycle *cycle); /* "trigger", "forced", "memory limit", "?" */

#endif
