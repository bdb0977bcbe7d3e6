/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A heap can be ended at any moment of a cycle: with marking half done, work in a worker's hands, the coordinator asleep.
 * Each round starts a cycle by allocating over the trigger and ends the heap a random time later.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

struct node {
	struct node *left, *right;
};
GC_KIND(node_kind, struct node, left, right);

#define ROUNDS 60
#define LIVE_NODES 200000

/* A list of trees, wide enough that marking takes some slices. */
static void nodes_grow(struct gc_mutator *m, struct node *head, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		GC_SCOPE(m);
		struct node *node = gc_push(m, gc_alloc(m, &node_kind, 0));
		gc_store(m, &node->left, gc_load(&head->left));
		gc_store(m, &head->left, node);
	}
}

static void heap_ends(unsigned delay_us)
{
	struct gc_config config = heap_config();
	config.gc_percent = 10;
	struct gc_heap *heap = heap_of(&config);
	struct gc_mutator *m = gc_attach(heap);
	assert_non_null(m);
	{
		GC_SCOPE(m);
		struct node *head = gc_push(m, gc_alloc(m, &node_kind, 0));
		nodes_grow(m, head, LIVE_NODES);
		if (delay_us)
			usleep(delay_us);
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

/* If it hangs, so that a waiting test says so instead of waiting for ever. */
static void ends_at_any_moment(void **state)
{
	(void)state;
	/* Torture builds would collect at every other step, each time to the end: 1,500 whole cycles a round. */
	setenv("GC_TORTURE_PERIOD", "0", 1);
	alarm(200);
	srand(7);
	for (unsigned round = 0; round < ROUNDS; round++)
		heap_ends((unsigned)rand() % 2000);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ends_at_any_moment)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
