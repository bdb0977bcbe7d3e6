/* SPDX-License-Identifier: Apache-2.0 */
/* Collector: see collector.h. */
#include "collector.h"

#include <stddef.h>

#include "../../../svc/probes/probes.h"
#include "nest.h"

/* Roles in gc_worker and gc_mark_begin; see probes.def. */
enum { ROLE_MARK_WORKER = 1 };

void duration_add(struct duration *duration, uint64_t ns)
{
	duration->counts[hist_bucket(ns)]++;
	duration->count++;
	duration->sum_ns += ns;
	if (ns > duration->max_ns)
		duration->max_ns = ns;
}

/* Of whole buckets: the ceiling of the bucket in which the percentile lies, but never more than the largest value. */
static uint64_t duration_percentile(const struct duration *duration, double percent)
{
	uint64_t ceiling = hist_percentile(duration->counts, percent);

	return ceiling < duration->max_ns ? ceiling : duration->max_ns;
}

void duration_quantiles(const struct duration *duration, struct quantiles *out)
{
	*out = (struct quantiles){.count = duration->count, .max = duration->max_ns};
	if (duration->count == 0)
		return;
	out->p50 = duration_percentile(duration, 50);
	out->p90 = duration_percentile(duration, 90);
	out->p99 = duration_percentile(duration, 99);
	out->p999 = duration_percentile(duration, 99.9);
	out->p9999 = duration_percentile(duration, 99.99);
	out->mean = (double)duration->sum_ns / (double)duration->count;
}

/* Who waits behind a thread sees at once that it turned to the collector's work, or from it. */
static void collector_show(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	struct culprit_entry *entry = &threads->culprits.entries[thread->culprit];
	uint8_t marking = !thread->collector && thread->nest.inside[SLOW_MARK];

	if (thread->culprit <= CULPRIT_IDLE ||
	    (entry->culprit.own_collector == thread->collector && entry->marking == marking))
		return;
	entry->culprit.own_collector = thread->collector;
	entry->marking = marking;
	if (thread->sched == SCHED_RUNNING)
		cpu_refresh(threads, threads->cpus[thread->cpu], time_ns);
}

static void collector_begin(struct threads *threads, struct thread *thread, const struct record_event *record,
			    enum slow slow)
{
	if (nest_begin(&thread->nest, record->event, slow, record->h.time_ns) < 0)
		threads->unmatched++;
	thread_turns(threads, thread, record->h.time_ns);
	collector_show(threads, thread, record->h.time_ns);
}

/* Ends what the event before this one in probes.def began. */
static void collector_end(struct threads *threads, struct thread *thread, const struct record_event *record,
			  struct duration *duration)
{
	struct nest_level level;
	uint32_t closed = nest_end(&thread->nest, record->event - 1, &level);

	if (closed)
		threads->unmatched += closed - 1;
	else
		thread_end_unseen(threads, thread, record->h.time_ns);
	if (closed && duration && !thread->collector)
		duration_add(duration, record->h.time_ns > level.begin_ns ? record->h.time_ns - level.begin_ns : 0);
	thread_turns(threads, thread, record->h.time_ns);
	collector_show(threads, thread, record->h.time_ns);
}

static void collector_join(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	if (thread->serves)
		return; /* a request that runs a collection itself stays a request */
	thread->collector = 1;
	thread_refresh(threads, thread, time_ns);
	collector_show(threads, thread, time_ns);
}

/* Sweeping inside an allocation is the allocation's; in the background it is the collector's work. */
static enum slow sweep_kind(const struct thread *thread, const struct record_event *record)
{
	return thread->nest.inside[SLOW_ALLOC] || record->args[1] ? SLOW_SWEEP : SLOW_MARK;
}

void collector_event(struct collector *collector, struct threads *threads, struct thread *thread,
		     const struct record_event *record)
{
	switch (record->event) {
	case EVENT_gc_cycle_begin:
		threads->cycle = record->args[0];
		break;
	case EVENT_gc_cycle_end:
		threads->cycle = record->args[0];
		collector->cycles++;
		break;
	case EVENT_gc_worker:
		collector_join(threads, thread, record->h.time_ns);
		break;
	case EVENT_gc_mark_begin:
		if (record->args[1] == ROLE_MARK_WORKER)
			collector_join(threads, thread, record->h.time_ns);
		collector_begin(threads, thread, record, SLOW_MARK);
		break;
	case EVENT_gc_handshake_begin:
	case EVENT_gc_stop_begin:
		collector_begin(threads, thread, record, SLOW_STOP);
		break;
	case EVENT_gc_assist_begin:
		collector_begin(threads, thread, record, SLOW_ASSIST);
		break;
	case EVENT_gc_alloc_slow_begin:
		collector_begin(threads, thread, record, SLOW_ALLOC);
		break;
	case EVENT_gc_sweep_begin:
		collector_begin(threads, thread, record, sweep_kind(thread, record));
		break;
	case EVENT_gc_handshake_end:
		collector_end(threads, thread, record, &collector->handshake);
		break;
	case EVENT_gc_stop_end:
		collector_end(threads, thread, record, &collector->stop);
		break;
	case EVENT_gc_mark_end:
	case EVENT_gc_assist_end:
	case EVENT_gc_alloc_slow_end:
	case EVENT_gc_sweep_end:
		collector_end(threads, thread, record, NULL);
		break;
	}
}
