/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What heap_bench.c and heap_churn.c share: the memory managers behind one set of names, clocks, and the map of records.
 */
#ifndef MEMLAB_BENCH_HEAP_BENCH_H
#define MEMLAB_BENCH_HEAP_BENCH_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(PEER_MLHEAP)
#include "../../svc/heap/gc.h"
#define MANAGER "mlheap"
static struct gc_heap *heap;
static __thread struct gc_mutator *m;
#define FREE(p) ((void)(p))
#define STORE(slot, value) gc_store(m, slot, value)
#define LOAD(slot) gc_load(slot)
#elif defined(PEER_BOEHM)
#define GC_THREADS
#include <gc.h>
#define MANAGER "bdwgc"
#define FREE(p) ((void)(p))
#define STORE(slot, value) (*(slot) = (value))
#define LOAD(slot) (*(slot))
#else
#ifndef MANAGER
#define MANAGER "malloc"
#endif
#define PEER_MALLOC 1
#define FREE(p) free(p)
#define STORE(slot, value) (*(slot) = (value))
#define LOAD(slot) (*(slot))
#endif

struct record {
	uint64_t key;
	struct record *next;
	unsigned char *payload;
	uint64_t fields[6];
};

#ifdef PEER_MLHEAP
GC_KIND(record_kind, struct record, next, payload);
#endif

/* bdwgc registers threads by itself. */
static inline void thread_begin(void)
{
#if defined(PEER_MLHEAP)
	m = gc_attach(heap);
#endif
}

static inline void thread_end(void)
{
#if defined(PEER_MLHEAP)
	gc_detach(m);
#endif
}

static inline void manager_begin(void)
{
#if defined(PEER_MLHEAP)
	struct gc_config config;
	char error[100];

	if (gc_config_init(&config, error, sizeof(error)) < 0)
		exit(1);
	config.limiter = !getenv("GC_CHURN_LIMITER") || strcmp(getenv("GC_CHURN_LIMITER"), "0") != 0;
	if (gc_heap_create(&config, &heap) < 0)
		exit(1);
	m = gc_attach(heap);
#elif defined(PEER_BOEHM)
	GC_INIT();
	GC_allow_register_threads();
#endif
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline long rss_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static inline void **references_new(size_t count)
{
#if defined(PEER_MLHEAP)
	return gc_push(m, gc_alloc_array(m, &gc_kind_refs, count, 0));
#elif defined(PEER_BOEHM)
	return GC_MALLOC(count * sizeof(void *));
#else
	return calloc(count, sizeof(void *));
#endif
}

static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* A record with its payload of random length; nothing holds it until the caller stores it, before the next allocation. */
static inline struct record *record_new(uint64_t *state, uint64_t key)
{
	size_t bytes = 32 + random_next(state) % 225;
	struct record *r;
	unsigned char *payload;
#if defined(PEER_MLHEAP)
	r = gc_push(m, gc_alloc(m, &record_kind, 0));
	payload = gc_alloc_bytes(m, bytes, 0);
	gc_pop(m, 1);
#elif defined(PEER_BOEHM)
	r = GC_MALLOC(sizeof(*r));
	payload = GC_MALLOC_ATOMIC(bytes);
#else
	r = malloc(sizeof(*r));
	payload = malloc(bytes);
#endif
	memset(payload, 1, bytes);
	r->key = key;
	STORE(&r->payload, payload);
	return r;
}

/* Records are inserted in random order of buckets, so that the table refers all over the heap. */
static inline void **map_build(size_t records)
{
	void **table = references_new(records);
	uint64_t state = 88172645463325252ull;

	for (size_t i = 0; i < records; i++) {
		size_t bucket = random_next(&state) % records;
		struct record *r = record_new(&state, i);

		STORE(&r->next, (struct record *)LOAD(&table[bucket]));
		STORE(&table[bucket], (void *)r);
	}
	return table;
}

#endif
