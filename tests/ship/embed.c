/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed.c: a program that keeps its data in memlab's collected heap. Two threads build and drop binary
 * trees, a third reference keeps one of them; at the end the heap is verified. Built against an installed
 * library: cc embed.c $(pkg-config --cflags --libs memlab-heap)
 */
#include <gc.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct tree {
	struct tree *left, *right;
	uint64_t depth;
};
GC_KIND(tree_kind, struct tree, left, right);

enum { THREADS = 2, ROUNDS = 200, DEPTH = 10 };

static struct gc_heap *heap;
static struct tree *kept; /* a global root */

/* Every value that must survive a [safepoint] call is pushed first; the scope pops it. */
static struct tree *tree_new(struct gc_mutator *m, uint64_t depth)
{
	GC_SCOPE(m);
	struct tree *tree = gc_push(m, gc_alloc(m, &tree_kind, 0));

	tree->depth = depth;
	if (depth > 0) {
		gc_store(m, &tree->left, tree_new(m, depth - 1));
		gc_store(m, &tree->right, tree_new(m, depth - 1));
	}
	return tree;
}

static uint64_t tree_count(const struct tree *tree)
{
	return tree ? 1 + tree_count(gc_load(&tree->left)) + tree_count(gc_load(&tree->right)) : 0;
}

static void *churn(void *unused)
{
	struct gc_mutator *m = gc_attach(heap);

	for (int round = 0; round < ROUNDS; round++)
		gc_store(m, &kept, tree_new(m, DEPTH));
	gc_detach(m);
	return unused;
}

/* pthread_join sleeps, so the thread parks: the collector does not wait for it. */
static void run_threads(struct gc_mutator *m)
{
	pthread_t threads[THREADS];

	gc_park(m);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	gc_unpark(m);
}

static int report(struct gc_mutator *m)
{
	struct gc_stats stats;
	unsigned violations;

	gc_collect(m);
	violations = gc_verify(heap, m, stderr);
	gc_stats(heap, &stats);
	printf("%" PRIu64 " nodes kept, %" PRIu64 " allocated, %" PRIu64 " cycles, longest handshake %" PRIu64
	       " us, %u violations\n",
	       tree_count(gc_load(&kept)), stats.total_allocs, stats.cycles, stats.handshake.max_ns / 1000, violations);
	return violations > 0;
}

int main(void)
{
	struct gc_config config;
	char error[128];
	int status = gc_config_init(&config, error, sizeof(error));

	if (status == 0)
		status = gc_heap_create(&config, &heap);
	if (status) {
		fprintf(stderr, "embed: no heap: %s; check GOGC and GOMEMLIMIT\n",
			status == -EINVAL ? error : strerror(-status));
		return 1;
	}
	struct gc_mutator *m = gc_attach(heap);
	gc_root_add(heap, &kept, 1);
	run_threads(m);
	status = report(m);
	gc_root_remove(heap, &kept);
	gc_detach(m);
	gc_heap_destroy(heap);
	return status;
}
