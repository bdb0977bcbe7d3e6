/* SPDX-License-Identifier: Apache-2.0 */
/* stats: see stats.h. */
#include "stats.h"

#include "heap.h"
#include "scavenge.h"

/* ---------------------------------------------------------- distributions */

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns >= 1ull << 40)
		ns = (1ull << 40) - 1;
	if (ns < 1u << GC_QUANTILE_STEP_BITS)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - GC_QUANTILE_STEP_BITS;
	return (shift << GC_QUANTILE_STEP_BITS) + (unsigned)(ns >> shift);
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2u << GC_QUANTILE_STEP_BITS)
		return bucket;
	shift = (bucket >> GC_QUANTILE_STEP_BITS) - 1;
	return (((uint64_t)bucket - ((uint64_t)shift << GC_QUANTILE_STEP_BITS) + 1) << shift) - 1;
}

void gc_quantiles_add(struct gc_quantiles *q, uint64_t ns)
{
	uint64_t max = gc_get_relaxed(&q->max_ns);

	gc_add(&q->buckets[bucket_of(ns)], 1);
	gc_add(&q->count, 1);
	gc_set_relaxed(&q->last_ns, ns);
	while (ns > max && !__atomic_compare_exchange_n(&q->max_ns, &max, ns, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static uint64_t quantile(const struct gc_quantiles *q, uint64_t count, unsigned permille, uint64_t max)
{
	uint64_t rank = (count * permille + 999) / 1000, seen = 0;

	for (unsigned i = 0; i < GC_QUANTILE_BUCKETS; i++) {
		seen += gc_get_relaxed(&q->buckets[i]);
		if (seen >= rank && seen)
			return bucket_top(i) < max ? bucket_top(i) : max;
	}
	return max;
}

void gc_quantiles_read(const struct gc_quantiles *q, struct gc_pause_quantiles *out)
{
	uint64_t count = gc_get_relaxed(&q->count), max = gc_get_relaxed(&q->max_ns);

	*out = (struct gc_pause_quantiles){.count = count, .max_ns = max, .last_ns = gc_get_relaxed(&q->last_ns)};
	if (!count)
		return;
	out->p50_ns = quantile(q, count, 500, max);
	out->p99_ns = quantile(q, count, 990, max);
	out->p999_ns = quantile(q, count, 999, max);
}

uint64_t gc_handshake_histogram(struct gc_heap *heap, const uint64_t *edges_ns, uint64_t *counts, unsigned count)
{
	const struct gc_quantiles *q = &heap->counters.handshake;
	uint64_t sum_ns = 0, seen = 0;
	unsigned edge = 0;

	for (unsigned i = 0; i < GC_QUANTILE_BUCKETS; i++) {
		uint64_t here = gc_get_relaxed(&q->buckets[i]);

		while (edge < count && bucket_top(i) >= edges_ns[edge])
			counts[edge++] = seen;
		seen += here;
		sum_ns += here * bucket_top(i);
	}
	while (edge < count)
		counts[edge++] = seen;
	return sum_ns;
}

/* -------------------------------------------------------------- snapshots */

static void totals_read(struct gc_heap *heap, struct gc_stats *stats)
{
	gc_lock(&heap->mutators_lock);
	stats->total_allocs = heap->detached.objects;
	stats->total_alloc_bytes = heap->detached.bytes;
	for (uint32_t i = 0; i < heap->mutators_top; i++) {
		stats->total_allocs += gc_get_relaxed(&heap->mutators[i]->pub.allocs);
		stats->total_alloc_bytes += gc_get_relaxed(&heap->mutators[i]->pub.alloc_bytes);
	}
	stats->mutators = heap->mutator_count;
	gc_unlock(&heap->mutators_lock);
}

static void cpu_read(struct gc_heap *heap, struct gc_stats *stats)
{
	const struct gc_counters *c = &heap->counters;
	uint64_t all;

	stats->worker_cpu_ns = gc_get_relaxed(&c->worker_cpu_ns);
	stats->assist_cpu_ns = gc_get_relaxed(&c->assist_cpu_ns);
	stats->idle_cpu_ns = gc_get_relaxed(&c->idle_cpu_ns);
	stats->sweep_cpu_ns = gc_get_relaxed(&c->sweep_cpu_ns);
	stats->scavenge_cpu_ns = gc_get_relaxed(&c->scavenge_cpu_ns);
	stats->handshake_cpu_ns = gc_get_relaxed(&c->handshake_cpu_ns);
	all = stats->worker_cpu_ns + stats->assist_cpu_ns + stats->idle_cpu_ns + stats->sweep_cpu_ns + stats->scavenge_cpu_ns +
	      stats->handshake_cpu_ns;
	/* Last: what was spent until then is more than the parts read before. */
	stats->process_cpu_ns = gc_os_process_cpu_ns();
	stats->gc_cpu_fraction = stats->process_cpu_ns ? (double)all / (double)stats->process_cpu_ns : 0;
}

void gc_stats(struct gc_heap *heap, struct gc_stats *stats)
{
	const struct gc_counters *c = &heap->counters;

	*stats = (struct gc_stats){0};
	/* Frees first: an object freed was counted as allocated before. */
	stats->total_frees = gc_get(&c->freed_objects);
	stats->total_freed_bytes = gc_get(&c->freed_bytes);
	totals_read(heap, stats);
	stats->heap_bytes = stats->total_alloc_bytes - stats->total_freed_bytes;
	stats->heap_objects = stats->total_allocs - stats->total_frees;
	stats->live_bytes = gc_get_relaxed(&heap->found_bytes);
	stats->goal_bytes = gc_get_relaxed(&heap->goal_bytes);
	stats->trigger_bytes = gc_get_relaxed(&heap->trigger_bytes);
	stats->limit_bytes = gc_get_relaxed(&heap->memory_limit);
	stats->grown_bytes = gc_get_relaxed(&c->grown_pages) << GC_PAGE_SHIFT;
	stats->grown_cold_bytes = gc_get_relaxed(&c->grown_cold_pages) << GC_PAGE_SHIFT;
	stats->mapped_bytes = (uint64_t)gc_get(&heap->pages_top) << GC_PAGE_SHIFT;
	stats->resident_bytes = gc_resident_bytes(heap);
	stats->cycles = gc_get_relaxed(&heap->cycles_done);
	stats->forced_cycles = gc_get_relaxed(&c->forced_cycles);
	stats->limit_cycles = gc_get_relaxed(&c->limit_cycles);
	stats->limit_lifts = gc_get_relaxed(&c->limit_lifts);
	stats->limiter_bytes = gc_get_relaxed(&heap->limiter_bytes);
	stats->minor_cycles = gc_get_relaxed(&c->minor_cycles);
	stats->gc_percent = gc_get_relaxed(&heap->percent);
	cpu_read(heap, stats);
	gc_quantiles_read(&c->handshake, &stats->handshake);
	gc_quantiles_read(&c->handshake_cpu, &stats->handshake_cpu);
	gc_quantiles_read(&c->acks, &stats->acks);
	gc_quantiles_read(&c->stop, &stats->stop);
}

/* ------------------------------------------------------------ size classes */

/* The table's entry for spans of slots of so many bytes, in ascending order; NULL: no room. */
static struct gc_size_class *class_entry(struct gc_size_class *table, unsigned *used, unsigned room, uint32_t bytes)
{
	unsigned i = 0;

	while (i < *used && table[i].slot_bytes && (table[i].slot_bytes < bytes || !bytes))
		i++;
	if (i < *used && table[i].slot_bytes == bytes)
		return &table[i];
	if (*used == room)
		return NULL;
	for (unsigned k = (*used)++; k > i; k--)
		table[k] = table[k - 1];
	table[i] = (struct gc_size_class){.slot_bytes = bytes};
	return &table[i];
}

/* Spans come and go meanwhile: each is seen as it is when it is looked at. */
unsigned gc_size_classes(struct gc_heap *heap, struct gc_size_class *table, unsigned count)
{
	uint32_t top = gc_get(&heap->pages_top);
	unsigned used = 0;

	for (uint32_t page = 1; page < top; page++) {
		struct gc_span *span = &heap->spans[page];
		struct gc_size_class *entry;
		uint64_t large;
		uint32_t slots;

		if (gc_get(&span->state) == GC_SPAN_FREE)
			continue;
		large = gc_get_relaxed(&span->object_bytes);
		slots = gc_get_relaxed(&span->used);
		entry = class_entry(table, &used, count, large ? 0 : gc_classes[gc_get_relaxed(&span->class)].slot_bytes);
		if (!entry)
			continue;
		entry->spans++;
		entry->objects += slots;
		entry->object_bytes += slots * (large ? large : entry->slot_bytes);
	}
	return used;
}

void gc_site_counts(struct gc_heap *heap, uint64_t *objects, uint64_t *bytes, unsigned count)
{
	gc_lock(&heap->mutators_lock);
	for (unsigned site = 0; site < count; site++) {
		objects[site] = bytes[site] = 0;
		if (site >= heap->site_count)
			continue;
		objects[site] = heap->detached_sites[site].objects;
		bytes[site] = heap->detached_sites[site].bytes;
		for (uint32_t i = 0; i < heap->mutators_top; i++) {
			objects[site] += gc_get_relaxed(&heap->mutators[i]->pub.sites[site].objects);
			bytes[site] += gc_get_relaxed(&heap->mutators[i]->pub.sites[site].bytes);
		}
	}
	gc_unlock(&heap->mutators_lock);
}
