/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One work, several memory managers: allocate and drop, binary trees, mark of a hash map of records. The manager is chosen
 * when the file is compiled (-DPEER_MLHEAP, -DPEER_BOEHM, -DPEER_MALLOC), so that each gets its best inlined code.
 * Prints one line: work, manager, what was measured. heap_bench.go is the same work in Go.
 *
 *   heap_bench drop BYTES SECONDS [THREADS]     ns per allocation, collection included
 *   heap_bench floor BYTES SECONDS              ns to write an object of the ring, nothing allocated
 *   heap_bench trees DEPTH                      seconds
 *   heap_bench mark RECORDS CYCLES              seconds per forced collection
 */
#include "heap_bench.h"

#define RING 1024
#define LIVE_BYTES (64u << 20)
#define WARM_FAULTS 64

struct node {
	struct node *next;
	uint64_t data[7];
};

struct tree {
	struct tree *left, *right;
	uint64_t value;
};

#ifdef PEER_MLHEAP
GC_KIND(node_kind, struct node, next);
GC_KIND(tree_kind, struct tree, left, right);
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

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/*
 * Until the heap has its final size: a window in which (nearly) no page was touched for the first time, 5 s at most. Returns
 * the CPU time per allocation of the first window: cold.
 */
static double warm_up(void **ring)
{
	double end = now() + 5, cold_ns = 0;
	long before;

	do {
		double used = cpu();
		uint64_t count;

		before = faults();
		count = drop(ring, drop_seconds / 3);
		if (cold_ns == 0)
			cold_ns = (cpu() - used) * 1e9 / (double)count;
	} while (faults() - before > WARM_FAULTS && now() < end);
	return cold_ns;
}

struct result {
	double ns, cpu_ns, cold_ns;
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
	result->cold_ns = warm_up(ring);
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
	printf("drop %s %s bytes=%u threads=%u ns=%.2f cpu_ns=%.2f cold_ns=%.2f rss_mb=%ld\n", MANAGER,
	       drop_plain ? "bytes" : "refs", drop_bytes, threads, ns, cpu_ns, results[0].cold_ns, rss_kib() >> 10);
	return 0;
}

/* Nothing is allocated: what writing the ring's objects costs alone. */
static __attribute__((always_inline)) inline double floor_run(char *objects, unsigned bytes, double seconds)
{
	double begin = now(), end = begin + seconds;
	uint64_t count = 0;

	do {
		for (unsigned i = 0; i < 4096; i++) {
			char *p = objects + count++ % RING * bytes;

			memset(p + 8, (int)i, bytes - 8);
			__asm__ volatile("" : : "r"(p) : "memory");
		}
	} while (now() < end);
	return (now() - begin) * 1e9 / (double)count;
}

static int work_floor(unsigned bytes, double seconds)
{
	char *objects = malloc((size_t)RING * bytes);
	double ns;

	memset(objects, 1, (size_t)RING * bytes);
	ns = bytes == 16 ? floor_run(objects, 16, seconds)
	     : bytes == 64 ? floor_run(objects, 64, seconds)
	     : bytes == 256 ? floor_run(objects, 256, seconds)
			     : floor_run(objects, 1024, seconds);

	printf("floor ring bytes=%u cpu_ns=%.2f rss_mb=%ld\n", bytes, ns, rss_kib() >> 10);
	free(objects);
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
	if (strcmp(argv[1], "floor") == 0 && argc > 3)
		return work_floor((unsigned)atoi(argv[2]), atof(argv[3]));
	if (strcmp(argv[1], "trees") == 0)
		return work_trees((unsigned)atoi(argv[2]));
	if (strcmp(argv[1], "mark") == 0)
		return work_mark((size_t)atoll(argv[2]), argc > 3 ? (unsigned)atoi(argv[3]) : 3);
	return 2;
}
