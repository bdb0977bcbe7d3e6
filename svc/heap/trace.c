/* SPDX-License-Identifier: Apache-2.0 */
/* trace: see trace.h. */
#include "trace.h"

void gc_trace_begin(struct gc_heap *heap, struct gc_cycle_times *times)
{
	times->begin_ns = gc_os_now_ns();
	times->heap_begin_bytes = gc_get_relaxed(&heap->live_bytes);
	times->goal_bytes = gc_get_relaxed(&heap->goal_bytes);
	times->assist_cpu_ns = gc_get_relaxed(&heap->counters.assist_cpu_ns);
	times->worker_cpu_ns = gc_get_relaxed(&heap->counters.worker_cpu_ns);
	times->idle_cpu_ns = gc_get_relaxed(&heap->counters.idle_cpu_ns);
}

static double ms(uint64_t from_ns, uint64_t to_ns)
{
	return (double)(to_ns - from_ns) / 1e6;
}

static unsigned long long mb(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20);
}

/*
 * gc CYCLE @SECONDS PERCENT%: MARK-ON+MARK+MARK-OFF ms clock, MARK-ON+ASSIST/WORKERS/IDLE+MARK-OFF ms cpu,
 * BEGIN->END->LIVE MB, GOAL MB goal, 0 MB stacks, 0 MB globals, CPUS P (forced), or (minor)
 * In Go the first and last numbers are stops of the world; here they are the handshakes' wall time.
 */
void gc_trace_end(struct gc_heap *heap, const struct gc_cycle_times *t)
{
	const struct gc_counters *c = &heap->counters;
	struct gc_stats stats;

	if (!heap->trace)
		return;
	gc_stats(heap, &stats);
	fprintf(stderr,
		"gc %llu @%.3fs %d%%: %.3f+%.3f+%.3f ms clock, %.3f+%.3f/%.3f/%.3f+%.3f ms cpu, %llu->%llu->%llu MB, "
		"%llu MB goal, 0 MB stacks, 0 MB globals, %u P%s\n",
		(unsigned long long)heap->cycle, ms(heap->start_ns, t->begin_ns) / 1e3, (int)(stats.gc_cpu_fraction * 100),
		ms(t->begin_ns, t->marking_ns), ms(t->marking_ns, t->marked_ns), ms(t->marked_ns, t->end_ns),
		ms(t->begin_ns, t->marking_ns), ms(t->assist_cpu_ns, gc_get_relaxed(&c->assist_cpu_ns)),
		ms(t->worker_cpu_ns, gc_get_relaxed(&c->worker_cpu_ns)), ms(t->idle_cpu_ns, gc_get_relaxed(&c->idle_cpu_ns)),
		ms(t->marked_ns, t->end_ns), mb(t->heap_begin_bytes), mb(t->heap_end_bytes),
		mb(gc_get_relaxed(&heap->found_bytes)), mb(t->goal_bytes), gc_os_cpus(), heap->forced ? " (forced)" : heap->minor ? " (minor)" : "");
}
