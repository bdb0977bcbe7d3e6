/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object, in this order: the seven numbers of the users' notes; the heap; the data; the requests; allocations per
 * lookup; run{}. A request counts as served when its answer has been written, so the
 * one that asks is not in the numbers.
 */
#include "debug_allocs.h"

#include <inttypes.h>

static void add_u64(struct buffer *buffer, const char *key, uint64_t value)
{
	buffer_add_format(buffer, "\"%s\":%" PRIu64 ",", key, value);
}

static void add_real(struct buffer *buffer, const char *key, double value)
{
	buffer_add_format(buffer, "\"%s\":%.6g,", key, value);
}

static void add_limit(struct buffer *buffer, const char *key, uint64_t value)
{
	if (value == GC_LIMIT_OFF)
		buffer_add_format(buffer, "\"%s\":\"off\",", key);
	else
		add_u64(buffer, key, value);
}

static void add_summary(struct buffer *buffer, const struct gc_stats *stats)
{
	add_u64(buffer, "live_heap", stats->live_bytes);
	add_u64(buffer, "total_alloc", stats->total_alloc_bytes);
	add_u64(buffer, "gc_cycles", stats->cycles);
	add_real(buffer, "gc_cpu_fraction", stats->gc_cpu_fraction);
	add_real(buffer, "pause_p99_ms", (double)stats->handshake.p99_ns / 1e6);
	add_real(buffer, "pause_last_ms", (double)stats->handshake.last_ns / 1e6);
	add_limit(buffer, "next_gc", stats->trigger_bytes);
}

static void add_heap(struct buffer *buffer, const struct gc_stats *stats)
{
	add_u64(buffer, "heap_bytes", stats->heap_bytes);
	add_u64(buffer, "objects", stats->heap_objects);
	add_u64(buffer, "total_allocs", stats->total_allocs);
	add_u64(buffer, "total_alloc_bytes", stats->total_alloc_bytes);
	add_u64(buffer, "total_frees", stats->total_frees);
	add_u64(buffer, "total_freed_bytes", stats->total_freed_bytes);
	add_limit(buffer, "goal", stats->goal_bytes);
	add_limit(buffer, "limit", stats->limit_bytes);
	add_u64(buffer, "mapped_bytes", stats->mapped_bytes);
	add_u64(buffer, "resident_bytes", stats->resident_bytes);
	add_u64(buffer, "forced_cycles", stats->forced_cycles);
	add_u64(buffer, "worker_cpu_ns", stats->worker_cpu_ns);
	add_u64(buffer, "assist_cpu_ns", stats->assist_cpu_ns);
	add_u64(buffer, "idle_cpu_ns", stats->idle_cpu_ns);
	add_u64(buffer, "sweep_cpu_ns", stats->sweep_cpu_ns);
	add_u64(buffer, "handshake_max_ns", stats->handshake.max_ns);
	add_u64(buffer, "stop_max_ns", stats->stop.max_ns);
}

static void add_data(struct buffer *buffer, const struct service *service)
{
	uint64_t count = store_count(service->store);
	add_u64(buffer, "records", count);
	add_u64(buffer, "seed", service->config->seed);
	buffer_add_format(buffer, "\"keys\":{\"first\":0,\"last\":%" PRIu64 "},", count - 1);
}

/* Answers with a status of 100 * hundreds and up. */
static uint64_t sum_of_class(const struct metrics *sum, unsigned hundreds)
{
	uint64_t count = 0;
	for (unsigned status = hundreds * 100; status < hundreds * 100 + 100; status++)
		count += sum->status[status];
	return count;
}

static void add_requests(struct buffer *buffer, const struct metrics *sum)
{
	add_u64(buffer, "requests", sum->requests);
	buffer_add_text(buffer, "\"responses\":{");
	for (unsigned i = 1; i < 6; i++)
		buffer_add_format(buffer, "\"%uxx\":%" PRIu64 "%s", i, sum_of_class(sum, i), i < 5 ? "," : "},");
	double lookups = sum->lookups ? (double)sum->lookups : 1;
	add_u64(buffer, "malloc_bytes", sum->malloc_bytes);
	buffer_add_text(buffer, "\"lookup\":{");
	add_u64(buffer, "count", sum->lookups);
	add_u64(buffer, "allocs", sum->lookup_allocs);
	add_u64(buffer, "alloc_bytes", sum->lookup_alloc_bytes);
	add_real(buffer, "allocs_per_request", (double)sum->lookup_allocs / lookups);
	buffer_add_format(buffer, "\"bytes_per_request\":%.6g},", (double)sum->lookup_alloc_bytes / lookups);
}

void debug_allocs_add(struct buffer *buffer, const struct service *service)
{
	struct gc_stats stats;
	gc_stats(service->heap, &stats);
	struct metrics sum;
	service_metrics(service, &sum);
	buffer_add(buffer, "{", 1);
	add_summary(buffer, &stats);
	add_heap(buffer, &stats);
	add_data(buffer, service);
	add_requests(buffer, &sum);
	buffer_add_format(buffer, "\"run\":%s}\n", service->run_info);
}
