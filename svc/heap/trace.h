/* SPDX-License-Identifier: Apache-2.0 */
/* trace: GODEBUG=gctrace=1, one line per cycle on stderr in the format of Go. Coordinator only. */
#ifndef MEMLAB_HEAP_TRACE_H
#define MEMLAB_HEAP_TRACE_H

#include "heap.h"

/* Moments of one cycle, and what the counters showed when it began. */
struct gc_cycle_times {
	uint64_t begin_ns, marking_ns, marked_ns, end_ns;
	uint64_t heap_begin_bytes, heap_end_bytes, goal_bytes;
	uint64_t handshake_cpu_ns, handshake_marking_cpu_ns, handshake_marked_cpu_ns;
	uint64_t assist_cpu_ns, worker_cpu_ns, idle_cpu_ns;
};

/*
 * A time in milliseconds as Go's trace writes it: two digits and at most three decimals, the rest cut off; whole ones from 10 ms on; 0 below
 * a microsecond.
 */
#define GC_TRACE_MS_BYTES 24
const char *gc_trace_ms(char text[GC_TRACE_MS_BYTES], uint64_t ns);

void gc_trace_begin(struct gc_heap *heap, struct gc_cycle_times *times);
/* Marking begins, or is complete: the time, and what the handshakes have cost by then. */
void gc_trace_marking(struct gc_heap *heap, struct gc_cycle_times *times);
void gc_trace_marked(struct gc_heap *heap, struct gc_cycle_times *times);
void gc_trace_end(struct gc_heap *heap, const struct gc_cycle_times *times);

#endif
