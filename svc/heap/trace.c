/* SPDX-License-Identifier: Apache-2.0 */
/* trace: see trace.h. */
#include "trace.h"

const char *gc_trace_ms(char text[GC_TRACE_MS_BYTES], uint64_t ns)
{
	uint64_t us = ns / 1000, whole = us / 1000, rest = us % 1000;

	if (us == 0)
		return "0";
	if (us < 100)
		snprintf(text, GC_TRACE_MS_BYTES, "0.%03u", (unsigned)rest);
	else if (us < 1000)
		snprintf(text, GC_TRACE_MS_BYTES, "0.%02u", (unsigned)rest / 10);
	else if (us < 10000)
		snprintf(text, GC_TRACE_MS_BYTES, "%u.%u", (unsigned)whole, (unsigned)rest / 100);
	else
		snprintf(text, GC_TRACE_MS_BYTES, "%llu", (unsigned long long)whole);
	return text;
}

static uint64_t handshakes(const struct gc_heap *heap)
{
	return gc_get_relaxed(&heap->counters.handshake_cpu_ns);
}

void gc_trace_begin(struct gc_heap *heap, struct gc_cycle_times *times)
{
	times->begin_ns = gc_os_now_ns();
	times->handshake_cpu_ns = handshakes(heap);
	times->heap_begin_bytes = gc_get_relaxed(&heap->live_bytes);
	times->goal_bytes = gc_get_relaxed(&heap->goal_bytes);
	times->assist_cpu_ns = gc_get_relaxed(&heap->counters.assist_cpu_ns);
	times->worker_cpu_ns = gc_get_relaxed(&heap->counters.worker_cpu_ns);
	times->idle_cpu_ns = gc_get_relaxed(&heap->counters.idle_cpu_ns);
}

void gc_trace_marking(struct gc_heap *heap, struct gc_cycle_times *times)
{
	times->marking_ns = gc_os_now_ns();
	times->handshake_marking_cpu_ns = handshakes(heap);
}

void gc_trace_marked(struct gc_heap *heap, struct gc_cycle_times *times)
{
	times->marked_ns = gc_os_now_ns();
	times->handshake_marked_cpu_ns = handshakes(heap);
}

static unsigned long long mb(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20);
}

static const char *suffix(const struct gc_heap *heap)
{
	return heap->forced ? " (forced)" : heap->for_room ? " (limit)" : heap->minor ? " (minor)" : "";
}

/*
 * gc CYCLE @SECONDS PERCENT%: MARK-ON+MARK+MARK-OFF ms clock, MARK-ON+ASSIST/WORKERS/IDLE+MARK-OFF ms cpu,
 * BEGIN->END->LIVE MB, GOAL MB goal, 0 MB stacks, 0 MB globals, CPUS P (forced), (limit: memory was refused) or (minor)
 * In Go the first and last numbers are stops of the world; here they are the handshakes' wall time, and what they took of the mutators' CPU.
 */
void gc_trace_end(struct gc_heap *heap, const struct gc_cycle_times *t)
{
	const struct gc_counters *c = &heap->counters;
	uint64_t since_ms = (t->begin_ns - heap->start_ns) / 1000000;
	char text[8][GC_TRACE_MS_BYTES];
	struct gc_stats stats;

	if (!heap->trace)
		return;
	gc_stats(heap, &stats);
	fprintf(stderr,
		"gc %llu @%llu.%03us %d%%: %s+%s+%s ms clock, %s+%s/%s/%s+%s ms cpu, %llu->%llu->%llu MB, "
		"%llu MB goal, 0 MB stacks, 0 MB globals, %u P%s\n",
		(unsigned long long)heap->cycle, (unsigned long long)since_ms / 1000, (unsigned)(since_ms % 1000),
		(int)(stats.gc_cpu_fraction * 100), gc_trace_ms(text[0], t->marking_ns - t->begin_ns),
		gc_trace_ms(text[1], t->marked_ns - t->marking_ns), gc_trace_ms(text[2], t->end_ns - t->marked_ns),
		gc_trace_ms(text[3], t->handshake_marking_cpu_ns - t->handshake_cpu_ns),
		gc_trace_ms(text[4], gc_get_relaxed(&c->assist_cpu_ns) - t->assist_cpu_ns),
		gc_trace_ms(text[5], gc_get_relaxed(&c->worker_cpu_ns) - t->worker_cpu_ns),
		gc_trace_ms(text[6], gc_get_relaxed(&c->idle_cpu_ns) - t->idle_cpu_ns),
		gc_trace_ms(text[7], handshakes(heap) - t->handshake_marked_cpu_ns), mb(t->heap_begin_bytes), mb(t->heap_end_bytes),
		mb(gc_get_relaxed(&heap->found_bytes)), mb(t->goal_bytes), gc_os_cpus(), suffix(heap));
}
