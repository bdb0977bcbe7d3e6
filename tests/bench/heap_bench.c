/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One work, several memory managers: allocate and drop, binary trees, mark of a hash map of records. The manager is chosen
 * when the file is compiled (-DPEER_MLHEAP, -DPEER_BOEHM, -DPEER_MALLOC), so that each gets its best inlined code.
 * Prints one line: work, manager, what was measured. heap_bench.go is the same work in Go.
 *
 *   heap_bench drop BYTES SECONDS [THREADS]     ns per allocation, collection included
 *   heap_bench trees DEPTH                      seconds
 *   heap_bench mark RECORDS CYCLES              seconds per forced collection
 */
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

#define RING 1024
#define LIVE_BYTES (64u << 20)

struct node {
	struct node *next;
	uint64_t data[7];
};

struct tree {
	struct tree *left, *right;
	uint64_t value;
};

struct record {
	uint64_t key;
	struct record *next;
	unsigned char *payload;
	uint64_t fields[6];
};

struct object16 {
	void *reference;
	char rest[8];
};

#ifdef PEER_MLHEAP
GC_KIND(node_kind, struct node, next);
GC_KIND(tree_kind, struct tree, left, right);
GC_KIND(record_kind, struct record, next, payload);
/* One reference word and the rest data, in the four sizes of the table. */
#define SIZED(n)                                                                                                       \
	struct sized##n {                                                                                              \
		void *reference;                                                                                       \
		char rest[n - 8];                                                                                      \
	};                                                                                                             \
	GC_KIND(sized##n##_kind, struct sized##n, reference);
SIZED(16)
SIZED(64)
SIZED(256)
SIZED(1024)
#endif

static void thread_begin(void)
{
#if defined(PEER_MLHEAP)
	m = gc_attach(heap);
#elif defined(PEER_BOEHM)




#endif
}

static void thread_end(void)
{
#if defined(PEER_MLHEAP)
	gc_detach(m);
#elif defined(PEER_BOEHM)

#endif
}

static void manager_begin(void)
{
#if defined(PEER_MLHEAP)
	struct gc_config config;
	char error[100];

	if (gc_config_init(&config, error, sizeof(error)) < 0 || gc_heap_create(&config, &heap) < 0)
		exit(1);
	m = gc_attach(heap);
#elif defined(PEER_BOEHM)
	GC_INIT();
	GC_allow_register_threads();
#endif
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long rss_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void **references_new(size_t count)
{
#if defined(PEER_MLHEAP)
	return gc_push(m, gc_alloc_array(m, &gc_kind_refs, count, 0));
#elif defined(PEER_BOEHM)
	return GC_MALLOC(count * sizeof(void *));
#else
	return calloc(count, sizeof(void *));
#endif
}

/* ------------------------------------------------------------ allocate and drop */

static inline void *sized_new(unsigned bytes)
{
#if defined(PEER_MLHEAP)
	switch (bytes) {
	case 16:
		return gc_alloc(m, &sized16_kind, 0);
	case 64:
		return gc_alloc(m, &sized64_kind, 0);
	case 256:
		return gc_alloc(m, &sized256_kind, 0);
	default:
		return gc_alloc(m, &sized1024_kind, 0);
	}
#elif defined(PEER_BOEHM)
	return GC_MALLOC(bytes);
#else
	return malloc(bytes);
#endif
}

static inline void *bytes_new(unsigned bytes)
{
#if defined(PEER_MLHEAP)
	return gc_alloc_bytes(m, bytes, 0);
#elif defined(PEER_BOEHM)
	return GC_MALLOC_ATOMIC(bytes);
#else
	return malloc(bytes);
#endif
}

static void **live;

static void live_build(void)
{
	size_t count = LIVE_BYTES / sizeof(struct node);

	live = references_new(count);
	for (size_t i = 0; i < count; i++) {
#if defined(PEER_MLHEAP)
		struct node *n = gc_alloc(m, &node_kind, 0);
#elif defined(PEER_BOEHM)
		struct node *n = GC_MALLOC(sizeof(*n));
#else
		struct node *n = calloc(1, sizeof(*n));
#endif
		memset(n->data, 1, sizeof(n->data));
		STORE(&live[i], (void *)n);
	}
}

static unsigned drop_bytes;
static double drop_seconds;
static bool drop_plain;

static __attribute__((always_inline)) inline uint64_t drop_run(void **ring, unsigned bytes, bool plain, double seconds)
{
	uint64_t count = 0;
	double end = now() + seconds;

	do {
		for (unsigned i = 0; i < 4096; i++) {
			void *p = plain ? bytes_new(bytes) : sized_new(bytes);

			memset(plain ? p : (char *)p + 8, (int)i, plain ? bytes : bytes - 8);
			FREE(ring[count % RING]);
			STORE(&ring[count++ % RING], p);
		}
	} while (now() < end);
	return count;
}

static uint64_t drop(void **ring, double seconds)
{
	switch (drop_bytes) {
	case 16:
		return drop_run(ring, 16, drop_plain, seconds);
	case 64:
		return drop_run(ring, 64, drop_plain, seconds);
	case 256:
		return drop_run(ring, 256, drop_plain, seconds);
	default:
		return drop_run(ring, 1024, drop_plain, seconds);
	}
}

struct result {
	double ns, cpu_ns;
	pthread_t thread;
};

static void *drop_main(void *argument)
{
	struct result *result = argument;
	void **ring;
	uint64_t count;
	double begin, used;

	thread_begin();
	ring = references_new(RING);
	drop(ring, drop_seconds / 2);
	begin = now();
	used = cpu();
	count = drop(ring, drop_seconds);
	result->ns = (now() - begin) * 1e9 / (double)count;
	result->cpu_ns = (cpu() - used) * 1e9 / (double)count;
#ifdef PEER_MLHEAP
	gc_pop(m, 1);
#endif
	thread_end();
	return NULL;
}

static int work_drop(unsigned threads)
{
	struct result results[16];
	double ns = 0, cpu_ns = 0;

	live_build();
#ifdef PEER_MLHEAP
	gc_park(m);
#endif
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&results[i].thread, NULL, drop_main, &results[i]);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(results[i].thread, NULL);
		ns += results[i].ns / threads;
		cpu_ns += results[i].cpu_ns / threads / threads;
	}
	printf("drop %s %s bytes=%u threads=%u ns=%.2f cpu_ns=%.2f rss_mb=%ld\n", MANAGER, drop_plain ? "bytes" : "refs", drop_bytes,
	       threads, ns, cpu_ns, rss_kib() >> 10);
	return 0;
}

