/* SPDX-License-Identifier: Apache-2.0 */
/* Counting durations, and sums of the loops' counters. */
#include "metrics.h"

#include <stdbool.h>

unsigned metrics_bucket(uint64_t ns)
{
	if (ns <= metrics_edge_ns(0))
		return 0;
	unsigned log2 = 63 - (unsigned)__builtin_clzll(ns - 1);
	unsigned bucket = (log2 - METRICS_EDGE_FIRST_LOG2) * 2 + 1;
	if (bucket >= METRICS_EDGES)
		return METRICS_EDGES;
	return bucket + (ns > metrics_edge_ns(bucket));
}

static uint64_t get(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void publish(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELEASE);
}

static uint64_t observe(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

/* The odd version is seen before any new field, the even one after all. */
static void set_exemplar(struct metrics_exemplar *exemplar, uint64_t key, uint64_t duration_ns, uint64_t end_ns)
{
	uint64_t version = exemplar->version;
	publish(&exemplar->version, version + 1);
	publish(&exemplar->key, key);
	publish(&exemplar->duration_ns, duration_ns);
	publish(&exemplar->end_ns, end_ns);
	publish(&exemplar->version, version + 2);
}

/* False: it was being written, or never was. */
static bool get_exemplar(const struct metrics_exemplar *from, struct metrics_exemplar *to)
{
	to->version = observe(&from->version);
	to->key = observe(&from->key);
	to->duration_ns = observe(&from->duration_ns);
	to->end_ns = observe(&from->end_ns);
	return to->version && to->version % 2 == 0 && observe(&from->version) == to->version;
}

void metrics_duration(struct metrics *metrics, const uint64_t *key, uint64_t duration_ns, uint64_t end_ns)
{
	unsigned bucket = metrics_bucket(duration_ns);
	metrics_add(&metrics->duration[bucket], 1);
	metrics_add(&metrics->duration_sum_ns, duration_ns);
	if (key)
		set_exemplar(&metrics->exemplars[bucket], *key, duration_ns, end_ns);
}

static void add(uint64_t *total, const uint64_t *one)
{
	*total += get(one);
}

static void sum_durations(struct metrics *total, const struct metrics *one)
{
	add(&total->duration_sum_ns, &one->duration_sum_ns);
	for (unsigned i = 0; i <= METRICS_EDGES; i++) {
		struct metrics_exemplar exemplar;
		add(&total->duration[i], &one->duration[i]);
		if (get_exemplar(&one->exemplars[i], &exemplar) && exemplar.end_ns > total->exemplars[i].end_ns)
			total->exemplars[i] = exemplar;
	}
}

void metrics_sum(struct metrics *total, const struct metrics *one)
{
	add(&total->requests, &one->requests);
	for (unsigned i = 0; i < METRICS_STATUS_MAX; i++)
		add(&total->status[i], &one->status[i]);
	add(&total->lookups, &one->lookups);
	add(&total->lookup_allocs, &one->lookup_allocs);
	add(&total->lookup_alloc_bytes, &one->lookup_alloc_bytes);
	add(&total->replies_reused, &one->replies_reused);
	add(&total->replies_created, &one->replies_created);
	add(&total->malloc_bytes, &one->malloc_bytes);
	sum_durations(total, one);
}
