/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: counters and distributions. All fields are atomic, written by anybody with relaxed adds, and only ever grow.
 */
#ifndef MEMLAB_HEAP_STATS_H
#define MEMLAB_HEAP_STATS_H

#include "gc.h"

/* Log-linear: 16 steps per doubling, so a quantile is exact to 6 %. Values up to 2^40 ns. */
#define GC_QUANTILE_STEP_BITS 4
#define GC_QUANTILE_BUCKETS ((40 - GC_QUANTILE_STEP_BITS + 1) << GC_QUANTILE_STEP_BITS)

struct gc_quantiles {
	uint64_t count, max_ns, last_ns;
	uint32_t buckets[GC_QUANTILE_BUCKETS];
};

struct gc_counters {
	uint64_t freed_objects, freed_bytes;
	uint64_t forced_cycles, limit_cycles, minor_cycles;
	uint64_t limit_lifts; /* times that the limit gave because collections had not helped */
	uint64_t ceiling_waits; /* allocations that had to wait for a cycle */
	uint64_t worker_cpu_ns, assist_cpu_ns, idle_cpu_ns, sweep_cpu_ns, scavenge_cpu_ns, handshake_cpu_ns;
	uint64_t swept_on_demand, swept_background;
	uint64_t grown_pages, grown_cold_pages;
	struct gc_quantiles handshake, handshake_cpu, acks, stop;
};

void gc_quantiles_add(struct gc_quantiles *q, uint64_t ns);
void gc_quantiles_read(const struct gc_quantiles *q, struct gc_pause_quantiles *out);

#endif