/* -------------------------------------------------------------------- trees */

static struct tree *tree_new(unsigned depth)
{
#if defined(PEER_MLHEAP)
	struct tree *t = gc_push(m, gc_alloc(m, &tree_kind, 0));
#elif defined(PEER_BOEHM)
	struct tree *t = GC_MALLOC(sizeof(*t));
#else
	struct tree *t = malloc(sizeof(*t));

	t->left = t->right = NULL;
#endif
	if (depth) {
		STORE(&t->left, tree_new(depth - 1));
		STORE(&t->right, tree_new(depth - 1));
	}
#ifdef PEER_MLHEAP
	gc_pop(m, 1);
#endif
	return t;
}

static uint64_t tree_check(struct tree *t)
{
	struct tree *left = LOAD(&t->left);

	return left ? 1 + tree_check(left) + tree_check(LOAD(&t->right)) : 1;
}

static void tree_free(struct tree *t)
{
#ifdef PEER_MALLOC
	if (t->left) {
		tree_free(t->left);
		tree_free(t->right);
	}
	free(t);
#else
	(void)t;
#endif
}

static struct tree *tree_keep(struct tree *t)
{
#ifdef PEER_MLHEAP
	gc_push(m, t);
#endif
	return t;
}

static int work_trees(unsigned depth)
{
	double begin = now();
	struct tree *t = tree_new(depth + 1), *kept;
	uint64_t nodes = tree_check(t);

	tree_free(t);
	kept = tree_keep(tree_new(depth));
	for (unsigned d = 4; d <= depth; d += 4)
		for (unsigned i = 0; i < 1u << (depth - d + 4); i++) {
			t = tree_keep(tree_new(d));
			nodes += tree_check(t);
#ifdef PEER_MLHEAP
			gc_pop(m, 1);
#endif
			tree_free(t);
		}
	nodes += tree_check(kept);
	printf("trees %s depth=%u nodes=%llu seconds=%.3f cpu=%.3f rss_mb=%ld\n", MANAGER, depth, (unsigned long long)nodes,
	       now() - begin, cpu(), rss_kib() >> 10);
	return 0;
}

/* --------------------------------------------------------------------- mark */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* Records are inserted in random order of buckets, so that the table refers all over the heap. */
static void **map_build(size_t records)
{
	void **table = references_new(records);
	uint64_t state = 88172645463325252ull;

	for (size_t i = 0; i < records; i++) {
		size_t bucket = random_next(&state) % records, bytes = 32 + random_next(&state) % 225;
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
		r->key = i;
		STORE(&r->payload, payload);
		STORE(&r->next, (struct record *)LOAD(&table[bucket]));
		STORE(&table[bucket], (void *)r);
	}
	return table;
}

static int work_mark(size_t records, unsigned cycles)
{
	void **table = map_build(records);

	for (unsigned i = 0; i < cycles; i++) {
		double begin = now(), used = cpu();
#if defined(PEER_MLHEAP)
		struct gc_stats stats;

		gc_collect(m);
		gc_stats(heap, &stats);
		used = cpu() - used;
		printf("mark %s records=%zu seconds=%.4f cpu=%.4f live_mb=%llu rss_mb=%ld\n", MANAGER, records,
		       now() - begin, used, (unsigned long long)stats.live_bytes >> 20, rss_kib() >> 10);
#elif defined(PEER_BOEHM)
		GC_gcollect();
		printf("mark %s records=%zu seconds=%.4f cpu=%.4f rss_mb=%ld\n", MANAGER, records, now() - begin,
		       cpu() - used, rss_kib() >> 10);
#else
		(void)begin, (void)used;
#endif
	}
	return table == NULL;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	manager_begin();
	if (strcmp(argv[1], "drop") == 0 && argc > 3) {
		drop_bytes = (unsigned)atoi(argv[2]);
		drop_seconds = atof(argv[3]);
		drop_plain = argc > 5;
		return work_drop(argc > 4 ? (unsigned)atoi(argv[4]) : 1);
	}
	if (strcmp(argv[1], "trees") == 0)
		return work_trees((unsigned)atoi(argv[2]));
	if (strcmp(argv[1], "mark") == 0)
		return work_mark((size_t)atoll(argv[2]), argc > 3 ? (unsigned)atoi(argv[3]) : 3);
	return 2;
}
